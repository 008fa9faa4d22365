/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_EVENTS_H
#define SHIM_EVENTS_H

#include "codec.h"
#include "shim.h"

/* What containerd is told, in the order in which it happened: one event at a time, the next when the last was
 * answered; again and again while containerd is not there. */

enum event_kind {
	EVENT_TASK_CREATE,
	EVENT_TASK_START,
	EVENT_TASK_EXIT,
	EVENT_TASK_DELETE,
	EVENT_TASK_OOM,
	EVENT_TASK_PAUSED,
	EVENT_TASK_RESUMED,
	EVENT_TASK_CHECKPOINTED,
	EVENT_EXEC_ADDED,
	EVENT_EXEC_STARTED,
	EVENT_KINDS
};

/* Returns 0, or -1 and *err. */
int events_open(struct shim *shim, struct error *err) FALLIBLE;
void events_close(struct shim *shim);

/* Tell it, sooner or later. Takes nothing. */
void event_tell(struct shim *shim, enum event_kind kind, const ProtobufCMessage *message);

/* Whether all was told. */
bool events_are_told(const struct shim *shim);

#endif
