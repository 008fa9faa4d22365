/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/process.h"
#include "base/syscalls.h"

#include "parts.h"

static const char member[] = "annotations[\"run.oci.seccomp_bpf_data\"]";

/* Child: may end in any way, once the filter is loaded. */
static _Noreturn void load(const struct process_plan *plan)
{
	struct sock_fprog program = {.len = plan->filter_length, .filter = plan->filter};

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &program) < 0 && errno == EINVAL)
		_exit(EINVAL);
	_exit(0);
}

/* The kernel looks at a program when it is loaded: a container that waits for its start would find out too late. */
static int try_program(const struct process_plan *plan, struct error *err)
{
	pid_t pid = process_clone(0, -1, NULL, err);
	int status;

	if (pid == 0)
		load(plan);
	status = pid < 0 ? -1 : process_wait(pid, err);
	if (status == EINVAL)
		return fail(err, ERROR_CONFIG, member, "the kernel takes no such program");
	return status < 0 ? -1 : 0;
}

int plan_seccomp_program(const struct spec_seccomp *asked, bool try, struct arena *arena,
                         struct process_plan *plan, struct error *err)
{
	unsigned char *bytes = arena_alloc(arena, 1, BASE64_ROOM(strlen(asked->program)));
	ssize_t length;
	size_t count;

	if (!bytes)
		return arena_check(arena, err);
	length = base64_decode(asked->program, bytes);
	count = length < 0 ? 0 : (size_t)length / sizeof(struct sock_filter);
	if (count == 0 || (size_t)length % sizeof(struct sock_filter) != 0)
		return fail(err, ERROR_CONFIG, member,
		            "expected instructions of %zu bytes, in base64",
		            sizeof(struct sock_filter));
	if (count > BPF_MAXINSNS)
		return fail(err, ERROR_CONFIG, member,
		            "more than the %d instructions of one filter", BPF_MAXINSNS);
	plan->filter = (struct sock_filter *)(void *)bytes; /* the arena aligns for any type */
	plan->filter_length = (unsigned short)count;
	return try ? try_program(plan, err) : 0;
}
