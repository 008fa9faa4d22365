/* SPDX-License-Identifier: Apache-2.0 */
/* A filter that decides the same with fewer instructions: at loading the kernel translates each of them, twice.
 *
 * Theory of operation. What libseccomp makes tests a call's number against each number that was named, for each
 * architecture: 1,400 instructions for a profile that allows nearly all. But the decision changes at few numbers only.
 * A number is compared with constants, so between two neighbours of these nothing changes: it is enough to run the
 * program by hand for the first number of each such interval. What comes out is an action, or the place where an
 * argument is read. Neighbours with the same outcome are one interval; a binary search finds it; and the code that
 * reads arguments is copied as it is. So the new program is the same function by construction. It is compared with the
 * old one nevertheless, and whatever is met that is not understood leaves the old one in its place. */
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

enum { ARCHITECTURES_MOST = 16 };

struct code {
	const struct sock_filter *at;
	size_t length;
};

/* What is in the accumulator. */
enum content { NOTHING, ARCHITECTURE, NUMBER };

/* What a call comes to. */
struct outcome {
	enum { UNKNOWN, ACTION, ARGUMENTS } kind;
	uint32_t value; /* what is returned; where the argument is read */
};

struct interval {
	uint32_t first; /* it ends where the next one begins */
	struct outcome outcome;
};

struct section {
	uint32_t architecture;
	uint32_t *bounds; /* numbers at which something may change, from 0 on */
	size_t bounds_count;
	struct interval *intervals;
	size_t intervals_count;
};

struct compaction {
	struct code old;
	struct arena *arena;
	struct section sections[ARCHITECTURES_MOST];
	size_t sections_count;
	struct section *current; /* whose numbers are looked for */
	uint32_t other;          /* an architecture that is none of them */
	uint32_t other_action;   /* and what it comes to */
	bool *kept;              /* instructions that arguments lead to */
	uint32_t *moved;         /* where they are in the new program */
	struct sock_filter *at;
	size_t length;
};

static bool is_load(const struct sock_filter *i, uint32_t offset)
{
	return i->code == (BPF_LD | BPF_W | BPF_ABS) && i->k == offset;
}

static bool is_argument(const struct sock_filter *i)
{
	return i->code == (BPF_LD | BPF_W | BPF_ABS) && i->k > offsetof(struct seccomp_data, arch);
}

/* The comparisons that are understood. */
static bool compare(const struct sock_filter *i, uint32_t with, bool *ret)
{
	switch (i->code) {
	case BPF_JMP | BPF_JEQ | BPF_K:
		*ret = with == i->k;
		return true;
	case BPF_JMP | BPF_JGT | BPF_K:
		*ret = with > i->k;
		return true;
	case BPF_JMP | BPF_JGE | BPF_K:
		*ret = with >= i->k;
		return true;
	default:
		return false;
	}
}

/* Run it by hand. Every jump is forward, so this ends. */
static struct outcome run(const struct code *code, uint32_t architecture, uint32_t number)
{
	static const struct outcome unknown = {UNKNOWN, 0};
	enum content content = NOTHING;

	for (size_t pc = 0; pc < code->length; pc++) {
		const struct sock_filter *i = &code->at[pc];
		bool yes;

		if (is_load(i, offsetof(struct seccomp_data, nr)))
			content = NUMBER;
		else if (is_load(i, offsetof(struct seccomp_data, arch)))
			content = ARCHITECTURE;
		else if (is_argument(i))
			return (struct outcome){ARGUMENTS, (uint32_t)pc};
		else if (i->code == (BPF_RET | BPF_K))
			return (struct outcome){ACTION, i->k};
		else if (i->code == (BPF_JMP | BPF_JA))
			pc += i->k;
		else if (content != NOTHING &&
		         compare(i, content == NUMBER ? number : architecture, &yes))
			pc += yes ? i->jt : i->jf;
		else
			return unknown;
	}
	return unknown;
}

