/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "microvm/vmm/parts.h"
#include "tests/unit/cmocka.h"

enum { DATA = 0, LINE_CONTROL = 3, LINE_STATUS = 5 };

static void say(struct words *words, const char *text)
{
	for (; *text; text++)
		words_write(words, DATA, (const uint8_t *)text, 1);
}

static void the_last_line_is_kept_without_its_time(void **state)
{
	struct words words = {0};

	(void)state;
	say(&words, "[    0.000000] one\r\n[    1.5] two\r\n\r\nthree");
	assert_string_equal(words.kept, "two");
	say(&words, "\n");
	assert_string_equal(words.kept, "three");
}

static void a_panic_is_kept_whatever_comes_behind_it(void **state)
{
	struct words words = {0};

	(void)state;
	say(&words, "[ 1.0] Kernel panic - not syncing: No working init found.\n[ 1.1] CPU: 0\n");
	say(&words, "[ 1.2] Kernel panic - not syncing: another\n");
	assert_string_equal(words.kept, "Kernel panic - not syncing: No working init found.");
	assert_true(words.told);
}

static void a_kernel_that_has_halted_is_known_by_its_last_line(void **state)
{
	struct words words = {0};

	(void)state;
	say(&words, "[ 9.1] somebody: reboot: System halted\n[ 9.2] reboot: System halted soon\n");
	assert_false(words.halted);
	say(&words, "[ 9.3] reboot: System halted\n");
	assert_true(words.halted);
	assert_false(words.restarts);
	say(&words, "[ 9.4] reboot: Restarting system with command 'x'\n");
	assert_true(words.restarts);
}

static void a_line_of_any_length_has_an_end(void **state)
{
	struct words words = {0};

	(void)state;
	for (int i = 0; i < 1000; i++)
		say(&words, "x");
	say(&words, "\n");
	assert_int_equal(strlen(words.kept), sizeof(words.line) - 1);
	for (int i = 0; i < 1000; i++)
		say(&words, "[");
	say(&words, "\n");
	assert_int_equal(words.kept[0], '[');
}

static void what_sets_the_speed_is_no_text(void **state)
{
	const uint8_t latch = 0x83, plain = 3, speed = 'A';
	struct words words = {0};

	(void)state;
	words_write(&words, LINE_CONTROL, &latch, 1);
	assert_int_equal(words_read(&words, LINE_CONTROL), latch);
	words_write(&words, DATA, &speed, 1);
	words_write(&words, LINE_CONTROL, &plain, 1);
	say(&words, "b\n");
	assert_string_equal(words.kept, "b");
	assert_int_equal(words_read(&words, LINE_STATUS), 0x60);
	assert_int_equal(words_read(&words, DATA), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_line_is_kept_without_its_time),
		cmocka_unit_test(a_panic_is_kept_whatever_comes_behind_it),
		cmocka_unit_test(a_kernel_that_has_halted_is_known_by_its_last_line),
		cmocka_unit_test(a_line_of_any_length_has_an_end),
		cmocka_unit_test(what_sets_the_speed_is_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
