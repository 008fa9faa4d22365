/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of the guest become lines, and lines that there is room for go into a backlog, a circle of bytes: in at the
 * end, out at the start. What there is no room or no allowance for is counted and dropped; lines are taken again when
 * half of the backlog is free, behind a note of how much is missing. So a guest that says more than its reader reads
 * costs a look at what it says, and nothing else. */
#include <errno.h>
#include <limits.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#include "console.h"
#include "turn.h"

enum {
	TRANSMIT = 1,
	QUEUES = 2,
	SIZE = 64,
	TURN = 64,             /* chains, or pages of bytes */
	CHAIN_MAX = 256 << 10, /* bytes of one chain that are looked at */
	PIECE = 512,
	LINE_MAX_BYTES = 1024,
	ESCAPED = 4, /* "\xNN" */
	BACKLOG = 64 << 10,
	NOTE = 48,
	RATE = 64, /* bytes a millisecond, up to */
	BURST = 1 << 20,
	IN_ALL = 64 << 20,
};

struct backlog {
	size_t start, length;
	uint64_t
		lost; /* of the guest's bytes, behind its end; nothing is taken while there are any */
	uint8_t bytes[BACKLOG];
};

/* A line that has not ended, as it will be written. */
struct line {
	size_t length, said; /* said: by the guest */
	char bytes[LINE_MAX_BYTES];
};

struct allowance {
	uint64_t now, left; /* left: in all */
	int64_t refilled_ms;
};

struct console {
	struct virtio_device device;
	struct loop *loop;
	struct loop_source output;
	bool watched;
	const char *name;
	struct virtio_chain chain;
	/* what is to be saved */
	struct line line;
	struct allowance allowance;
	struct backlog backlog;
};

/* ---- out ---- */

static void watch(struct console *c, bool wanted)
{
	struct error err;

	if (wanted == c->watched)
		return;
	if ((wanted ? loop_add(c->loop, &c->output, EPOLLOUT, &err)
	            : loop_remove(c->loop, &c->output, &err)) < 0)
		log_dropped("console", &err);
	else
		c->watched = wanted;
}

/* Whether a page can be written at once. Spec: pipe(7), poll(2). */
static bool is_ready(int fd)
{
	struct pollfd p = {fd, POLLOUT, 0};

	return poll(&p, 1, 0) > 0;
}

/* Returns  whether there is any use in going on. */
static bool write_some(struct console *c)
{
	struct backlog *b = &c->backlog;
	size_t length = b->length < BACKLOG - b->start ? b->length : BACKLOG - b->start;
	ssize_t done;

	if (length == 0 || !is_ready(c->output.fd))
		return false;
	done = write(c->output.fd, b->bytes + b->start, length < PIPE_BUF ? length : PIPE_BUF);
	if (done < 0 && (errno == EINTR || errno == EAGAIN))
		return errno == EINTR;
	if (done < 0) { /* nobody will ever read it */
		b->lost += b->length;
		b->start = b->length = 0;
		return false;
	}
	b->start = (b->start + (size_t)done) % BACKLOG;
	b->length -= (size_t)done;
	return done > 0;
}

void virtio_console_flush(struct virtio_device *device)
{
	while (write_some((struct console *)device))
		;
}

/* ---- in ---- */

static void append(struct backlog *b, const char *bytes, size_t length)
{
	size_t end = (b->start + b->length) % BACKLOG;
	size_t first = length < BACKLOG - end ? length : BACKLOG - end;

	memcpy(b->bytes + end, bytes, first);
	memcpy(b->bytes, bytes + first, length - first);
	b->length += length;
}

static void refill(struct allowance *a)
{
	int64_t ms = clock_ms();

	if (ms - a->refilled_ms > BURST / RATE)
		a->now = BURST;
	else
		a->now += (uint64_t)(ms - a->refilled_ms) * RATE;
	a->now = a->now < BURST ? a->now : BURST;
	a->refilled_ms = ms;
}

/* Whether there is room for a line and it is allowed; then it is taken. */
static bool take(struct console *c, const char *line, size_t length)
{
	struct backlog *b = &c->backlog;
	struct allowance *a = &c->allowance;
	size_t all = strlen(c->name) + 2 + length;

	if (all > BACKLOG - b->length)
		virtio_console_flush(&c->device);
	refill(a);
	if (all > BACKLOG - b->length || all > a->now || all > a->left)
		return false;
	a->now -= all;
	a->left -= all;
	append(b, c->name, strlen(c->name));
	append(b, ": ", 2);
	append(b, line, length);
	return true;
}

