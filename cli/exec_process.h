/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_EXEC_PROCESS_H
#define CLI_EXEC_PROCESS_H

#include "base/arena.h"
#include "spec/spec.h"

#include "command.h"

/* What the command line of exec says about the process. */
struct exec_flags {
	const char *process, *cwd, *user, *console_socket, *pidfd_socket, *pid_file, *apparmor,
		*process_label;
	struct option_list env, additional_gids, capabilities, cgroups;
	unsigned int preserve_fds;
	bool tty, no_new_privs, detach, ignore_paused;
};

/* Make the process object to run: that of the config, or the one of --process, changed by the flags
 * and the words behind the container's name.
 *
 * config       process of the container's configuration; stays as it is.
 * args         NULL-terminated; empty: those of --process.
 * ret_process  in arena; borrows the flags' texts and config's.
 * Returns      0, or -1 and *err that names the flag. */
int exec_process(const struct spec_process *config, const struct exec_flags *flags, char **args,
                 struct arena *arena, struct spec_process **ret_process,
                 struct error *err) FALLIBLE;

/* The one place that the words of --cgroup mean, below the container's cgroup; NULL: there are none.
 * Returns 0, or -1 and *err. */
int exec_cgroup(const struct option_list *words, struct arena *arena, const char **ret_path,
                struct error *err) FALLIBLE;

/* An error about a member that a flag has changed becomes one about the flag: nobody typed the member. */
void exec_blame(const struct exec_flags *flags, struct error *err);

#endif
