/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <events.pb-c.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <ttrpc.pb-c.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/table.h"
#include "base/text.h"

#include "events.h"
#include "publish.h"
#include "stream.h"
#include "worker.h"

enum { EVENTS_MOST = 4096, RETRY_MS = 250 };

static const struct {
	enum event_kind kind;
	const char *topic, *type;
} kinds[] = {
	{EVENT_TASK_CREATE,       "/tasks/create",       "containerd.events.TaskCreate"      },
	{EVENT_TASK_START,        "/tasks/start",        "containerd.events.TaskStart"       },
	{EVENT_TASK_EXIT,         "/tasks/exit",         "containerd.events.TaskExit"        },
	{EVENT_TASK_DELETE,       "/tasks/delete",       "containerd.events.TaskDelete"      },
	{EVENT_TASK_OOM,          "/tasks/oom",          "containerd.events.TaskOOM"         },
	{EVENT_TASK_PAUSED,       "/tasks/paused",       "containerd.events.TaskPaused"      },
	{EVENT_TASK_RESUMED,      "/tasks/resumed",      "containerd.events.TaskResumed"     },
	{EVENT_TASK_CHECKPOINTED, "/tasks/checkpointed", "containerd.events.TaskCheckpointed"},
	{EVENT_EXEC_ADDED,        "/tasks/exec-added",   "containerd.events.TaskExecAdded"   },
	{EVENT_EXEC_STARTED,      "/tasks/exec-started", "containerd.events.TaskExecStarted" },
};
_Static_assert(ARRAY_SIZE(kinds) == EVENT_KINDS, "one row a kind");

struct event {
	struct event *next;
	enum event_kind kind;
	struct text bytes; /* of the ForwardRequest */
};

struct event_queue {
	struct shim *shim;
	struct event *first, **end;
	size_t count;
	bool asked;           /* the first was sent and not answered yet */
	uint32_t request;     /* its number */
	struct stream stream; /* to containerd; closed: -1 */
	struct loop_source timer;
};

static void try_to_send(struct event_queue *q);

static void drop_first(struct event_queue *q)
{
	struct event *event = q->first;

	q->first = event->next;
	if (!q->first)
		q->end = &q->first;
	q->count--;
	text_free(&event->bytes);
	free(event);
}

static void retry_later(struct event_queue *q)
{
	const struct itimerspec after = {.it_value.tv_nsec = RETRY_MS * 1000000L};

	if (timerfd_settime(q->timer.fd, 0, &after, NULL) < 0)
		log_warning("events: timer: %s", strerrordesc_np(errno));
}

static int timer_ready(struct loop_source *self, uint32_t events, struct error *err)
{
	uint64_t times;

	(void)events;
	(void)err;
	if (read(self->fd, &times, sizeof(times)) > 0)
		try_to_send(self->data);
	return 0;
}

/* ---- containerd's answers ---- */

static void answered(struct stream *stream, const struct frame *frame)
{
	struct event_queue *q = stream->data;
	owned_message Pb__Response *response = NULL;
	struct error err;

	if (frame->type != FRAME_RESPONSE || frame->stream != q->request || !q->asked)
		return;
	response = codec_unpack(&pb__response__descriptor, frame->payload, frame->length, &err);
	if (response && response->status && response->status->code)
		log_warning("event %s was refused: %s", kinds[q->first->kind].topic,
		            response->status->message);
	q->asked = false;
	drop_first(q);
	try_to_send(q);
}

static void gone(struct stream *stream, const struct error *why)
{
	struct event_queue *q = stream->data;

	(void)why;
	stream_close(stream);
	q->asked = false;
	if (q->first)
		retry_later(q);
}

/* Without waiting, even where nobody takes connections. */
static int connect_at_once(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	owned_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (text_begins(path, "unix://"))
		path += strlen("unix://");
	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return take_fd(&fd);
}

static bool connect_to(struct event_queue *q)
{
	owned_fd fd = -1;
	struct error err;

	if (q->stream.source.fd >= 0)
		return true;
	fd = connect_at_once(q->shim->options->events_address);
	q->stream = (struct stream){.source.fd = -1, .data = q, .frame = answered, .gone = gone};
	q->request = 0;
	if (fd >= 0 && stream_open(&q->stream, q->shim->loop, &fd, &err) == 0)
		return true;
	q->stream.source.fd = -1;
	return false;
}

