/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <sys/socket.h>

#include "scene.h"

int scene_packets(const char *name)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
	                         .sll_protocol = htons(ETH_P_ALL),
	                         .sll_ifindex = scene_index(name)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));

	CHECK(fd >= 0);
	CHECK(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	return fd;
}

void scene_arp(unsigned char frame[42], const uint8_t mac[6], const char *from, const char *who)
{
	static const unsigned char question[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 1};

	memset(frame, 0, 42);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, mac, 6);
	memcpy(frame + 12, question, sizeof(question));
	memcpy(frame + 22, mac, 6);
	CHECK(inet_pton(AF_INET, from, frame + 28) == 1);
	CHECK(inet_pton(AF_INET, who, frame + 38) == 1);
}

bool scene_await(int fd, size_t header, const struct frame_wanted *wanted, int timeout_ms)
{
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	unsigned char frame[2048];

	/* other frames come by, a few of them, when links come up */
	for (int others = 0; others < 100; others++) {
		ssize_t n;

		if (poll(&waiting, 1, timeout_ms) != 1)
			return false;
		n = read(fd, frame, sizeof(frame));
		if (n >= (ssize_t)(header + wanted->offset + wanted->length) &&
		    memcmp(frame + header + wanted->offset, wanted->bytes, wanted->length) == 0)
			return true;
	}
	return false;
}

bool scene_answered(int to, const void *bytes, size_t length, int from, size_t header,
                    const struct frame_wanted *wanted)
{
	for (int tries = 0; tries < 100; tries++) {
		CHECK(write(to, bytes, length) == (ssize_t)length);
		if (scene_await(from, header, wanted, 200))
			return true;
	}
	return false;
}
