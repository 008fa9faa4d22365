/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/own.h"

#include "scene.h"

static void one(struct scene *scene)
{
	owned_fd any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int fd = scene_tap(scene);
	struct ifreq is = {.ifr_name = "cella-tap0"};
	struct ifreq of = {0};
	struct netns_links *links;

	CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
	CHECK(ioctl(any, SIOCGIFFLAGS, &is) == 0 && (is.ifr_flags & IFF_UP));
	CHECK(ioctl(any, SIOCGIFMTU, &is) == 0 && is.ifr_mtu == 1400);
	CHECK(ioctl(fd, TUNGETIFF, &of) == 0 && strcmp(of.ifr_name, "cella-tap0") == 0);
	CHECK((of.ifr_flags & (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)) ==
	      (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR));
	links = scene_look(scene);
	CHECK(links->interface_count == 1 && links->address_count == 0);
	(void)close(fd);
	CHECK(if_nametoindex("cella-tap0") == 0);
}

static void a_tap_is_up_has_the_mtu_and_ends_with_its_descriptor(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, one);
}

/* /proc/net/if_inet6 lists addresses, link-local ones too. */
static void silent(struct scene *scene)
{
	int fd = scene_tap(scene);
	char text[4096] = "";
	owned_fd list = open("/proc/self/net/if_inet6", O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	if (list < 0)
		scene_skip("no IPv6 here");
	CHECK(read(list, text, sizeof(text) - 1) > 0);
	CHECK(strstr(text, " lo\n") && !strstr(text, "cella-tap0"));
}

static void a_tap_has_no_address_of_ipv6(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, silent);
}

static void taken(struct scene *scene)
{
	int fd = scene_tap(scene);

	CHECK(fd >= 0);
	CHECK(netns_tap(scene->tun, "cella-tap0", 1400, &scene->err) < 0);
	CHECK(scene->err.errnum == EBUSY && strcmp(scene->err.object, "cella-tap0") == 0);
	scene_veth(scene, "eth0", 1);
	CHECK(netns_tap(scene->tun, "eth0", 1400, &scene->err) < 0);
	CHECK(scene->err.errnum == EBUSY);
	CHECK(scene_look(scene)->interface_count == 2);
}

static void a_name_that_is_taken_is_refused(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, taken);
}

static void badly(struct scene *scene)
{
	int fd = scene_tap(scene);

	CHECK(fd >= 0);
	CHECK(netns_tap(scene->tun, "", 1400, &scene->err) < 0);
	CHECK(netns_tap(scene->tun, "tap%d", 1400, &scene->err) < 0);
	CHECK(netns_tap(scene->tun, "a-name-of-17-char", 1400, &scene->err) < 0);
	CHECK(netns_tap(scene->tun, "x", 1 << 20, &scene->err) < 0);
	CHECK(strcmp(scene->err.object, "x") == 0 && strstr(scene->err.reason, "set MTU"));
	CHECK(if_nametoindex("x") == 0);
	CHECK(scene_look(scene)->interface_count == 1);
}

static void what_is_no_name_or_mtu_leaves_nothing(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, badly);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tap_is_up_has_the_mtu_and_ends_with_its_descriptor),
		cmocka_unit_test(a_tap_has_no_address_of_ipv6),
		cmocka_unit_test(a_name_that_is_taken_is_refused),
		cmocka_unit_test(what_is_no_name_or_mtu_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
