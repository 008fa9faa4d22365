/* SPDX-License-Identifier: Apache-2.0 */
#include <seccomp.h>

#include "base/table.h"

#include "parts.h"

/* Of crun's: filters that come by another way than linux.seccomp. Whoever asks for one must not do without it. */
static int refuse_others(const struct spec *spec, struct error *err)
{
	static const struct {
		const char *annotation, *why;
	} others[] = {
		{"run.oci.seccomp_bpf_data", "is not taken: write linux.seccomp"           },
		{"run.oci.seccomp.plugins",  "is not taken: see linux.seccomp.listenerPath"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (spec_annotation(spec, others[i].annotation)) {
			(void)fail(err, ERROR_UNSUPPORTED, "", "%s", others[i].why);
			return error_within(err, "annotations[\"%s\"]", others[i].annotation);
		}
	return 0;
}

int plan_seccomp_strict(const struct spec *spec, struct error *err)
{
	const struct spec_seccomp *asked = &spec->linux_.seccomp;

	if (refuse_others(spec, err) < 0)
		return -1;
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
