/* SPDX-License-Identifier: Apache-2.0 */
/* The container's first process, from clone to execve.
 *
 * Theory of operation: an array of steps, run in order, each at its place for the reason beside it.
 * Nothing here or below allocates, prints or takes a lock: the process is a copy of one that may
 * have done so. A step that fails ends the process; the parent gets the reason. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fdpass.h"
#include "base/own.h"
#include "base/process.h"
#include "base/table.h"
#include "netns/netns.h"
#include "rootfs/rootfs.h"
#include "runtime/process/process.h"

#include "doors.h"
#include "handshake.h"
#include "launch.h"

struct child {
	struct launch *l;
	struct plan *plan;
	int control;
	int doors[NAMESPACE_TYPES];
	char program[PATH_MAX];
};

static int step_maps(struct child *c, struct error *err)
{
	const struct plan_namespace *user = &c->plan->namespaces[NAMESPACE_USER];

	if (user->fresh && handshake_expect(c->control, MESSAGE_GO_ON, err) < 0)
		return -1;
	if (!user->fresh && user->fd < 0)
		return 0;
	if (join_become(&c->plan->spec->process.user, err) < 0)
		return -1;
	/* What a change of ids took away; /proc/self must stay ours until the root is entered. */
	if (!c->l->hidden && prctl(PR_SET_DUMPABLE, 1) < 0)
		return fail_errno(err, "process", "prctl");
	return 0;
}

static int step_limits(struct child *c, struct error *err)
{
	/* hidden from birth: by who went in first */
	if (!c->l->hidden && process_apply_limits(c->plan->process, err) < 0)
		return -1;
	if (process_apply_keyring(c->plan->process, err) < 0 ||
	    process_apply_policy(c->plan->process, err) < 0)
		return -1;
	return process_take_processors(err);
}

/* Offsets can be set while nobody is in the namespace: so not by clone. */
static int step_time(struct child *c, struct error *err)
{
	owned_fd ns = -1;

	if (!c->plan->namespaces[NAMESPACE_TIME].fresh)
		return 0;
	if (unshare(CLONE_NEWTIME) < 0)
		return fail_errno(err, "linux.namespaces", "unshare a time namespace");
	if (c->plan->time_offsets &&
	    fd_write_file(AT_FDCWD, "/proc/self/timens_offsets", c->plan->time_offsets, err) < 0)
		return error_within(err, "linux.timeOffsets");
	ns = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWTIME) < 0)
		return fail_errno(err, "linux.namespaces", "enter the time namespace");
	return 0;
}

static int hide(struct error *err)
{
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return fail_errno(err, "process", "prctl");
	return 0;
}

/* In a pid namespace of somebody else, who may be in our user namespace too, we are seen from the first moment. But
 * a plain user's hooks enter by our pid, which nobody but root may do once we are hidden. */
static int step_hide_from_others(struct child *c, struct error *err)
{
	if (c->plan->namespaces[NAMESPACE_PID].fresh || (c->l->hooks && !c->l->privileged))
		return 0;
	return hide(err);
}

static int step_cgroup_namespace(struct child *c, struct error *err)
{
	if (c->plan->namespaces[NAMESPACE_CGROUP].fresh && unshare(CLONE_NEWCGROUP) < 0)
		return fail_errno(err, "linux.namespaces", "unshare a cgroup namespace");
	return 0;
}

static int step_network(struct child *c, struct error *err)
{
	return c->plan->namespaces[NAMESPACE_NETWORK].fresh ? netns_loopback_up(err) : 0;
}

static int step_names(struct child *c, struct error *err)
{
	const char *host = c->plan->spec->hostname, *domain = c->plan->spec->domainname;

	if (host && sethostname(host, strlen(host)) < 0)
		return fail_errno(err, "hostname", "sethostname");
	if (domain && setdomainname(domain, strlen(domain)) < 0)
		return fail_errno(err, "domainname", "setdomainname");
	return 0;
}

static int step_mounts(struct child *c, struct error *err)
{
	return rootfs_apply(c->plan->rootfs, err);
}

static int step_hooks(struct child *c, struct error *err)
{
	if (!c->l->hooks)
		return 0;
	if (handshake_send(c->control, MESSAGE_MOUNTED, -1, err) < 0)
		return -1;
	return handshake_expect(c->control, MESSAGE_GO_ON, err);
}

static int step_doors(struct child *c, struct error *err)
{
	(void)err;
	if (c->l->doors)
		doors_open(c->plan->isolated, c->doors);
	return 0;
}

static int step_sysctl(struct child *c, struct error *err)
{
	return rootfs_sysctl(c->plan->rootfs, err);
}

/* One that the container has not got, or can't open, stays the host's. */
static int own_null(struct child *c, struct error *err)
{
	struct error ignored;
	int null = process_has_null(c->plan->process) ? rootfs_null(c->plan->rootfs, &ignored) : -1;

	return null < 0 ? 0 : process_apply_null(c->plan->process, null, err);
}

