/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/text.h"

#include "options.h"

enum { NAME_LIMIT = 32, CHOICES_SIZE = 96 };

/* One step of reading: the option in hand. */
struct reader {
	const struct option_input *in;
	char **next; /* word */
	void *flags;
	struct option_output *ret;
};

/* How many letters must be changed, added or left out to make b of a; more than NAME_LIMIT for what
 * is too long to be a name. */
static size_t distance(const char *a, const char *b)
{
	size_t a_length = strlen(a), b_length = strlen(b);
	size_t row[NAME_LIMIT + 1];

	if (a_length > NAME_LIMIT || b_length > NAME_LIMIT)
		return NAME_LIMIT + 1;
	for (size_t j = 0; j <= b_length; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b_length];
}

const char *options_nearest(const char *word, const char *const *names, size_t count)
{
	size_t length = strlen(word);
	size_t best = length > 3 ? 3 : 2; /* at least this far is no likeness */
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++) {
		bool begins = length > 1 && text_begins(names[i], word);
		size_t far = begins ? 0 : distance(word, names[i]);

		if (far < best) {
			best = far;
			nearest = names[i];
		}
	}
	return nearest;
}

static int fail_unknown(const struct reader *r, const char *typed, const char *name,
                        struct error *err)
{
	const char **names = arena_alloc(r->in->arena, r->in->count + 1, sizeof(*names));
	const char *nearest = NULL;
	size_t count = 0;

	if (names && name) {
		for (size_t i = 0; i < r->in->count; i++)
			if (r->in->rows[i].kind != OPTION_REFUSED)
				names[count++] = r->in->rows[i].name;
		names[count++] = "help";
		nearest = options_nearest(name, names, count);
	}
	if (nearest)
		return fail(err, ERROR_USAGE, typed,
		            "unknown option; did you mean --%s? try '%s --help'", nearest,
		            r->in->help);
	return fail(err, ERROR_USAGE, typed, "unknown option; try '%s --help'", r->in->help);
}

static int set_word(const struct option_row *row, const char *typed, const char *value, void *at,
                    struct error *err)
{
	char choices[CHOICES_SIZE];
	int64_t number;

	if (!table_value(row->words, row->words_count, value, &number))
		return fail(err, ERROR_USAGE, typed, "'%.60s' is not there: expected %s", value,
		            table_choices(row->words, row->words_count, choices, sizeof(choices)));
	*(int *)at = (int)number;
	return 0;
}

static int set_list(const struct reader *r, const char *value, struct option_list *list,
                    struct error *err)
{
	size_t most = 0;

	if (!list->item) {
		while (r->in->words[most])
			most++;
		list->item = arena_alloc(r->in->arena, most + 1, sizeof(*list->item));
		if (!list->item)
			return arena_check(r->in->arena, err);
	}
	list->item[list->count++] = value;
	return 0;
}

/* typed: as on the command line, for errors. */
static int set(const struct reader *r, const struct option_row *row, const char *typed,
               const char *value, struct error *err)
{
	void *at = (char *)r->flags + row->offset;

	switch (row->kind) {
	case OPTION_SWITCH:
		*(bool *)at = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)at = value;
		return 0;
	case OPTION_NUMBER:
		if (!text_to_u32(value, (uint32_t *)at))
			return fail(err, ERROR_USAGE, typed, "'%.60s' is not a number", value);
		return 0;
	case OPTION_LIST:
		return set_list(r, value, at, err);
	case OPTION_WORD:
		return set_word(row, typed, value, at, err);
	case OPTION_REFUSED:
	case OPTION_KINDS:
		break;
	}
	return fail(err, ERROR_UNSUPPORTED, typed, "%s",
	            row->help ? row->help : "not there yet in this version of cella");
}

