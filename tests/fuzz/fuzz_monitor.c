/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fdpass.h"
#include "base/own.h"
#include "microvm/vmm/program.h"

#include "must.h"

/* What the monitor is told: its order, with descriptors or without, and questions over its control socket. Whatever
 * comes, nothing crashes or hangs, and each descriptor is closed in the end. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 32 << 10, CLIENTS = 6 };

static int lowest(void)
{
	int fd = open("/", O_PATH | O_CLOEXEC);

	(void)close(fd);
	return fd;
}

static void send_descriptors(int to, struct reader *in, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		struct error ignored;
		bool with = read_u8(in) != 0;

		if (fdpass_send(to, "x", 1, with ? to : -1, &ignored) < 0)
			return;
	}
}

static void close_order(struct order *order)
{
	int *const all[] = {&order->kvm,     &order->kernel, &order->initramfs, &order->listener,
	                    &order->control, &order->disk,   &order->overlay};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (*all[i] >= 0)
			(void)close(*all[i]);
	for (unsigned int i = 0; i < order->cards; i++)
		(void)close(order->card[i].tap);
}

/* An order as bytes, or as a message that is packed right and says anything. */
static void give_order(struct reader *in)
{
	static struct order order;
	struct wire_message m = {.kind = WIRE_MACHINE};
	uint8_t how = read_u8(in);
	struct error err;
	size_t length = 0;
	owned_str packed = NULL;
	int ends[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	m.number[0] = read_u64(in);
	m.number[1] = read_u8(in);
	m.number[2] = read_u8(in);
	for (size_t i = 0; i < WIRE_BLOBS; i++) {
		size_t part = i < 2 ? read_u16(in) % 5000 : (size_t)read_u8(in);

		part = part < in->left ? part : in->left;
		m.blob[i] = (struct wire_blob){read_bytes(in, part), part};
	}
	if (how & 1)
		packed = wire_pack(&m, &length, &err);
	if (packed)
		must(send(ends[1], packed, length, MSG_DONTWAIT) == (ssize_t)length);
	else if (in->left < MOST)
		must(send(ends[1], in->at, in->left, MSG_DONTWAIT) == (ssize_t)in->left);
	if (packed)
		send_descriptors(ends[1], in, how >> 1 & 15);
	(void)shutdown(ends[1], SHUT_WR);
	if (order_receive(ends[0], &order, &err) == 0)
		must(order.name[sizeof(order.name) - 1] == '\0' && order.cards <= WIRE_CARDS_MOST);
	close_order(&order);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

/* ---- questions ---- */

struct play {
	struct control control;
	struct loop_source stopper;
	unsigned int rounds;
	int client[CLIENTS];
	struct sockaddr_un address;
};

static int count_round(struct loop_source *source, uint32_t events, struct error *err)
{
	struct play *p = source->data;

	(void)events;
	(void)err;
	if (p->rounds-- == 0)
		loop_stop(p->control.loop);
	return 0;
}

static void open_control(struct play *p)
{
	socklen_t length = sizeof(p->address);
	struct error err;
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(p->client, 0xff, sizeof(p->client));
	p->address.sun_family = AF_UNIX;
	/* a name that the kernel chooses */
	must(bind(listener, (const struct sockaddr *)&p->address, sizeof(sa_family_t)) == 0);
	must(getsockname(listener, (struct sockaddr *)&p->address, &length) == 0);
	must(listen(listener, CLIENTS) == 0);
	p->control.loop = loop_new(&err);
	p->control.balloon = virtio_balloon_new(&err);
	p->control.memory_bytes = 256 << 20;
	must(p->control.loop && p->control.balloon);
	must(control_start(&p->control, listener, &err) == 0);
	p->stopper = (struct loop_source){eventfd(1, EFD_CLOEXEC), count_round, p};
	must(loop_add(p->control.loop, &p->stopper, EPOLLIN, &err) == 0);
}

static void one_deed(struct play *p, struct reader *in)
{
	uint8_t which = read_u8(in), bytes[256];
	int *client = &p->client[which % CLIENTS];
	size_t asked = read_u8(in), length = asked < in->left ? asked : 0;
	const void *more = read_bytes(in, length);
	struct error err;

	if (*client < 0 && which & 0x80) {
		*client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(*client, (const struct sockaddr *)&p->address,
		              sizeof(sa_family_t) + 6);
	} else if (*client >= 0 && which & 0x40) {
		(void)close(take_fd(client));
	} else if (*client >= 0 && which & 0x20) {
		const struct wire_message m = {.kind = WIRE_MEMORY, .number = {read_u64(in)}};
		owned_str packed = wire_pack(&m, &length, &err);

		must(packed);
		(void)send(*client, packed, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	} else if (*client >= 0 && more) {
		(void)send(*client, more, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		while (recv(*client, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
			;
	}
	p->rounds = which & 3;
	must(loop_run(p->control.loop, &err) == 0);
}

static void ask(struct reader *in)
{
	struct play *p = calloc(1, sizeof(*p));

	must(p);
	open_control(p);
	while (in->left > 0 && !in->failed)
		one_deed(p, in);
	for (size_t i = 0; i < CLIENTS; i++)
		if (p->client[i] >= 0)
			(void)close(p->client[i]);
	for (size_t i = 0; i < CONTROL_CONNECTIONS; i++)
		if (p->control.connection[i].source.fd >= 0) {
			(void)close(p->control.connection[i].source.fd);
			wire_inbox_free(&p->control.connection[i].inbox);
		}
	virtio_balloon_free(p->control.balloon);
	loop_free(p->control.loop);
	(void)close(p->control.listener.fd);
	(void)close(p->stopper.fd);
	free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader in = reader_of(data, size);
	int before = lowest();

	if (size > MOST)
		return 0;
	if (read_u8(&in) & 1)
		give_order(&in);
	else
		ask(&in);
	must(lowest() == before);
	return 0;
}
