/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_SERVICE_H
#define SHIM_SERVICE_H

#include "connection.h"

/* What may be asked: a table of methods. */

struct service_call {
	const char *service, *method;
	const uint8_t *payload;
	size_t length;
};

/* Do what is asked; the answer is sent now or later. Returns 0, or -1 and *err, which is to be told. */
int service_call(struct shim *shim, const struct caller *caller, const struct service_call *call,
                 struct error *err) FALLIBLE;

/* One method: message is of the table's kind, borrowed. */
typedef int service_method(struct shim *shim, const struct caller *caller, const void *message,
                           struct error *err);

/* create.c */
service_method call_create, call_exec;
/* control.c */
service_method call_start, call_delete, call_kill, call_pause, call_resume, call_update,
	call_checkpoint;
/* inquiry.c */
service_method call_state, call_wait, call_pids, call_stats, call_connect, call_resize,
	call_close_io, call_shutdown;

#endif
