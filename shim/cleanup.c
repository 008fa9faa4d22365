/* SPDX-License-Identifier: Apache-2.0 */
/* `delete`: containerd executes it when a server has gone, or could not be started. */
#include <task.pb-c.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/own.h"

#include "address.h"
#include "codec.h"
#include "remove.h"
#include "shim.h"

enum { KILLED = 128 + 9 };

static pid_t first_process(const struct runtime *runtime, const char *id)
{
	owned_container struct container *c = NULL;
	struct error ignored;

	return container_open(runtime, id, false, &c, &ignored) < 0 ? 0 : c->state.pid;
}

int shim_delete(const struct shim_options *options, struct error *err)
{
	Pb__DeleteResponse response = PB__DELETE_RESPONSE__INIT;
	Pb__Timestamp stamp;
	struct timespec now = {0};
	owned_text struct text out = {0}, address = {0};
	struct runtime runtime;

	shim_runtime(options, &runtime);
	response.pid = (uint32_t)first_process(&runtime, options->id);
	if (remove_container(&runtime, options->id, options->bundle, err) < 0)
		return -1;
	if (address_read(options->bundle, &address))
		address_remove_stale(address.bytes);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	response.exit_status = KILLED; /* nobody knows it any more */
	response.exited_at = codec_time(&now, &stamp);
	codec_pack(&response.base, &out);
	if (text_check(&out, err) < 0)
		return -1;
	return fd_write_whole(STDOUT_FILENO, "stdout", out.bytes, out.length, err);
}
