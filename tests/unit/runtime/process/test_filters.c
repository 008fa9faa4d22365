/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "tests/unit/cmocka.h"

#include "asking.h"
#include "machine.h"

static uint32_t say(const struct process_plan *plan, const struct seccomp_data *data)
{
	return machine_decide(plan->filter, plan->filter_length, data);
}

enum { CALLS = 480, ALLOWED = 300 };

/* A profile as large as engines have it: of every third call the errno is its number, of the others two of three
 * pass, some of them only with a first argument of 7. */
struct large {
	const char *architectures[2];
	const char *names[CALLS];
	struct spec_seccomp_rule rules[CALLS];
	struct spec_seccomp_argument seven;
	int newest; /* of those that are named */
};

static void make_large(struct asking *a, struct large *l)
{
	struct spec_seccomp *s = &a->spec.linux_.seccomp;
	size_t count = 0;

	*l = (struct large){
		.architectures = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86"    },
		.seven = {.value = 7,         .op = "SCMP_CMP_EQ"}
        };
	for (int n = 0; n < CALLS; n++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, n);
		struct spec_seccomp_rule *rule = &l->rules[count];

		if (!name || n % 9 == 8) {
			free(name);
			continue;
		}
		l->names[n] = arena_text(a->arena, name);
		l->newest = n;
		free(name);
		*rule = (struct spec_seccomp_rule){.action = "SCMP_ACT_ALLOW"};
		if (n % 3 == 0) {
			rule->action = "SCMP_ACT_ERRNO";
			rule->errno_ret = (struct maybe_u64){true, (uint64_t)n + 1};
		} else if (n % 7 == 0) {
			rule->args.item = &l->seven;
			rule->args.count = 1;
		}
		rule->names.item = &l->names[n];
		rule->names.count = 1;
		count++;
	}
	assert_true(count > ALLOWED);
	s->set = true;
	s->default_action = "SCMP_ACT_ERRNO";
	s->default_errno_ret = (struct maybe_u64){true, ENOTTY};
	s->architectures.item = l->architectures;
	s->architectures.count = 2;
	s->syscalls.item = l->rules;
	s->syscalls.count = count;
}

static uint32_t expected(const struct large *l, int number, uint64_t argument)
{
	if (number > l->newest)
		return SECCOMP_RET_ERRNO | ENOSYS;
	if (!l->names[number])
		return SECCOMP_RET_ERRNO | ENOTTY;
	if (number % 3 == 0)
		return SECCOMP_RET_ERRNO | (uint32_t)(number + 1);
	if (number % 7 == 0 && argument != 7)
		return SECCOMP_RET_ERRNO | ENOTTY;
	return SECCOMP_RET_ALLOW;
}

/* The filter is a tree: whatever the number, its leaf is the right one. */
static void a_large_profile_says_of_each_call_what_its_rule_says(void **state)
{
	struct asking *a = *state;
	struct large *l = arena_alloc(a->arena, 1, sizeof(*l));

	make_large(a, l);
	assert_int_equal(ask(a), 0);
	for (int n = 0; n < CALLS; n++) {
		for (uint64_t argument = 6; argument < 9; argument++) {
			struct seccomp_data data = {.nr = n,
			                            .arch = SCMP_ARCH_X86_64,
			                            .args = {argument}};
			char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, n);
			int number =
				name ? seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86, name) : -1;

			assert_int_equal(say(a->plan, &data), expected(l, n, argument));
			free(name);
			if (number < 0)
				continue;
			data.nr = number;
			data.arch = SCMP_ARCH_X86;
			assert_int_equal(say(a->plan, &data), expected(l, n, argument));
		}
	}
	for (int n = CALLS; n < 2 * CALLS; n++) {
		struct seccomp_data data = {.nr = n, .arch = SCMP_ARCH_X86_64};

		assert_int_equal(say(a->plan, &data), SECCOMP_RET_ERRNO | ENOSYS);
	}
}

struct place {
	char path[64];
	int dir;
};

static void open_place(struct place *place)
{
	(void)snprintf(place->path, sizeof(place->path), "/tmp/cella-filters.XXXXXX");
	assert_non_null(mkdtemp(place->path));
	place->dir = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(place->dir >= 0);
}

static void close_place(struct place *place)
{
	struct error err;

	assert_int_equal(file_remove_tree(place->dir, ".seccomp", &err), 0);
	(void)close(place->dir);
	assert_int_equal(rmdir(place->path), 0);
}

static void what_is_kept_is_found(void **state)
{
	struct asking *a = *state;
	struct large *l = arena_alloc(a->arena, 1, sizeof(*l));
	struct process_plan *made;
	struct place place;

	open_place(&place);
	assert_int_equal(process_open_filters(place.dir), -1);
	make_large(a, l);
	assert_int_equal(ask(a), 0);
	made = a->plan;
	assert_true(made->filter_key_length > 0);
	process_keep_filter(made, place.dir);
	a->host.filters = process_open_filters(place.dir);
	assert_true(a->host.filters >= 0);
	assert_int_equal(ask(a), 0);
	assert_int_equal(a->plan->filter_key_length, 0); /* it was found */
	assert_int_equal(a->plan->filter_length, made->filter_length);
	assert_memory_equal(a->plan->filter, made->filter,
	                    made->filter_length * sizeof(struct sock_filter));
	l->rules[5].errno_ret.value++; /* whatever differs is another */
	assert_int_equal(ask(a), 0);
	assert_true(a->plan->filter_key_length > 0);
	(void)close(a->host.filters);
	close_place(&place);
}

/* Each byte of the file, changed, makes it none; so does each length. */
static void a_file_that_is_not_what_was_written_is_none(void **state)
{
	static const char *const name[] = {"getpriority"};
	struct asking *a = *state;
	struct spec_seccomp_rule rule = {
		.names = {(const char **)(uintptr_t)name, 1},
		.action = "SCMP_ACT_ERRNO"
        };
	struct sock_filter *filter;
	unsigned short count;
	struct place place;
	size_t length;
	char *bytes;
	char path[256];
	FILE *list;

	open_place(&place);
	a->spec.linux_.seccomp = (struct spec_seccomp){
		.set = true,
		.default_action = "SCMP_ACT_ALLOW",
		.syscalls = {&rule, 1}
        };
	assert_int_equal(ask(a), 0);
	process_keep_filter(a->plan, place.dir);
	(void)snprintf(path, sizeof(path), "cd %s/.seccomp && echo $PWD/*", place.path);
	list = popen(path, "r");
	assert_non_null(list);
	assert_int_equal(fscanf(list, "%255s", path), 1);
	(void)pclose(list);
	assert_int_equal(fd_read_file(AT_FDCWD, path, 1 << 20, a->arena, &bytes, &length, &a->err),
	                 0);
	assert_true(process_read_filter(bytes, length, a->plan->filter_key,
	                                a->plan->filter_key_length, &filter, &count));
	for (size_t i = 0; i < length; i++) {
		bytes[i] ^= 1;
		assert_false(process_read_filter(bytes, length, a->plan->filter_key,
		                                 a->plan->filter_key_length, &filter, &count));
		bytes[i] ^= 1;
		assert_false(process_read_filter(bytes, i, a->plan->filter_key,
		                                 a->plan->filter_key_length, &filter, &count));
	}
	close_place(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASKING_TEST(a_large_profile_says_of_each_call_what_its_rule_says),
		ASKING_TEST(what_is_kept_is_found),
		ASKING_TEST(a_file_that_is_not_what_was_written_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
