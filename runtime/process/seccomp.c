/* SPDX-License-Identifier: Apache-2.0 */
/* linux.seccomp to a program for the kernel, by libseccomp or from what it made before (filters.c).
 *
 * SCMP_ACT_NOTIFY: the child loads the filter with a listener, a descriptor by which an agent outside answers
 * the calls. It goes to the parent by sendmsg(2), and the parent gives it to the agent: so that call can't be one
 * that waits for the agent. */
#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/own.h"
#include "base/syscalls.h"
#include "base/table.h"

#include "parts.h"

/* ERRNO and TRACE carry a number with them. */
static const struct word actions[] = {
	{"SCMP_ACT_KILL",         SCMP_ACT_KILL_THREAD },
	{"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
	{"SCMP_ACT_KILL_THREAD",  SCMP_ACT_KILL_THREAD },
	{"SCMP_ACT_TRAP",         SCMP_ACT_TRAP        },
	{"SCMP_ACT_ERRNO",        SCMP_ACT_ERRNO(0)    },
	{"SCMP_ACT_TRACE",        SCMP_ACT_TRACE(0)    },
	{"SCMP_ACT_ALLOW",        SCMP_ACT_ALLOW       },
	{"SCMP_ACT_LOG",          SCMP_ACT_LOG         },
	{"SCMP_ACT_NOTIFY",       SCMP_ACT_NOTIFY      },
};

static const struct word operators[] = {
	{"SCMP_CMP_NE",        SCMP_CMP_NE       },
	{"SCMP_CMP_LT",        SCMP_CMP_LT       },
	{"SCMP_CMP_LE",        SCMP_CMP_LE       },
	{"SCMP_CMP_EQ",        SCMP_CMP_EQ       },
	{"SCMP_CMP_GE",        SCMP_CMP_GE       },
	{"SCMP_CMP_GT",        SCMP_CMP_GT       },
	{"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
};

static const struct word architectures[] = {
	{"SCMP_ARCH_X86",         SCMP_ARCH_X86        },
	{"SCMP_ARCH_X86_64",      SCMP_ARCH_X86_64     },
	{"SCMP_ARCH_X32",         SCMP_ARCH_X32        },
	{"SCMP_ARCH_ARM",         SCMP_ARCH_ARM        },
	{"SCMP_ARCH_AARCH64",     SCMP_ARCH_AARCH64    },
	{"SCMP_ARCH_MIPS",        SCMP_ARCH_MIPS       },
	{"SCMP_ARCH_MIPS64",      SCMP_ARCH_MIPS64     },
	{"SCMP_ARCH_MIPS64N32",   SCMP_ARCH_MIPS64N32  },
	{"SCMP_ARCH_MIPSEL",      SCMP_ARCH_MIPSEL     },
	{"SCMP_ARCH_MIPSEL64",    SCMP_ARCH_MIPSEL64   },
	{"SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32},
	{"SCMP_ARCH_PPC",         SCMP_ARCH_PPC        },
	{"SCMP_ARCH_PPC64",       SCMP_ARCH_PPC64      },
	{"SCMP_ARCH_PPC64LE",     SCMP_ARCH_PPC64LE    },
	{"SCMP_ARCH_S390",        SCMP_ARCH_S390       },
	{"SCMP_ARCH_S390X",       SCMP_ARCH_S390X      },
	{"SCMP_ARCH_PARISC",      SCMP_ARCH_PARISC     },
	{"SCMP_ARCH_PARISC64",    SCMP_ARCH_PARISC64   },
	{"SCMP_ARCH_RISCV64",     SCMP_ARCH_RISCV64    },
#ifdef SCMP_ARCH_LOONGARCH64  /* libseccomp 2.6 */
	{"SCMP_ARCH_LOONGARCH64", SCMP_ARCH_LOONGARCH64},
	{"SCMP_ARCH_M68K",        SCMP_ARCH_M68K       },
	{"SCMP_ARCH_SH",          SCMP_ARCH_SH         },
	{"SCMP_ARCH_SHEB",        SCMP_ARCH_SHEB       },
#endif
};

static const struct word flags[] = {
	{"SECCOMP_FILTER_FLAG_TSYNC",              SECCOMP_FILTER_FLAG_TSYNC             },
	{"SECCOMP_FILTER_FLAG_LOG",                SECCOMP_FILTER_FLAG_LOG               },
	{"SECCOMP_FILTER_FLAG_SPEC_ALLOW",         SECCOMP_FILTER_FLAG_SPEC_ALLOW        },
	{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV},
};

static void context_release(void **context)
{
	if (*context)
		seccomp_release(*context);
}

#define owned_context OWNED(context_release) scmp_filter_ctx

/* libseccomp returns an errno of its own kind. */
static int refuse(struct error *err, const char *object, const char *what, int result)
{
	errno = -result;
	return fail_errno(err, object, what);
}

static int read_action(const char *word, const struct maybe_u64 *number, uint32_t *ret,
                       struct error *err)
{
	int64_t action;

	if (!table_value(actions, ARRAY_SIZE(actions), word, &action))
		return fail(err, ERROR_CONFIG, "", "unknown action '%s'", word);
	*ret = (uint32_t)action;
	if (*ret == SCMP_ACT_ERRNO(0))
		*ret = SCMP_ACT_ERRNO(number->set ? number->value : EPERM);
	if (*ret == SCMP_ACT_TRACE(0))
		*ret = SCMP_ACT_TRACE(number->set ? number->value : EPERM);
	return 0;
}

static int add_architectures(scmp_filter_ctx context, const text_list *names, struct error *err)
{
	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->item[i];
		int64_t architecture;
		int result;

		if (!table_value(architectures, ARRAY_SIZE(architectures), name, &architecture)) {
			(void)fail(err, ERROR_UNSUPPORTED, "",
			           "libseccomp, as it is in this build, has no %s", name);
			return error_within(err, "linux.seccomp.architectures[%zu]", i);
		}
		result = seccomp_arch_add(context, (uint32_t)architecture);
		if (result < 0 && result != -EEXIST) {
			(void)refuse(err, name, "can't be filtered", result);
			return error_within(err, "linux.seccomp.architectures[%zu]", i);
		}
	}
	return 0;
}

static struct scmp_arg_cmp comparison(const struct spec_seccomp_argument *a)
{
	int64_t op = SCMP_CMP_EQ;

	(void)table_value(operators, ARRAY_SIZE(operators), a->op, &op); /* spec/ checked it */
	return (struct scmp_arg_cmp){
		.arg = a->index,
		.op = (enum scmp_compare)op,
		.datum_a = a->value,
		.datum_b = a->value_two,
	};
}

/* Two conditions on one argument can't be in one rule: then any of all is enough, as the peers have it. */
static bool has_twice(const struct spec_seccomp_rule *rule)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < rule->args.count; i++) {
		unsigned int bit = 1U << rule->args.item[i].index;

		if (seen & bit)
			return true;
		seen |= bit;
	}
	return false;
}

