/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/bpf.h>
#include <string.h>

#include "base/table.h"
#include "cgroups/devices.h"
#include "tests/unit/cmocka.h"

enum { M = BPF_DEVCG_ACC_MKNOD, R = BPF_DEVCG_ACC_READ, W = BPF_DEVCG_ACC_WRITE };

#define RULE(allow_, type_, major_, minor_, access_)                                               \
	{                                                                                          \
		allow_, type_, {true, major_}, {true, minor_}, access_                             \
	}
#define ALLOW(type_, major_, minor_, access_) RULE(true, type_, major_, minor_, access_)
#define DENY(type_, major_, minor_, access_)  RULE(false, type_, major_, minor_, access_)

/* What the kernel does with a program, for the few instructions that ours are made of; any other, and
 * any step out of the program or back, fails. */
static uint32_t run_one(const struct bpf_insn *at, uint64_t *reg,
                        const struct bpf_cgroup_dev_ctx *question)
{
	uint64_t operand =
		BPF_SRC(at->code) == BPF_X ? reg[at->src_reg] : (uint64_t)(int64_t)at->imm;
	uint64_t *to = &reg[at->dst_reg];
	uint32_t half = 0;

	switch (at->code) {
	case BPF_LDX | BPF_MEM | BPF_W:
		assert_int_equal(at->src_reg, 1);
		assert_true(at->off >= 0 && (size_t)at->off + 4 <= sizeof(*question));
		memcpy(&half, (const char *)question + at->off, 4);
		*to = half;
		return 0;
	case BPF_LD | BPF_DW | BPF_IMM:
		assert_int_equal(at[1].code, 0);
		*to = (uint32_t)at->imm | (uint64_t)(uint32_t)at[1].imm << 32;
		return 1;
	case BPF_ALU64 | BPF_MOV | BPF_K:
		*to = operand;
		return 0;
	case BPF_ALU64 | BPF_OR | BPF_X:
		*to |= operand;
		return 0;
	case BPF_ALU64 | BPF_LSH | BPF_K:
		*to <<= operand;
		return 0;
	case BPF_ALU | BPF_MOV | BPF_X:
		*to = (uint32_t)operand;
		return 0;
	case BPF_ALU | BPF_RSH | BPF_K:
		*to = (uint32_t)*to >> operand;
		return 0;
	case BPF_ALU | BPF_AND | BPF_K:
		*to = (uint32_t)*to & (uint32_t)operand;
		return 0;
	case BPF_JMP32 | BPF_JNE | BPF_K:
		return (uint32_t)*to != (uint32_t)operand ? (uint32_t)at->off : 0;
	case BPF_JMP | BPF_JNE | BPF_X:
		return *to != operand ? (uint32_t)at->off : 0;
	case BPF_JMP32 | BPF_JSET | BPF_K:
		return (uint32_t)*to & (uint32_t)operand ? (uint32_t)at->off : 0;
	case BPF_JMP | BPF_JA:
		return (uint32_t)at->off;
	default:
		print_error("an instruction 0x%x\n", at->code);
		_fail(__FILE__, __LINE__);
	}
	return 0;
}