/* ---- where something may change ---- */

/* Which instructions are reached, with what in the accumulator: a bit a content. */
struct reach {
	unsigned char *contents;
	size_t length;
};

static void reach(struct reach *r, size_t pc, enum content content)
{
	if (pc < r->length)
		r->contents[pc] |= (unsigned char)(1U << content);
}

/* Where an instruction leads to, if the accumulator has this. Returns  false where it is not understood. */
static bool follow(const struct compaction *c, struct reach *r, size_t pc, enum content content,
                   const uint32_t *architecture)
{
	const struct sock_filter *i = &c->old.at[pc];
	bool yes, known = content == ARCHITECTURE && architecture;

	if (is_load(i, offsetof(struct seccomp_data, nr)))
		reach(r, pc + 1, NUMBER);
	else if (is_load(i, offsetof(struct seccomp_data, arch)))
		reach(r, pc + 1, ARCHITECTURE);
	else if (i->code == (BPF_JMP | BPF_JA))
		reach(r, pc + 1 + i->k, content);
	else if (is_argument(i) || i->code == (BPF_RET | BPF_K))
		return true;
	else if (content == NOTHING || !compare(i, known ? *architecture : 0, &yes))
		return false;
	else {
		if (!known || yes)
			reach(r, pc + 1 + i->jt, content);
		if (!known || !yes)
			reach(r, pc + 1 + i->jf, content);
	}
	return true;
}

/* Go through all that is reached and hand each comparison to see().
 * architecture  NULL: any. Returns  false where something is not understood. */
static bool explore(struct compaction *c, const uint32_t *architecture,
                    bool (*see)(struct compaction *c, const struct sock_filter *i,
                                enum content content))
{
	struct reach r = {arena_alloc(c->arena, c->old.length, 1), c->old.length};

	if (!r.contents)
		return false;
	reach(&r, 0, NOTHING);
	for (size_t pc = 0; pc < c->old.length; pc++) {
		const struct sock_filter *i = &c->old.at[pc];

		for (unsigned int content = NOTHING; content <= NUMBER; content++) {
			if (!(r.contents[pc] & 1U << content))
				continue;
			if (!follow(c, &r, pc, (enum content)content, architecture))
				return false;
			if (BPF_CLASS(i->code) == BPF_JMP && i->code != (BPF_JMP | BPF_JA) &&
			    !see(c, i, (enum content)content))
				return false;
		}
	}
	return true;
}

/* An architecture is one that something is equal to. */
static bool see_architecture(struct compaction *c, const struct sock_filter *i,
                             enum content content)
{
	if (content != ARCHITECTURE)
		return true;
	if (i->code != (BPF_JMP | BPF_JEQ | BPF_K))
		return false;
	for (size_t s = 0; s < c->sections_count; s++)
		if (c->sections[s].architecture == i->k)
			return true;
	if (c->sections_count == ARCHITECTURES_MOST)
		return false;
	c->sections[c->sections_count++].architecture = i->k;
	return true;
}

