/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/table.h"
#include "base/text.h"

#include "systemd.h"

static const char prefix[] = "org.systemd.property.";

/* Room for more properties; those that are there stay. */
static int grow(struct systemd_scope *scope, size_t more, struct arena *arena, struct error *err)
{
	struct systemd_property *bigger = arena_alloc(arena, scope->count + more, sizeof(*bigger));

	if (!bigger)
		return arena_check(arena, err);
	if (scope->count > 0)
		memcpy(bigger, scope->property, scope->count * sizeof(*bigger));
	scope->property = bigger;
	return 0;
}

static void add(struct systemd_scope *scope, const char *name, const char *type, const char *value)
{
	scope->property[scope->count++] =
		(struct systemd_property){.name = name, .type = type, .value = value};
}

/* ---- annotations ---- */

struct number_type {
	const char *word, *type;
	int64_t least;
	uint64_t most;
};

static const struct number_type numbers[] = {
	{"uint64", "t", 0,         UINT64_MAX},
        {"int64",  "x", INT64_MIN, INT64_MAX },
	{"uint32", "u", 0,         UINT32_MAX},
        {"int32",  "i", INT32_MIN, INT32_MAX },
	{"",       "i", INT32_MIN, INT32_MAX },
};

static const char *skip(const char *at)
{
	return at + strspn(at, " \t");
}

/* What "\n" and its like mean; any other character means itself. '\0' for what is none of them: the end, and
 * "\u0041", which nobody writes. */
static char unescape(char c)
{
	static const char words[] = "abfnrtvuU";
	static const char means[] = "\a\b\f\n\r\t\v\0";
	const char *at = c ? strchr(words, c) : NULL;

	if (at)
		c = means[at - words];
	return c;
}

/* 'text' or "text". Returns what is behind it, or NULL. */
static const char *quoted(const char *at, struct text *out)
{
	char quote = *at;

	if (quote != '\'' && quote != '"')
		return NULL;
	for (at++; *at && *at != quote; at++) {
		char c = *at;

		if (c == '\\')
			c = unescape(*++at);
		if (!c)
			return NULL;
		text_append_n(out, &c, 1);
	}
	return *at ? at + 1 : NULL;
}

/* ['a', 'b'] as lines. */
static bool list(const char *value, struct text *out)
{
	const char *at = skip(value + 1);

	while (*at && *at != ']') {
		size_t start = out->length;

		at = quoted(at, out);
		if (!at || (out->bytes && memchr(out->bytes + start, '\n', out->length - start)))
			return false;
		text_append(out, "\n");
		at = skip(at);
		if (*at != ',' && *at != ']')
			return false;
		at = skip(at + (*at == ','));
	}
	return *at == ']' && !*skip(at + 1);
}

/* Whether a number is one of this type: what does not fit is not made to. */
static bool fits(const char *text, const struct number_type *type)
{
	int64_t negative;
	uint64_t n;

	if (*text == '-')
		return text_to_i64(text, &negative) && negative >= type->least;
	return text_to_u64(text, &n) && n <= type->most;
}

/* A single word, or a number with its type before it. Returns as parse() does. */
static const char *word(const char *value, struct text *out)
{
	size_t length = strcspn(value, " \t");
	const char *rest = skip(value + length);
	const struct number_type *type = &numbers[ARRAY_SIZE(numbers) - 1];

	for (size_t i = 0; *rest && i < ARRAY_SIZE(numbers) - 1; i++)
		if (strncmp(numbers[i].word, value, length) == 0 && !numbers[i].word[length])
			type = &numbers[i];
	if (*type->word) {
		length = strcspn(rest, " \t");
		value = rest;
		rest = skip(value + length);
	}
	text_append_n(out, value, length);
	if (*rest || !out->bytes)
		return NULL;
	if (!*type->word && (strcmp(out->bytes, "true") == 0 || strcmp(out->bytes, "false") == 0))
		return "b";
	return fits(out->bytes, type) ? type->type : NULL;
}

/* Returns  the D-Bus type, and the plain value in out; NULL when it is none of the forms. */
static const char *parse(const char *value, struct text *out)
{
	value = skip(value);
	if (*value == '[')
		return list(value, out) ? "as" : NULL;
	if (*value == '\'' || *value == '"') {
		const char *end = quoted(value, out);

		return end && !*skip(end) ? "s" : NULL;
	}
	return word(value, out);
}

