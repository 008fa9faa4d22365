/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "resctrl/parts.h"

#include "must.h"

/* linux.intelRdt: what a config asks of a group that is there. Of lines that say one thing in many ways, with spaces,
 * zeros in front and letters of either case, it is told whether they agree; of any other lines, something. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RESOURCES = 3, DOMAINS = 4 };

static const char *const resources[RESOURCES] = {"L3", "MB", "L2CODE"};

struct play {
	struct reader in;
	struct arena *arena;
};

/* 0: it is not mentioned. */
typedef uint8_t values[RESOURCES][DOMAINS];

static const char *space(struct play *p)
{
	static const char *const spaces[] = {"", "", "", " ", "\t", "  "};

	return spaces[read_u8(&p->in) % 6];
}

static void write_value(struct play *p, uint8_t value, struct text *out)
{
	uint8_t how = read_u8(&p->in);

	text_append(out, space(p));
	text_append_n(out, "000", how % 4);
	text_format(out, how & 4 ? "%x" : "%X", value);
	text_append(out, space(p));
}

static void write_line(struct play *p, unsigned int resource, const uint8_t *value,
                       struct text *out)
{
	bool more = false;

	text_format(out, "%s%s%s:", space(p), resources[resource], space(p));
	for (uint8_t d = 0; d < DOMAINS; d++) {
		if (!value[d])
			continue;
		text_append(out, more ? ";" : "");
		write_value(p, d, out);
		text_append(out, "=");
		write_value(p, value[d], out);
		more = true;
	}
	text_append(out, "\n");
}

static void check_known(struct play *p)
{
	values there, asked;
	owned_text struct text one = {0}, other = {0};
	bool agree = true;

	for (unsigned int i = 0; i < RESOURCES; i++)
		for (unsigned int d = 0; d < DOMAINS; d++) {
			uint8_t how = read_u8(&p->in);

			there[i][d] = how & 1 ? 1 + how / 4 : 0;
			asked[i][d] = how & 2 ? there[i][d] : 0;
			if (how > 250)
				asked[i][d] = 1 + read_u8(&p->in) % 64;
			agree = agree && (!asked[i][d] || asked[i][d] == there[i][d]);
		}
	for (unsigned int i = 0; i < RESOURCES; i++) {
		write_line(p, i, there[i], &one);
		write_line(p, RESOURCES - 1 - i, asked[RESOURCES - 1 - i], &other);
	}
	must(schemata_agree(other.bytes, one.bytes) == agree);
}

static const char *some_text(struct play *p)
{
	size_t length = read_u8(&p->in);
	const char *bytes;

	if (length > p->in.left)
		length = p->in.left;
	bytes = read_bytes(&p->in, length);
	return arena_text_n(p->arena, bytes ? bytes : "", length);
}

/* Each line that was given, in this order, ends with a newline; of an L3 member no bandwidth where that is given. */
static void check_join(struct play *p)
{
	const char *l3 = some_text(p), *bandwidth = some_text(p), *line = some_text(p);
	const text_list more = {&line, 1};
	const char *all = schemata_join(l3, bandwidth, &more, p->arena);
	size_t length = all ? strlen(all) : 0;

	must((length == 0) == !all);
	must(length == 0 || (all[length - 1] == '\n' && all[0] != '\n' && !strstr(all, "\n\n")));
	must(length <= strlen(l3) + strlen(bandwidth) + strlen(line) + 3);
	if (all)
		(void)schemata_agree(all, l3);
	(void)schemata_agree(l3, all ? all : bandwidth);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct play p = {.in = reader_of(data, size), .arena = arena};

	must(arena);
	if (read_u8(&p.in) & 1)
		check_known(&p);
	else
		check_join(&p);
	return 0;
}
