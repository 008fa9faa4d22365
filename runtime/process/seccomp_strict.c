/* SPDX-License-Identifier: Apache-2.0 */
#include <seccomp.h>

#include "base/table.h"

#include "parts.h"

/* Of crun's: libraries that are loaded to answer for a filter. Whoever asks for one must not do without it. */
static int refuse_plugins(const struct spec *spec, struct error *err)
{
	if (!spec_annotation(spec, "run.oci.seccomp.plugins"))
		return 0;
	return fail(err, ERROR_UNSUPPORTED, "annotations[\"run.oci.seccomp.plugins\"]",
	            "is not taken: see linux.seccomp.listenerPath");
}

int plan_seccomp_strict(const struct spec *spec, struct error *err)
{
	const struct spec_seccomp *asked = &spec->linux_.seccomp;

	if (refuse_plugins(spec, err) < 0)
		return -1;
	if (!asked->set || asked->program ||
	    !spec_annotation(spec, "run.oci.seccomp_fail_unknown_syscall"))
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
