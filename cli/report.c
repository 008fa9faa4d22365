/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

#include "report.h"

/* As runc has its tables, for the eyes and scripts that are used to them. */
enum { LEAST_WIDTH = 12, GAP = 3 };

static void grow(struct report *report)
{
	size_t size = report->size ? 2 * report->size : 64;
	const char **more = arena_alloc(report->arena, size, sizeof(*more));

	if (!more)
		return;
	if (report->count)
		memcpy(more, report->cells, report->count * sizeof(*more));
	report->cells = more;
	report->size = size;
}

void report_add(struct report *report, const char *cell)
{
	char *copy = arena_text(report->arena, cell);

	if (copy && report->count == report->size)
		grow(report);
	if (!copy || report->count == report->size)
		return; /* the arena has failed for good: report_print() tells */
	text_make_printable(copy);
	report->cells[report->count++] = copy;
}

static size_t width_of(const struct report *report, size_t column)
{
	size_t width = report->least_width ? report->least_width : LEAST_WIDTH;

	for (size_t i = column; i < report->count; i += report->columns)
		if (strlen(report->cells[i]) + GAP > width)
			width = strlen(report->cells[i]) + GAP;
	return width;
}

int report_print(const struct report *report, struct text *out, struct error *err)
{
	size_t *widths = arena_alloc(report->arena, report->columns, sizeof(*widths));

	if (arena_check(report->arena, err) < 0)
		return -1;
	for (size_t column = 0; column < report->columns; column++)
		widths[column] = width_of(report, column);
	for (size_t i = 0, column = 0; i < report->count; i++) {
		bool last = column + 1 == report->columns;

		if (last)
			text_format(out, "%s\n", report->cells[i]);
		else
			text_format(out, "%-*s", (int)widths[column], report->cells[i]);
		column = last ? 0 : column + 1;
	}
	return text_check(out, err);
}

int report_write(const struct text *out, struct error *err)
{
	if (text_check(out, err) < 0)
		return -1;
	return fd_write_whole(STDOUT_FILENO, "stdout", out->bytes, out->length, err);
}
