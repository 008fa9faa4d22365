/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/loop.h"
#include "base/own.h"
#include "microvm/virtio/fs_wire.h"
#include "tests/unit/microvm/virtio/driver.h"

#include "must.h"

/* A hostile guest of any device but vsock (which has a fuzzer of its own): registers in any order with any values,
 * rings set up well or badly, chains of the device's own kind with any bytes, memory that changes under it; the host's
 * side does something now and then. Nothing may crash, leak, hang or be read or written outside the guest's memory; a
 * disk that is read-only, or below an overlay, stays as it is, and after a reset a well-behaved driver is served. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 1 << 20, BUFFERS = 0x40000, DISK = 64 << 10, DEEDS = 200, FENCE = 0x5a };

struct play {
	struct reader in;
	struct loop *loop;
	struct driver driver;
	struct virtio_device *device;
	const struct kind *kind;
	int output, server; /* of the console; the fs device's other half */
};

struct kind {
	struct virtio_device *(*make)(struct play *p, struct error *err);
	void (*free)(struct virtio_device *device);
	void (*host)(struct play *p); /* what the other side does */
	uint64_t features;            /* that a driver may take of those offered */
};

static int disk = -1, wire = -1, tap_prototype = -1;
static uint8_t disk_bytes[DISK];

/* ---- what there is ---- */

static struct virtio_device *make_blk(struct play *p, struct error *err)
{
	uint8_t how = read_u8(&p->in);
	const struct virtio_blk_options options = {
		.file = fcntl(disk, F_DUPFD_CLOEXEC, 0),
		.read_only = how & 1,
		.overlay = how & 1 ? -1 : memfd_create("overlay", MFD_CLOEXEC),
		.cluster_bytes = how & 2 ? 4096 : 0,
		.id = how & 4 ? "a disk" : NULL,
	};

	return virtio_blk_new(&options, err);
}

static struct virtio_device *make_net(struct play *p, struct error *err)
{
	const struct virtio_net_options options = {
		.tap = fcntl(tap_prototype, F_DUPFD_CLOEXEC, 0),
		.mac = {2, 0, 0, 0, 0, 1},
		.mtu = (uint16_t)(68 + read_u16(&p->in) % 9000)
        };

	return virtio_net_new(p->loop, &options, err);
}

static struct virtio_device *make_balloon(struct play *p, struct error *err)
{
	(void)p;
	return virtio_balloon_new(err);
}

static struct virtio_device *make_rng(struct play *p, struct error *err)
{
	(void)p;
	return virtio_rng_new(err);
}

static struct virtio_device *make_console(struct play *p, struct error *err)
{
	int ends[2];

