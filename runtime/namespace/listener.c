/* SPDX-License-Identifier: Apache-2.0 */
/* Who answers the calls that a filter with SCMP_ACT_NOTIFY holds up. It is sent from here, outside: the
 * container's process has no way to the agent's socket. */
#include "base/fdpass.h"
#include "base/own.h"
#include "runtime/process/process.h"

#include "launch.h"

/* Who said where it is. */
static const char *object(const struct container *c)
{
	if (c->state.seccomp_agent)
		return SECCOMP_AGENT_VARIABLE;
	return c->spec->linux_.seccomp.listener_path ? "linux.seccomp.listenerPath"
	                                             : "annotations[\"run.oci.seccomp.receiver\"]";
}

int listener_connect(const struct container *c, int *ret_agent, struct error *err)
{
	const char *path = spec_seccomp_agent(c->spec, c->state.seccomp_agent);

	*ret_agent = -1;
	if (!path)
		return 0;
	*ret_agent = fdpass_connect(path, err);
	return *ret_agent < 0 ? error_within(err, "%s", object(c)) : 0;
}

int listener_give(int agent, const struct container *c, pid_t pid, int listener, struct error *err)
{
	const char *metadata = c->spec->linux_.seccomp.listener_metadata;
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out};

	if (agent < 0 || listener < 0)
		return fail(err, ERROR_SYSTEM, "linux.seccomp", "a listener and no agent for it");
	json_open(&w, NULL, '{');
	json_text(&w, "ociVersion", "1.3.0");
	json_open(&w, "fds", '[');
	json_text(&w, NULL, "seccompFd");
	json_close(&w);
	json_i64(&w, "pid", pid);
	if (metadata)
		json_text(&w, "metadata", metadata);
	json_open(&w, "state", '{');
	state_write_oci(&w, &c->state);
	json_close(&w);
	json_close(&w);
	if (text_check(&out, err) < 0 ||
	    fdpass_send(agent, out.bytes, out.length, listener, err) < 0)
		return error_within(err, "%s", object(c));
	return 0;
}
