/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's half. It hands the rings over and never reads them; the guest's kicks go to the server by eventfd. The
 * server handles what the guest wrote, so it may have been taken over: of its answers only the kind and the places are
 * used, and places are used by nobody but itself. One that doesn't answer in time is given up, and the device is
 * broken from then on. */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_ids.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "base/own.h"

#include "fs.h"
#include "fs_wire.h"

enum { HIPRIO_SIZE = 128 };

/* The device's configuration space. */
struct config {
	uint8_t tag[36]; /* without a NUL where it is as long */
	uint32_t request_queues;
};

struct fs {
	struct virtio_device device;
	struct config config;
	struct loop *loop;
	struct loop_source server; /* fd owned; -1: gone */
	unsigned int limit_ms;
	bool running;
};

static void read_config(struct virtio_device *device, size_t offset, void *to, size_t length)
{
	const struct fs *fs = (const struct fs *)device;
	size_t there = offset < sizeof(fs->config) ? sizeof(fs->config) - offset : 0;
	size_t take = length < there ? length : there;

	memset(to, 0, length);
	if (take > 0)
		memcpy(to, (const uint8_t *)&fs->config + offset, take);
}

static void hang_up(struct fs *fs)
{
	struct error err;

	fs->running = false;
	if (fs->server.fd < 0)
		return;
	if (loop_remove(fs->loop, &fs->server, &err) < 0)
		log_debug("%s: %s", err.object, err.reason);
	fd_release(&fs->server.fd);
	fs->server.fd = -1;
}

static int receive(const struct fs *fs, struct fs_message *ret, struct error *err)
{
	ssize_t n = fdpass_receive(fs->server.fd, ret, sizeof(*ret), NULL, err);

	if (n < 0)
		return -1;
	if (n != sizeof(*ret))
		return fail(err, ERROR_SYSTEM, "file server",
		            n ? "a message of another kind came" : "it has ended");
	return 0;
}

