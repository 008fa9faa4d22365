/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "base/text.h"

#include "codec.h"
#include "settings.h"

/* The type that an option says, without what may stand before it; "" for none. */
static const char *type_of(const Pb__Any *options)
{
	static const char prefix[] = "type.googleapis.com/";
	const char *type = options ? options->type_url : "";

	return text_begins(type, prefix) ? type + strlen(prefix) : type;
}

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
	const char *type = type_of(options);
	owned_message void *message = NULL;

	*ret = (struct settings){0};
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

/* ---- of a Checkpoint ---- */

static int read_mode(const char *text, enum checkpoint_cgroups *ret, struct error *err)
{
	char choices[64];
	int64_t mode = CGROUPS_UNSAID;

	if (text[0] &&
	    !table_value(checkpoint_cgroups_words, CHECKPOINT_CGROUPS_WORDS, text, &mode))
		return fail(err, ERROR_USAGE, "cgroups_mode", "'%.60s' is not %s", text,
		            table_choices(checkpoint_cgroups_words, CHECKPOINT_CGROUPS_WORDS,
		                          choices, sizeof(choices)));
	*ret = (enum checkpoint_cgroups)mode;
	return 0;
}

static int read_namespaces(const Pb__RuncCheckpointOptions *o, bool *ret_network, struct error *err)
{
	for (size_t i = 0; i < o->n_empty_namespaces; i++) {
		if (strcmp(o->empty_namespaces[i], "network") != 0)
			return fail(err, ERROR_UNSUPPORTED, "empty_namespaces",
			            "'%.60s' can't be empty, only network", o->empty_namespaces[i]);
		*ret_network = true;
	}
	return 0;
}

static int keep(const char *path, char **ret, struct error *err)
{
	if (!path[0])
		return 0;
	*ret = strdup(path);
	return *ret ? 0 : fail(err, ERROR_SYSTEM, "options", "out of memory");
}

void checkpoint_settings_release(struct checkpoint_settings *settings)
{
	free(settings->image_path);
	free(settings->work_path);
}

int settings_read_checkpoint(const Pb__Any *options, struct checkpoint_settings *ret,
                             struct error *err)
{
	const char *type = type_of(options);
	owned_message void *message = NULL;
	const Pb__RuncCheckpointOptions *o;

	*ret = (struct checkpoint_settings){
		.options = {.images = -1, .work = -1, .status_fd = -1, .leave_running = true},
	};
	if (!type[0])
		return 0;
	if (strcmp(type, "containerd.runc.v1.CheckpointOptions") != 0)
		return fail(err, ERROR_USAGE, "options", "'%.100s' are of another shim", type);
	message = codec_unpack(&pb__runc_checkpoint_options__descriptor, options->value.data,
	                       options->value.len, err);
	o = message;
	if (!o || read_mode(o->cgroups_mode, &ret->options.cgroups, err) < 0 ||
	    read_namespaces(o, &ret->options.empty_network, err) < 0)
		return -1;
	ret->options.leave_running = !o->exit;
	ret->options.tcp_established = o->open_tcp;
	ret->options.ext_unix_sk = o->external_unix_sockets;
	ret->options.shell_job = o->terminal;
	ret->options.file_locks = o->file_locks;
	if (keep(o->image_path, &ret->image_path, err) < 0)
		return -1;
	return keep(o->work_path, &ret->work_path, err);
}
