/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/table.h"
#include "runtime/process/parts.h"
#include "tests/unit/runtime/process/machine.h"

#include "must.h"

/* Bytes as rules: each byte chooses a word, each number is one. What is planned is a program that the
 * kernel would take: every jump lands in it, and its last instruction returns; and it says to every call what
 * the program said from which it is made: to newer ones than are named ENOSYS, to others what libseccomp's own says. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libseccomp 2.5 keeps nodes of a tree that it has thrown away, when the filter is released. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libseccomp.so";
}

enum { RULES = 12, CONDITIONS = 3 };

static const char *const calls[] = {"read",        "write", "openat",  "clone", "clone3",
                                    "socket",      "ioctl", "prctl",   "mount", "bpf",
                                    "personality", "kill",  "nothing", "stat64"};

static const char *choose(const char *const *words, size_t count, uint8_t byte)
{
	return count ? words[byte % count] : NULL;
}

/* What was made of the last rules, before it was compacted. */
static struct sock_filter made[2 * BPF_MAXINSNS];
static size_t made_length;

/* Instead of the product's: in a process of its own nobody counts what was reached. */
int apart(int (*work)(const void *data, int file, struct error *err), const void *data,
          unsigned int seconds, int *ret_file, struct error *err)
{
	owned_fd file = memfd_create("filter", MFD_CLOEXEC);
	ssize_t n;

	(void)seconds;
	must(file >= 0);
	if (work(data, file, err) < 0)
		return -1;
	n = pread(file, made, sizeof(made), 0);
	must(n >= 0);
	made_length = (size_t)n / sizeof(made[0]);
	*ret_file = take_fd(&file);
	return 0;
}

static void check(const struct process_plan *plan)
{
	size_t n = plan->filter_length;

	must(plan->filter && n > 0 && BPF_CLASS(plan->filter[n - 1].code) == BPF_RET);
	for (size_t i = 0; i < n; i++) {
		const struct sock_filter *f = &plan->filter[i];

		if (BPF_CLASS(f->code) == BPF_JMP && BPF_OP(f->code) == BPF_JA)
			must(f->k < n - i - 1);
		else if (BPF_CLASS(f->code) == BPF_JMP)
			must(i + 1 + (f->jt > f->jf ? f->jt : f->jf) < n);
	}
}

/* ---- newer calls ---- */

/* The largest number that is named for an architecture. */
static int largest(const struct spec_seccomp *s, uint32_t architecture)
{
	int most = -1;

	for (size_t i = 0; i < s->syscalls.count; i++) {
		const char *name = s->syscalls.item[i].names.item[0];
		int number = seccomp_syscall_resolve_name_arch(architecture, name);

		if (architecture == SCMP_ARCH_X86 && strcmp(name, "socket") == 0)
			number = 359; /* beside socketcall(2) */
		if (number > most)
			most = number;
	}
	return most;
}

static bool is_asked(const struct spec_seccomp *s, const char *architecture)
{
	for (size_t i = 0; i < s->architectures.count; i++)
		if (strcmp(s->architectures.item[i], architecture) == 0)
			return true;
	return false;
}

static bool lets_through(const char *action)
{
	return strcmp(action, "SCMP_ACT_ALLOW") == 0 || strcmp(action, "SCMP_ACT_LOG") == 0 ||
	       strcmp(action, "SCMP_ACT_TRACE") == 0;
}