/* What the server says by itself. */
static int heard(struct loop_source *source, uint32_t events, struct error *err)
{
	struct fs *fs = source->data;
	struct fs_message message;
	struct error why;

	(void)events;
	(void)err;
	/* a processor that started or stopped the device may have taken the message that woke us */
	if (recv(source->fd, &message, 0, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN)
		return 0;
	if (receive(fs, &message, &why) == 0) {
		if (message.kind == FS_BROKEN && fs->running)
			virtio_broken(&fs->device, "a ring holds nonsense");
		return 0;
	}
	log_warning("%s: %s", why.object, why.reason);
	hang_up(fs);
	if (fs->device.active)
		virtio_broken(&fs->device, why.reason);
	return 0;
}

/* Wait for the answer to what was sent.
 * Returns  its kind, or -1 and *err when there is none in time. */
static int wait_answer(struct fs *fs, struct fs_message *ret, struct error *err)
{
	const int64_t limit = clock_ms() + fs->limit_ms;

	for (;;) {
		struct pollfd server = {.fd = fs->server.fd, .events = POLLIN};
		int64_t left = limit - clock_ms();
		int n = left > 0 ? poll(&server, 1, (int)left) : 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			return fail(err, ERROR_SYSTEM, "file server", "no answer in %u ms",
			            fs->limit_ms);
		if (n < 0 || receive(fs, ret, err) < 0)
			return n < 0 ? fail_errno(err, "file server", "poll") : -1;
		if (ret->kind != FS_BROKEN)
			return 0;
	}
}

/* Say something and wait for the answer; without the right one the server is given up. */
static int ask(struct fs *fs, const struct fs_message *message, uint32_t right,
               struct fs_message *ret, struct error *err)
{
	int result;

	if (fs->server.fd < 0)
		return fail(err, ERROR_SYSTEM, "file server", "it has ended");
	result = fdpass_send(fs->server.fd, message, sizeof(*message), -1, err);
	if (result == 0)
		result = wait_answer(fs, ret, err);
	if (result == 0 && ret->kind != right && ret->kind != FS_FAILED)
		result = fail(err, ERROR_SYSTEM, "file server", "its answer is none");
	if (result < 0)
		hang_up(fs);
	else if (ret->kind == FS_FAILED)
		result = fail(err, ERROR_SYSTEM, "file server", "it could not start");
	return result;
}

static int send_queue(const struct fs *fs, uint32_t index, struct error *err)
{
	const struct virtio_queue *q = &fs->device.queue[index];
	struct fs_message message = {.kind = FS_QUEUE,
	                             .queue = index,
	                             .size = q->size,
	                             .descriptors = q->descriptors,
	                             .available = q->available,
	                             .used = q->used,
	                             .event_idx = q->event_idx,
	                             .indirect = q->indirect};

	if (fdpass_send(fs->server.fd, &message, sizeof(message), q->kick, err) < 0)
		return -1;
	message.kind = FS_CALL;
	return fdpass_send(fs->server.fd, &message, sizeof(message), q->call, err);
}

static int send_rings(const struct fs *fs, struct error *err)
{
	const struct fs_message message = {.kind = FS_MEMORY};

	if (fs->server.fd < 0)
		return fail(err, ERROR_SYSTEM, "file server", "it has ended");
	if (fdpass_send(fs->server.fd, &message, sizeof(message), fs->device.queue[0].memory->file,
	                err) < 0)
		return -1;
	for (uint32_t i = 0; i < fs->device.queue_count; i++)
		if (fs->device.queue[i].ready && send_queue(fs, i, err) < 0)
			return -1;
	return 0;
}

static int start(struct fs *fs, struct error *err)
{
	struct fs_message message = {.kind = FS_START}, answer = {0};

	for (uint32_t i = 0; i < fs->device.queue_count; i++) {
		const struct virtio_queue *q = &fs->device.queue[i];

		message.place[i] = (struct fs_place){q->next_available, q->next_used, q->announced};
	}
	if (ask(fs, &message, FS_STARTED, &answer, err) < 0)
		return -1;
	fs->running = true;
	return 0;
}

static int stop(struct fs *fs, bool forget, struct error *err)
{
	const struct fs_message message = {.kind = FS_STOP, .forget = forget};
	struct fs_message answer = {0};

	if (ask(fs, &message, FS_STOPPED, &answer, err) < 0)
		return -1;
	fs->running = false;
	for (uint32_t i = 0; i < fs->device.queue_count; i++) {
		struct virtio_queue *q = &fs->device.queue[i];

		q->next_available = answer.place[i].next_available;
		q->next_used = answer.place[i].next_used;
		q->announced = answer.place[i].announced;
	}
	return 0;
}

static int activate(struct virtio_device *device, struct error *err)
{
	struct fs *fs = (struct fs *)device;

	return send_rings(fs, err) < 0 ? -1 : start(fs, err);
}

static void reset(struct virtio_device *device)
{
	struct fs *fs = (struct fs *)device;
	struct error err;

	if (fs->server.fd >= 0 && stop(fs, true, &err) < 0)
		log_warning("%s: %s", err.object, err.reason);
}

int virtio_fs_pause(struct virtio_device *device, struct error *err)
{
	struct fs *fs = (struct fs *)device;

	return fs->running ? stop(fs, false, err) : 0;
}

int virtio_fs_resume(struct virtio_device *device, struct error *err)
{
	struct fs *fs = (struct fs *)device;

	return device->active && !fs->running ? start(fs, err) : 0;
}

static const struct virtio_type type = {
	.name = "fs",
	.id = VIRTIO_ID_FS,
	.read_config = read_config,
	.activate = activate,
	.reset = reset,
};

static int set_up(struct fs *fs, const struct virtio_fs_options *o, struct error *err)
{
	size_t length = strlen(o->tag);

	if (length == 0 || length > sizeof(fs->config.tag))
		return fail(err, ERROR_CONFIG, o->tag, "a tag has 1 to %zu bytes",
		            sizeof(fs->config.tag));
	if (o->request_queues == 0 || o->request_queues >= VIRTIO_QUEUES_MAX)
		return fail(err, ERROR_CONFIG, o->tag, "%u request queues, not 1 to %u",
		            o->request_queues, VIRTIO_QUEUES_MAX - 1);
	memcpy(fs->config.tag, o->tag, length);
	fs->config.request_queues = htole32(o->request_queues);
	fs->device.type = &type;
	fs->device.queue_count = 1 + o->request_queues;
	fs->device.queue[0].size_max = HIPRIO_SIZE;
	for (unsigned int i = 1; i < fs->device.queue_count; i++)
		fs->device.queue[i].size_max = QUEUE_SIZE_MAX;
	fs->limit_ms = o->limit_ms;
	return loop_add(fs->loop, &fs->server, EPOLLIN, err);
}

struct virtio_device *virtio_fs_new(struct loop *loop, const struct virtio_fs_options *options,
                                    struct error *err)
{
	owned_fd server = options->server;
	struct fs *fs = calloc(1, sizeof(*fs));

	if (!fs) {
		(void)fail_errno(err, options->tag, "allocate");
		return NULL;
	}
	fs->loop = loop;
	fs->server = (struct loop_source){server, heard, fs};
	if (set_up(fs, options, err) < 0) {
		free(fs);
		return NULL;
	}
	(void)take_fd(&server);
	return &fs->device;
}

void virtio_fs_free(struct virtio_device *device)
{
	struct fs *fs = (struct fs *)device;

	if (!fs)
		return;
	hang_up(fs);
	free(fs);
}
