/* SPDX-License-Identifier: Apache-2.0 */
/* What was written down of devices, as bytes and back; and bytes that are none of ours. */
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "netns/baggage.h"
#include "tests/unit/cmocka.h"

static struct netns_baggage *one_of_each(void)
{
	struct netns_baggage *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->device_count = b->address_count = b->note_count = 1;
	b->written_ms = 7;
	b->devices[0] = (struct device){.host_name = "web0",
	                                .name = "eth0",
	                                .now = "eth0",
	                                .index = 4,
	                                .index_there = 2,
	                                .up = true,
	                                .settled = true,
	                                .is = AWAY};
	memcpy(b->devices[0].settings.further, "a\0bc", 5);
	b->devices[0].settings.further_length = 5;
	b->addresses[0].index = 4;
	b->addresses[0].head.ifa_family = AF_INET;
	b->addresses[0].length[0] = 4;
	b->notes[0] = (struct note){.index = 4,
	                            .type = RTM_NEWROUTE,
	                            .head = sizeof(struct rtmsg),
	                            .length = sizeof(struct rtmsg) + 8};
	b->notes[0].bytes[sizeof(struct rtmsg)] = 8; /* an attribute of this length */
	return b;
}

static int load(const struct text *bytes, struct netns_baggage **ret)
{
	struct error err;

	return netns_baggage_load(bytes->bytes, bytes->length, ret, &err);
}

static void what_was_saved_is_there_again(void **state)
{
	struct netns_baggage *b = one_of_each(), *again;
	owned_text struct text bytes = {0};

	(void)state;
	netns_baggage_save(b, &bytes);
	assert_int_equal(load(&bytes, &again), 0);
	assert_memory_equal(b->devices, again->devices, sizeof(b->devices));
	assert_memory_equal(b->addresses, again->addresses, sizeof(b->addresses));
	assert_memory_equal(b->notes, again->notes, sizeof(b->notes));
	assert_true(again->written_ms == 7 && again->loaded && !b->loaded);
	netns_baggage_free(again);
	netns_baggage_free(b);
}

static void one_that_was_at_home_may_have_left_since(void **state)
{
	struct netns_baggage *b = one_of_each(), *again;
	owned_text struct text bytes = {0};

	(void)state;
	b->devices[0].is = AT_HOME;
	netns_baggage_save(b, &bytes);
	assert_int_equal(load(&bytes, &again), 0);
	assert_int_equal(again->devices[0].is, LEAVING);
	netns_baggage_free(again);
	netns_baggage_free(b);
}

/* ---- what is refused ---- */

static void no_name(struct netns_baggage *b)
{
	b->devices[0].host_name[0] = '\0';
}
static void endless_name(struct netns_baggage *b)
{
	memset(b->devices[0].now, 'x', sizeof(b->devices[0].now));
}
static void no_index(struct netns_baggage *b)
{
	b->devices[0].index = 0;
}
static void negative_index(struct netns_baggage *b)
{
	b->devices[0].index_there = -1;
}
static void neither(struct netns_baggage *b)
{
	memset(&b->devices[0].up, 2, 1);
}
static void nowhere(struct netns_baggage *b)
{
	b->devices[0].is = (enum whereabouts)77;
}
static void long_mac(struct netns_baggage *b)
{
	b->devices[0].settings.mac_length = MAC_BYTES + 1;
}
static void endless_alias(struct netns_baggage *b)
{
	memset(b->devices[0].settings.alias, 'x', ALIAS_BYTES);
}
static void endless_kind(struct netns_baggage *b)
{
	memset(b->devices[0].home.kind, 'x', KIND_BYTES);
}
static void further_without_end(struct netns_baggage *b)
{
	b->devices[0].settings.further_length = 4;
}
static void too_much_further(struct netns_baggage *b)
{
	b->devices[0].settings.further_length = FURTHER_BYTES + 1;
}
static void another_family(struct netns_baggage *b)
{
	b->addresses[0].head.ifa_family = AF_UNIX;
}
static void long_address(struct netns_baggage *b)
{
	b->addresses[0].length[5] = ADDRESS_BYTES + 1;
}
static void another_type(struct netns_baggage *b)
{
	b->notes[0].type = RTM_NEWLINK;
}
static void another_head(struct netns_baggage *b)
{
	b->notes[0].head = sizeof(struct ndmsg) + 4;
}
static void long_note(struct netns_baggage *b)
{
	b->notes[0].length = NOTE_BYTES + 4;
}
static void short_attribute(struct netns_baggage *b)
{
	b->notes[0].bytes[sizeof(struct rtmsg)] = 3;
}
static void long_attribute(struct netns_baggage *b)
{
	b->notes[0].bytes[sizeof(struct rtmsg)] = 12;
}
static void cut_attribute(struct netns_baggage *b)
{
	b->notes[0].length = sizeof(struct rtmsg) + 2;
}

static void what_can_not_be_is_refused(void **state)
{
	static void (*const damages[])(struct netns_baggage * b) = {
		no_name,          endless_name,
		no_index,         negative_index,
		neither,          nowhere,
		long_mac,         endless_alias,
		endless_kind,     further_without_end,
		too_much_further, another_family,
		long_address,     another_type,
		another_head,     long_note,
		short_attribute,  long_attribute,
		cut_attribute,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		struct netns_baggage *b = one_of_each(), *none = NULL;
		owned_text struct text bytes = {0};

		damages[i](b);
		netns_baggage_save(b, &bytes);
		if (load(&bytes, &none) == 0) {
			print_error("damage %zu is taken\n", i);
			assert_true(false);
		}
		netns_baggage_free(b);
	}
}

static void what_is_cut_or_too_long_or_of_another_version_is_refused(void **state)
{
	struct netns_baggage *b = one_of_each(), *none = NULL;
	owned_text struct text bytes = {0};
	struct error err;

	(void)state;
	netns_baggage_save(b, &bytes);
	for (size_t length = 0; length < bytes.length; length++)
		assert_int_equal(netns_baggage_load(bytes.bytes, length, &none, &err), -1);
	text_append_n(&bytes, "x", 1);
	assert_int_equal(load(&bytes, &none), -1);
	bytes.length--;
	bytes.bytes[8]++;
	assert_int_equal(netns_baggage_load(bytes.bytes, bytes.length, &none, &err), -1);
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
	netns_baggage_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_saved_is_there_again),
		cmocka_unit_test(one_that_was_at_home_may_have_left_since),
		cmocka_unit_test(what_can_not_be_is_refused),
		cmocka_unit_test(what_is_cut_or_too_long_or_of_another_version_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
