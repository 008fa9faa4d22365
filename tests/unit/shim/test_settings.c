/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka.h needs the four before it */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#undef fail /* base/error.h has its own */
/* clang-format on */

#include <string.h>

#include "shim/codec.h"
#include "shim/settings.h"

/* An Any around options. */
struct packed {
	Pb__Any any;
	struct text bytes;
};

static void pack(const char *type, const ProtobufCMessage *message, struct packed *to)
{
	*to = (struct packed){.any = PB__ANY__INIT};
	codec_pack(message, &to->bytes);
	to->any.type_url = codec_text(type);
	to->any.value = codec_bytes(&to->bytes);
}

static void without_options_nothing_is_special(void **state)
{
	struct settings settings = {.systemd = true};
	struct error err;

	(void)state;
	assert_int_equal(settings_read(NULL, &settings, &err), 0);
	assert_false(settings.systemd);
}

static void the_options_of_runc_are_ours_too(void **state)
{
	Pb__RuncOptions options = PB__RUNC_OPTIONS__INIT;
	struct settings settings;
	struct packed packed;
	struct error err;

	(void)state;
	options.systemd_cgroup = 1;
	options.no_pivot_root = 1;
	pack("containerd.runc.v1.Options", &options.base, &packed);
	assert_int_equal(settings_read(&packed.any, &settings, &err), 0);
	assert_true(settings.systemd);
	assert_true(settings.no_pivot);
	assert_false(settings.no_new_keyring);
	text_free(&packed.bytes);
}

static void another_runtime_is_refused_by_name(void **state)
{
	Pb__RuncOptions options = PB__RUNC_OPTIONS__INIT;
	struct settings settings;
	struct packed packed;
	struct error err;

	(void)state;
	options.binary_name = codec_text("/usr/bin/crun");
	pack("type.googleapis.com/containerd.runc.v1.Options", &options.base, &packed);
	assert_int_equal(settings_read(&packed.any, &settings, &err), -1);
	assert_non_null(strstr(err.reason, "BinaryName"));
	text_free(&packed.bytes);
}

static void options_of_nobody_we_know_are_refused(void **state)
{
	Pb__RuntimeOptions options = PB__RUNTIME_OPTIONS__INIT;
	struct settings settings;
	struct packed packed;
	struct error err;

	(void)state;
	pack("kata.Options", &options.base, &packed);
	assert_int_equal(settings_read(&packed.any, &settings, &err), -1);
	assert_non_null(strstr(err.reason, "'kata.Options'"));
	text_free(&packed.bytes);
}

static void a_file_of_options_is_refused_and_no_file_is_fine(void **state)
{
	Pb__RuntimeOptions options = PB__RUNTIME_OPTIONS__INIT;
	struct settings settings;
	struct packed packed;
	struct error err;

	(void)state;
	pack("runtimeoptions.v1.Options", &options.base, &packed);
	assert_int_equal(settings_read(&packed.any, &settings, &err), 0);
	text_free(&packed.bytes);
	options.config_path = codec_text("/etc/x.toml");
	pack("runtimeoptions.v1.Options", &options.base, &packed);
	assert_int_equal(settings_read(&packed.any, &settings, &err), -1);
	assert_non_null(strstr(err.reason, "ConfigPath"));
	text_free(&packed.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_options_nothing_is_special),
		cmocka_unit_test(the_options_of_runc_are_ours_too),
		cmocka_unit_test(another_runtime_is_refused_by_name),
		cmocka_unit_test(options_of_nobody_we_know_are_refused),
		cmocka_unit_test(a_file_of_options_is_refused_and_no_file_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
