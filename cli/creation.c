/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "base/text.h"

#include "creation.h"
#include "handover.h"
#include "report.h"
#include "starting.h"

int creation_bundle(const struct call *call, const char *bundle, const char **ret_path,
                    struct error *err)
{
	char *absolute = arena_alloc(call->arena, PATH_MAX, 1);

	if (!absolute)
		return arena_check(call->arena, err);
	if (!bundle)
		bundle = ".";
	if (path_real_directory(bundle, absolute) < 0) {
		(void)fail_errno(err, bundle, "open");
		return error_within(err, "--bundle");
	}
	*ret_path = absolute;
	return 0;
}

const char *creation_seccomp_agent(void)
{
	const char *path = getenv(SECCOMP_AGENT_VARIABLE);

	return path && *path ? path : NULL;
}

static int read_options(const struct call *call, bool start_at_once, struct create_options *ret,
                        struct error *err)
{
	const struct creation_flags *f = call->flags;
	const char *bundle;

	if (creation_bundle(call, f->bundle, &bundle, err) < 0)
		return -1;
	*ret = (struct create_options){
		.id = call->operands[0],
		.bundle = bundle,
		.config = f->config,
		.no_pivot = f->no_pivot,
		.no_new_keyring = f->no_new_keyring,
		.start_at_once = start_at_once,
		.guest_log = log_is_debug(),
		.notify = starting_manager() != NULL,
		.seccomp_agent = creation_seccomp_agent(),
	};
	return starting_descriptors(f->preserve_fds, &ret->activation, &ret->preserve_fds, err);
}

int creation_dry_run(const struct call *call, bool start_at_once, struct error *err)
{
	owned_text struct text out = {0};
	struct create_options options;

	if (read_options(call, start_at_once, &options, err) < 0 ||
	    container_dry_run(call->rt, &options, &out, err) < 0)
		return -1;
	text_append(&out, "\n");
	return report_write(&out, err);
}

int creation_hand_over(struct container *c, int socket, struct error *err)
{
	owned_fd master = -1;

	if (socket < 0)
		return 0;
	master = take_fd(&c->console);
	if (master < 0)
		return fail(err, ERROR_SYSTEM, "process.terminal", "its master end is missing");
	return console_send(socket, master, err);
}

/* As crun has it: the same as --pidfd-socket, asked for by the config. */
static int serve_receiver(const struct container *c, struct error *err)
{
	static const char asked[] = "annotations[\"run.oci.pidfd_receiver\"]";
	const char *path = spec_annotation(c->spec, "run.oci.pidfd_receiver");
	owned_fd socket = -1;

	if (pidfd_connect(path, asked, &socket, err) < 0)
		return -1;
	return pidfd_send(socket, asked, c->init, err);
}

void creation_undo(struct container *c)
{
	struct error ignored;

	if (container_delete(c, true, &ignored) < 0)
		log_dropped("while deleting it after a failure", &ignored);
}

int creation_make(const struct call *call, bool start_at_once, bool in_front,
                  struct container **ret_container, struct error *err)
{
	const struct creation_flags *f = call->flags;
	owned_container struct container *c = NULL;
	struct create_options options;
	owned_fd socket = -1, pidfd_socket = -1;

	if (read_options(call, start_at_once, &options, err) < 0 ||
	    console_connect(f->console_socket, &socket, err) < 0 ||
	    pidfd_connect(f->pidfd_socket, "--pidfd-socket", &pidfd_socket, err) < 0)
		return -1;
	options.terminal = socket >= 0 ? TERMINAL_SOCKET
	                   : in_front  ? TERMINAL_IN_FRONT
	                               : TERMINAL_NOWHERE;
	if (container_create(call->rt, &options, &c, err) < 0)
		return -1;
	if (creation_hand_over(c, socket, err) < 0 ||
	    pidfd_send(pidfd_socket, "--pidfd-socket", c->init, err) < 0 ||
	    serve_receiver(c, err) < 0 || pid_file_write(f->pid_file, c->state.pid, err) < 0) {
		creation_undo(c);
		return -1;
	}
	*ret_container = take_ptr(c);
	return 0;
}
