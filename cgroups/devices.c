/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/bpf.h>
#include <string.h>

#include "base/table.h"

#include "devices.h"

enum { INSNS_OF_RULE = 8, INSNS_OF_FRAME = 14, ANY = -1 };

enum {
	ASKED = BPF_REG_3,
	MAJOR = BPF_REG_4,
	MINOR = BPF_REG_5,
	TYPE = BPF_REG_6,
	DEVICE = BPF_REG_7, /* all three: major, type, minor */
	WANTED = BPF_REG_8,
	DEVICE_MAJOR = 32, /* the bit it begins at */
	DEVICE_TYPE = 30,
};

/* What is always allowed: crun and runc have the same list. */
static const struct spec_device_rule defaults[] = {
	{.allow = true,       .type = 'a',        .access = "m"         },
	{			  .allow = true,        .type = 'c', .major = {true, 1},     .minor = {true, 3}, .access = "rwm"},
	{	   .allow = true,       .type = 'c',        .major = {true, 1},     .minor = {true, 5}, .access = "rwm"},
	{.allow = true,                   .type = 'c',                         .major = {true, 1},                  .minor = {true, 7}, .access = "rwm"},
	{    .allow = true,    .type = 'c',                      .major = {true, 1},                                .minor = {true, 8}, .access = "rwm"},
	{				       .allow = true, .type = 'c',    .major = {true, 1},.minor = {true, 9}, .access = "rwm"},
	{.allow = true, .type = 'c',.major = {true, 5},           .minor = {true, 0}, .access = "rwm"},
	{				    .allow = true,        .type = 'c',           .major = {true, 5},     .minor = {true, 2}, .access = "rwm"},
	{	       .allow = true,       .type = 'c',       .major = {true, 136}, .access = "rwm"},
};

static int32_t access_bits(const char *access)
{
	static const struct {
		char letter;
		int32_t bit;
	} letters[] = {
		{'m', BPF_DEVCG_ACC_MKNOD},
		{'r', BPF_DEVCG_ACC_READ },
		{'w', BPF_DEVCG_ACC_WRITE},
	};
	int32_t bits = 0;

	for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
		if (!access || strchr(access, letters[i].letter)) /* absent: all */
			bits |= letters[i].bit;
	return bits;
}

static void emit(struct device_program *p, uint8_t code, uint8_t to, int16_t offset, int32_t value)
{
	p->insns[p->count++] =
		(struct bpf_insn){.code = code, .dst_reg = to & 0xf, .off = offset, .imm = value};
}

static void emit_load(struct device_program *p, uint8_t to, size_t offset)
{
	p->insns[p->count++] = (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_W,
	                                         .dst_reg = to & 0xf,
	                                         .src_reg = BPF_REG_1,
	                                         .off = (int16_t)offset};
}

static void emit_answer(struct device_program *p, bool allow)
{
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, allow);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0);
}

static void emit_or(struct device_program *p, uint8_t to, uint8_t from)
{
	p->insns[p->count++] = (struct bpf_insn){.code = BPF_ALU64 | BPF_OR | BPF_X,
	                                         .dst_reg = to & 0xf,
	                                         .src_reg = from & 0xf};
}

/* One device is compared at once: each branch costs the kernel's verifier more than all that is between two. */
static void emit_device(struct device_program *p)
{
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, DEVICE, 0, 0);
	emit_or(p, DEVICE, MAJOR);
	emit(p, BPF_ALU64 | BPF_LSH | BPF_K, DEVICE, 0, DEVICE_MAJOR - DEVICE_TYPE);
	emit_or(p, DEVICE, TYPE);
	emit(p, BPF_ALU64 | BPF_LSH | BPF_K, DEVICE, 0, DEVICE_TYPE);
	emit_or(p, DEVICE, MINOR);
}