enum { ARGUMENTS = 6 };

static int add_call(scmp_filter_ctx context, const struct spec_seccomp_rule *rule, uint32_t action,
                    int number)
{
	struct scmp_arg_cmp all[ARGUMENTS];
	size_t count = rule->args.count;

	if (!has_twice(rule)) {
		for (size_t i = 0; i < count; i++)
			all[i] = comparison(&rule->args.item[i]);
		return seccomp_rule_add_array(context, action, number, (unsigned int)count, all);
	}
	for (size_t i = 0; i < count; i++) {
		struct scmp_arg_cmp one = comparison(&rule->args.item[i]);
		int result = seccomp_rule_add_array(context, action, number, 1, &one);

		if (result < 0)
			return result;
	}
	return 0;
}

static int add_rule(scmp_filter_ctx context, const struct spec_seccomp *asked, size_t index,
                    uint32_t default_action, struct error *err)
{
	const struct spec_seccomp_rule *rule = &asked->syscalls.item[index];
	uint32_t action;

	if (read_action(rule->action, &rule->errno_ret, &action, err) < 0)
		return error_within(err, "linux.seccomp.syscalls[%zu].action", index);
	if (action == default_action)
		return 0;
	for (size_t i = 0; i < rule->names.count; i++) {
		int number = seccomp_syscall_resolve_name(rule->names.item[i]);
		int result;

		if (number == __NR_SCMP_ERROR) { /* lists are written for many kernels */
			log_debug("linux.seccomp: unknown system call '%s' left out",
			          rule->names.item[i]);
			continue;
		}
		result = add_call(context, rule, action, number);
		if (result < 0) {
			(void)refuse(err, rule->names.item[i], "add the rule", result);
			return error_within(err, "linux.seccomp.syscalls[%zu].names[%zu]", index,
			                    i);
		}
	}
	return 0;
}

static int add_rules(scmp_filter_ctx context, const struct spec_seccomp *asked,
                     uint32_t default_action, struct error *err)
{
	for (size_t i = 0; i < asked->syscalls.count; i++)
		if (add_rule(context, asked, i, default_action, err) < 0)
			return -1;
	return 0;
}

