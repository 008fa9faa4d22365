/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/table.h"
#include "base/text.h"

#include "systemd.h"

enum { CPUS_MOST = 8192 };

static int number(const char *text, uint64_t *ret)
{
	int64_t negative;

	if (strcmp(text, "infinity") == 0)
		*ret = UINT64_MAX;
	else if (text_to_i64(text, &negative))
		*ret = (uint64_t)negative;
	else if (!text_to_u64(text, ret))
		return -EINVAL;
	return 0;
}

static int append_number(sd_bus_message *m, const char *type, const char *value)
{
	uint64_t n;
	int r = number(value, &n);

	if (r < 0)
		return r;
	if ((*type == 'u' && n > UINT32_MAX) || (*type == 'i' && (int64_t)n != (int32_t)n))
		return -ERANGE;
	if (*type == 'i' || *type == 'u')
		return sd_bus_message_append(m, "v", type, (uint32_t)n);
	return sd_bus_message_append(m, "v", type, n);
}

static int append_text(sd_bus_message *m, const char *type, const char *value)
{
	return sd_bus_message_append(m, "v", type, value);
}

static int append_bool(sd_bus_message *m, const char *type, const char *value)
{
	return sd_bus_message_append(m, "v", type, strcmp(value, "true") == 0);
}

/* Each line by a function, in an array in a variant; an empty one is an element too. */
static int append_lines(sd_bus_message *m, const char *variant, const char *element, char *lines,
                        int (*append)(sd_bus_message *m, char *line))
{
	int r = sd_bus_message_open_container(m, 'v', variant);

	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', element);
	while (*lines && r >= 0) {
		char *line = lines;
		size_t length = strcspn(lines, "\n");

		lines += length + (lines[length] == '\n');
		line[length] = '\0';
		r = append(m, line);
	}
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_word(sd_bus_message *m, char *line)
{
	return sd_bus_message_append(m, "s", line);
}

/* "PATH NUMBER" */
static int append_rate(sd_bus_message *m, char *line)
{
	char *space = strrchr(line, ' ');
	uint64_t n;

	if (!space || number(space + 1, &n) < 0)
		return -EINVAL;
	*space = '\0';
	return sd_bus_message_append(m, "(st)", line, n);
}

/* "0-3,8" as a mask, a bit each, the first in the lowest bit of the first byte. */
static int append_mask(sd_bus_message *m, const char *value)
{
	uint8_t mask[CPUS_MOST / 8] = {0};
	size_t length = 0;

	while (*value) {
		uint32_t first, last;
		char word[32];
		size_t n = strcspn(value, ",");
		char *dash;

		if (n == 0 || n >= sizeof(word))
			return -EINVAL;
		memcpy(word, value, n);
		word[n] = '\0';
		dash = strchr(word, '-');
		if (dash)
			*dash++ = '\0';
		if (!text_to_u32(word, &first) || !text_to_u32(dash ? dash : word, &last) ||
		    last < first || last >= CPUS_MOST)
			return -EINVAL;
		for (uint32_t cpu = first; cpu <= last; cpu++)
			mask[cpu / 8] |= (uint8_t)(1U << cpu % 8);
		length = last / 8 + 1 > length ? last / 8 + 1 : length;
		value += n + (value[n] == ',');
	}
	if (sd_bus_message_open_container(m, 'v', "ay") < 0 ||
	    sd_bus_message_append_array(m, 'y', mask, length) < 0)
		return -EINVAL;
	return sd_bus_message_close_container(m);
}

static int append_value(sd_bus_message *m, const char *type, char *value)
{
	static const struct {
		const char *type;
		int (*append)(sd_bus_message *m, const char *type, const char *value);
	} plain[] = {
		{"s", append_text  },
                {"b", append_bool  },
                {"i", append_number},
		{"u", append_number},
                {"x", append_number},
                {"t", append_number},
	};

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (strcmp(plain[i].type, type) == 0)
			return plain[i].append(m, type, value);
	if (strcmp(type, "as") == 0)
		return append_lines(m, "as", "s", value, append_word);
	if (strcmp(type, "ast") == 0)
		return append_lines(m, "a(st)", "(st)", value, append_rate);
	return strcmp(type, "ay") == 0 ? append_mask(m, value) : -EINVAL;
}

int property_append(sd_bus_message *m, const char *name, const char *type, const char *value,
                    struct error *err)
{
	char copy[4096];
	int r;

	if (strlen(value) >= sizeof(copy))
		return fail(err, ERROR_CONFIG, name, "longer than %zu bytes", sizeof(copy) - 1);
	memcpy(copy, value, strlen(value) + 1);
	r = sd_bus_message_open_container(m, 'r', "sv");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", name);
	if (r >= 0)
		r = append_value(m, type, copy);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	if (r < 0)
		return fail(err, ERROR_CONFIG, name, "'%.60s' is no value of the type %s", value,
		            type);
	return 0;
}
