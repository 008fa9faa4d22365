/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_HOST_H
#define BASE_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "error.h"

enum { HOST_STREAMS = 3 };

/* What fstat(2) says of a descriptor that a program begins with. */
struct host_stream {
	mode_t mode; /* 0: it is not open */
	dev_t device;
	uid_t uid;
};

/* What plans need to know of this machine and of ourselves: a plain value, so that tests of plans
 * can make one up. */
struct host {
	uid_t uid; /* effective */
	gid_t gid;
	uint64_t capabilities; /* our effective set, bit per capability number (capabilities(7)) */
	uint64_t bounding;     /* our bounding set */
	uint64_t ambient;      /* our ambient set */
	uint64_t ignored_signals; /* left to us ignored: bit SIGNUM - 1 */
	bool one_id;    /* the real, saved and file system's ids are the effective ones too */
	bool no_groups; /* we have no supplementary groups */
	bool nested;    /* as host_in_user_namespace() */
	bool groups_denied; /* setgroups(2) is, in our user namespace and those below: user_namespaces(7) */
	struct host_stream streams[HOST_STREAMS]; /* what 0, 1 and 2 are */
	struct rlimit open_files; /* RLIMIT_NOFILE that we were given, where we have more */
	bool more_open_files;
	bool privileged; /* CAP_SYS_ADMIN in our user namespace: mounts need no new one */
	int filters;     /* descriptor of filters made before, borrowed; -1: none */
	bool made_up;    /* by a test: nothing may be looked up on the real machine */
};

/* Whether cgroups that can't be made are done without: --rootless. */
enum rootless { ROOTLESS_AUTO, ROOTLESS_YES, ROOTLESS_NO };

/* Whether our user namespace is another than the first: then being root of it says little about the
 * host. Unreadable: the cautious answer for a host without user namespaces, no. */
bool host_in_user_namespace(void);

/* Look.
 * Returns  0, or -1 and *err. Spec: proc(5), /proc/self/status. */
int host_look(struct host *ret_host, struct error *err) FALLIBLE;

#endif