static bool run(const struct device_program *program, char type, uint32_t major, uint32_t minor,
                uint32_t access)
{
	const struct bpf_cgroup_dev_ctx question = {
		.access_type =
			access << 16 | (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
		.major = major,
		.minor = minor,
	};
	uint64_t reg[11] = {0};

	if (!program || !program->insns) /* no rules; they allow everything */
		return true;
	for (size_t i = 0; i < program->count; i++) {
		if (program->insns[i].code == (BPF_JMP | BPF_EXIT)) {
			assert_true(reg[0] <= 1);
			return reg[0];
		}
		i += run_one(&program->insns[i], reg, &question);
	}
	print_error("the program has no end\n");
	_fail(__FILE__, __LINE__);
	return false;
}

static struct device_program *make(struct spec_device_rule *rules, size_t count,
                                   struct arena *arena)
{
	struct spec_resources r = {0};
	struct device_program *program = NULL;
	struct error err = {0};

	r.devices.item = rules;
	r.devices.count = count;
	if (devices_plan(&r, arena, &program, &err) < 0)
		print_error("%s: %s\n", err.object, err.reason);
	assert_int_equal(err.reason[0], 0);
	return program;
}

static void no_rules_and_rules_that_allow_all_load_nothing(void **state)
{
	static struct spec_device_rule rules[] = {
		DENY('a', -1, -1, NULL),
		ALLOW('a', -1, -1, NULL),
	};
	owned_arena struct arena *arena = arena_new(1 << 20);

	(void)state;
	assert_null(make(NULL, 0, arena));
	assert_non_null(
		make(rules, ARRAY_SIZE(rules), arena)); /* which takes the place of another */
	assert_null(make(rules, ARRAY_SIZE(rules), arena)->insns);
	assert_non_null(make(rules, ARRAY_SIZE(rules) - 1, arena)->insns);
}

static void without_a_match_access_is_denied_but_nodes_may_be_made(void **state)
{
	static struct spec_device_rule rule = ALLOW('c', 10, 200, "rw");
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct device_program *program = make(&rule, 1, arena);

	(void)state;
	assert_true(run(program, 'c', 10, 200, R | W));
	assert_true(run(program, 'c', 10, 200, R | W | M));
	assert_false(run(program, 'b', 10, 200, R));
	assert_false(run(program, 'c', 10, 201, R));
	assert_false(run(program, 'c', 11, 200, W));
	assert_true(run(program, 'b', 8, 0, M));
	assert_true(run(program, 'c', 250, 7, M));
	assert_false(run(program, 'b', 8, 0, M | R));
}

static void the_devices_of_every_container_are_always_allowed(void **state)
{
	static struct spec_device_rule rule = DENY('a', -1, -1, NULL);
	static const uint32_t numbers[][2] = {
		{1,   3   },
                {1,   5   },
                {1,   7   },
                {1,   8   },
                {1,   9   },
                {5,   0   },
                {5,   2   },
                {136, 0   },
                {136, 4096}
        };
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct device_program *program = make(&rule, 1, arena);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		assert_true(run(program, 'c', numbers[i][0], numbers[i][1], R | W | M));
		assert_false(run(program, 'b', numbers[i][0], numbers[i][1], R));
	}
	assert_false(run(program, 'c', 1, 1, R));
	assert_false(run(program, 'c', 1, 4, W));
	assert_false(run(program, 'c', 5, 1, R));
	assert_true(run(program, 'c', 1, 1, 0)); /* access(2) F_OK asks for nothing */
}

static void the_last_match_decides_for_each_letter(void **state)
{
	static struct spec_device_rule rules[] = {
		DENY('a', -1, -1, NULL), ALLOW('b', 8, -1, NULL), DENY('b', 8, 1, "w"),
		ALLOW('b', 9, 0, "r"),   ALLOW('b', 9, 0, "w"),   ALLOW('a', 7, -1, NULL),
		DENY('c', -1, 3, "r"),
	};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct device_program *program = make(rules, ARRAY_SIZE(rules), arena);

	(void)state;
	assert_true(run(program, 'b', 8, 0, R | W));
	assert_true(run(program, 'b', 8, 1, R));
	assert_false(run(program, 'b', 8, 1, W));
	assert_false(run(program, 'b', 8, 1, R | W));
	assert_true(run(program, 'b', 9, 0, R | W)); /* each by a rule of its own */
	assert_false(run(program, 'c', 8, 0, R));
	assert_true(run(program, 'b', 7, 3, R | W | M));
	assert_true(run(program, 'c', 7, 2, R | W));
	assert_true(run(program, 'c', 7, 3, W));
	assert_false(run(program, 'c', 7, 3, R));
	assert_true(run(program, 'c', 1, 3, R)); /* null comes after all rules */
}

/* The meaning, letter by letter, with nothing left out and no order of our own. */
static bool allowed(struct spec_device_rule *rules, size_t count, char type, uint32_t major,
                    uint32_t minor, char letter)
{
	bool allow = letter == 'm';

	if (letter == 'm' || (type == 'c' && (major == 136 || (major == 1 && minor == 3))))
		return true;
	for (size_t i = 0; i < count; i++) {
		const struct spec_device_rule *rule = &rules[i];

		if ((rule->type == 'a' || rule->type == type) &&
		    (!rule->major.set || rule->major.value == -1 || rule->major.value == major) &&
		    (!rule->minor.set || rule->minor.value == -1 || rule->minor.value == minor) &&
		    (!rule->access || strchr(rule->access, letter)))
			allow = rule->allow;
	}
	return allow;
}

static uint32_t random_below(uint32_t limit)
{
	static uint32_t seed = 1;

	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % limit;
}

