/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/own.h"
#include "base/process.h"

#include "ps_filter.h"

enum { LINE_SIZE = 64 << 10, WORDS_MOST = 256 };

/* The word in a column, and its length; NULL behind the last one. */
static const char *word_in(const char *line, int column, size_t *ret_length)
{
	static const char blanks[] = " \t";

	for (line += strspn(line, blanks); *line; line += strspn(line, blanks)) {
		*ret_length = strcspn(line, blanks);
		if (column-- == 0)
			return line;
		line += *ret_length;
	}
	return NULL;
}

int ps_column(const char *heading)
{
	const char *word;
	size_t length;

	for (int column = 0; (word = word_in(heading, column, &length)); column++)
		if (length == strlen("PID") && strncmp(word, "PID", length) == 0)
			return column;
	return -1;
}

bool ps_line_is_of(const char *line, int column, const pid_t *pids, size_t count)
{
	size_t length;
	const char *word = word_in(line, column, &length);
	char text[16];
	uint32_t pid;

	if (!word || length >= sizeof(text))
		return false;
	memcpy(text, word, length);
	text[length] = '\0';
	if (!text_to_u32(text, &pid))
		return false;
	for (size_t i = 0; i < count; i++)
		if ((uint32_t)pids[i] == pid)
			return true;
	return false;
}

static void append_line(struct text *out, const char *line)
{
	text_append(out, line);
	text_append(out, "\n");
}

/* What it says is its complaint when it fails: stdout and stderr are one. */
static int filter(int answer, const pid_t *pids, size_t count, char *line, struct text *out)
{
	int column;

	while (helper_line(answer, line, LINE_SIZE) && !*line)
		; /* its complaint may begin with an empty one */
	column = ps_column(line);
	if (column < 0)
		return -1;
	append_line(out, line);
	while (helper_line(answer, line, LINE_SIZE))
		if (ps_line_is_of(line, column, pids, count))
			append_line(out, line);
	return 0;
}

int ps_filter(char *const *words, const pid_t *pids, size_t count, struct arena *arena,
              struct text *out, struct error *err)
{
	static char name[] = "ps";
	const struct helper_options options = {.input = STDIN_FILENO, .ends_with_caller = true};
	char *line = arena_alloc(arena, LINE_SIZE, 1);
	char *args[WORDS_MOST + 2] = {name};
	struct helper helper;
	owned_fd answer = -1;
	int filtered, status;
	size_t i;

	for (i = 0; words[i] && i < WORDS_MOST; i++)
		args[i + 1] = words[i];
	if (words[i])
		return fail(err, ERROR_USAGE, "ps", "more than %d arguments for ps", WORDS_MOST);
	if (arena_check(arena, err) < 0 || helper_start(args, &options, &helper, err) < 0)
		return -1;
	answer = helper.answer;
	filtered = filter(answer, pids, count, line, out);
	(void)close(take_fd(&answer)); /* what is still to come is not wanted */
	status = process_wait(helper.pid, err);
	if (status < 0)
		return -1;
	if (status == HELPER_NOT_RUN)
		return fail(err, ERROR_UNSUPPORTED, "ps", "there is no program 'ps' in $PATH");
	if (filtered < 0 && status == 0)
		return fail(err, ERROR_USAGE, "ps", "these arguments give no column PID");
	if (status != 0)
		return fail(err, ERROR_USAGE, "ps", "exit status %d: %.200s", status, line);
	return 0;
}