static int add_annotation(const struct key_value *item, struct arena *arena,
                          struct systemd_scope *scope, struct error *err)
{
	owned_text struct text value = {0};
	const char *name = item->key + strlen(prefix);
	const char *type = parse(item->value, &value);
	uint64_t seconds;

	if (!isupper((unsigned char)*name) ||
	    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                 "abcdefghijklmnopqrstuvwxyz0123456789") != strlen(name))
		return fail(err, ERROR_CONFIG, item->key, "is no property of a unit");
	if (!type)
		return fail(
			err, ERROR_CONFIG, item->key,
			"'%.60s' is no value: write 'text', true, 5, uint64 5 or ['a', 'b']; plain "
			"numbers have 32 bits",
			item->value);
	if (text_check(&value, err) < 0)
		return -1;
	name = arena_text(arena, name);
	if (text_ends(item->key, "Sec") && !text_ends(item->key, "USec")) {
		if (!strstr("tuxi", type) || !text_to_u64(value.bytes, &seconds) ||
		    seconds > UINT64_MAX / 1000000)
			return fail(err, ERROR_CONFIG, item->key, "expected whole seconds");
		name = arena_format(arena, "%.*sUSec", (int)strlen(name) - 3, name);
		add(scope, name, "t", arena_format(arena, "%" PRIu64, seconds * 1000000));
		return arena_check(arena, err);
	}
	add(scope, name, type, arena_text(arena, value.bytes ? value.bytes : ""));
	return arena_check(arena, err);
}

int systemd_annotations(const struct spec *spec, struct arena *arena, struct systemd_scope *scope,
                        struct error *err)
{
	if (grow(scope, spec->annotations.count, arena, err) < 0)
		return -1;
	for (size_t i = 0; i < spec->annotations.count; i++)
		if (text_begins(spec->annotations.item[i].key, prefix) &&
		    add_annotation(&spec->annotations.item[i], arena, scope, err) < 0)
			return error_within(err, "annotations");
	return 0;
}

/* ---- limits ---- */

enum { MOST_A_WRITE = 4, VALUE_SIZE = 256 };

static const struct {
	const char *file, *property, *type;
} same[] = {
	{"memory.max",      "MemoryMax",          "t" },
	{"memory.high",     "MemoryHigh",         "t" },
	{"memory.low",      "MemoryLow",          "t" },
	{"memory.min",      "MemoryMin",          "t" },
	{"memory.swap.max", "MemorySwapMax",      "t" },
	{"pids.max",        "TasksMax",           "t" },
	{"cpu.weight",      "CPUWeight",          "t" },
	{"cpuset.cpus",     "AllowedCPUs",        "ay"},
	{"cpuset.mems",     "AllowedMemoryNodes", "ay"},
};

static const struct {
	const char *key, *property;
} rates[] = {
	{"rbps=",  "IOReadBandwidthMax" },
	{"wbps=",  "IOWriteBandwidthMax"},
	{"riops=", "IOReadIOPSMax"      },
	{"wiops=", "IOWriteIOPSMax"     },
};

static const char *number(const char *value, struct arena *arena)
{
	return strcmp(value, "max") == 0 ? "infinity" : arena_text(arena, value);
}

/* "QUOTA PERIOD": systemd has the time of a second, in steps of 10 ms, and the period. */
static void add_bandwidth(const char *value, struct arena *arena, struct systemd_scope *scope)
{
	const char *space = strchr(value, ' ');
	uint64_t quota = 0, period = 100000, per_second;
	char word[32];

	if (space && (!text_to_u64(space + 1, &period) || period == 0))
		return; /* the kernel has refused it */
	(void)snprintf(word, sizeof(word), "%.*s", (int)strcspn(value, " "), value);
	if (!text_to_u64(word, &quota)) {
		add(scope, "CPUQuotaPerSecUSec", "t", "infinity");
	} else {
		per_second = (quota * 1000000 / period + 9999) / 10000 * 10000;
		add(scope, "CPUQuotaPerSecUSec", "t", arena_format(arena, "%" PRIu64, per_second));
	}
	add(scope, "CPUQuotaPeriodUSec", "t", arena_format(arena, "%" PRIu64, period));
}

