/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"

#include "spec.h"

/* A name and whether it is there, as the members "v1" and "enabled" have it. */
struct answer {
	const char *name;
	bool yes;
};

static const struct answer cgroup[] = {
	{"v1",          false},
        {"v2",          true },
        {"systemd",     true },
        {"systemdUser", true },
        {"rdma",        true },
};

static void write_cgroup(struct json_writer *w)
{
	json_open(w, "cgroup", '{');
	for (size_t i = 0; i < ARRAY_SIZE(cgroup); i++)
		json_bool(w, cgroup[i].name, cgroup[i].yes);
	json_close(w);
}

static void write_seccomp(struct json_writer *w, const struct features *f)
{
	bool enabled = f->seccomp_actions_count > 0;

	json_open(w, "seccomp", '{');
	json_bool(w, "enabled", enabled);
	if (enabled) {
		json_texts(w, "actions", f->seccomp_actions, f->seccomp_actions_count);
		json_texts(w, "operators", f->seccomp_operators, f->seccomp_operators_count);
		json_texts(w, "archs", f->seccomp_archs, f->seccomp_archs_count);
		json_texts(w, "knownFlags", f->seccomp_known_flags, f->seccomp_known_flags_count);
		json_texts(w, "supportedFlags", f->seccomp_supported_flags,
		           f->seccomp_supported_flags_count);
	}
	json_close(w);
}

static void write_enabled(struct json_writer *w, const char *key, bool enabled)
{
	json_open(w, key, '{');
	json_bool(w, "enabled", enabled);
	json_close(w);
}

/* All of it, or nothing. */
static void write_rdt(struct json_writer *w, bool enabled)
{
	json_open(w, "intelRdt", '{');
	json_bool(w, "enabled", enabled);
	json_bool(w, "schemata", enabled);
	json_bool(w, "monitoring", enabled);
	json_close(w);
}

static void write_linux(struct json_writer *w, const struct features *f)
{
	json_open(w, "linux", '{');
	json_texts(w, "namespaces", namespace_names, NAMESPACE_TYPES);
	json_texts(w, "capabilities", f->capabilities, f->capabilities_count);
	write_cgroup(w);
	write_seccomp(w, f);
	write_enabled(w, "apparmor", f->apparmor);
	write_enabled(w, "selinux", f->selinux);
	write_rdt(w, f->intel_rdt);
	write_enabled(w, "netDevices", f->net_devices);
	json_open(w, "mountExtensions", '{');
	write_enabled(w, "idmap", true);
	json_close(w);
	json_close(w);
}

void features_write(struct json_writer *w, const struct features *features)
{
	static const char *const unsafe_annotations[] = {"krun.", "org.cella.", "org.criu.config",
	                                                 "org.systemd.property.", "run.oci."};

	json_open(w, NULL, '{');
	json_text(w, "ociVersionMin", "1.0.0");
	json_text(w, "ociVersionMax", "1.3.0");
	json_texts(w, "hooks", features->hooks, features->hooks_count);
	json_texts(w, "mountOptions", features->mount_options, features->mount_options_count);
	write_linux(w, features);
	json_open(w, "annotations", '{');
	json_text(w, "io.github.seccomp.libseccomp.version", features->seccomp_library);
	for (size_t i = 0; i < features->annotations.count; i++)
		json_text(w, features->annotations.item[i].key,
		          features->annotations.item[i].value);
	json_close(w);
	/* those that end in a dot stand for all that begin with them */
	json_texts(w, "potentiallyUnsafeConfigAnnotations", unsafe_annotations,
	           ARRAY_SIZE(unsafe_annotations));
	json_close(w);
}
