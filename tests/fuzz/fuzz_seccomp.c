/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "runtime/process/process.h"

/* Bytes as rules: each byte chooses a word, each number is one. What is planned is a program that the
 * kernel would take: every jump lands in it, and its last instruction returns. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libseccomp 2.5 keeps nodes of a tree that it has thrown away, when the filter is released. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libseccomp.so";
}

enum { RULES = 12 };

static const char *const calls[] = {"read",        "write", "openat",  "clone", "clone3",
                                    "socket",      "ioctl", "prctl",   "mount", "bpf",
                                    "personality", "kill",  "nothing", "stat64"};

static const char *choose(const char *const *words, size_t count, uint8_t byte)
{
	return count ? words[byte % count] : NULL;
}

static void check(const struct process_plan *plan)
{
	size_t n = plan->filter_length;

	if (!plan->filter || n == 0 || BPF_CLASS(plan->filter[n - 1].code) != BPF_RET)
		abort();
	for (size_t i = 0; i < n; i++) {
		const struct sock_filter *f = &plan->filter[i];

		if (BPF_CLASS(f->code) != BPF_JMP)
			continue;
		if (BPF_OP(f->code) == BPF_JA ? f->k >= n - i - 1
		                              : i + 1 + (f->jt > f->jf ? f->jt : f->jf) >= n)
			abort();
	}
}

static void fill(struct reader *r, struct spec_seccomp_rule *rule, const char **name,
                 struct spec_seccomp_argument *args)
{
	size_t count;
	const char *const *words = process_seccomp_actions(&count);

	*name = calls[read_u8(r) % (sizeof(calls) / sizeof(calls[0]))];
	rule->names.item = name;
	rule->names.count = 1;
	rule->action = choose(words, count, read_u8(r));
	rule->errno_ret = (struct maybe_u64){read_u8(r) % 2, read_u8(r)};
	rule->args.item = args;
	rule->args.count = read_u8(r) % 4;
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
	size_t count;

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

		fill(&r, &rules[i], &names[i], args[i]);
	}
	if (process_plan(&spec, &spec.process, &host, arena, &plan, &err) == 0)
		check(plan);
	else if (!err.reason[0])
		abort();
	return 0;
}
