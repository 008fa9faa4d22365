/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/table.h"

#include "steps.h"

static const struct word attributes[] = {
	{"ro",          MOUNT_ATTR_RDONLY     },
	{"nosuid",      MOUNT_ATTR_NOSUID     },
	{"nodev",       MOUNT_ATTR_NODEV      },
	{"noexec",      MOUNT_ATTR_NOEXEC     },
	{"noatime",     MOUNT_ATTR_NOATIME    },
	{"strictatime", MOUNT_ATTR_STRICTATIME},
	{"nodiratime",  MOUNT_ATTR_NODIRATIME },
	{"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW},
};

static void print_propagation(struct json_writer *w, uint64_t propagation)
{
	if (propagation)
		json_text(
			w, "propagation",
			table_word(rootfs_propagations, ROOTFS_PROPAGATIONS, (int64_t)propagation));
}

static void print_attributes(struct json_writer *w, const char *key, uint64_t bits)
{
	if (bits == 0)
		return;
	json_open(w, key, '[');
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
		if (bits & (uint64_t)attributes[i].value)
			json_text(w, NULL, attributes[i].word);
	json_close(w);
}

static void print_idmap(struct json_writer *w, const struct rootfs_plan *plan,
                        const struct rootfs_mount *mount)
{
	const struct rootfs_idmap *idmap;

	if (mount->idmap == 0)
		return;
	idmap = &plan->idmaps[mount->idmap - 1];
	json_open(w, mount->ids_below ? "ridmap" : "idmap", '{');
	if (!idmap->uids)
		json_text(w, "of", "the container's user namespace");
	else {
		spec_write_maps(w, "uidMappings", idmap->uids);
		spec_write_maps(w, "gidMappings", idmap->gids);
	}
	json_close(w);
}

static void print_mount(struct json_writer *w, const struct rootfs_plan *plan,
                        const struct rootfs_mount *mount)
{
	json_open(w, NULL, '{');
	json_text(w, "destination", mount->destination);
	if (mount->link)
		json_text(w, "link", mount->link);
	else if (mount->bind)
		json_text(w, mount->recursive ? "rbind" : "bind", mount->source);
	else if (mount->remount)
		json_bool(w, "remount", true);
	else
		json_text(w, "type", mount->type);
	print_idmap(w, plan, mount);
	print_attributes(w, "set", mount->set);
	print_attributes(w, "clear", mount->clear);
	print_attributes(w, "setBelow", mount->set_below);
	print_attributes(w, "clearBelow", mount->clear_below);
	if (mount->copy_up)
		json_bool(w, "copyUp", true);
	if (mount->late_readonly)
		json_bool(w, "readonlyAtTheEnd", true);
	print_propagation(w, mount->propagation);
	if (mount->data_count > 0) {
		json_open(w, "data", '[');
		for (size_t i = 0; i < mount->data_count; i++)
			json_text(w, NULL, mount->data[i].word);
		json_close(w);
	}
	json_close(w);
}

static void print_node(struct json_writer *w, const struct rootfs_node *node)
{
	const char *type = S_ISBLK(node->mode) ? "b" : "c";

	json_open(w, NULL, '{');
	json_text(w, "path", node->path);
	json_text(w, "type", S_ISFIFO(node->mode) ? "p" : type);
	json_u64(w, "major", major(node->number));
	json_u64(w, "minor", minor(node->number));
	json_u64(w, "mode", node->mode & 07777);
	json_u64(w, "uid", node->uid);
	json_u64(w, "gid", node->gid);
	json_close(w);
}

void rootfs_print(const struct rootfs_plan *plan, struct json_writer *w, const char *key)
{
	const struct spec_linux *spec = &plan->spec->linux_;

	json_open(w, key, '{');
	json_text(w, "path", plan->path);
	json_text(w, "enter", plan->no_pivot ? "move" : "pivot_root");
	json_bool(w, "readonly", plan->spec->root_readonly);
	print_propagation(w, plan->propagation);
	json_open(w, "mounts", '[');
	for (size_t i = 0; i < plan->mounts_count; i++)
		print_mount(w, plan, &plan->mounts[i]);
	json_close(w);
	json_open(w, "devices", '[');
	for (size_t i = 0; i < plan->nodes_count; i++)
		print_node(w, &plan->nodes[i]);
	json_close(w);
	json_texts(w, "readonlyPaths", spec->readonly_paths.item, spec->readonly_paths.count);
	json_texts(w, "maskedPaths", spec->masked_paths.item, spec->masked_paths.count);
	json_open(w, "sysctl", '{');
	for (size_t i = 0; i < plan->sysctls_count; i++)
		json_text(w, plan->sysctls[i].key, plan->sysctls[i].value);
	json_close(w);
	json_close(w);
}
