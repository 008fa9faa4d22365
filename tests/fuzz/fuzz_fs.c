/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/virtio_ring.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fdpass.h"
#include "base/file.h"
#include "base/path.h"
#include "microvm/virtio/fs_wire.h"

#include "must.h"

/* The file server between two who lie: a monitor that says anything in any order, with descriptors or without, and a
 * guest whose memory is the input. It serves what it can, ends when the monitor hangs up or talks nonsense, never hangs
 * and never touches what is not the guest's; every descriptor is closed in the end. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 64 << 10, MESSAGES = 40, QUEUES = 2, REQUESTS = 16 };

struct play {
	struct reader in;
	int ours, memory, event;
};

static int root = -1, shelf = -1;
static char scratch[64];

static const struct fuse_options options = {.posix_locks = true,
                                            .flocks = true,
                                            .nodes_max = 48,
                                            .handles_max = 24};

static void clean_up(void)
{
	struct error err;

	if (file_remove_tree(shelf, scratch + sizeof("/dev/shm"), &err) < 0)
		(void)fprintf(stderr, "%s: %s\n", err.object, err.reason);
}

static void set_up(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	(void)snprintf(scratch, sizeof(scratch), "/dev/shm/fuzz-fs-XXXXXX");
	must(mkdtemp(scratch));
	shelf = open("/dev/shm", O_PATH | O_DIRECTORY | O_CLOEXEC);
	root = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(root >= 0 && mkdirat(root, "0", 0755) == 0);
	(void)atexit(clean_up);
}

static void *serve(void *data)
{
	int socket = *(int *)data;
	struct virtio_fs_service service = {.socket = socket,
	                                    .root = root,
	                                    .request_queues = QUEUES,
	                                    .options = &options};
	struct error err;

	service.proc = path_open_proc(&err);
	must(service.proc >= 0);
	(void)!virtio_fs_serve(&service, &err);
	(void)close(service.proc);
	(void)shutdown(socket, SHUT_RDWR);
	return NULL;
}

/* Wait for what it says, no longer than it must take. */
static void take_answer(const struct play *p)
{
	const struct timeval soon = {.tv_sec = 100};
	struct fs_message message = {0};
	ssize_t n;

	must(setsockopt(p->ours, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)) == 0);
	do {
		n = recv(p->ours, &message, sizeof(message), 0);
		must(n >= 0 || errno == EINTR); /* the fuzzer has an alarm clock */
	} while (n < 0 || message.kind == FS_BROKEN);
}

static void say(struct play *p, enum fs_kind kind, int fd)
{
	struct fs_message m = {.kind = kind};
	struct error ignored;

	m.queue = read_u8(&p->in) % (QUEUES + 2);
	m.size = 1U << read_u8(&p->in) % 12;
	m.descriptors = read_u16(&p->in);
	m.available = read_u16(&p->in);
	m.used = read_u16(&p->in);
	m.event_idx = m.size & 1;
	m.indirect = read_u8(&p->in) & 1;
	m.forget = read_u8(&p->in) & 1;
	m.place[1].next_available = read_u8(&p->in);
	if (fdpass_send(p->ours, &m, sizeof(m), read_u8(&p->in) == 255 ? -1 : fd, &ignored) < 0)
		p->in.failed = true;
}

/* One deed: a message, a kick, bytes into memory. */
static void one_deed(struct play *p)
{
	const uint64_t one = 1;
	uint8_t which = read_u8(&p->in), bytes[256];
	size_t length;

	switch (which % 8) {
	case 0:
		say(p, FS_MEMORY, p->memory);
		break;
	case 1:
		say(p, FS_QUEUE, p->event);
		break;
	case 2:
		say(p, FS_CALL, p->event);
		break;
	case 3:
		say(p, FS_START, -1);
		break;
	case 4:
		say(p, FS_STOP, -1);
		break;
	case 5:
		say(p, read_u8(&p->in), p->event);
		break;
	case 6:
		must(write(p->event, &one, sizeof(one)) == sizeof(one));
		break;
	default:
		length = read_u8(&p->in);
		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes, p->in.at, length < p->in.left ? length : p->in.left);
		must(pwrite(p->memory, bytes, length, read_u16(&p->in) % (MEMORY - 256)) >= 0);
	}
}

static void poke(const struct play *p, uint64_t at, const void *bytes, size_t length)
{
	must(pwrite(p->memory, bytes, length, (off_t)at) == (ssize_t)length);
}

/* A request of the guest at its place: a chain of what is read and what is written, as a driver makes it, of any bytes
 * behind a header that is nearly right. */