static void emit_begin(struct device_program *p)
{
	emit_load(p, ASKED, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	emit_load(p, MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	emit_load(p, MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
	p->insns[p->count++] = (struct bpf_insn){.code = BPF_ALU | BPF_MOV | BPF_X,
	                                         .dst_reg = TYPE,
	                                         .src_reg = ASKED};
	emit(p, BPF_ALU | BPF_AND | BPF_K, TYPE, 0, 0xffff);
	emit(p, BPF_ALU | BPF_RSH | BPF_K, ASKED, 0, 16);
	emit_device(p);
}

static bool is_any(const struct maybe_i64 *number)
{
	return !number->set || number->value == ANY;
}

static bool fits_all(const struct spec_device_rule *rule)
{
	return rule->type == 'a' && is_any(&rule->major) && is_any(&rule->minor) &&
	       access_bits(rule->access) == access_bits(NULL);
}

static void emit_condition(struct device_program *p, uint8_t of, int64_t value)
{
	emit(p, BPF_JMP32 | BPF_JNE | BPF_K, of, 0, (int32_t)(uint32_t)value);
}

static int32_t type_of(const struct spec_device_rule *rule)
{
	return rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
}

static bool is_one_device(const struct spec_device_rule *rule)
{
	return rule->type != 'a' && !is_any(&rule->major) && !is_any(&rule->minor) &&
	       rule->major.value <= INT32_MAX && rule->minor.value < INT64_C(1) << DEVICE_TYPE;
}

static void emit_one_device(struct device_program *p, const struct spec_device_rule *rule)
{
	/* a load of 64 bits (BPF_IMM, which is 0) takes two places; the upper half is the second one's */
	emit(p, BPF_LD | BPF_DW, WANTED, 0,
	     (int32_t)((uint32_t)type_of(rule) << DEVICE_TYPE | (uint32_t)rule->minor.value));
	emit(p, 0, 0, 0, (int32_t)rule->major.value);
	p->insns[p->count++] = (struct bpf_insn){.code = BPF_JMP | BPF_JNE | BPF_X,
	                                         .dst_reg = DEVICE,
	                                         .src_reg = WANTED};
}

/* What a rule is about; each jump leads to behind it and is filled in when its end is known. */
static void emit_conditions(struct device_program *p, const struct spec_device_rule *rule)
{
	if (is_one_device(rule)) {
		emit_one_device(p, rule);
		return;
	}
	if (rule->type != 'a')
		emit_condition(p, TYPE, type_of(rule));
	if (!is_any(&rule->major))
		emit_condition(p, MAJOR, rule->major.value);
	if (!is_any(&rule->minor))
		emit_condition(p, MINOR, rule->minor.value);
}

static bool is_jump(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_JMP || BPF_CLASS(insn->code) == BPF_JMP32;
}

static void emit_rule(struct device_program *p, const struct spec_device_rule *rule)
{
	size_t first = p->count, conditions;
	int32_t bits = access_bits(rule->access);

	emit_conditions(p, rule);
	conditions = p->count;
	if (rule->allow && bits == access_bits(NULL)) {
		; /* nothing is left to be asked */
	} else if (rule->allow) {
		emit(p, BPF_ALU | BPF_AND | BPF_K, ASKED, 0, ~bits);
		emit(p, BPF_JMP32 | BPF_JNE | BPF_K, ASKED, 2, 0);
	} else {
		emit(p, BPF_JMP32 | BPF_JSET | BPF_K, ASKED, 1, bits);
		emit(p, BPF_JMP | BPF_JA, 0, 2, 0);
	}
	emit_answer(p, rule->allow);
	for (size_t i = first; i < conditions; i++)
		if (is_jump(&p->insns[i]))
			p->insns[i].off = (int16_t)(p->count - i - 1);
}

int devices_plan(const struct spec_resources *resources, struct arena *arena,
                 struct device_program **ret_program, struct error *err)
{
	size_t rules = resources->devices.count;
	size_t most = (rules + ARRAY_SIZE(defaults)) * INSNS_OF_RULE + INSNS_OF_FRAME;
	struct device_program *p;

	*ret_program = NULL;
	if (rules == 0)
		return 0;
	if (most > BPF_MAXINSNS)
		return fail(err, ERROR_CONFIG, "linux.resources.devices",
		            "%zu rules do not fit a program of %d instructions", rules,
		            BPF_MAXINSNS);
	p = ARENA_NEW(arena, struct device_program);
	if (p && !(resources->devices.item[rules - 1].allow &&
	           fits_all(&resources->devices.item[rules - 1])))
		p->insns = arena_alloc(arena, most, sizeof(*p->insns));
	if (arena_check(arena, err) < 0)
		return error_within(err, "linux.resources.devices");
	*ret_program = p;
	if (!p->insns)
		return 0;
	emit_begin(p);
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		emit_rule(p, &defaults[i]);
	for (size_t i = rules; i-- > 0;) {
		const struct spec_device_rule *rule = &resources->devices.item[i];

		if (fits_all(rule)) { /* those before it decide nothing */
			emit_answer(p, rule->allow);
			return 0;
		}
		emit_rule(p, rule);
	}
	emit_answer(p, false);
	return 0;
}
