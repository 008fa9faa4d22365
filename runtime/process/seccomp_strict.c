/* SPDX-License-Identifier: Apache-2.0 */
#include <seccomp.h>

#include "parts.h"

int plan_seccomp_strict(const struct spec *spec, struct error *err)
{
	const struct spec_seccomp *asked = &spec->linux_.seccomp;

	if (!asked->set || !spec_annotation(spec, "run.oci.seccomp_fail_unknown_syscall"))
		return 0;
	for (size_t i = 0; i < asked->syscalls.count; i++)
		for (size_t j = 0; j < asked->syscalls.item[i].names.count; j++) {
			const char *name = asked->syscalls.item[i].names.item[j];

			if (seccomp_syscall_resolve_name(name) != __NR_SCMP_ERROR)
				continue;
			(void)fail(err, ERROR_CONFIG, "", "unknown system call '%s'", name);
			return error_within(err, "linux.seccomp.syscalls[%zu].names[%zu]", i, j);
		}
	return 0;
}
