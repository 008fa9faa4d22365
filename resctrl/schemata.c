/* SPDX-License-Identifier: Apache-2.0 */
/* Lines like "L3:0=ff;1=3" and "MB:0=50". */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/own.h"
#include "base/path.h"
#include "base/text.h"

#include "parts.h"

static bool is_bandwidth(const char *line)
{
	return text_begins(line + strspn(line, " \t"), "MB:");
}

/* Each line of text, but those of bandwidth when without is set. */
static const char *append(const char *so_far, const char *text, bool without, struct arena *arena)
{
	while (text && *text) {
		size_t length = strcspn(text, "\n");

		if (length > 0 && !(without && is_bandwidth(text)))
			so_far = arena_format(arena, "%s%.*s\n", so_far ? so_far : "", (int)length,
			                      text);
		text += length + (text[length] == '\n');
	}
	return so_far;
}

const char *schemata_join(const char *l3, const char *bandwidth, const text_list *more,
                          struct arena *arena)
{
	const char *all = append(NULL, l3, bandwidth && *bandwidth, arena);

	all = append(all, bandwidth, false, arena);
	for (size_t i = 0; more && i < more->count; i++)
		all = append(all, more->item[i], false, arena);
	return all;
}

/* ---- comparing ---- */

struct word_of {
	const char *at;
	size_t length;
};

/* The next piece of *text up to one of these ends, without spaces and leading zeros. */
static struct word_of next(const char **text, const char *ends)
{
	const char *at = *text + strspn(*text, " \t");
	size_t length = strcspn(at, ends);

	*text = at + length;
	while (length > 0 && (at[length - 1] == ' ' || at[length - 1] == '\t'))
		length--;
	while (length > 1 && *at == '0') {
		at++;
		length--;
	}
	return (struct word_of){at, length};
}

static bool same(struct word_of a, struct word_of b)
{
	return a.length == b.length && strncasecmp(a.at, b.at, a.length) == 0;
}

/* The value of a domain of a resource; length 0: there is none. */
static struct word_of value_of(const char *text, struct word_of resource, struct word_of domain)
{
	while (*text) {
		bool found = same(next(&text, ":\n"), resource);

		while (*text == ':' || *text == ';') {
			struct word_of name, value;

			text++;
			name = next(&text, "=;\n");
			if (*text != '=')
				continue;
			text++;
			value = next(&text, ";\n");
			if (found && same(name, domain))
				return value;
		}
		text += *text != '\0';
	}
	return (struct word_of){text, 0};
}

bool schemata_agree(const char *asked, const char *there)
{
	while (*asked) {
		struct word_of resource = next(&asked, ":\n");

		while (*asked == ':' || *asked == ';') {
			struct word_of name;

			asked++;
			name = next(&asked, "=;\n");
			if (*asked != '=')
				continue;
			asked++;
			if (!same(next(&asked, ";\n"), value_of(there, resource, name)))
				return false;
		}
		asked += *asked != '\0';
	}
	return true;
}

/* ---- writing ---- */

/* The kernel says EINVAL for all; which line it was and why stands in a file. */
static void add_reason(int root, struct error *err)
{
	struct error ignored;
	char said[96];

	if (fd_read_line(root, "info/last_cmd_status", said, sizeof(said), &ignored) < 0 ||
	    strcmp(said, "ok") == 0)
		return;
	(void)snprintf(err->reason + strlen(err->reason), sizeof(err->reason) - strlen(err->reason),
	               " (%s)", said);
}

int schemata_write(int root, const char *group, const char *schemata, struct error *err)
{
	owned_fd dir = path_open_strict(root, group, O_PATH | O_DIRECTORY, err);

	if (dir < 0)
		return -1;
	if (fd_write_file(dir, "schemata", schemata, err) == 0)
		return 0;
	add_reason(root, err);
	return error_within(err, "%s", group);
}

int schemata_check(int root, const char *group, const char *asked, struct error *err)
{
	owned_fd dir = path_open_strict(root, group, O_PATH | O_DIRECTORY, err);
	owned_arena struct arena *arena = arena_new((size_t)2 * SCHEMATA_LIMIT);
	size_t length;
	char *there;

	if (!arena)
		return fail(err, ERROR_SYSTEM, group, "out of memory");
	if (dir < 0 ||
	    fd_read_file(dir, "schemata", SCHEMATA_LIMIT, arena, &there, &length, err) < 0)
		return -1;
	if (!schemata_agree(asked, there))
		return fail(err, ERROR_CONFIG, group,
		            "the group is there, with other schemata than these");
	return 0;
}