static int step_terminal(struct child *c, struct error *err)
{
	owned_fd master = -1;
	int slave = -1;

	if (c->plan->process->terminal) {
		master = rootfs_terminal(c->plan->rootfs, &slave, err);
		if (master < 0 || handshake_send(c->control, MESSAGE_CONSOLE, master, err) < 0)
			return -1;
	} else if (own_null(c, err) < 0) {
		return -1;
	}
	return process_apply_terminal(c->plan->process, slave, err);
}

static int step_enter(struct child *c, struct error *err)
{
	return rootfs_enter(c->plan->rootfs, err);
}

static int step_hide(struct child *c, struct error *err)
{
	(void)c;
	return hide(err);
}

static int step_user(struct child *c, struct error *err)
{
	return process_apply_user(c->plan->process, err);
}

static int step_find(struct child *c, struct error *err)
{
	return process_find(c->plan->process, c->program, sizeof(c->program), err);
}

static int step_ready(struct child *c, struct error *err)
{
	if (handshake_send(c->control, MESSAGE_READY, -1, err) < 0)
		return -1;
	if (c->l->listener < 0) /* the START of run says that too */
		return 0;
	return handshake_expect(c->control, MESSAGE_GO_ON, err);
}

/* Whether START comes; who only asks for our doors goes then. */
static bool is_started(struct child *c)
{
	struct message message;
	struct error ignored;

	while (handshake_receive(c->control, &message, NULL, &ignored) == 0) {
		if (message.kind != MESSAGE_DOORS || !c->l->doors)
			return message.kind == MESSAGE_START;
		if (doors_hand_out(c->control, c->plan->isolated, c->doors, &ignored) < 0)
			return false;
	}
	return false;
}

/* The creator has gone: whoever starts us connects. One that is killed before it says so changes nothing. */
static int await_start(struct child *c, struct error *err)
{
	for (;;) {
		int connection = accept4(c->l->listener, NULL, NULL, SOCK_CLOEXEC);

		if (connection < 0 && errno == EINTR)
			continue;
		if (connection < 0)
			return fail_errno(err, START_SOCKET, "accept");
		(void)close(c->control);
		c->control = connection;
		if (is_started(c))
			return 0;
	}
}

static int step_start(struct child *c, struct error *err)
{
	if (is_started(c))
		return 0;
	if (c->l->listener < 0)
		_exit(1); /* run was killed before it started us: nobody else will */
	return await_start(c, err);
}

static int step_last(struct child *c, struct error *err)
{
	const struct process_listener out = {.send = handshake_send_listener, .to = c->control};

	if (process_apply_files(c->plan->process, err) < 0)
		return -1;
	return process_apply_last(c->plan->process, &out, err);
}

static const struct {
	const char *name;
	int (*run)(struct child *c, struct error *err);
	const char *why_here;
} steps[] = {
	{"maps",     step_maps,             "no id means anything before"                        },
	{"limits",   step_limits,           "/proc is still the host's"                          },
	{"time",     step_time,             "needs the host's /proc too"                         },
	{"others",   step_hide_from_others, "the last look at what is ours in the host's /proc"  },
	{"cgroupns", step_cgroup_namespace, "its root is the cgroup we were born in"             },
	{"network",  step_network,          "needs rights over the new namespace only"           },
	{"names",    step_names,            "the same"					   },
	{"mounts",   step_mounts,           "sources are reachable until the root is entered"    },
	{"hooks",    step_hooks,            "namespaces and mounts are there, the root is not"   },
	{"doors",    step_doors,            "all namespaces are there, and the host's /proc"     },
	{"sysctl",   step_sysctl,           "before /proc/sys is made read-only"                 },
	{"terminal", step_terminal,         "from the new devpts; /dev/console is a mount"       },
	{"enter",    step_enter,            "the last look at the host's files"                  },
	{"hide",     step_hide,             "the container's root may not look into us from here"},
	{"user",     step_user,             "cwd and the program are looked up as the user"      },
	{"find",     step_find,             "create reports what is missing, not start"          },
	{"ready",    step_ready,            "all that can fail early has not"                    },
	{"start",    step_start,            "with no right given away that the filter needs"     },
	{"last",     step_last,             "only execve may follow"                             },
};

void child_main(struct launch *launch)
{
	struct child c = {.l = launch, .plan = launch->plan, .control = launch->control};
	struct fd_heap host = {0};
	struct error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(launch->host_fds); i++)
		fd_heap_add(&host, &launch->host_fds[i]);
	fd_heap_close(&host);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i].run(&c, &err) < 0)
			handshake_fail(c.control, &err);
	(void)execve(c.program, c.plan->process->args, c.plan->process->env);
	process_explain_exec(c.program, errno, &err);
	handshake_fail(c.control, &err);
}