/* "--tty=false", as callers of runc and crun write it. */
static int set_switch(const struct reader *r, const struct option_row *row, const char *typed,
                      const char *value, struct error *err)
{
	bool yes = strcmp(value, "true") == 0;

	if (!yes && strcmp(value, "false") != 0)
		return fail(err, ERROR_USAGE, typed, "takes no value");
	*(bool *)((char *)r->flags + row->offset) = yes;
	return 0;
}

/* No file has an empty name: who would open it could not say whose it was. */
static bool takes_path(const struct option_row *row)
{
	static const char *const paths[] = {"DIR", "FILE", "PATH"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (strcmp(row->argument, paths[i]) == 0)
			return true;
	return false;
}

/* Take the value of an option: what stands behind it in its word, or else the next word. */
static int take_value(struct reader *r, const struct option_row *row, const char *typed,
                      const char *behind, struct error *err)
{
	const char *value = NULL;

	if (row->argument && row->kind != OPTION_REFUSED) {
		value = behind ? behind : *r->next;
		if (!value || (!*value && takes_path(row)))
			return fail(err, ERROR_USAGE, typed, "needs a value: %s; try '%s --help'",
			            row->argument, r->in->help);
		if (!behind)
			r->next++;
	}
	return set(r, row, typed, value, err);
}

static int read_long(struct reader *r, const char *word, struct error *err)
{
	const char *equals = strchr(word, '=');
	const char *typed =
		equals ? arena_text_n(r->in->arena, word, (size_t)(equals - word)) : word;
	const char *name;

	if (!typed)
		return arena_check(r->in->arena, err);
	name = typed + 2;
	if (!equals && strcmp(name, "help") == 0) {
		r->ret->help = true;
		return 0;
	}
	for (size_t i = 0; i < r->in->count; i++) {
		const struct option_row *row = &r->in->rows[i];

		if (strcmp(row->name, name) != 0)
			continue;
		if (equals && row->kind == OPTION_SWITCH)
			return set_switch(r, row, typed, equals + 1, err);
		return take_value(r, row, typed, equals ? equals + 1 : NULL, err);
	}
	return fail_unknown(r, typed, name, err);
}

static const struct option_row *find_letter(const struct option_input *in, char letter)
{
	for (size_t i = 0; i < in->count; i++)
		if (in->rows[i].letter == letter)
			return &in->rows[i];
	return NULL;
}

static int read_letters(struct reader *r, const char *word, struct error *err)
{
	for (const char *letter = word + 1; *letter; letter++) {
		const struct option_row *row = find_letter(r->in, *letter);
		const char typed[] = {'-', *letter, '\0'};
		bool has_value = row && row->argument;

		if (*letter == 'h' && !row) {
			r->ret->help = true;
			return 0;
		}
		if (!row) /* more than one letter: perhaps a name with a dash too few */
			return fail_unknown(r, word, word[2] ? word + 1 : NULL, err);
		if (take_value(r, row, typed, has_value && letter[1] ? letter + 1 : NULL, err) < 0)
			return -1;
		if (has_value)
			break;
	}
	return 0;
}

static void add_operand(struct option_output *ret, char *word)
{
	ret->operands[ret->operands_count++] = word;
}

int options_read(const struct option_input *in, void *flags, struct option_output *ret,
                 struct error *err)
{
	struct reader r = {.in = in, .next = in->words, .flags = flags, .ret = ret};
	bool ended = false;
	size_t count = 0;

	while (in->words[count])
		count++;
	*ret = (struct option_output){.operands =
	                                      arena_alloc(in->arena, count + 1, sizeof(char *))};
	if (!ret->operands)
		return arena_check(in->arena, err);
	while (*r.next && !ret->help) {
		char *word = *r.next++;

		if (ended || word[0] != '-' || !word[1]) {
			add_operand(ret, word);
			ended = ended || in->in_order;
		} else if (strcmp(word, "--") == 0) {
			ended = true;
		} else if ((word[1] == '-' ? read_long(&r, word, err)
		                           : read_letters(&r, word, err)) < 0) {
			return -1;
		}
	}
	return 0;
}
