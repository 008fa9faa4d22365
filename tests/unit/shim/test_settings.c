/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/own.h"
#include "shim/codec.h"
#include "shim/settings.h"
#include "tests/unit/cmocka.h"

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

static void a_checkpoint_leaves_it_running_unless_told_to_end_it(void **state)
{
	Pb__RuncCheckpointOptions options = PB__RUNC_CHECKPOINT_OPTIONS__INIT;
	OWNED(checkpoint_settings_release) struct checkpoint_settings settings = {0};
	char *network = codec_text("network");
	struct packed packed;
	struct error err;

	(void)state;
	assert_int_equal(settings_read_checkpoint(NULL, &settings, &err), 0);
	assert_true(settings.options.leave_running);
	assert_null(settings.image_path);
	options.exit = options.open_tcp = 1;
	options.cgroups_mode = codec_text("soft");
	options.image_path = codec_text("/images");
	options.n_empty_namespaces = 1;
	options.empty_namespaces = &network;
	pack("containerd.runc.v1.CheckpointOptions", &options.base, &packed);
	assert_int_equal(settings_read_checkpoint(&packed.any, &settings, &err), 0);
	text_free(&packed.bytes);
	assert_false(settings.options.leave_running);
	assert_true(settings.options.tcp_established && settings.options.empty_network);
	assert_false(settings.options.file_locks || settings.options.shell_job);
	assert_int_equal(settings.options.cgroups, CGROUPS_SOFT);
	assert_string_equal(settings.image_path, "/images");
	assert_null(settings.work_path);
}

static void what_a_checkpoint_can_not_be_is_refused_by_name(void **state)
{
	static const struct {
		const char *type, *mode, *namespace, *named;
	} cases[] = {
		{"kata.Options",                         "",      NULL,    "'kata.Options'"},
		{"containerd.runc.v1.CheckpointOptions", "often", NULL,    "'often'"       },
		{"containerd.runc.v1.CheckpointOptions", "",      "mount", "'mount'"       },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		Pb__RuncCheckpointOptions options = PB__RUNC_CHECKPOINT_OPTIONS__INIT;
		OWNED(checkpoint_settings_release) struct checkpoint_settings settings = {0};
		char *namespace = codec_text(cases[i].namespace);
		struct packed packed;
		struct error err;

		options.cgroups_mode = codec_text(cases[i].mode);
		options.n_empty_namespaces = cases[i].namespace ? 1 : 0;
		options.empty_namespaces = &namespace;
		pack(cases[i].type, &options.base, &packed);
		assert_int_equal(settings_read_checkpoint(&packed.any, &settings, &err), -1);
		assert_non_null(strstr(err.reason, cases[i].named));
		text_free(&packed.bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_options_nothing_is_special),
		cmocka_unit_test(the_options_of_runc_are_ours_too),
		cmocka_unit_test(another_runtime_is_refused_by_name),
		cmocka_unit_test(options_of_nobody_we_know_are_refused),
		cmocka_unit_test(a_file_of_options_is_refused_and_no_file_is_fine),
		cmocka_unit_test(a_checkpoint_leaves_it_running_unless_told_to_end_it),
		cmocka_unit_test(what_a_checkpoint_can_not_be_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
