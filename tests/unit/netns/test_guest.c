/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/own.h"

#include "scene.h"

static void applied(struct scene *scene, const struct netns_links *links)
{
	if (netns_apply_guest(links, &scene->err) < 0) {
		(void)dprintf(2, "# %s: %s\n", scene->err.object, scene->err.reason);
		CHECK(!"applied");
	}
	scene_same(links, scene_look(scene));
}

static bool loopback_is_up(void)
{
	owned_fd any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq lo = {.ifr_name = "lo"};

	return ioctl(any, SIOCGIFFLAGS, &lo) == 0 && (lo.ifr_flags & IFF_UP);
}

static void usual(struct scene *scene)
{
	struct netns_links *links;

	scene_usual(scene);
	links = scene_look(scene);
	scene_enter_guest(scene);
	scene_veth(scene, "ens5", 1);
	CHECK(!loopback_is_up());
	applied(scene, links);
	CHECK(loopback_is_up() && if_nametoindex("eth0") && !if_nametoindex("ens5"));
}

static void a_guests_interface_becomes_what_the_containers_was(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, usual);
}

static void two_in(struct scene *scene, const char *first, const char *second)
{
	scene_veth(scene, first, 1);
	scene_veth(scene, second, 2);
}

static void crossed(struct scene *scene)
{
	struct scene_route route = {.name = "eth1",
	                            .to = "0.0.0.0",
	                            .via = "10.2.0.1",
	                            .source = "10.1.0.3"};
	struct netns_links *links;

	two_in(scene, "eth0", "eth1");
	scene_address("eth0", "10.1.0.3", 24);
	scene_address("eth1", "10.2.0.3", 24);
	scene_route(&route); /* its source is the other's */
	links = scene_look(scene);
	scene_enter_guest(scene);
	scene_veth(scene, "x", 1);
	scene_veth(scene, "eth0", 2);
	applied(scene, links);
}

static void names_may_be_crossed(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, crossed);
}

/* Two of one MAC, as some networks have them. */
static void twins(struct scene *scene)
{
	struct netns_links *links;

	scene_veth(scene, "eth0", 1);
	scene_veth(scene, "eth1", 1);
	scene_address("eth0", "10.1.0.3", 24);
	scene_address("eth1", "10.2.0.3", 24);
	links = scene_look(scene);
	scene_enter_guest(scene);
	scene_veth(scene, "ens1", 1);
	scene_veth(scene, "ens2", 1);
	applied(scene, links);
}

static void interfaces_of_one_mac_are_told_apart_by_order(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, twins);
}

static void twice(struct scene *scene)
{
	struct netns_links *links;

	scene_usual(scene);
	links = scene_look(scene);
	applied(scene, links);
	scene_enter_guest(scene);
	scene_veth(scene, "ens5", 1);
	applied(scene, links);
	applied(scene, links);
}

static void what_is_so_already_is_fine(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, twice);
}

static void missing(struct scene *scene)
{
	struct netns_links *links;

	scene_usual(scene);
	links = scene_look(scene);
	scene_enter_guest(scene);
	scene_veth(scene, "ens5", 2);
	CHECK(netns_apply_guest(links, &scene->err) < 0);
	CHECK(strcmp(scene->err.object, "eth0") == 0);
	CHECK(strstr(scene->err.reason, "02:00:00:00:00:01"));
}

static void an_interface_that_is_not_there_is_named(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, missing);
}

static void name_taken(struct scene *scene)
{
	struct netns_links *links;

	scene_usual(scene);
	links = scene_look(scene);
	scene_enter_guest(scene);
	two_in(scene, "ens5", "eth0");
	CHECK(netns_apply_guest(links, &scene->err) < 0);
	CHECK(scene->err.errnum == EEXIST && strstr(scene->err.object, "eth0"));
}

static void a_name_that_another_has_is_refused(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, name_taken);
}

static void unreachable(struct scene *scene)
{
	struct netns_links *links;
	bool changed = false;

	scene_usual(scene);
	links = scene_look(scene);
	for (uint32_t i = 0; i < links->route_count; i++)
		if (scene_ip_is(&links->routes[i].gateway, "10.1.2.1"))
			changed = inet_pton(AF_INET, "198.51.100.1",
			                    &links->routes[i].gateway.v4) == 1;
	CHECK(changed);
	scene_enter_guest(scene);
	scene_veth(scene, "ens5", 1);
	CHECK(netns_apply_guest(links, &scene->err) < 0);
	CHECK(strcmp(scene->err.object, "eth0: route 10.5.0.0/16") == 0);
	CHECK(strstr(scene->err.reason, "add: Network is unreachable"));
	CHECK(strstr(scene->err.reason, "gateway")); /* the kernel's own words */
}

static void a_route_that_can_not_be_is_named_with_the_kernels_words(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, unreachable);
}

static void nonsense(struct scene *scene)
{
	struct netns_links *links = scene_look(scene);

	links->interface_count = NETNS_INTERFACES + 1;
	CHECK(netns_apply_guest(links, &scene->err) < 0);
	links->interface_count = 1; /* without a name */
	CHECK(netns_apply_guest(links, &scene->err) < 0);
	memset(links->interfaces[0].name, 'x', NETNS_NAME);
	CHECK(netns_apply_guest(links, &scene->err) < 0);
	links->interface_count = 0;
	links->route_count = NETNS_ROUTES + 1;
	CHECK(netns_apply_guest(links, &scene->err) < 0);
	CHECK(strcmp(scene->err.object, "network") == 0);
	links->route_count = 0;
	CHECK(netns_apply_guest(links, &scene->err) == 0);
}

static void what_is_no_description_is_refused(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, nonsense);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guests_interface_becomes_what_the_containers_was),
		cmocka_unit_test(names_may_be_crossed),
		cmocka_unit_test(interfaces_of_one_mac_are_told_apart_by_order),
		cmocka_unit_test(what_is_so_already_is_fine),
		cmocka_unit_test(an_interface_that_is_not_there_is_named),
		cmocka_unit_test(a_name_that_another_has_is_refused),
		cmocka_unit_test(a_route_that_can_not_be_is_named_with_the_kernels_words),
		cmocka_unit_test(what_is_no_description_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
