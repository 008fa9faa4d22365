/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/log.h"
#include "base/table.h"
#include "base/text.h"

#include "parts.h"

/* In the order of their numbers. Spec: capabilities(7). */
static const char *const names[CAPABILITIES] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

const char *const *process_capability_names(size_t *ret_count)
{
	*ret_count = ARRAY_SIZE(names);
	return names;
}

int process_capability(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

struct capability_set {
	const char *name;
	const text_list *asked;
	uint64_t grantable;
	const char *why_not;
	uint64_t *ret;
};

/* What can't be granted is left out with a warning: config.md, "Linux Process". */
static void read_set(const struct capability_set *set)
{
	owned_text struct text left_out = {0};

	for (size_t i = 0; i < set->asked->count; i++) {
		const char *name = set->asked->item[i];
		int number = process_capability(name);

		if (number >= 0 && (set->grantable & (1ULL << number)))
			*set->ret |= 1ULL << number;
		else if (number < 0 || set->why_not)
			text_format(&left_out, "%s%s (%s)", left_out.length > 0 ? ", " : "", name,
			            number < 0 ? "unknown" : set->why_not);
	}
	if (left_out.length > 0)
		log_warning("process.capabilities.%s: left out: %s", set->name, left_out.bytes);
}

void plan_capabilities(const struct spec *spec, const struct spec_process *process,
                       const struct host *host, struct process_plan *plan)
{
	const struct spec_capabilities *asked = &process->capabilities;
	/* In a user namespace of its own the first process has every right over what is in it. */
	uint64_t host_has = spec->linux_.namespaces[NAMESPACE_USER].set ? ~0ULL : host->bounding;
	static const char by_host[] = "not in the bounding set of cella itself";
	/* The kernel has no ambient one that is not inheritable; buildah asks for it each time: no word about that. */
	struct capability_set sets[] = {
		{"bounding",    &asked->bounding,    host_has, by_host,           &plan->bounding   },
		{"permitted",   &asked->permitted,   host_has, by_host,           &plan->permitted  },
		{"inheritable", &asked->inheritable, 0,        "not in bounding", &plan->inheritable},
		{"effective",   &asked->effective,   0,        "not permitted",   &plan->effective  },
		{"ambient",     &asked->ambient,     0,        NULL,              &plan->ambient    },
	};

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		/* capset(2) adds nothing to it that is bounded away */
		if (sets[i].ret == &plan->inheritable)
			sets[i].grantable = plan->bounding;
		if (sets[i].ret == &plan->effective)
			sets[i].grantable = plan->permitted;
		if (sets[i].ret == &plan->ambient)
			sets[i].grantable = plan->permitted & plan->inheritable;
		read_set(&sets[i]);
	}
}
