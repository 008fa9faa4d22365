/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/table.h"
#include "base/text.h"

#include "lines.h"

enum { FILE_LIMIT = 1 << 20 };

/* A file that is not there. EOPNOTSUPP: the kernel was told not to count it (psi=0). EISDIR: a cgroup
 * that a container with rights below its own has given the name of such a file. */
static bool is_absent(const struct error *err)
{
	return err->errnum == ENOENT || err->errnum == EOPNOTSUPP || err->errnum == EISDIR;
}

/* The whole lines of a file. */
static int read_lines(int dir, const char *file, struct arena *arena, char **ret_text,
                      struct error *err)
{
	char *end;

	if (fd_read_file(dir, file, FILE_LIMIT, arena, ret_text, NULL, err) < 0)
		return is_absent(err) ? 0 : -1;
	end = strrchr(*ret_text, '\n');
	if (end)
		end[1] = '\0';
	else
		(*ret_text)[0] = '\0';
	return 1;
}

/* The next line, ended by a NUL instead of its newline; NULL behind the last. */
static char *next_line(char **text)
{
	char *line = *text;
	size_t length = strcspn(line, "\n");

	if (!*line)
		return NULL;
	line[length] = '\0';
	*text = line + length + 1;
	return line;
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

int lines_number(int dir, const char *file, struct arena *arena, uint64_t *ret, struct error *err)
{
	char *text = NULL;
	const char *line;
	int there = read_lines(dir, file, arena, &text, err);

	if (there <= 0)
		return there;
	line = next_line(&text);
	if (!line || *text)
		return fail(err, ERROR_SYSTEM, file, "not one line: expected a number or 'max'");
	if (strcmp(line, "max") == 0)
		*ret = STATS_NO_LIMIT;
	else if (!text_to_u64(line, ret))
		return fail(err, ERROR_SYSTEM, file, "'%.40s': expected a number or 'max'", line);
	return 1;
}

int lines_counters(int dir, const char *file, struct arena *arena, struct counters *ret,
                   struct error *err)
{
	char *text = NULL;
	char *line;
	int there = read_lines(dir, file, arena, &text, err);

	if (there <= 0)
		return there;
	ret->count = 0;
	ret->item = arena_alloc(arena, count_lines(text) + 1, sizeof(*ret->item));
	if (!ret->item)
		return arena_check(arena, err);
	while ((line = next_line(&text))) {
		char *number = strchr(line, ' ');
		struct counter *counter = &ret->item[ret->count];

		if (!number || number == line || !text_to_u64(number + 1, &counter->value))
			continue;
		*number = '\0';
		counter->name = line;
		ret->count++;
	}
	return 1;
}

/* ---- KEY=VALUE words ---- */

/* The next word of a line, split at its '='; NULL behind the last. A word without '=' has the value
 * "", which is no number. */
static char *next_word(char **save, const char **ret_value)
{
	char *word = strtok_r(NULL, " ", save);
	char *equals = word ? strchr(word, '=') : NULL;

	*ret_value = equals ? equals + 1 : "";
	if (equals)
		*equals = '\0';
	return word;
}

/* "1.91": the kernel writes two digits behind the point. */
static bool to_hundredths(const char *text, uint32_t *ret)
{
	char digits[16];
	size_t whole = strcspn(text, ".");
	uint32_t percent;

	if (whole == 0 || whole >= sizeof(digits) || strlen(text) != whole + 3)
		return false;
	memcpy(digits, text, whole);
	digits[whole] = '\0';
	if (!text_to_u32(digits, &percent) || percent > UINT32_MAX / 100 - 1 ||
	    strspn(text + whole + 1, "0123456789") != 2)
		return false;
	*ret = percent * 100 + (uint32_t)(text[whole + 1] - '0') * 10 +
	       (uint32_t)(text[whole + 2] - '0');
	return true;
}

static bool read_share(char **save, struct pressure_share *share)
{
	unsigned int seen = 0;
	const char *value;
	char *key;

	while ((key = next_word(save, &value))) {
		const struct {
			const char *key;
			uint32_t *average;
		} averages[] = {
			{"avg10",  &share->avg10 },
			{"avg60",  &share->avg60 },
			{"avg300", &share->avg300}
                };

		for (size_t i = 0; i < ARRAY_SIZE(averages); i++)
			if (strcmp(key, averages[i].key) == 0 &&
			    to_hundredths(value, averages[i].average))
				seen |= 1U << i;
		if (strcmp(key, "total") == 0 && text_to_u64(value, &share->total))
			seen |= 8;
	}
	return seen == 15;
}

int lines_pressure(int dir, const char *file, struct arena *arena, struct pressure *ret,
                   struct error *err)
{
	char *text = NULL;
	char *line;
	int there = read_lines(dir, file, arena, &text, err);

	*ret = (struct pressure){0};
	if (there <= 0)
		return there;
	while ((line = next_line(&text))) {
		char *save = NULL;
		const char *who = strtok_r(line, " ", &save);
		struct pressure_share share = {.set = true};

		if (!who || (strcmp(who, "some") != 0 && strcmp(who, "full") != 0))
			continue;
		if (!read_share(&save, &share))
			return fail(err, ERROR_SYSTEM, file,
			            "'%.10s': expected avg10, avg60, avg300 and total", who);
		*(*who == 's' ? &ret->some : &ret->full) = share;
	}
	return 1;
}

/* ---- io.stat ---- */

/* v2's keys in v1's words, as readers of runc's events know them. */
static const struct io_key {
	const char *key, *operation;
	bool requests;
} io_keys[] = {
	{"rbytes", "Read",    false},
        {"wbytes", "Write",   false},
        {"dbytes", "Discard", false},
	{"rios",   "Read",    true },
        {"wios",   "Write",   true },
        {"dios",   "Discard", true },
};

static const struct io_key *find_key(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(io_keys); i++)
		if (strcmp(io_keys[i].key, key) == 0)
			return &io_keys[i];
	return NULL;
}