/* "8:0 rbps=5 wiops=max" */
static void add_rates(const char *value, struct arena *arena, struct systemd_scope *scope)
{
	int device = (int)strcspn(value, " ");

	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		const char *at = strstr(value, rates[i].key);
		char word[32] = "";

		if (!at || sscanf(at + strlen(rates[i].key), "%31s", word) != 1)
			continue;
		add(scope, rates[i].property, "ast",
		    arena_format(arena, "/dev/block/%.*s %s", device, value, number(word, arena)));
	}
}

/* "default 50" or "50", or of a device "8:0 50"; without a number it is the default, as it is systemd's. */
static void add_weight_of(const char *value, bool bfq, struct arena *arena,
                          struct systemd_scope *scope)
{
	const char *space = strrchr(value, ' ');
	const char *text = space ? space + 1 : value;
	uint64_t weight;

	if (!text_to_u64(text, &weight) || weight == 0 || weight > (bfq ? 1000 : 10000))
		return; /* the kernel will refuse it */
	/* of systemd's 1 to 10000 BFQ gets 1 to 1000, both with 100 in the middle */
	if (bfq && weight > 100)
		weight = 100 + (weight - 100) * 11;
	text = arena_format(arena, "%" PRIu64, weight);
	if (strchr(value, ':'))
		add(scope, "IODeviceWeight", "ast",
		    arena_format(arena, "/dev/block/%.*s %s", (int)strcspn(value, " "), value,
		                 text));
	else
		add(scope, "IOWeight", "t", text);
}

static void add_weight(const char *value, struct arena *arena, struct systemd_scope *scope)
{
	add_weight_of(value, false, arena, scope);
}

static void add_bfq_weight(const char *value, struct arena *arena, struct systemd_scope *scope)
{
	add_weight_of(value, true, arena, scope);
}

static void add_idle(const char *value, struct arena *arena, struct systemd_scope *scope)
{
	(void)arena;
	if (strcmp(value, "1") == 0)
		add(scope, "CPUWeight", "t", "0");
}

/* Files whose value systemd has in other words. */
static const struct {
	const char *file;
	void (*add)(const char *value, struct arena *arena, struct systemd_scope *scope);
} others[] = {
	{"cpu.max",       add_bandwidth },
        {"cpu.idle",      add_idle      },
        {"io.weight",     add_weight    },
	{"io.bfq.weight", add_bfq_weight},
        {"io.max",        add_rates     },
};

static void add_write(const char *file, const char *value, struct arena *arena,
                      struct systemd_scope *scope)
{
	uint64_t any;

	/* what is no number the kernel will refuse, by the name that the config has for it */
	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		if (strcmp(same[i].file, file) == 0 &&
		    (strcmp(same[i].type, "t") != 0 || strcmp(value, "max") == 0 ||
		     text_to_u64(value, &any)))
			add(scope, same[i].property, same[i].type, number(value, arena));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcmp(others[i].file, file) == 0)
			others[i].add(value, arena, scope);
}

/* Of a weight's two files one is written. */
static bool is_left_out(const struct cgroup_write *write, bool bfq)
{
	if (write->kind == CGROUP_WRITE_ELSE)
		return bfq;
	return write->kind == CGROUP_WRITE_IF_THERE && !bfq && text_begins(write->file, "io.bfq.");
}

int systemd_limits(const struct cgroup_writes *writes, int dir, struct arena *arena,
                   struct systemd_scope *scope, struct error *err)
{
	if (grow(scope, writes->count * MOST_A_WRITE, arena, err) < 0)
		return -1;
	for (size_t i = 0; i < writes->count; i++) {
		const struct cgroup_write *write = &writes->item[i];
		const char *file = write->file;
		char value[VALUE_SIZE];
		struct error ignored;

		if (is_left_out(write, scope->bfq))
			continue;
		(void)snprintf(value, sizeof(value), "%s", write->value);
		if (text_begins(value, CGROUP_KEEP))
			(void)snprintf(value, sizeof(value), "max%s",
			               write->value + strlen(CGROUP_KEEP));
		/* quota and period come together, of which the write may have had one; the
		 * weight that comes back when a group is idle no more is in its own file */
		if (strcmp(write->file, "cpu.idle") == 0 && strcmp(value, "0") == 0)
			file = "cpu.weight";
		if (dir >= 0 && (strcmp(file, "cpu.max") == 0 || file != write->file) &&
		    fd_read_line(dir, file, value, sizeof(value), &ignored) < 0)
			continue;
		if (dir >= 0 || file == write->file)
			add_write(file, value, arena, scope);
	}
	return arena_check(arena, err);
}