static void plant_request(struct play *p, uint16_t index)
{
	const uint64_t ring = (uint64_t)(1 + index % QUEUES) * 0x1000, at = 0x8000 + 0x400 * index;
	struct fuse_in_header header = {.opcode = read_u8(&p->in) % 52,
	                                .unique = index + 1U,
	                                .nodeid = read_u8(&p->in) % 4};
	struct vring_desc chain[2] = {
		{at,         sizeof(header) + read_u8(&p->in), VRING_DESC_F_NEXT,  (uint16_t)(index + 16)},
		{at + 0x200, read_u8(&p->in) * 2U,             VRING_DESC_F_WRITE, 0                     }
        };
	size_t more = p->in.left < 200 ? p->in.left : chain[0].len - sizeof(header);

	header.len = chain[0].len;
	poke(p, at, &header, sizeof(header));
	if (more < p->in.left)
		poke(p, at + sizeof(header), read_bytes(&p->in, more), more);
	poke(p, ring + 16U * index, &chain[0], 16);
	poke(p, ring + 16U * (index + 16), &chain[1], 16);
	poke(p, ring + 0x404 + 2U * (index / QUEUES), &index, 2);
}

static void plant_requests(struct play *p)
{
	static const struct fuse_in_header init = {.len = sizeof(init) + 64, .opcode = FUSE_INIT};
	static const struct fuse_init_in body = {.major = 7, .minor = 38, .flags = UINT32_MAX};
	uint16_t count = 1 + read_u8(&p->in) % REQUESTS, each = (uint16_t)(count / QUEUES + 1);

	for (uint16_t i = 0; i < count; i++)
		plant_request(p, i);
	poke(p, 0x8000, &init, sizeof(init));
	poke(p, 0x8000 + sizeof(init), &body, sizeof(body));
	for (uint64_t queue = 1; queue <= QUEUES; queue++)
		poke(p, queue * 0x1000 + 0x402, &each, 2);
}

/* As a monitor does: memory, queues, a start, a stop. */
static void begin_well(struct play *p)
{
	struct fs_message m = {.kind = FS_MEMORY};
	struct error ignored;

	must(fdpass_send(p->ours, &m, sizeof(m), p->memory, &ignored) == 0);
	for (m.queue = 0; m.queue <= QUEUES; m.queue++) {
		m.kind = FS_QUEUE;
		m.size = 32;
		m.descriptors = (uint64_t)m.queue * 0x1000;
		m.available = m.descriptors + 0x400;
		m.used = m.descriptors + 0x800;
		m.indirect = 1;
		must(fdpass_send(p->ours, &m, sizeof(m), p->event, &ignored) == 0);
		m.kind = FS_CALL;
		must(fdpass_send(p->ours, &m, sizeof(m), p->event, &ignored) == 0);
	}
	m.kind = FS_START;
	must(fdpass_send(p->ours, &m, sizeof(m), -1, &ignored) == 0);
	take_answer(p);
}

static void end_well(const struct play *p)
{
	const struct fs_message m = {.kind = FS_STOP, .forget = 1};
	struct error ignored;

	must(fdpass_send(p->ours, &m, sizeof(m), -1, &ignored) == 0);
	take_answer(p);
}

static void play(struct play *p)
{
	bool well = read_u8(&p->in) & 1;
	size_t take = p->in.left < MEMORY ? p->in.left : MEMORY;

	must(ftruncate(p->memory, MEMORY) == 0);
	must(pwrite(p->memory, p->in.at, take, 0) == (ssize_t)take);
	if (well) {
		plant_requests(p);
		begin_well(p);
		end_well(p);
	}
	for (int i = 0; i < MESSAGES && p->in.left > 0 && !p->in.failed; i++)
		one_deed(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play p = {.in = reader_of(data, size)};
	int before, lowest, again, ends[2];
	struct error err;
	pthread_t thread;

	if (root < 0)
		set_up();
	before = open(".", O_PATH | O_CLOEXEC);
	lowest = fcntl(root, F_DUPFD_CLOEXEC, 0);
	(void)close(lowest);
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	p.ours = ends[0];
	p.memory = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	p.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	must(p.memory >= 0 && p.event >= 0);
	must(pthread_create(&thread, NULL, serve, &ends[1]) == 0);
	play(&p);
	(void)close(p.ours);
	must(pthread_join(thread, NULL) == 0);
	(void)close(ends[1]);
	(void)close(p.memory);
	(void)close(p.event);
	again = fcntl(root, F_DUPFD_CLOEXEC, 0);
	must(again == lowest);
	(void)close(again);
	must(fchdir(before) == 0);
	(void)close(before);
	must(file_remove_tree(root, "0", &err) == 0 && mkdirat(root, "0", 0755) == 0);
	return 0;
}