static bool see_number(struct compaction *c, const struct sock_filter *i, enum content content)
{
	struct section *s = c->current;

	if (content != NUMBER)
		return true;
	if (i->code != (BPF_JMP | BPF_JGT | BPF_K))
		s->bounds[s->bounds_count++] = i->k;
	if (i->code != (BPF_JMP | BPF_JGE | BPF_K) && i->k < UINT32_MAX)
		s->bounds[s->bounds_count++] = i->k + 1;
	return true;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static bool same(const struct outcome *a, const struct outcome *b)
{
	return a->kind == b->kind && a->value == b->value;
}

static bool find_intervals(struct compaction *c, struct section *s)
{
	s->bounds = arena_alloc(c->arena, 2 * c->old.length + 1, sizeof(*s->bounds));
	s->intervals = arena_alloc(c->arena, 2 * c->old.length + 1, sizeof(*s->intervals));
	if (!s->bounds || !s->intervals)
		return false;
	s->bounds_count = 1; /* 0 */
	c->current = s;
	if (!explore(c, &s->architecture, see_number))
		return false;
	qsort(s->bounds, s->bounds_count, sizeof(*s->bounds), by_value);
	for (size_t i = 0; i < s->bounds_count; i++) {
		struct outcome outcome = run(&c->old, s->architecture, s->bounds[i]);
		size_t n = s->intervals_count;

		if (outcome.kind == UNKNOWN)
			return false;
		if (n == 0 || !same(&s->intervals[n - 1].outcome, &outcome))
			s->intervals[s->intervals_count++] =
				(struct interval){s->bounds[i], outcome};
	}
	return true;
}

static bool see_no_number(struct compaction *c, const struct sock_filter *i, enum content content)
{
	(void)c;
	(void)i;
	return content != NUMBER;
}

/* What an architecture comes to that nobody named: whatever the number is. */
static bool find_other(struct compaction *c)
{
	struct outcome outcome;

	for (size_t s = 0; s < c->sections_count; s++)
		if (c->sections[s].architecture == c->other) {
			c->other++;
			s = (size_t)-1; /* from the first one again */
		}
	if (!explore(c, &c->other, see_no_number))
		return false;
	outcome = run(&c->old, c->other, 0);
	c->other_action = outcome.value;
	return outcome.kind == ACTION;
}

/* ---- the new one ---- */

/* Instructions that a search among intervals takes. */
static size_t size_of(size_t count)
{
	size_t left = count / 2;

	if (count == 1)
		return 1;
	return 1 + (size_of(left) > UINT8_MAX) + size_of(left) + size_of(count - left);
}

static void put(struct compaction *c, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	c->at[c->length++] = (struct sock_filter){code, jt, jf, k};
}

static void put_search(struct compaction *c, const struct interval *from, size_t count)
{
	size_t left = count / 2, skipped = count > 1 ? size_of(left) : 0;

	if (count == 1 && from->outcome.kind == ACTION) {
		put(c, BPF_RET | BPF_K, 0, 0, from->outcome.value);
		return;
	}
	if (count == 1) {
		put(c, BPF_JMP | BPF_JA, 0, 0,
		    c->moved[from->outcome.value] - (uint32_t)(c->length + 1));
		return;
	}
	if (skipped > UINT8_MAX) {
		put(c, BPF_JMP | BPF_JGE | BPF_K, 0, 1, from[left].first);
		put(c, BPF_JMP | BPF_JA, 0, 0, (uint32_t)skipped);
	} else {
		put(c, BPF_JMP | BPF_JGE | BPF_K, (uint8_t)skipped, 0, from[left].first);
	}
	put_search(c, from, left);
	put_search(c, from + left, count - left);
}

/* Where a section begins: behind the head, which is two instructions for each, and two. */
static size_t start_of(const struct compaction *c, size_t section)
{
	size_t start = 2 * c->sections_count + 2;

	for (size_t s = 0; s < section; s++)
		start += 1 + size_of(c->sections[s].intervals_count);
	return start;
}

static bool keep_at(struct compaction *c, size_t pc)
{
	if (pc >= c->old.length)
		return false;
	c->kept[pc] = true;
	return true;
}

/* Returns  false where it leads behind the end, which no kernel would take. */
static bool keep_behind(struct compaction *c, size_t pc)
{
	const struct sock_filter *i = &c->old.at[pc];

	if (BPF_CLASS(i->code) == BPF_RET)
		return true;
	if (i->code == (BPF_JMP | BPF_JA))
		return keep_at(c, pc + 1 + i->k);
	if (BPF_CLASS(i->code) == BPF_JMP)
		return keep_at(c, pc + 1 + i->jt) && keep_at(c, pc + 1 + i->jf);
	return keep_at(c, pc + 1);
}

/* Whatever is reached from where arguments are read is kept, in its order.
 * Returns  the length of the new program; SIZE_MAX: there is none. */
static size_t keep(struct compaction *c)
{
	size_t length = start_of(c, c->sections_count);

	for (size_t s = 0; s < c->sections_count; s++)
		for (size_t n = 0; n < c->sections[s].intervals_count; n++) {
			const struct outcome *o = &c->sections[s].intervals[n].outcome;

			if (o->kind == ARGUMENTS)
				c->kept[o->value] = true;
		}
	for (size_t pc = 0; pc < c->old.length; pc++) {
		if (!c->kept[pc])
			continue;
		c->moved[pc] = (uint32_t)length++;
		if (!keep_behind(c, pc))
			return SIZE_MAX;
	}
	return length;
}

static void put_kept(struct compaction *c)
{
	for (size_t pc = 0; pc < c->old.length; pc++) {
		struct sock_filter i = c->old.at[pc];
		uint32_t next = (uint32_t)(c->length + 1);

		if (!c->kept[pc])
			continue;
		if (i.code == (BPF_JMP | BPF_JA)) {
			i.k = c->moved[pc + 1 + i.k] - next;
		} else if (BPF_CLASS(i.code) == BPF_JMP) { /* no longer than it was */
			i.jt = (uint8_t)(c->moved[pc + 1 + i.jt] - next);
			i.jf = (uint8_t)(c->moved[pc + 1 + i.jf] - next);
		}
		c->at[c->length++] = i;
	}
}

static void put_all(struct compaction *c)
{
	put(c, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
	for (size_t s = 0; s < c->sections_count; s++) {
		put(c, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, c->sections[s].architecture);
		put(c, BPF_JMP | BPF_JA, 0, 0, (uint32_t)(start_of(c, s) - (c->length + 1)));
	}
	put(c, BPF_RET | BPF_K, 0, 0, c->other_action);
	for (size_t s = 0; s < c->sections_count; s++) {
		put(c, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
		put_search(c, c->sections[s].intervals, c->sections[s].intervals_count);
	}
	put_kept(c);
}

static bool decides_alike(const struct compaction *c, uint32_t architecture, uint32_t number)
{
	const struct code new = {c->at, c->length};
	struct outcome before = run(&c->old, architecture, number);
	struct outcome after = run(&new, architecture, number);

	if (before.kind == ARGUMENTS)
		before.value = c->moved[before.value];
	return same(&before, &after);
}

static bool is_proved(const struct compaction *c)
{
	for (size_t s = 0; s < c->sections_count; s++)
		for (size_t n = 0; n < c->sections[s].bounds_count; n++) {
			const struct section *section = &c->sections[s];
			uint32_t bound = section->bounds[n];

			if (!decides_alike(c, section->architecture, bound) ||
			    !decides_alike(c, section->architecture, bound - 1))
				return false;
		}
	return decides_alike(c, c->other, 0) && decides_alike(c, c->other, UINT32_MAX);
}

static bool compact(struct compaction *c)
{
	c->kept = arena_alloc(c->arena, c->old.length + 1, sizeof(*c->kept));
	c->moved = arena_alloc(c->arena, c->old.length + 1, sizeof(*c->moved));
	c->at = arena_alloc(c->arena, c->old.length, sizeof(*c->at));
	if (!c->kept || !c->moved || !c->at || !explore(c, NULL, see_architecture) ||
	    c->sections_count == 0 || !find_other(c))
		return false;
	for (size_t s = 0; s < c->sections_count; s++)
		if (!find_intervals(c, &c->sections[s]))
			return false;
	if (keep(c) >= c->old.length)
		return false;
	put_all(c);
	return is_proved(c);
}

void filter_compact(struct arena *arena, struct process_plan *plan)
{
	struct compaction c = {
		.old = {plan->filter, plan->filter_length},
		.arena = arena
        };

	if (!compact(&c))
		return;
	plan->filter = c.at;
	plan->filter_length = (unsigned short)c.length;
}
