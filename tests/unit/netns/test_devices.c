/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that are moved to a namespace and come back. Home is the scene's container, away its guest. */
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "netns/baggage.h"
#include "netns/link.h"

#include "scene.h"

static struct netns_baggage *packed(struct scene *scene, const char *name, const char *to)
{
	const struct netns_device device = {name, to};
	struct netns_baggage *b;

	CHECK(netns_pack_devices(&device, 1, &b, &scene->err) == 0);
	return b;
}

static void send_away(struct scene *scene, struct netns_baggage *b)
{
	CHECK(netns_send_devices(b, scene->guest, &scene->err) == 0);
	scene_enter(scene->guest);
	CHECK(netns_unpack_devices(b, &scene->err) == 0);
	scene_enter(scene->container);
}

static void bring_back(struct scene *scene, struct netns_baggage *b)
{
	scene_enter(scene->guest);
	CHECK(netns_return_devices(b, scene->container, &scene->err) == 0);
	scene_enter(scene->container);
	CHECK(netns_restore_devices(b, &scene->err) == 0);
}

/* ---- what they have ---- */

static void whole(struct scene *scene)
{
	struct netns_links *before, *away;
	struct netns_baggage *b;

	scene_usual(scene);
	before = scene_look(scene);
	b = packed(scene, "eth0", "net0");
	send_away(scene, b);
	CHECK(if_nametoindex("eth0") == 0);
	scene_enter(scene->guest);
	away = scene_look(scene);
	CHECK(away->interface_count == 1 && strcmp(away->interfaces[0].name, "net0") == 0);
	CHECK(away->interfaces[0].up && away->address_count == before->address_count);
	CHECK(away->neighbour_count == 0);
	scene_enter(scene->container);
	bring_back(scene, b);
	scene_same(before, scene_look(scene));
	/* what was done is not done twice, nor is it wrong to */
	bring_back(scene, b);
	scene_same(before, scene_look(scene));
	netns_baggage_free(b);
}

static void all_that_a_device_had_is_there_again(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, whole);
}

static void late(struct scene *scene)
{
	struct netns_links *links;
	struct netns_baggage *b;

	scene_veth(scene, "eth0", 1);
	scene_address("eth0", "10.1.2.3", 24);
	scene_address("eth0", "10.1.2.4", 32);
	b = packed(scene, "eth0", NULL);
	for (size_t i = 0; i < b->address_count; i++)
		if (b->addresses[i].head.ifa_prefixlen == 32)
			b->addresses[i].times = (struct ifa_cacheinfo){10, 20, 0, 0};
	b->written_ms -= 20000;
	send_away(scene, b);
	bring_back(scene, b);
	links = scene_look(scene);
	CHECK(links->address_count == 1);
	CHECK(scene_ip_is(&links->addresses[0].local, "10.1.2.3"));
	netns_baggage_free(b);
}

static void an_address_whose_time_is_over_is_not_given_back(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, late);
}

/* The first route of the list can't be given back. */
static void impossible(struct scene *scene)
{
	struct netns_links *before;
	struct netns_baggage *b;

	scene_usual(scene);
	before = scene_look(scene);
	b = packed(scene, "eth0", NULL);
	CHECK(b->note_count > 1 && b->note_count < NOTES);
	memmove(&b->notes[1], &b->notes[0], b->note_count * sizeof(b->notes[0]));
	b->note_count++;
	b->notes[0].type = RTM_NEWROUTE;
	b->notes[0].with_gateway = false;
	((struct rtmsg *)(void *)b->notes[0].bytes)->rtm_dst_len = 77;
	send_away(scene, b);
	scene_enter(scene->guest);
	CHECK(netns_return_devices(b, scene->container, &scene->err) == 0);
	scene_enter(scene->container);
	CHECK(netns_restore_devices(b, &scene->err) < 0);
	CHECK(strcmp(scene->err.object, "eth0: a route") == 0);
	scene_same(before, scene_look(scene));
	netns_baggage_free(b);
}

static void what_can_not_be_given_back_keeps_nothing_else(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, impossible);
}

/* ---- by who comes later ---- */

static struct netns_baggage *loaded(struct scene *scene, const struct netns_baggage *b)
{
	owned_text struct text bytes = {0};
	struct netns_baggage *ret;

	netns_baggage_save(b, &bytes);
	CHECK(netns_baggage_load(bytes.bytes, bytes.length, &ret, &scene->err) == 0);
	return ret;
}

static void later(struct scene *scene)
{
	struct netns_baggage *b, *before_it_left, *when_it_was_there;
	struct netns_links *before;

	scene_usual(scene);
	before = scene_look(scene);
	b = packed(scene, "eth0", "net0");
	before_it_left = loaded(scene, b);
	send_away(scene, b);
	when_it_was_there = loaded(scene, b);
	netns_baggage_free(b);
	bring_back(scene, when_it_was_there);
	scene_same(before, scene_look(scene));

	/* the later one is not believed to be the only one that is there */
	bring_back(scene, before_it_left);
	scene_same(before, scene_look(scene));

	/* who sent it died before it could say so */
	b = packed(scene, "eth0", "net0");
	netns_baggage_free(before_it_left);
	before_it_left = loaded(scene, b);
	CHECK(netns_send_devices(b, scene->guest, &scene->err) == 0);
	bring_back(scene, before_it_left);
	scene_same(before, scene_look(scene));
	netns_baggage_free(b);
	netns_baggage_free(before_it_left);
	netns_baggage_free(when_it_was_there);
}