	must(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
	p->output = ends[0];
	p->server = ends[1];
	return virtio_console_new(p->loop, ends[1], "guest", err);
}

static struct virtio_device *make_fs(struct play *p, struct error *err)
{
	struct virtio_fs_options options = {.tag = "shares",
	                                    .request_queues = 1 + read_u8(&p->in) % 4,
	                                    .limit_ms = 1};
	int ends[2];

	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	p->server = ends[0];
	options.server = ends[1];
	return virtio_fs_new(p->loop, &options, err);
}

static void read_output(struct play *p)
{
	char text[4096];
	ssize_t n = read(p->output, text, sizeof(text));

	for (ssize_t i = 0; i < n; i++)
		must(text[i] == '\n' || text[i] == '\t' || (text[i] >= ' ' && text[i] <= '~'));
}

static void send_frame(struct play *p)
{
	uint8_t frame[2048];
	size_t length = 14 + read_u16(&p->in) % (sizeof(frame) - 14);

	memset(frame, FENCE, length);
	memset(frame, 0xff, 6);
	(void)send(wire, frame, length, MSG_DONTWAIT);
}

static void want_memory(struct play *p)
{
	virtio_balloon_set_target(p->device, read_u32(&p->in));
	(void)virtio_balloon_actual(p->device);
	(void)virtio_balloon_stats(p->device);
}

/* A file server that was taken over: any message, in time or not. */
static void say_anything(struct play *p)
{
	union {
		struct fs_message message;
		uint8_t bytes[256];
	} m = {.message = {.kind = read_u8(&p->in) % 12}};
	uint8_t length = read_u8(&p->in);

	for (size_t i = 0; i < VIRTIO_QUEUES_MAX; i++)
		m.message.place[i].next_available = read_u16(&p->in);
	(void)send(p->server, &m, length & 1 ? length : sizeof(m.message),
	           MSG_DONTWAIT | MSG_NOSIGNAL);
	while (length & 2 && recv(p->server, &m, sizeof(m), MSG_DONTWAIT) > 0)
		;
	if (length == 255)
		(void)shutdown(p->server, SHUT_RDWR);
}

static void nothing(struct play *p)
{
	(void)p;
}

static const struct kind kinds[] = {
	{make_blk,     virtio_blk_free,     nothing,      UINT32_MAX & ~(1U << 5)},
	{make_net,     virtio_net_free,     send_frame,   UINT32_MAX             },
	{make_balloon, virtio_balloon_free, want_memory,  UINT32_MAX             },
	{make_rng,     virtio_rng_free,     nothing,      UINT32_MAX             },
	{make_console, virtio_console_free, read_output,  UINT32_MAX             },
	{make_fs,      virtio_fs_free,      say_anything, UINT32_MAX             },
};

/* ---- what a guest does ---- */

static void do_write(struct play *p)
{
	uint16_t offset = read_u16(&p->in) & 0x1ff;
	uint8_t length = read_u8(&p->in);
	uint64_t value = read_u8(&p->in);

	value = length & 0x80 ? read_u64(&p->in) : value;
	virtio_mmio_write(p->device, offset, &value, length & 0x40 ? length & 7 : 4);
}

static void do_read(struct play *p)
{
	uint8_t bytes[16];
	uint16_t offset = read_u16(&p->in) & 0x3ff;
	size_t length = read_u8(&p->in) % 9;

	memset(bytes, FENCE, sizeof(bytes));
	virtio_mmio_read(p->device, offset, bytes, length);
	for (size_t i = length; i < sizeof(bytes); i++)
		must(bytes[i] == FENCE);
}

static void do_start(struct play *p)
{
	uint64_t features = p->device->offered | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC;

	driver_start(&p->driver, features & (p->kind->features | read_u32(&p->in)),
	             (uint16_t)(1U << read_u8(&p->in) % 9));
}

/* A chain as a driver of the device would make it, with what lies in memory. */
static void do_offer(struct play *p)
{
	static const uint32_t lengths[] = {0, 1, 4, 12, 16, 40, 80, 512, 4096, 65536};
	struct driver_buffer buffer[4];
	unsigned int queue = read_u8(&p->in) % p->device->queue_count;
	unsigned int count = 1 + read_u8(&p->in) % 4;

	if (!p->driver.queue[queue].size)
		return;
	for (unsigned int i = 0; i < count; i++) {
		uint8_t what = read_u8(&p->in);

		buffer[i] =
			(struct driver_buffer){.address = BUFFERS + (uint64_t)read_u8(&p->in) * 512,
		                               .length = lengths[what % 10],
		                               .writable = what & 0x80};
		if (what & 0x40)
			buffer[i].address = read_u64(&p->in);
	}
	if (read_u8(&p->in) & 1)
		(void)driver_add(&p->driver, queue, buffer, count);
	else
		(void)driver_add_indirect(&p->driver, queue,
		                          BUFFERS - 4096 + (uint64_t)64 * (queue & 7), buffer,
		                          count);
}

static void do_kick(struct play *p)
{
	driver_write(&p->driver, 0x050, read_u8(&p->in) % VIRTIO_QUEUES_MAX);
}

/* Bytes into memory, where the buffers are or anywhere. */
static void do_poke(struct play *p)
{
	uint32_t place = read_u8(&p->in) & 1 ? read_u32(&p->in) % MEMORY
	                                     : BUFFERS + (uint32_t)read_u8(&p->in) * 512;
	size_t length = read_u8(&p->in) % 64;
	const void *bytes = read_bytes(&p->in, length);

	if (bytes && length > 0 && place + length <= MEMORY)
		memcpy(driver_bytes(&p->driver, place, length), bytes, length);
}

/* A disk's request from end to end: data where the pokes go, and the status behind it. */
static void offer_request(struct play *p, bool to_guest)
{
	uint32_t bytes = (uint32_t)read_u8(&p->in) * 16;
	const struct driver_buffer buffer[] = {
		{BUFFERS,       16,    false   },
		{BUFFERS + 512, bytes, to_guest},
		{BUFFERS + 512, 512,   to_guest},
		{BUFFERS + 496, 1,     true    },
	};

	if (p->kind->make != make_blk || !p->driver.queue[0].size)
		return;
	(void)driver_add(&p->driver, 0, buffer, 4);
	driver_kick(&p->driver, 0);
}

/* The head of a request to a disk, and perhaps all of it. */
static void do_request(struct play *p)
{
	struct writer w = writer_of(driver_bytes(&p->driver, BUFFERS, 16), 16);
	uint8_t how = read_u8(&p->in);

	write_u32(&w, how % 16);
	write_u32(&w, 0);
	write_u64(&w, read_u8(&p->in) == 255 ? read_u64(&p->in) : read_u8(&p->in));
	if (how & 0x80)
		offer_request(p, how & 0x40);
}

static void do_turn(struct play *p)
{
	driver_turn(&p->driver, 1 + read_u8(&p->in) % 3);
}

static void do_host(struct play *p)
{
	p->kind->host(p);
}

static void do_reset(struct play *p)
{
	driver_write(&p->driver, 0x070, 0);
	must(driver_read(&p->driver, 0x070) == 0);
}

static void (*const deeds[])(struct play *p) = {
	do_write, do_read, do_start, do_offer,   do_offer, do_offer, do_kick, do_kick,
	do_poke,  do_poke, do_turn,  do_request, do_turn,  do_host,  do_host, do_reset,
};

/* ---- around it ---- */

static void make_tap(void)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "fuzz0");
	must(unshare(CLONE_NEWNET) == 0);
	tap_prototype = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	must(tap_prototype >= 0 && ioctl(tap_prototype, TUNSETIFF, &request) == 0);
	wire = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	must(wire >= 0 && ioctl(wire, SIOCGIFINDEX, &request) == 0);
	address.sll_ifindex = request.ifr_ifindex;
	must(bind(wire, (const struct sockaddr *)&address, sizeof(address)) == 0);
	request.ifr_flags = IFF_UP;
	must(ioctl(wire, SIOCSIFFLAGS, &request) == 0);
}