/* "8:16" */
static bool read_device(char *word, struct io_count *count)
{
	char *colon = strchr(word, ':');

	if (!colon)
		return false;
	*colon = '\0';
	return text_to_u64(word, &count->major) && text_to_u64(colon + 1, &count->minor);
}

/* One line, cut into its words. The first of equal keys counts, for room is for one of each. */
static int read_device_line(char *line, struct io_counts *const to[2], const char *file,
                            struct error *err)
{
	char *save = NULL;
	char *device = strtok_r(line, " ", &save);
	struct io_count count = {0};
	unsigned int seen = 0;
	const char *value;
	const char *key;

	if (!device || !read_device(device, &count))
		return 0;
	while ((key = next_word(&save, &value))) {
		const struct io_key *known = find_key(key);
		struct io_counts *counts;

		if (!known || (seen & 1U << (known - io_keys)))
			continue;
		if (!text_to_u64(value, &count.value))
			return fail(err, ERROR_SYSTEM, file, "%s: '%.40s' is not a number", key,
			            value);
		seen |= 1U << (known - io_keys);
		count.operation = known->operation;
		counts = to[known->requests];
		counts->item[counts->count++] = count;
	}
	return 0;
}

int lines_io(int dir, const char *file, struct arena *arena, struct io_counts *ret_bytes,
             struct io_counts *ret_requests, struct error *err)
{
	struct io_counts *const to[] = {ret_bytes, ret_requests};
	char *text = NULL;
	char *line;
	int there = read_lines(dir, file, arena, &text, err);
	size_t most = there > 0 ? count_lines(text) * ARRAY_SIZE(io_keys) / 2 + 1 : 0;

	if (there <= 0)
		return there;
	for (size_t i = 0; i < ARRAY_SIZE(to); i++) {
		*to[i] = (struct io_counts){.item = arena_alloc(arena, most, sizeof(*to[i]->item))};
		if (!to[i]->item)
			return arena_check(arena, err);
	}
	while ((line = next_line(&text)))
		if (read_device_line(line, to, file, err) < 0)
			return -1;
	return 1;
}