static void they_are_brought_back_by_what_was_saved(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, later);
}

/* In its place is another one, of the same name, MAC and kind, whose peer is elsewhere. */
static void replaced(struct scene *scene)
{
	const char *const further = "net0-too";
	struct netns_baggage *b, *later_one;
	owned_netlink nl = {0};
	int index;

	scene_veth(scene, "eth0", 1);
	b = packed(scene, "eth0", "net0");
	send_away(scene, b);
	later_one = loaded(scene, b);
	scene_enter(scene->guest);
	scene_remove("net0");
	scene_enter(scene->guest);
	scene_veth(scene, "net0", 1);
	scene_enter(scene->guest);
	index = scene_index("net0");
	later_one->devices[0].index_there = index;
	later_one->devices[0].there.link = 7777;
	CHECK(netlink_open(&nl, &scene->err) == 0);
	CHECK(link_further(&nl, index, further, true, &scene->err) == 0);
	CHECK(netns_return_devices(later_one, scene->container, &scene->err) == 0);
	CHECK(later_one->devices[0].is == LOST && if_nametoindex("net0") == (unsigned int)index);
	CHECK(if_nametoindex(further) == (unsigned int)index);
	scene_enter(scene->container);
	CHECK(netns_restore_devices(later_one, &scene->err) == 0);
	CHECK(if_nametoindex("eth0") == 0 && if_nametoindex("net0") == 0);
	netns_baggage_free(b);
	netns_baggage_free(later_one);
}

static void another_one_in_its_place_stays_where_it_is(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, replaced);
}

/* ---- where they are ---- */

/* Who moved it died before it could write down that the kernel has. */
static void unheard(struct scene *scene)
{
	struct netns_links *before;
	struct netns_baggage *b;

	scene_usual(scene);
	before = scene_look(scene);
	b = packed(scene, "eth0", "net0");
	CHECK(netns_send_devices(b, scene->guest, &scene->err) == 0);
	b->devices[0].is = LEAVING;
	memcpy(b->devices[0].now, "eth0", sizeof("eth0"));
	bring_back(scene, b);
	scene_same(before, scene_look(scene));

	/* nor did it before */
	b->devices[0].is = LEAVING;
	bring_back(scene, b);
	scene_same(before, scene_look(scene));

	/* on the way back */
	send_away(scene, b);
	scene_enter(scene->guest);
	CHECK(netns_return_devices(b, scene->container, &scene->err) == 0);
	b->devices[0].is = RETURNING;
	bring_back(scene, b);
	scene_same(before, scene_look(scene));
	netns_baggage_free(b);
}

static void who_dies_while_it_moves_one_loses_none(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, unheard);
}

/* Another device has the name there. */
static void strange(struct scene *scene)
{
	struct netns_links *before;
	struct netns_baggage *b;

	scene_enter(scene->guest);
	scene_veth(scene, "net0", 7);
	scene_enter(scene->guest);
	before = scene_look(scene);
	scene_enter(scene->container);
	scene_usual(scene);
	b = packed(scene, "eth0", "net0");
	CHECK(netns_send_devices(b, scene->guest, &scene->err) < 0);
	CHECK(strcmp(scene->err.object, "eth0: net0") == 0 && scene->err.errnum == EEXIST);
	b->devices[0].is = LEAVING;
	bring_back(scene, b);
	CHECK(if_nametoindex("eth0") != 0 && if_nametoindex("net0") == 0);
	b->devices[0].is = LEAVING;
	bring_back(scene, b);
	scene_enter(scene->guest);
	scene_same(before, scene_look(scene));
	netns_baggage_free(b);
}

static void one_of_the_same_name_there_stays_there(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, strange);
}

static void crowded(struct scene *scene)
{
	const struct netns_device devices[] = {
		{"eth0", "e%d"},
		{"eth1", "e%d"},
		{"eth2", "e1" }
        };
	struct netns_baggage *b;

	for (int i = 0; i < 3; i++)
		scene_veth(scene, devices[i].host_name, (uint8_t)(i + 1));
	CHECK(netns_pack_devices(devices, 3, &b, &scene->err) == 0);
	scene_enter(scene->guest);
	scene_veth(scene, "e0", 7);
	scene_enter(scene->guest);
	CHECK(netns_number_devices(b, &scene->err) == 0);
	scene_enter(scene->container);
	CHECK(strcmp(b->devices[0].name, "e2") == 0 && strcmp(b->devices[1].name, "e3") == 0);
	CHECK(strcmp(b->devices[2].name, "e1") == 0);
	send_away(scene, b);
	scene_enter(scene->guest);
	CHECK(if_nametoindex("e1") != 0 && if_nametoindex("e2") != 0 && if_nametoindex("e3") != 0);
	netns_baggage_free(b);
}

static void a_number_is_filled_in_that_makes_a_free_name(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, crowded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_a_device_had_is_there_again),
		cmocka_unit_test(an_address_whose_time_is_over_is_not_given_back),
		cmocka_unit_test(what_can_not_be_given_back_keeps_nothing_else),
		cmocka_unit_test(they_are_brought_back_by_what_was_saved),
		cmocka_unit_test(another_one_in_its_place_stays_where_it_is),
		cmocka_unit_test(who_dies_while_it_moves_one_loses_none),
		cmocka_unit_test(one_of_the_same_name_there_stays_there),
		cmocka_unit_test(a_number_is_filled_in_that_makes_a_free_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