static void set_up(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	disk = memfd_create("disk", MFD_CLOEXEC);
	for (size_t i = 0; i < DISK; i++)
		disk_bytes[i] = (uint8_t)(i * 7);
	must(disk >= 0 && write(disk, disk_bytes, DISK) == DISK);
	make_tap();
}

static void disk_is_as_it_was(void)
{
	static uint8_t now[DISK];

	must(pread(disk, now, DISK, 0) == DISK && memcmp(now, disk_bytes, DISK) == 0);
}

/* Random bytes, or the id of a disk, come to whoever asks as he should. */
static void must_still_serve(struct play *p)
{
	const struct driver_buffer want = {BUFFERS, 64, true};
	uint32_t written = 0;

	if (p->kind->make != make_rng)
		return;
	driver_start(&p->driver, VIRTIO_F_EVENT_IDX, 8);
	must(driver_add(&p->driver, 0, &want, 1) >= 0);
	driver_go(&p->driver, 0);
	must(driver_used(&p->driver, 0, &written) >= 0 && written == 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play *p = calloc(1, sizeof(*p));
	struct error err;

	must(p);
	if (disk < 0)
		set_up();
	p->in = reader_of(data, size);
	p->output = p->server = -1;
	p->loop = loop_new(&err);
	p->kind = &kinds[read_u8(&p->in) % (sizeof(kinds) / sizeof(kinds[0]))];
	must(p->loop);
	p->device = p->kind->make(p, &err);
	must(p->device);
	driver_open(&p->driver, p->device, MEMORY);
	driver_join(&p->driver, p->loop);
	for (int i = 0; i < DEEDS && p->in.left > 0; i++)
		deeds[read_u8(&p->in) % (sizeof(deeds) / sizeof(deeds[0]))](p);
	must_still_serve(p);
	p->kind->free(p->device);
	driver_close(&p->driver);
	loop_free(p->loop);
	if (p->output >= 0)
		(void)close(p->output);
	if (p->server >= 0)
		(void)close(p->server);
	free(p);
	disk_is_as_it_was();
	return 0;
}
