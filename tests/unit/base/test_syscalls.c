/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "base/syscalls.h"
#include "tests/unit/cmocka.h"

static void a_path_is_resolved_as_asked(void **state)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH};
	owned_fd proc = open("/proc", O_PATH | O_CLOEXEC);
	owned_fd good = sys_openat2(proc, "uptime", &how, sizeof(how));

	(void)state;
	assert_true(good >= 0);
	assert_int_equal(sys_openat2(proc, "../etc", &how, sizeof(how)), -1);
	assert_int_equal(errno, EXDEV);
}

static void every_call_says_why_it_was_refused(void **state)
{
	struct __user_cap_header_struct header = {.version = 1};
	struct clone_args args = {.flags = ~0ULL};

	(void)state;
	assert_int_equal(sys_clone3(&args, sizeof(args)), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(sys_pivot_root("/nonexistent", "/nonexistent"), -1);
	assert_true(errno == ENOENT || errno == EPERM);
	assert_int_equal(sys_capset(&header, NULL), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(sys_seccomp(99, 0, NULL), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(sys_keyctl(-1, 0, 0, 0, 0), -1);
	assert_true(errno == EOPNOTSUPP || errno == ENOSYS || errno == EPERM);
	assert_int_equal(sys_faccessat2(AT_FDCWD, "/nonexistent", F_OK, AT_EACCESS), -1);
	assert_int_equal(errno, ENOENT);
}

static void capabilities_are_told(void **state)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	(void)state;
	assert_int_equal(sys_capget(&header, data), 0);
	assert_int_equal(sys_capset(&header, data), 0);
}

static void seccomp_tells_what_it_can_do(void **state)
{
	uint32_t action = SECCOMP_RET_ERRNO;

	(void)state;
	assert_int_equal(sys_seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action), 0);
}

static void a_program_is_run_by_its_descriptor(void **state)
{
	static char name[] = "true";
	owned_fd program = open("/bin/true", O_PATH | O_CLOEXEC);
	char *const argv[] = {name, NULL};
	char *const envp[] = {NULL};
	int status = 0;
	pid_t child;

	(void)state;
	assert_int_equal(sys_faccessat2(program, "", X_OK, AT_EMPTY_PATH), 0);
	child = fork();
	if (child == 0) {
		(void)sys_execveat(program, "", argv, envp, AT_EMPTY_PATH);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_resolved_as_asked),
		cmocka_unit_test(every_call_says_why_it_was_refused),
		cmocka_unit_test(capabilities_are_told),
		cmocka_unit_test(seccomp_tells_what_it_can_do),
		cmocka_unit_test(a_program_is_run_by_its_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
