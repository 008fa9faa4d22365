/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <task.pb-c.h>

#include "base/table.h"

#include "service.h"

/* Version 3 has the same messages. */
static const char *const services[] = {"containerd.task.v2.Task", "containerd.task.v3.Task"};

static const struct {
	const char *name;
	const ProtobufCMessageDescriptor *request;
	service_method *run;
} methods[] = {
	{"Create",     &pb__create_task_request__descriptor,     call_create    },
	{"Start",      &pb__process_request__descriptor,         call_start     },
	{"State",      &pb__process_request__descriptor,         call_state     },
	{"Exec",       &pb__exec_process_request__descriptor,    call_exec      },
	{"ResizePty",  &pb__resize_pty_request__descriptor,      call_resize    },
	{"CloseIO",    &pb__close_iorequest__descriptor,         call_close_io  },
	{"Kill",       &pb__kill_request__descriptor,            call_kill      },
	{"Wait",       &pb__process_request__descriptor,         call_wait      },
	{"Pids",       &pb__process_request__descriptor,         call_pids      },
	{"Pause",      &pb__process_request__descriptor,         call_pause     },
	{"Resume",     &pb__process_request__descriptor,         call_resume    },
	{"Checkpoint", &pb__checkpoint_task_request__descriptor, call_checkpoint},
	{"Update",     &pb__update_task_request__descriptor,     call_update    },
	{"Stats",      &pb__process_request__descriptor,         call_stats     },
	{"Connect",    &pb__process_request__descriptor,         call_connect   },
	{"Shutdown",   &pb__shutdown_request__descriptor,        call_shutdown  },
	{"Delete",     &pb__process_request__descriptor,         call_delete    },
};

static bool is_served(const char *service)
{
	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		if (strcmp(services[i], service) == 0)
			return true;
	return false;
}

int service_call(struct shim *shim, const struct caller *caller, const struct service_call *call,
                 struct error *err)
{
	owned_message void *message = NULL;

	if (!is_served(call->service))
		return fail(err, ERROR_UNSUPPORTED, call->service, "no such service here");
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (strcmp(methods[i].name, call->method) != 0)
			continue;
		message = codec_unpack(methods[i].request, call->payload, call->length, err);
		return message ? methods[i].run(shim, caller, message, err) : -1;
	}
	return fail(err, ERROR_UNSUPPORTED, call->method, "no such method of %s", call->service);
}
