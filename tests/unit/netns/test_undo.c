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
	CHECK(netns_undo(links, 0, "cella-tap0", &scene->err) == 0);
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
	(void)scene_redirected(scene, scene_look(scene));
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
	CHECK(netns_undo(links, 0, "cella-tap0", &scene->err) == 0);
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
	CHECK(netns_undo(links, 0, "cella-tap0", &scene->err) == 0);
	scene_same(links, scene_look(scene));
}

static void what_only_has_the_name_of_a_tap_stays(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, never);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