/* No program: the kernel faults on it, but after it looked at the flags. */
static bool kernel_has(unsigned int flag)
{
	if (flag == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
		flag |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	return sys_seccomp(SECCOMP_SET_MODE_FILTER, flag, NULL) >= 0 || errno != EINVAL;
}

/* Where the config says nothing, a filter does not slow the program down, as with crun and runc: kernels before 5.16
 * take speculative store bypass from each process with a filter, later ones where they were started with that. */
static int read_flags(const struct spec_seccomp *asked, bool on_this_host, unsigned int *ret,
                      struct error *err)
{
	bool listens = spec_seccomp_notifies(asked);

	*ret = asked->flags_set ? 0 : SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	for (size_t i = 0; i < asked->flags.count; i++) {
		const char *name = asked->flags.item[i];
		int64_t flag = 0;

		(void)table_value(flags, ARRAY_SIZE(flags), name, &flag); /* spec/ checked it */
		if (!listens && flag == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
			continue; /* the kernel refuses it then; who asked has been told */
		if (on_this_host && !kernel_has((unsigned int)flag)) {
			(void)fail(err, ERROR_UNSUPPORTED, "", "this kernel has no %s", name);
			return error_within(err, "linux.seccomp.flags[%zu]", i);
		}
		*ret |= (unsigned int)flag;
	}
	if (listens)
		*ret |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	/* with a listener the kernel has no other way to say which thread was in the way */
	if (listens && (*ret & SECCOMP_FILTER_FLAG_TSYNC))
		*ret |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
	return 0;
}

/* ---- the listener ---- */

static bool passes(const char *action)
{
	return strcmp(action, "SCMP_ACT_ALLOW") == 0 || strcmp(action, "SCMP_ACT_LOG") == 0;
}

static bool is_notify(const char *action)
{
	return strcmp(action, "SCMP_ACT_NOTIFY") == 0;
}

/* What the rules say of a call, the conditions left aside: whether it can go through, whether it waits. */
static void look_up(const struct spec_seccomp *asked, const char *call, bool *ret_passes,
                    bool *ret_waits)
{
	*ret_passes = passes(asked->default_action);
	*ret_waits = false;
	for (size_t i = 0; i < asked->syscalls.count; i++) {
		const struct spec_seccomp_rule *rule = &asked->syscalls.item[i];

		for (size_t n = 0; n < rule->names.count; n++) {
			if (strcmp(rule->names.item[n], call) != 0)
				continue;
			*ret_passes = passes(rule->action);
			*ret_waits = *ret_waits || is_notify(rule->action);
		}
	}
}

static int check_listener(const struct spec *spec, struct error *err)
{
	static const char *const ours[] = {"write", "sendmsg"}; /* the first is runc's */
	const struct spec_seccomp *asked = &spec->linux_.seccomp;
	bool goes = true, waits = false;

	if (!spec_seccomp_notifies(asked))
		return 0;
	if (is_notify(asked->default_action))
		return fail(err, ERROR_CONFIG, "linux.seccomp.defaultAction",
		            "SCMP_ACT_NOTIFY can't be the default: the runtime itself would wait");
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		look_up(asked, ours[i], &goes, &waits);
		if (waits)
			return fail(err, ERROR_CONFIG, "linux.seccomp.syscalls",
			            "SCMP_ACT_NOTIFY can't be used for %s: the runtime itself "
			            "would wait",
			            ours[i]);
	}
	if (!goes)
		return fail(err, ERROR_CONFIG, "linux.seccomp.syscalls",
		            "with SCMP_ACT_NOTIFY sendmsg must be allowed: by it the listener is "
		            "handed over");
	return 0;
}

/* ---- the whole ---- */

enum {
	SECONDS = 5, /* of a processor; those of engines take a hundredth of one */
	/* as it is made; compacted, it has BPF_MAXINSNS at most */
	INSTRUCTIONS_MOST = BPF_MAXINSNS + NEWER_MOST * ARRAY_SIZE(architectures),
};

/* Trace: whoever traces answers for calls that are newer. */
static bool is_permissive(const char *action)
{
	return passes(action) || strcmp(action, "SCMP_ACT_TRACE") == 0;
}

static int put_newer(scmp_filter_ctx context, const struct spec_seccomp *asked,
                     uint32_t default_action, int file, struct error *err)
{
	struct sock_filter code[NEWER_MOST];

	if (is_permissive(asked->default_action) || default_action == SCMP_ACT_ERRNO(ENOSYS))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++) {
		uint32_t architecture = (uint32_t)architectures[i].value;
		size_t count;

		if (seccomp_arch_exist(context, architecture) < 0)
			continue;
		count = filter_newer(asked, architecture, code);
		if (fd_write_whole(file, "linux.seccomp", code, count * sizeof(code[0]), err) < 0)
			return -1;
	}
	return 0;
}