static bool is_newer(const struct spec_seccomp *s, const struct seccomp_data *data)
{
	static const struct {
		const char *word;
		uint32_t made_for, architecture, last;
	} all[] = {
		{"SCMP_ARCH_X86_64",  SCMP_ARCH_X86_64,  AUDIT_ARCH_X86_64,  0x3fffffff},
		{"SCMP_ARCH_X32",     SCMP_ARCH_X32,     AUDIT_ARCH_X86_64,  UINT32_MAX},
		{"SCMP_ARCH_X86",     SCMP_ARCH_X86,     AUDIT_ARCH_I386,    UINT32_MAX},
		{"SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64, UINT32_MAX},
	};
	uint32_t number = (uint32_t)data->nr;

	for (size_t i = 0; i < ARRAY_SIZE(all) && !lets_through(s->default_action); i++) {
		int most = largest(s, all[i].made_for);

		if (data->arch == all[i].architecture && most >= 0 && number > (uint32_t)most &&
		    number <= all[i].last &&
		    (is_asked(s, all[i].word) || all[i].made_for == seccomp_arch_native()))
			return true;
	}
	return false;
}

/* Where libseccomp's program begins: behind one such range for each architecture. */
static size_t start_of_libseccomps(void)
{
	static const uint16_t range[] = {BPF_LD | BPF_W | BPF_ABS,  BPF_JMP | BPF_JEQ | BPF_K,
	                                 BPF_LD | BPF_W | BPF_ABS,  BPF_JMP | BPF_JGE | BPF_K,
	                                 BPF_JMP | BPF_JGT | BPF_K, BPF_RET | BPF_K};
	size_t start = 0, same = 0;

	while (start + ARRAY_SIZE(range) < made_length) {
		for (same = 0; same < ARRAY_SIZE(range); same++)
			if (made[start + same].code != range[same])
				break;
		if (same < ARRAY_SIZE(range) || made[start + same - 1].k != SCMP_ACT_ERRNO(ENOSYS))
			break;
		start += same;
	}
	return start;
}

static void compare(const struct process_plan *plan, const struct spec_seccomp *s,
                    struct seccomp_data *data)
{
	size_t start = start_of_libseccomps();

	must(machine_agree(made, made_length, plan->filter, plan->filter_length, data));
	for (size_t i = 0; i < ARRAY_SIZE(machine_architectures); i++) {
		uint32_t said, own;

		data->arch = machine_architectures[i];
		said = machine_decide(plan->filter, plan->filter_length, data);
		own = machine_decide(made + start, made_length - start, data);
		must(said == (is_newer(s, data) ? SCMP_ACT_ERRNO(ENOSYS) : own));
	}
}

/* ---- all calls ---- */

/* With arguments that a rule asks for, and beside them. */
static void compare_with(const struct process_plan *plan, const struct spec_seccomp *s,
                         const struct spec_seccomp_rule *rule, int number)
{
	struct seccomp_data data = {.nr = number};

	for (int beside = -1; beside <= 1; beside++) {
		for (size_t i = 0; rule && i < rule->args.count; i++)
			data.args[rule->args.item[i].index] =
				rule->args.item[i].value + (uint64_t)beside;
		compare(plan, s, &data);
		data.nr = (int)((uint32_t)number | 0x40000000U);
		compare(plan, s, &data);
		data.nr = number + beside;
		compare(plan, s, &data);
		data.nr = number;
	}
}

static void compare_all(const struct process_plan *plan, const struct spec_seccomp *s)
{
	for (size_t i = 0; i < s->syscalls.count; i++) {
		const struct spec_seccomp_rule *rule = &s->syscalls.item[i];
		int number = seccomp_syscall_resolve_name(rule->names.item[0]);

		compare_with(plan, s, rule, number);
		compare_with(plan, s, NULL, number);
		compare_with(plan, s, NULL, largest(s, SCMP_ARCH_X86));
		compare_with(plan, s, NULL, largest(s, SCMP_ARCH_AARCH64));
	}
}

static void fill(struct reader *r, struct spec_seccomp_rule *rule, const char **name,
                 struct spec_seccomp_argument *args, size_t *left)
{
	size_t count, which = read_u8(r) % ARRAY_SIZE(calls);
	const char *const *words = process_seccomp_actions(&count);

	*name = calls[which];
	rule->names.item = name;
	rule->names.count = 1;
	rule->action = choose(words, count, read_u8(r));
	rule->errno_ret = (struct maybe_u64){read_u8(r) % 2, read_u8(r)};
	rule->args.item = args;
	rule->args.count = read_u8(r) % 4;
	/* libseccomp comes to no end with more on one call: the product ends it, here nobody does */
	if (rule->args.count > left[which])
		rule->args.count = left[which];
	left[which] -= rule->args.count;
	words = process_seccomp_operators(&count);
	for (size_t i = 0; i < rule->args.count; i++)
		args[i] = (struct spec_seccomp_argument){.index = read_u8(r) % 6,
		                                         .op = choose(words, count, read_u8(r)),
		                                         .value = read_u64(r),
		                                         .value_two = read_u64(r)};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct host host = {.capabilities = ~0ULL,
	                                 .bounding = ~0ULL,
	                                 .privileged = true,
	                                 .made_up = true};
	owned_arena struct arena *arena = arena_new(32 << 20);
	struct spec_seccomp_argument args[RULES][4] = {0};
	struct spec_seccomp_rule rules[RULES] = {0};
	const char *names[RULES], *program = "true", *archs[2];
	struct reader r = reader_of(data, size);
	struct process_plan *plan = NULL;
	struct error err = {0};
	struct spec spec = {0};
	struct spec_seccomp *s = &spec.linux_.seccomp;
	const char *const *words;
	size_t count, left[ARRAY_SIZE(calls)];

	for (size_t i = 0; i < ARRAY_SIZE(left); i++)
		left[i] = CONDITIONS;
	if (!arena || size < 4)
		return 0;
	spec.process.set = true;
	spec.process.cwd = "/";
	spec.process.args.item = &program;
	spec.process.args.count = 1;
	spec.process.no_new_privileges = true;
	words = process_seccomp_actions(&count);
	s->set = true;
	s->default_action = choose(words, count, read_u8(&r));
	words = process_seccomp_archs(&count);
	archs[0] = choose(words, count, read_u8(&r));
	archs[1] = choose(words, count, read_u8(&r));
	s->architectures.item = archs;
	s->architectures.count = read_u8(&r) % 3;
	s->syscalls.item = rules;
	while (s->syscalls.count < RULES && r.left > 0 && !r.failed) {
		size_t i = s->syscalls.count++;

		fill(&r, &rules[i], &names[i], args[i], left);
	}
	if (process_plan(&spec, &spec.process, &host, arena, &plan, &err) < 0) {
		must(err.reason[0]);
		return 0;
	}
	check(plan);
	compare_all(plan, s);
	return 0;
}
