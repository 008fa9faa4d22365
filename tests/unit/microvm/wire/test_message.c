/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "microvm/wire/wire.h"
#include "tests/unit/cmocka.h"

static struct wire_message config(void)
{
	return (struct wire_message){
		.kind = WIRE_CREATE,
		.number = {WIRE_HAS_TERMINAL},
		.blob = { wire_text("web"), {"{\0}", 3}, wire_text(""), wire_text("net")},
	};
}

static void what_is_packed_is_unpacked(void **state)
{
	const struct wire_message sent = config();
	struct wire_message came;
	struct error err;
	size_t length;
	owned_str bytes = wire_pack(&sent, &length, &err);

	(void)state;
	assert_non_null(bytes);
	assert_int_equal(wire_unpack(bytes, length, &came, &err), 0);
	assert_int_equal(came.kind, WIRE_CREATE);
	assert_int_equal(came.number[0], WIRE_HAS_TERMINAL);
	assert_string_equal(came.blob[0].bytes, "web");
	assert_int_equal(came.blob[1].length, 3);
	assert_memory_equal(came.blob[1].bytes, "{\0}", 4); /* and the zero behind it */
	assert_int_equal(came.blob[2].length, 0);
	assert_string_equal(came.blob[3].bytes, "net");
}

/* Each byte of a message in turn is another one: never more than a refusal. */
static void a_message_that_lies_is_refused_or_harmless(void **state)
{
	const struct wire_message sent = config();
	struct error err;
	size_t length;
	owned_str bytes = wire_pack(&sent, &length, &err);

	(void)state;
	assert_non_null(bytes);
	for (size_t cut = 0; cut < length; cut++) {
		struct wire_message came;
		owned_str copy = malloc(cut + 1); /* exact, for the sanitizer */

		memcpy(copy, bytes, cut);
		assert_int_equal(wire_unpack(copy, cut, &came, &err), -1);
	}
	for (size_t i = 0; i < length; i++)
		for (int value = 0; value < 256; value += 51) {
			struct wire_message came;
			owned_str copy = malloc(length);

			memcpy(copy, bytes, length);
			copy[i] = (char)value;
			(void)(wire_unpack(copy, length, &came, &err) < 0);
		}
}

static void a_head_is_believed_up_to_a_limit(void **state)
{
	const uint8_t huge[WIRE_HEAD] = {0xff, 0xff, 0xff, 0x7f, WIRE_DONE};
	const uint8_t nothing[WIRE_HEAD] = {0, 0, 0, 0, WIRE_NONE};
	const uint8_t unknown[WIRE_HEAD] = {0, 0, 0, 0, WIRE_KINDS};
	struct error err;
	size_t length;

	(void)state;
	assert_int_equal(wire_head(huge, WIRE_GUEST_LIMIT, &length, &err), -1);
	assert_int_equal(wire_head(nothing, WIRE_GUEST_LIMIT, &length, &err), -1);
	assert_int_equal(wire_head(unknown, WIRE_GUEST_LIMIT, &length, &err), -1);
}

static void an_error_crosses_and_is_made_printable(void **state)
{
	struct error told = {.kind = ERROR_CONFIG, .errnum = ENOENT}, err;
	struct wire_message m;

	(void)state;
	(void)memcpy(told.object, "mounts[3]", sizeof("mounts[3]"));
	(void)memcpy(told.reason, "bad\x1b[31m", sizeof("bad\x1b[31m"));
	m = wire_failed(&told);
	assert_int_equal(wire_error(&m, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_int_equal(err.errnum, ENOENT);
	assert_string_equal(err.object, "mounts[3]");
	assert_null(strchr(err.reason, '\x1b'));
	m.number[0] = 77;
	m.number[1] = UINT64_MAX;
	(void)wire_error(&m, &err);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_int_equal(err.errnum, 0);
}

/* ---- over a socket ---- */

static void pair(int ends[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
}

static void a_question_is_answered(void **state)
{
	const struct wire_message question = {.kind = WIRE_START};
	const struct wire_message done = {.kind = WIRE_DONE,
	                                  .number = {7},
	                                  .blob = {wire_text("x")}};
	owned_inbox inbox = {0}, theirs = {0};
	struct wire_message m;
	struct error err;
	int ends[2];

	(void)state;
	pair(ends);
	assert_int_equal(wire_send(ends[1], &done, &err), 0);
	assert_int_equal(wire_ask(ends[0], &question, 1000, &inbox, &m, &err), 0);
	assert_int_equal(m.number[0], 7);
	assert_string_equal(m.blob[0].bytes, "x");
	assert_int_equal(wire_receive(ends[1], WIRE_LIMIT, 1000, &theirs, &m, &err), 1);
	assert_int_equal(m.kind, WIRE_START);
	(void)close(ends[0]);
	assert_int_equal(wire_receive(ends[1], WIRE_LIMIT, 1000, &theirs, &m, &err), 0);
	(void)close(ends[1]);
}

static void who_does_not_answer_is_not_waited_for(void **state)
{
	const struct wire_message question = {.kind = WIRE_SYNC};
	owned_inbox inbox = {0};
	struct wire_message m;
	struct error err;
	int ends[2];

	(void)state;
	pair(ends);
	assert_int_equal(wire_ask(ends[0], &question, 20, &inbox, &m, &err), -1);
	assert_int_equal(err.errnum, ETIMEDOUT);
	(void)close(ends[1]);
	(void)close(ends[0]);
}

static void messages_are_collected_byte_by_byte(void **state)
{
	const struct wire_message sent[] = {
		{.kind = WIRE_EXITED,         .number = {3, 4, 5}},
		{.kind = WIRE_SYNC          },
		{.kind = WIRE_DONE, .blob = {wire_text("end")}                   },
	};
	owned_inbox inbox = {0};
	struct wire_message m;
	struct error err;
	int ends[2];

	(void)state;
	pair(ends);
	for (size_t i = 0; i < 3; i++) {
		size_t length;
		owned_str bytes = wire_pack(&sent[i], &length, &err);

		for (size_t at = 0; at < length; at++) {
			assert_int_equal(wire_collect(&inbox, ends[0], 4096, &m, &err), 0);
			assert_int_equal(write(ends[1], bytes + at, 1), 1);
		}
		assert_int_equal(wire_collect(&inbox, ends[0], 4096, &m, &err), 1);
		assert_int_equal(m.kind, sent[i].kind);
	}
	assert_string_equal(m.blob[0].bytes, "end");
	(void)close(ends[1]);
	assert_int_equal(wire_collect(&inbox, ends[0], 4096, &m, &err), -1);
	(void)close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_is_unpacked),
		cmocka_unit_test(a_message_that_lies_is_refused_or_harmless),
		cmocka_unit_test(a_head_is_believed_up_to_a_limit),
		cmocka_unit_test(an_error_crosses_and_is_made_printable),
		cmocka_unit_test(a_question_is_answered),
		cmocka_unit_test(who_does_not_answer_is_not_waited_for),
		cmocka_unit_test(messages_are_collected_byte_by_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
