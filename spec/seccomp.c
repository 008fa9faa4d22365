/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "parts.h"

/* linux.seccomp: the specification's words; which of them this build and kernel know is asked
 * later. Spec: runtime-spec 1.3 config-linux.md, "Seccomp". */

enum { ERRNO_MOST = 4094 }; /* what libseccomp takes: the kernel's MAX_ERRNO is 4095 */

/* the value: the largest errno that the action takes; 0: none */
static const struct word actions[] = {
	{"SCMP_ACT_ALLOW",        0         },
        {"SCMP_ACT_ERRNO",        ERRNO_MOST},
        {"SCMP_ACT_KILL",         0         },
	{"SCMP_ACT_KILL_PROCESS", 0         },
        {"SCMP_ACT_KILL_THREAD",  0         },
        {"SCMP_ACT_LOG",          0         },
	{"SCMP_ACT_NOTIFY",       0         },
        {"SCMP_ACT_TRACE",        UINT16_MAX},
        {"SCMP_ACT_TRAP",         0         },
};

static const struct word operators[] = {
	{"SCMP_CMP_NE",        0},
        {"SCMP_CMP_LT",        0},
        {"SCMP_CMP_LE",        0},
        {"SCMP_CMP_EQ",        0},
	{"SCMP_CMP_GE",        0},
        {"SCMP_CMP_GT",        0},
        {"SCMP_CMP_MASKED_EQ", 0},
};

static const struct word flag_words[] = {
	{"SECCOMP_FILTER_FLAG_TSYNC",              0},
	{"SECCOMP_FILTER_FLAG_LOG",                0},
	{"SECCOMP_FILTER_FLAG_SPEC_ALLOW",         0},
	{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 0},
};

/* clang-format off: too long for a line each */
static const struct word architecture_words[] = {
	{"SCMP_ARCH_X86",         0},
        {"SCMP_ARCH_X86_64",      0},
        {"SCMP_ARCH_X32",         0},
	{"SCMP_ARCH_ARM",         0},
        {"SCMP_ARCH_AARCH64",     0},
        {"SCMP_ARCH_LOONGARCH64", 0},
	{"SCMP_ARCH_M68K",        0},
        {"SCMP_ARCH_MIPS",        0},
        {"SCMP_ARCH_MIPS64",      0},
	{"SCMP_ARCH_MIPS64N32",   0},
        {"SCMP_ARCH_MIPSEL",      0},
        {"SCMP_ARCH_MIPSEL64",    0},
	{"SCMP_ARCH_MIPSEL64N32", 0},
        {"SCMP_ARCH_PPC",         0},
        {"SCMP_ARCH_PPC64",       0},
	{"SCMP_ARCH_PPC64LE",     0},
        {"SCMP_ARCH_S390",        0},
        {"SCMP_ARCH_S390X",       0},
	{"SCMP_ARCH_SH",          0},
        {"SCMP_ARCH_SHEB",        0},
        {"SCMP_ARCH_PARISC",      0},
	{"SCMP_ARCH_PARISC64",    0},
        {"SCMP_ARCH_RISCV64",     0},
};
/* clang-format on */

static const struct field_type action = {.kind = FIELD_TEXT, FIELD_WORDS(actions)};
static const struct field_type op = {.kind = FIELD_TEXT, FIELD_WORDS(operators)};
static const struct field_type flag = {.kind = FIELD_TEXT, FIELD_WORDS(flag_words)};
static const struct field_type architecture = {.kind = FIELD_TEXT, FIELD_WORDS(architecture_words)};
static const struct field_type flags = {.kind = FIELD_LIST, .element = &flag};
static const struct field_type architectures = {.kind = FIELD_LIST, .element = &architecture};
/* SECCOMP_RET_DATA of the kernel */
static const struct field_type errno_ret = {.kind = FIELD_MAYBE_U64, .most = UINT16_MAX};

/* ---- rules ---- */

#define ARGUMENT(member) offsetof(struct spec_seccomp_argument, member)
#define RULE(member)     offsetof(struct spec_seccomp_rule, member)

/* a system call has six arguments */
static const struct field_type argument_index = {.kind = FIELD_U32, .most = 5};