/* Say what was lost, once there is room for more than that. */
static bool note(struct console *c)
{
	struct backlog *b = &c->backlog;
	char text[NOTE];
	int length;

	if (b->lost == 0)
		return true;
	refill(&c->allowance);
	if (b->length > BACKLOG / 2 || c->allowance.now < BURST / 16)
		return false;
	length = snprintf(text, sizeof(text), "[%llu bytes lost]\n", (unsigned long long)b->lost);
	if (!take(c, text, (size_t)length))
		return false;
	b->lost = 0;
	return true;
}

static void end_line(struct console *c)
{
	struct line *line = &c->line;

	line->bytes[line->length++] = '\n';
	if (!note(c) || !take(c, line->bytes, line->length))
		c->backlog.lost += line->said;
	line->length = line->said = 0;
}

static void put(struct console *c, uint8_t byte)
{
	static const char digits[] = "0123456789abcdef";
	struct line *line = &c->line;

	line->said++;
	if (byte == '\n') {
		end_line(c);
		return;
	}
	if (byte == '\t' || (byte >= ' ' && byte < 0x7f)) {
		line->bytes[line->length++] = (char)byte;
	} else if (byte != '\r') { /* which stands before the end of most lines */
		line->bytes[line->length++] = '\\';
		line->bytes[line->length++] = 'x';
		line->bytes[line->length++] = digits[byte >> 4];
		line->bytes[line->length++] = digits[byte & 15];
	}
	if (line->length > LINE_MAX_BYTES - ESCAPED - 1)
		end_line(c);
}

static void put_out(struct console *c)
{
	virtio_console_flush(&c->device);
	if (note(c))
		virtio_console_flush(&c->device);
	watch(c, c->backlog.length > 0);
}

static uint32_t answer(struct virtio_device *device, struct turn *turn)
{
	struct console *c = (struct console *)device;
	size_t bytes = c->chain.readable_bytes, most = bytes < CHAIN_MAX ? bytes : CHAIN_MAX;
	uint8_t piece[PIECE];

	for (size_t offset = 0, got = 0; offset < most; offset += got) {
		got = most - offset < PIECE ? most - offset : PIECE;
		got = chain_read(&c->chain, offset, piece, got);
		for (size_t i = 0; i < got; i++)
			put(c, piece[i]);
	}
	c->backlog.lost += bytes - most;
	turn_spend(turn, most / 4096);
	return 0;
}

/* ---- the device ---- */

static void kicked(struct virtio_device *device, unsigned int queue)
{
	struct console *c = (struct console *)device;
	struct turn turn = {TRANSMIT, TURN, &c->chain, answer};

	if (queue != TRANSMIT)
		return;
	turn_serve(device, &turn);
	put_out(c);
}

static int ready(struct loop_source *source, uint32_t events, struct error *err)
{
	(void)events;
	(void)err;
	put_out(source->data);
	return 0;
}

/* All there is of it is the register for a single byte, for a guest that has no queues yet. Spec: 5.3.4. */
static void write_config(struct virtio_device *device, size_t offset, const void *from,
                         size_t length)
{
	struct console *c = (struct console *)device;

	(void)length;
	if (offset != offsetof(struct virtio_console_config, emerg_wr))
		return;
	put(c, *(const uint8_t *)from);
	put_out(c);
}

static void read_config(struct virtio_device *device, size_t offset, void *to, size_t length)
{
	const struct virtio_console_config config = {0};

	(void)device;
	turn_config(&config, sizeof(config), offset, to, length);
}

static int activate(struct virtio_device *device, struct error *err)
{
	(void)err;
	kicked(device, TRANSMIT); /* it may have filled its ring before */
	return 0;
}

static const struct virtio_type type = {
	.name = "console",
	.id = VIRTIO_ID_CONSOLE,
	.read_config = read_config,
	.write_config = write_config,
	.activate = activate,
	.kicked = kicked,
};

struct virtio_device *virtio_console_new(struct loop *loop, int output, const char *name,
                                         struct error *err)
{
	struct console *c = calloc(1, sizeof(*c));

	if (!c) {
		(void)fail_errno(err, "console", "allocate");
		return NULL;
	}
	c->device.type = &type;
	c->device.offered = UINT64_C(1) << VIRTIO_CONSOLE_F_EMERG_WRITE;
	c->device.queue_count = QUEUES;
	for (unsigned int i = 0; i < QUEUES; i++)
		c->device.queue[i].size_max = SIZE;
	c->loop = loop;
	c->output = (struct loop_source){output, ready, c};
	c->name = name;
	c->allowance.left = IN_ALL;
	return &c->device;
}

void virtio_console_free(struct virtio_device *device)
{
	struct console *c = (struct console *)device;

	if (!c)
		return;
	if (c->line.length > 0)
		end_line(c);
	virtio_console_flush(device);
	watch(c, false);
	free(c);
}
