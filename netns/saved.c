/* SPDX-License-Identifier: Apache-2.0 */
/* Baggage as bytes: for who brings the devices back when the process that moved them has ended. They are read by the
 * same program on the same machine, or by its successor, which knows by their version and sizes whether it can; but
 * they come from a file, so nothing in them is believed. */
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

#include "baggage.h"

enum { VERSION = 1 };

struct head {
	char magic[8];
	uint32_t version, sizes[3], counts[3];
	uint32_t unused;
	int64_t written_ms;
};

static const struct head expected = {
	.magic = "devices",
	.version = VERSION,
	.sizes = {sizeof(struct device), sizeof(struct address), sizeof(struct note)},
};

void netns_baggage_save(const struct netns_baggage *b, struct text *out)
{
	struct head head = expected;

	head.counts[0] = (uint32_t)b->device_count;
	head.counts[1] = (uint32_t)b->address_count;
	head.counts[2] = (uint32_t)b->note_count;
	head.written_ms = b->written_ms;
	text_append_n(out, (const char *)&head, sizeof(head));
	text_append_n(out, (const char *)b->devices, b->device_count * sizeof(b->devices[0]));
	text_append_n(out, (const char *)b->addresses, b->address_count * sizeof(b->addresses[0]));
	text_append_n(out, (const char *)b->notes, b->note_count * sizeof(b->notes[0]));
}

/* ---- what can be believed ---- */

/* Read as a byte: a bool that is neither is not even one to look at. */
static bool is_bool(const void *at)
{
	return *(const uint8_t *)at <= 1;
}

static bool is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool is_name(const char name[NETNS_NAME])
{
	return name[0] != '\0' && is_text(name, NETNS_NAME);
}

static bool is_fine_device(const struct device *it)
{
	const struct settings *s = &it->settings;

	return is_name(it->host_name) && is_name(it->name) && is_name(it->now) && it->index > 0 &&
	       it->index_there >= 0 && it->master >= 0 && is_bool(&it->up) &&
	       is_bool(&it->settled) && (unsigned int)it->is <= LOST &&
	       is_text(it->home.kind, KIND_BYTES) && is_text(it->home.parent, PARENT_BYTES) &&
	       s->mac_length <= MAC_BYTES && is_text(s->alias, ALIAS_BYTES) &&
	       it->conf.v4_count <= CONF_MOST && it->conf.v6_count <= CONF_MOST &&
	       s->further_length <= FURTHER_BYTES &&
	       (s->further_length == 0 || s->further[s->further_length - 1] == '\0');
}

static bool is_fine_address(const struct address *a)
{
	bool fine = is_bool(&a->goes) &&
	            (a->head.ifa_family == AF_INET || a->head.ifa_family == AF_INET6);

	for (size_t i = 0; i < ADDRESS_KEPT; i++)
		fine = fine && a->length[i] <= ADDRESS_BYTES;
	return fine;
}

/* The attributes fill it, one after the other. */
static bool is_fine_note(const struct note *note)
{
	size_t head = note->type == RTM_NEWROUTE ? sizeof(struct rtmsg) : sizeof(struct ndmsg);
	size_t at = NLMSG_ALIGN(head);

	if ((note->type != RTM_NEWROUTE && note->type != RTM_NEWNEIGH) || note->head != head ||
	    !is_bool(&note->with_gateway) || note->length > NOTE_BYTES)
		return false;
	while (at < note->length) {
		struct nlattr attribute;

		if (note->length - at < sizeof(attribute))
			return false;
		memcpy(&attribute, note->bytes + at, sizeof(attribute));
		if (attribute.nla_len < sizeof(attribute) ||
		    NLA_ALIGN((size_t)attribute.nla_len) > note->length - at)
			return false;
		at += NLA_ALIGN((size_t)attribute.nla_len);
	}
	return at == note->length;
}

static bool is_fine(const struct netns_baggage *b)
{
	bool fine = true;

	for (size_t i = 0; i < b->device_count; i++)
		fine = fine && is_fine_device(&b->devices[i]);
	for (size_t i = 0; i < b->address_count; i++)
		fine = fine && is_fine_address(&b->addresses[i]);
	for (size_t i = 0; i < b->note_count; i++)
		fine = fine && is_fine_note(&b->notes[i]);
	return fine;
}

/* ---- reading ---- */

/* Whether there are as many bytes as the head says. */
static bool is_whole(const struct head *head, size_t length)
{
	static const uint32_t most[] = {NETNS_DEVICES, NETNS_ADDRESSES, NOTES};
	size_t all = sizeof(*head);

	for (size_t i = 0; i < ARRAY_SIZE(most); i++) {
		if (head->counts[i] > most[i])
			return false;
		all += head->counts[i] * (size_t)head->sizes[i];
	}
	return all == length;
}

static void fill(struct netns_baggage *b, const struct head *head, const char *from)
{
	b->device_count = head->counts[0];
	b->address_count = head->counts[1];
	b->note_count = head->counts[2];
	b->written_ms = head->written_ms;
	b->loaded = true;
	memcpy(b->devices, from, b->device_count * sizeof(b->devices[0]));
	from += b->device_count * sizeof(b->devices[0]);
	memcpy(b->addresses, from, b->address_count * sizeof(b->addresses[0]));
	from += b->address_count * sizeof(b->addresses[0]);
	memcpy(b->notes, from, b->note_count * sizeof(b->notes[0]));
}

int netns_baggage_load(const char *bytes, size_t length, struct netns_baggage **ret_baggage,
                       struct error *err)
{
	struct netns_baggage *b;
	struct head head;

	if (length < sizeof(head))
		return fail(err, ERROR_SYSTEM, "devices", "is cut");
	memcpy(&head, bytes, sizeof(head));
	if (memcmp(head.magic, expected.magic, sizeof(head.magic)) != 0 ||
	    head.version != VERSION || memcmp(head.sizes, expected.sizes, sizeof(head.sizes)) != 0)
		return fail(err, ERROR_UNSUPPORTED, "devices", "was written by another version");
	if (!is_whole(&head, length))
		return fail(err, ERROR_SYSTEM, "devices", "has another length than it says");
	b = calloc(1, sizeof(*b));
	if (!b)
		return fail(err, ERROR_SYSTEM, "devices", "out of memory");
	fill(b, &head, bytes + sizeof(head));
	if (!is_fine(b)) {
		free(b);
		return fail(err, ERROR_SYSTEM, "devices", "is damaged");
	}
	/* who wrote this had not sent them yet */
	for (size_t i = 0; i < b->device_count; i++)
		if (b->devices[i].is == AT_HOME)
			b->devices[i].is = LEAVING;
	*ret_baggage = b;
	return 0;
}