/* ---- ours ---- */

static void send_first(struct event_queue *q)
{
	Pb__Request request = PB__REQUEST__INIT;
	owned_text struct text bytes = {0};

	request.service = codec_text("containerd.services.events.ttrpc.v1.Events");
	request.method = codec_text("Forward");
	request.payload = codec_bytes(&q->first->bytes);
	codec_pack(&request.base, &bytes);
	q->asked = true;
	q->request = q->request ? q->request + 2 : 1; /* odd: we are the client */
	stream_send(&q->stream, q->request, FRAME_REQUEST, &bytes);
}

/* ---- by the program that containerd names, where it has no address for us ---- */

static int run_publisher(const struct work *work, struct work_report *ret, struct text *payload,
                         int *console, struct error *err)
{
	(void)ret;
	(void)payload;
	(void)console;
	return publish(work->shim->options, work->data, err);
}

static void published(struct work *work, const struct work_report *report,
                      const struct text *payload, int *console)
{
	struct event_queue *q = work->shim->events;

	(void)payload;
	(void)console;
	q->asked = false;
	if (report->failed) {
		log_dropped("event", &report->err);
		retry_later(q);
		return;
	}
	drop_first(q);
	try_to_send(q);
}

static void publish_first(struct event_queue *q)
{
	const struct work work = {
		.shim = q->shim,
		.data = &q->first->bytes,
		.run = run_publisher,
		.done = published,
	};
	struct error err;

	q->asked = true;
	if (work_start(&work, &err) == 0)
		return;
	log_dropped("event", &err);
	q->asked = false;
	retry_later(q);
}

static void try_to_send(struct event_queue *q)
{
	if (q->asked || !q->first)
		return;
	if (!q->shim->options->events_address)
		publish_first(q);
	else if (connect_to(q))
		send_first(q);
	else
		retry_later(q);
}

/* The bytes of a ForwardRequest. */
static void pack(const char *namespace, enum event_kind kind, const ProtobufCMessage *message,
                 struct text *out)
{
	Pb__ForwardRequest forward = PB__FORWARD_REQUEST__INIT;
	Pb__Envelope envelope = PB__ENVELOPE__INIT;
	Pb__Any any = PB__ANY__INIT;
	Pb__Timestamp stamp;
	struct timespec now = {0};
	owned_text struct text bytes = {0};

	(void)clock_gettime(CLOCK_REALTIME, &now);
	codec_pack(message, &bytes);
	any.type_url = codec_text(kinds[kind].type);
	any.value = codec_bytes(&bytes);
	envelope.timestamp = codec_time(&now, &stamp);
	envelope.namespace_ = codec_text(namespace);
	envelope.topic = codec_text(kinds[kind].topic);
	envelope.event = &any;
	forward.envelope = &envelope;
	codec_pack(&forward.base, out);
}

void event_tell(struct shim *shim, enum event_kind kind, const ProtobufCMessage *message)
{
	struct event_queue *q = shim->events;
	struct event *event = q->count < EVENTS_MOST ? calloc(1, sizeof(*event)) : NULL;

	if (!event) {
		log_error("event %s is lost: %zu others wait", kinds[kind].topic, q->count);
		return;
	}
	event->kind = kind;
	pack(shim->options->namespace, kind, message, &event->bytes);
	*q->end = event;
	q->end = &event->next;
	q->count++;
	try_to_send(q);
}

bool events_are_told(const struct shim *shim)
{
	return !shim->events->first;
}

int events_open(struct shim *shim, struct error *err)
{
	struct event_queue *q = calloc(1, sizeof(*q));

	if (!q)
		return fail(err, ERROR_SYSTEM, "events", "out of memory");
	q->shim = shim;
	q->end = &q->first;
	q->stream.source.fd = -1;
	q->timer = (struct loop_source){timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
	                                timer_ready, q};
	shim->events = q;
	if (q->timer.fd < 0)
		return fail_errno(err, "events", "timerfd_create");
	return loop_add(shim->loop, &q->timer, EPOLLIN, err);
}

void events_close(struct shim *shim)
{
	struct event_queue *q = shim->events;

	if (!q)
		return;
	while (q->first)
		drop_first(q);
	stream_close(&q->stream);
	if (q->timer.fd >= 0)
		(void)close(q->timer.fd);
	free(take_ptr(shim->events));
}
