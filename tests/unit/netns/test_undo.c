/* SPDX-License-Identifier: Apache-2.0 */
#include <net/if.h>

#include "scene.h"

static struct netns_links *lent(struct scene *scene, int *ret_tap)
{
	struct netns_links *links;

	scene_usual(scene);
	links = scene_look(scene);
	*ret_tap = scene_redirected(scene, links);
	return links;
}

static void undone(struct scene *scene, const struct netns_links *links)
{
	CHECK(netns_undo(links, &scene->err) == 0);
	CHECK(if_nametoindex("cella-tap0") == 0 && !scene_has_ingress("eth0"));
	scene_same(links, scene_look(scene));
}

static void all(struct scene *scene)
{
	int tap;
	struct netns_links *links = lent(scene, &tap);

	CHECK(scene_has_ingress("eth0") && scene_has_ingress("cella-tap0"));
	undone(scene, links);
	undone(scene, links);
}

static void all_is_as_it_was_and_undo_is_content_with_it(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, all);
}

static void died(struct scene *scene)
{
	int tap;
	struct netns_links *links = lent(scene, &tap);

	(void)close(tap);
	CHECK(if_nametoindex("cella-tap0") == 0);
	undone(scene, links);
}

static void all_is_as_it_was_when_the_monitor_died(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, died);
}

static void again(struct scene *scene)
{
	int tap;
	struct netns_links *links = lent(scene, &tap);

	undone(scene, links);
	(void)close(tap);
	links = scene_look(scene);
	(void)scene_redirected(scene, links);
	undone(scene, links);
}

static void what_was_given_back_can_be_lent_again(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, again);
}

static void answers(struct scene *scene)
{
	static const unsigned char answer[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 2};
	const struct frame_wanted wanted = {12, sizeof(answer), answer};
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 0x77};
	unsigned char frame[42];
	int tap, packets;
	struct netns_links *links = lent(scene, &tap);

	undone(scene, links);
	scene_enter(scene->peer);
	packets = scene_packets("p-eth0");
	scene_arp(frame, mac, "10.1.2.9", "10.1.2.3");
	CHECK(scene_answered(packets, frame, sizeof(frame), packets, 0, &wanted));
}

static void the_kernel_answers_again(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, answers);
}

static void gone(struct scene *scene)
{
	int tap;
	struct netns_links *links = lent(scene, &tap);

	scene_remove("eth0");
	CHECK(netns_undo(links, &scene->err) == 0);
	CHECK(if_nametoindex("cella-tap0") == 0);
}

static void an_interface_that_has_gone_is_no_fault(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, gone);
}

static void never(struct scene *scene)
{
	struct netns_links *links;

	scene_usual(scene);
	scene_veth(scene, "cella-tap0", 5);
	links = scene_look(scene);
	scene_note_tap(links, 0);
	CHECK(netns_undo(links, &scene->err) == 0);
	scene_same(links, scene_look(scene));
}

static void what_only_has_the_name_of_a_tap_stays(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, never);
}

static void taken_over(struct scene *scene)
{
	int tap;
	struct netns_links *first = lent(scene, &tap), *second;

	undone(scene, first);
	(void)close(tap);
	second = scene_look(scene);
	(void)scene_redirected(scene, second);
	CHECK(netns_is_redirected(second, 0, &scene->err) == 1);
	CHECK(netns_undo(first, &scene->err) == 0);
	CHECK(netns_is_redirected(second, 0, &scene->err) == 1);
	CHECK(scene_has_ingress("cella-tap0") && scene_look(scene)->address_count == 0);
	undone(scene, second);
	CHECK(netns_is_redirected(second, 0, &scene->err) == 0);
}

static void what_another_machine_has_by_now_is_left_alone(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, taken_over);
}

/* The first interface has an address that the kernel will not give back: what is behind it comes back all the same. */
static void impossible(struct scene *scene)
{
	int tap;
	struct netns_links *links, *wrong;

	links = lent(scene, &tap);
	wrong = ARENA_NEW(scene->arena, struct netns_links);
	CHECK(wrong);
	memcpy(wrong, links, sizeof(*wrong));
	wrong->address_count = links->address_count + 1;
	memmove(&wrong->addresses[1], &links->addresses[0],
	        links->address_count * sizeof(links->addresses[0]));
	wrong->addresses[0].prefix_length = 77;
	CHECK(netns_undo(wrong, &scene->err) < 0);
	CHECK(strcmp(scene->err.object, "eth0: address 10.1.2.3/77") == 0);
	CHECK(!scene_has_ingress("eth0"));
	scene_same(links, scene_look(scene));
}

static void what_can_not_be_given_back_keeps_nothing_else(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, impossible);
}

/* The route of the first interface has an address of the second for its source. */
static void crossed(struct scene *scene)
{
	static const struct scene_route route = {.name = "eth0",
	                                         .to = "10.8.0.0",
	                                         .prefix_length = 16,
	                                         .via = "10.1.2.1",
	                                         .source = "10.9.9.9"};
	struct netns_links *links;

	scene_veth(scene, "eth0", 1);
	scene_address("eth0", "10.1.2.3", 24);
	scene_veth(scene, "eth1", 2);
	scene_address("eth1", "10.9.9.9", 24);
	scene_route(&route);
	links = scene_look(scene);
	(void)scene_redirected(scene, links);
	scene_take("eth1", "10.9.9.9", 24);
	CHECK(netns_undo(links, &scene->err) == 0);
	scene_same(links, scene_look(scene));
}

static void all_interfaces_have_their_addresses_before_any_has_a_route(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, crossed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_as_it_was_and_undo_is_content_with_it),
		cmocka_unit_test(all_is_as_it_was_when_the_monitor_died),
		cmocka_unit_test(what_was_given_back_can_be_lent_again),
		cmocka_unit_test(the_kernel_answers_again),
		cmocka_unit_test(an_interface_that_has_gone_is_no_fault),
		cmocka_unit_test(what_only_has_the_name_of_a_tap_stays),
		cmocka_unit_test(what_another_machine_has_by_now_is_left_alone),
		cmocka_unit_test(what_can_not_be_given_back_keeps_nothing_else),
		cmocka_unit_test(all_interfaces_have_their_addresses_before_any_has_a_route),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