static struct spec_device_rule random_rule(void)
{
	static const int64_t numbers[] = {-1, 1, 3, 136, UINT32_MAX};
	static const char *const letters[] = {NULL, "r", "w", "m", "rw", "rwm", "wm", "mr"};

	return (struct spec_device_rule){
		.allow = random_below(2),
		.type = "abc"[random_below(3)],
		.major = {random_below(2), numbers[random_below(5)]},
		.minor = {random_below(2), numbers[random_below(5)]},
		.access = letters[random_below(8)],
	};
}

static void a_program_means_what_its_rules_mean(void **state)
{
	static const uint32_t numbers[] = {0, 1, 3, 136, UINT32_MAX};
	struct spec_device_rule rules[8];

	(void)state;
	for (int round = 0; round < 3000; round++) {
		owned_arena struct arena *arena = arena_new(1 << 20);
		size_t count = 1 + random_below(ARRAY_SIZE(rules));
		struct device_program *program;

		for (size_t i = 0; i < count; i++)
			rules[i] = random_rule();
		program = make(rules, count, arena);
		for (uint32_t i = 0; i < 2 * 5 * 5 * 8; i++) {
			char type = i % 2 ? 'b' : 'c';
			uint32_t major = numbers[i / 2 % 5];
			uint32_t minor = numbers[i / 10 % 5];
			uint32_t access = i / 50;
			bool all =
				(!(access & R) || allowed(rules, count, type, major, minor, 'r')) &&
				(!(access & W) || allowed(rules, count, type, major, minor, 'w'));

			assert_int_equal(run(program, type, major, minor, access), all);
		}
	}
}

static void what_is_never_reached_is_left_out(void **state)
{
	static struct spec_device_rule rules[] = {
		ALLOW('c', 10, -1, NULL),
		DENY('a', -1, -1, NULL),
		ALLOW('b', 8, -1, "rwm"),
	};
	owned_arena struct arena *arena = arena_new(1 << 20);
	size_t all = make(rules, ARRAY_SIZE(rules), arena)->count;

	(void)state;
	assert_int_equal(make(rules + 1, ARRAY_SIZE(rules) - 1, arena)->count, all);
}

static void more_rules_than_a_program_holds_are_refused(void **state)
{
	enum { RULES = 2000 };
	static struct spec_device_rule rules[RULES];
	struct spec_resources r = {0};
	bool refused = false;

	(void)state;
	for (int64_t i = 0; i < RULES; i++)
		rules[i] = (struct spec_device_rule){
			.allow = i % 2,
			.type = 'c',
			.major = {true, i},
			.minor = {true, i},
			.access = "r"
                };
	r.devices.item = rules;
	for (size_t i = 550; i < RULES; i += refused ? 500 : 1) {
		owned_arena struct arena *arena = arena_new(1 << 20);
		struct device_program *program = NULL;
		struct error err;

		r.devices.count = i;
		if (devices_plan(&r, arena, &program, &err) == 0) {
			assert_false(refused);
			assert_true(program->count <= BPF_MAXINSNS);
			assert_false(run(program, 'c', 2, 2, R));
			assert_true(run(program, 'c', 1, 1, R));
			continue;
		}
		refused = true;
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_string_equal(err.object, "linux.resources.devices");
		assert_null(program);
	}
	assert_true(refused);
}

static void without_memory_there_is_no_program(void **state)
{
	struct spec_device_rule rule = DENY('a', -1, -1, NULL);
	struct spec_resources r = {0};
	bool enough = false;

	(void)state;
	r.devices.item = &rule;
	r.devices.count = 1;
	for (size_t limit = 0; !enough; limit += 40) {
		owned_arena struct arena *arena = arena_new(limit);
		struct device_program *program = NULL;
		struct error err;

		assert_true(limit < 1 << 16);
		enough = devices_plan(&r, arena, &program, &err) == 0;
		assert_true(enough == (program != NULL));
		assert_true(limit || !enough);
		if (enough)
			assert_false(run(program, 'c', 1, 11, R));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_rules_and_rules_that_allow_all_load_nothing),
		cmocka_unit_test(without_a_match_access_is_denied_but_nodes_may_be_made),
		cmocka_unit_test(the_devices_of_every_container_are_always_allowed),
		cmocka_unit_test(the_last_match_decides_for_each_letter),
		cmocka_unit_test(a_program_means_what_its_rules_mean),
		cmocka_unit_test(what_is_never_reached_is_left_out),
		cmocka_unit_test(more_rules_than_a_program_holds_are_refused),
		cmocka_unit_test(without_memory_there_is_no_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
