/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <task.pb-c.h>

#include "shim/codec.h"
#include "tests/unit/cmocka.h"

static void messages_have_the_bytes_that_containerd_knows(void **state)
{
	Pb__KillRequest kill = PB__KILL_REQUEST__INIT;
	owned_text struct text out = {0};

	(void)state;
	kill.id = codec_text("web");
	kill.signal = 15;
	kill.all = 1;
	codec_pack(&kill.base, &out);
	/* fields 1, 3 and 4; 2 is empty and left out */
	assert_int_equal(out.length, 9);
	assert_memory_equal(out.bytes, "\x0a\3web\x18\x0f\x20\1", 9);
}

static void what_is_packed_is_read_again(void **state)
{
	Pb__WaitResponse wait = PB__WAIT_RESPONSE__INIT;
	const struct timespec when = {.tv_sec = 1000000000, .tv_nsec = 5};
	Pb__Timestamp stamp;
	owned_text struct text out = {0};
	struct error err;

	(void)state;
	wait.exit_status = 137;
	wait.exited_at = codec_time(&when, &stamp);
	codec_pack(&wait.base, &out);

	owned_message Pb__WaitResponse *read =
		codec_unpack(&pb__wait_response__descriptor, out.bytes, out.length, &err);

	assert_non_null(read);
	assert_int_equal(read->exit_status, 137);
	assert_int_equal(read->exited_at->seconds, 1000000000);
	assert_int_equal(read->exited_at->nanos, 5);
}

static void a_time_that_is_none_is_left_out(void **state)
{
	const struct timespec never = {0};
	Pb__Timestamp stamp;

	(void)state;
	assert_null(codec_time(&never, &stamp));
}

static void members_of_newer_engines_are_passed_over(void **state)
{
	static const char bytes[] = "\x0a\3web\xfa\7\2xx"; /* field 127 */
	struct error err;
	owned_message Pb__ProcessRequest *read =
		codec_unpack(&pb__process_request__descriptor, bytes, sizeof(bytes) - 1, &err);

	(void)state;
	assert_non_null(read);
	assert_string_equal(read->id, "web");
	assert_string_equal(read->exec_id, "");
}

static void what_is_no_message_is_refused_by_name(void **state)
{
	static const char bytes[] = "\x0a\x7fweb"; /* longer than it is */
	struct error err;

	(void)state;
	assert_null(codec_unpack(&pb__process_request__descriptor, bytes, sizeof(bytes) - 1, &err));
	assert_string_equal(err.object, "ProcessRequest");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_have_the_bytes_that_containerd_knows),
		cmocka_unit_test(what_is_packed_is_read_again),
		cmocka_unit_test(a_time_that_is_none_is_left_out),
		cmocka_unit_test(members_of_newer_engines_are_passed_over),
		cmocka_unit_test(what_is_no_message_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