static int make(const void *data, int file, struct error *err)
{
	const struct spec_seccomp *asked = data;
	owned_context context = NULL;
	uint32_t default_action;
	int result;

	if (read_action(asked->default_action, &asked->default_errno_ret, &default_action, err) < 0)
		return error_within(err, "linux.seccomp.defaultAction");
	context = seccomp_init(default_action);
	if (!context)
		return fail(err, ERROR_SYSTEM, "linux.seccomp", "out of memory");
	/* A binary tree: at loading the kernel tries the filter with each system call of each architecture. A
	 * library that can't is content with a list. */
	(void)seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (add_architectures(context, &asked->architectures, err) < 0 ||
	    add_rules(context, asked, default_action, err) < 0 ||
	    put_newer(context, asked, default_action, file, err) < 0)
		return -1;
	result = seccomp_export_bpf(context, file);
	return result < 0 ? refuse(err, "linux.seccomp", "make the filter", result) : 0;
}

static int refuse_length(struct error *err)
{
	return fail(err, ERROR_CONFIG, "linux.seccomp",
	            "the filter has more than the %d instructions of one filter", BPF_MAXINSNS);
}

static int take(int file, struct arena *arena, struct process_plan *plan, struct error *err)
{
	char *bytes;
	size_t length;

	if (lseek(file, 0, SEEK_SET) < 0)
		return fail_errno(err, "linux.seccomp", "seek");
	if (fd_read_whole(file, "linux.seccomp", INSTRUCTIONS_MOST * sizeof(struct sock_filter),
	                  arena, &bytes, &length, err) < 0)
		return err->kind == ERROR_CONFIG ? refuse_length(err) : -1;
	plan->filter = (struct sock_filter *)(void *)bytes; /* the arena aligns for any type */
	plan->filter_length = (unsigned short)(length / sizeof(struct sock_filter));
	return 0;
}

/* Apart, as libseccomp (2.5) comes to no end with some conditions on one system call, and takes ever more memory. */
static int compile(const struct spec_seccomp *asked, struct arena *arena, struct process_plan *plan,
                   struct error *err)
{
	owned_fd file = -1;

	if (apart(make, asked, SECONDS, &file, err) < 0) {
		if (err->errnum == ETIME)
			return fail(err, ERROR_CONFIG, "linux.seccomp.syscalls",
			            "libseccomp comes to no end with these rules: fewer conditions "
			            "on one system call, please");
		return err->object[0] ? -1 : error_within(err, "linux.seccomp");
	}
	if (take(file, arena, plan, err) < 0)
		return -1;
	filter_compact(arena, plan);
	if (arena_check(arena, err) < 0)
		return -1;
	return plan->filter_length > BPF_MAXINSNS ? refuse_length(err) : 0;
}

int plan_seccomp(const struct spec *spec, const struct host *host, struct arena *arena,
                 struct process_plan *plan, struct error *err)
{
	const struct spec_seccomp *asked = &spec->linux_.seccomp;

	if (!asked->set)
		return 0;
	if (check_listener(spec, err) < 0 ||
	    read_flags(asked, !host->made_up, &plan->filter_flags, err) < 0)
		return -1;
	if (asked->program)
		return plan_seccomp_program(asked, !host->made_up, arena, plan, err);
	if (filters_find(asked, host->made_up ? -1 : host->filters, arena, plan, err) < 0)
		return -1;
	return plan->filter ? 0 : compile(asked, arena, plan, err);
}

/* ---- words ---- */

enum { WORDS = 24 };

static const char *const *list(const struct word *table, size_t count, const char **words,
                               size_t *ret_count)
{
	for (size_t i = 0; i < count; i++)
		words[i] = table[i].word;
	*ret_count = count;
	return words;
}

const char *const *process_seccomp_actions(size_t *ret_count)
{
	static const char *words[WORDS];

	return list(actions, ARRAY_SIZE(actions), words, ret_count);
}

const char *const *process_seccomp_operators(size_t *ret_count)
{
	static const char *words[WORDS];

	return list(operators, ARRAY_SIZE(operators), words, ret_count);
}

/* Those that can stand in a filter of this machine: one of another byte order can't. */
const char *const *process_seccomp_archs(size_t *ret_count)
{
	owned_context context = seccomp_init(SCMP_ACT_ALLOW);
	static const char *words[WORDS];

	*ret_count = 0;
	for (size_t i = 0; context && i < ARRAY_SIZE(architectures); i++) {
		int result = seccomp_arch_add(context, (uint32_t)architectures[i].value);

		if (result == 0 || result == -EEXIST)
			words[(*ret_count)++] = architectures[i].word;
	}
	return words;
}

const char *const *process_seccomp_flags(size_t *ret_count)
{
	static const char *words[WORDS];

	return list(flags, ARRAY_SIZE(flags), words, ret_count);
}

const char *const *process_seccomp_supported_flags(size_t *ret_count)
{
	static const char *words[WORDS];

	*ret_count = 0;
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (kernel_has((unsigned int)flags[i].value))
			words[(*ret_count)++] = flags[i].word;
	return words;
}
