/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/table.h"
#include "base/text.h"

#include "codec.h"
#include "settings.h"

static const char prefix[] = "type.googleapis.com/";

static int read_runc(const void *message, struct settings *ret, struct error *err)
{
	const Pb__RuncOptions *o = message;
	/* Of the runc that this shim does not run. */
	const struct {
		const char *name, *value;
	} refused[] = {
		{"ShimCgroup", o->shim_cgroup},
		{"BinaryName", o->binary_name},
		{"Root",       o->root       },
	};

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (refused[i].value[0])
			return fail(err, ERROR_USAGE, "options",
			            "%s is not for this shim, which is the runtime itself",
			            refused[i].name);
	ret->no_pivot = o->no_pivot_root;
	ret->no_new_keyring = o->no_new_keyring;
	ret->systemd = o->systemd_cgroup;
	return 0;
}

static int read_generic(const void *message, struct settings *ret, struct error *err)
{
	const Pb__RuntimeOptions *o = message;

	(void)ret;
	if (o->config_path[0])
		return fail(err, ERROR_USAGE, "options",
		            "ConfigPath: this shim has no file for it");
	return 0;
}

static const struct {
	const char *type;
	const ProtobufCMessageDescriptor *message;
	int (*read)(const void *message, struct settings *ret, struct error *err);
} kinds[] = {
	{"containerd.runc.v1.Options", &pb__runc_options__descriptor,    read_runc   },
	{"runtimeoptions.v1.Options",  &pb__runtime_options__descriptor, read_generic},
};

int settings_read(const Pb__Any *options, struct settings *ret, struct error *err)
{
	const char *type;
	owned_message void *message = NULL;

	*ret = (struct settings){0};
	if (!options)
		return 0;
	type = options->type_url;
	if (text_begins(type, prefix))
		type += strlen(prefix);
	if (!type[0])
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i].type, type) != 0)
			continue;
		message = codec_unpack(kinds[i].message, options->value.data, options->value.len,
		                       err);
		return message ? kinds[i].read(message, ret, err) : -1;
	}
	return fail(err, ERROR_USAGE, "options", "'%.100s' are of another shim", type);
}