static const struct field argument_members[] = {
	{"index",    &argument_index, ARGUMENT(index),     REQUIRED},
	{"value",    &field_u64,      ARGUMENT(value),     REQUIRED},
	{"valueTwo", &field_u64,      ARGUMENT(value_two), OPTIONAL},
	{"op",       &op,             ARGUMENT(op),        REQUIRED},
};

static const struct field_type argument = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct spec_seccomp_argument),
	FIELD_MEMBERS(argument_members),
};

static const struct field_type arguments = {.kind = FIELD_LIST, .element = &argument};
static const struct field_type names = {.kind = FIELD_LIST,
                                        .element = &field_filled_text,
                                        .fewest = 1};

static const struct field rule_members[] = {
	{"names",    &names,     RULE(names),     REQUIRED},
	{"action",   &action,    RULE(action),    REQUIRED},
	{"errnoRet", &errno_ret, RULE(errno_ret), OPTIONAL},
	{"args",     &arguments, RULE(args),      OPTIONAL},
};

static int check_errno(const struct json *value, const char *name, const struct maybe_u64 *number,
                       const char *word, struct error *err)
{
	int64_t most = 0;

	if (!number->set)
		return 0;
	if (!table_value(actions, ARRAY_SIZE(actions), word, &most) || most == 0)
		return field_fail(err, value, name, "has no meaning with %s", word);
	if (number->value > (uint64_t)most)
		return field_fail(err, value, name, "is more than %" PRId64 ", the most of %s",
		                  most, word);
	return 0;
}

static int check_rule(const struct json *value, void *at, struct error *err)
{
	const struct spec_seccomp_rule *rule = at;

	return check_errno(value, "errnoRet", &rule->errno_ret, rule->action, err);
}

static const struct field_type rule = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct spec_seccomp_rule),
	FIELD_MEMBERS(rule_members),
	.check = check_rule,
};

static const struct field_type rules = {.kind = FIELD_LIST, .element = &rule};

/* ---- the whole ---- */

#define AT(member) offsetof(struct spec_seccomp, member)

static const struct field members[] = {
	{"defaultAction",    &action,            AT(default_action),    REQUIRED},
	{"defaultErrnoRet",  &errno_ret,         AT(default_errno_ret), OPTIONAL},
	{"architectures",    &architectures,     AT(architectures),     OPTIONAL},
	{"flags",            &flags,             AT(flags),             OPTIONAL},
	{"listenerPath",     &field_filled_text, AT(listener_path),     OPTIONAL},
	{"listenerMetadata", &field_text,        AT(listener_metadata), OPTIONAL},
	{"syscalls",         &rules,             AT(syscalls),          OPTIONAL},
};

bool spec_seccomp_notifies(const struct spec_seccomp *seccomp)
{
	static const char notify[] = "SCMP_ACT_NOTIFY";

	if (seccomp->program)
		return false;
	for (size_t i = 0; i < seccomp->syscalls.count; i++)
		if (strcmp(seccomp->syscalls.item[i].action, notify) == 0)
			return true;
	return strcmp(seccomp->default_action, notify) == 0;
}

const char *spec_seccomp_agent(const struct spec *spec, const char *otherwise)
{
	const struct spec_seccomp *seccomp = &spec->linux_.seccomp;
	const char *annotated = spec_annotation(spec, "run.oci.seccomp.receiver");

	if (!seccomp->set || !spec_seccomp_notifies(seccomp))
		return NULL;
	if (seccomp->listener_path)
		return seccomp->listener_path;
	return annotated ? annotated : otherwise;
}

static int check_seccomp(const struct json *value, void *at, struct error *err)
{
	struct spec_seccomp *seccomp = at;

	seccomp->flags_set = json_member(value, "flags") != NULL;
	if (check_errno(value, "defaultErrnoRet", &seccomp->default_errno_ret,
	                seccomp->default_action, err) < 0)
		return -1;
	if (seccomp->listener_metadata && !seccomp->listener_path)
		return field_fail(err, value, "listenerMetadata", "is for a listenerPath only");
	return 0;
}

const struct field_type part_seccomp = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct spec_seccomp),
	.marks = true,
	FIELD_MEMBERS(members),
	.check = check_seccomp,
};
