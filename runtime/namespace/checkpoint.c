/* SPDX-License-Identifier: Apache-2.0 */
/* A container's processes to images, by CRIU. What is not theirs is named as external: bind mounts, masks,
 * devices of the host, namespaces that were joined, the ends of pipes. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/own.h"
#include "base/path.h"
#include "base/table.h"
#include "base/text.h"
#include "cgroups/cgroups.h"

#include "criu.h"
#include "launch.h"

static const char criu_log[] = "dump.log";

enum { ARENA_LIMIT = 256 << 20, DEVICES_SIZE = 64 << 10 };

struct dump {
	struct container *c;
	struct order *order;
	int root; /* the container's "/" */
};

static void add_mount(const struct dump *dump, const char *place, const char *name)
{
	static const char *const keys[] = {"key", "val"};

	order_pair(dump->order, "ext_mnt", keys, place, name);
}

/* Where a path of the config is once its links are followed, which is what CRIU knows mounts by.
 * Returns  the descriptor, owned by the caller, and its name in the container; -1: there is nothing. */
static int find(const struct dump *dump, const char *path, const char **ret_name)
{
	char link[32], name[PATH_MAX];
	struct error ignored;
	int fd = path_open(dump->root, path, O_PATH, &ignored);
	ssize_t length;

	if (fd < 0)
		return -1;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, name, sizeof(name));
	*ret_name = length > 0 && *name == '/'
	                    ? arena_text_n(dump->order->arena, name, (size_t)length)
	                    : path;
	return fd;
}

static void add_binds(const struct dump *dump)
{
	const struct spec *spec = dump->c->spec;

	for (size_t i = 0; i < spec->mounts.count; i++) {
		const struct spec_mount *mount = &spec->mounts.item[i];
		const char *name = mount->destination;
		owned_fd fd = -1;

		if (!spec_is_bind(mount))
			continue;
		fd = find(dump, mount->destination, &name);
		if (fd < 0)
			name = mount->destination;
		/* by the name of the config: restore knows no other */
		add_mount(dump, name, mount->destination);
	}
}

/* Files are hidden by the host's null device; directories by a tmpfs, which is dumped. */
static void add_masks(const struct dump *dump)
{
	const struct spec_linux *spec = &dump->c->spec->linux_;

	for (size_t i = 0; i < spec->masked_paths.count; i++) {
		const char *name = NULL;
		owned_fd fd = find(dump, spec->masked_paths.item[i], &name);
		struct stat st;

		if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
			add_mount(dump, name, "/dev/null");
	}
}

/* In a user namespace they are the host's, mounted. Of no harm where they are not. */
static void add_devices(const struct dump *dump)
{
	static const char *const standard[] = {"/dev/null",   "/dev/zero",    "/dev/full",
	                                       "/dev/random", "/dev/urandom", "/dev/tty"};
	const struct spec_linux *spec = &dump->c->spec->linux_;

	if (!spec->namespaces[NAMESPACE_USER].set)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(standard); i++)
		add_mount(dump, standard[i], standard[i]);
	for (size_t i = 0; i < spec->devices.count; i++)
		add_mount(dump, spec->devices.item[i].path, spec->devices.item[i].path);
}

/* Namespaces that were there before the container; the keys are those of crun and runc. */
static int add_namespaces(const struct dump *dump, struct error *err)
{
	static const struct {
		enum namespace_type type;
		const char *key;
	} external[] = {
		{NAMESPACE_NETWORK, "extRootNetNS"},
		{NAMESPACE_PID,     "extRootPidNS"},
	};
	const struct spec_linux *spec = &dump->c->spec->linux_;
	struct arena *arena = dump->order->arena;

	for (size_t i = 0; i < ARRAY_SIZE(external); i++) {
		const char *file = namespace_files[external[i].type];
		char path[64];
		struct stat st;

		if (!spec->namespaces[external[i].type].path)
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)dump->c->state.pid, file);
		if (stat(path, &st) < 0)
			return fail_errno(err, path, "stat");
		order_add(dump->order, "external",
		          arena_format(arena, "%s[%ju]:%s", file, (uintmax_t)st.st_ino,
		                       external[i].key));
	}
	return 0;
}

/* Whether its network namespace has more than a loopback device: the other end of a cable, or the device itself, is the
 * host's, and whoever has put it there does so again (a hook, or an engine). Each line behind the first two of
 * /proc/PID/net/dev is a device. */
static bool has_cables(const struct container *c)
{
	char path[64], text[DEVICES_SIZE];
	struct error ignored;
	const char *line;

	(void)snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)c->state.pid);
	if (fd_read_small(AT_FDCWD, path, text, sizeof(text), &ignored) < 0)
		return false;
	for (line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
		const char *name = line + 1 + strspn(line + 1, " ");

		if (name[strcspn(name, ":\n|")] == ':' && !text_begins(name, "lo:"))
			return true;
	}
	return false;
}

static void add_network(const struct dump *dump, const struct checkpoint_options *options)
{
	const struct spec_namespace *network = &dump->c->spec->linux_.namespaces[NAMESPACE_NETWORK];

	if (options->empty_network || (network->set && !network->path && has_cables(dump->c)))
		order_number(dump->order, "empty_ns", CLONE_NEWNET);
}

/* By the freezer no process is missed that is made meanwhile. */
static int add_freezer(const struct dump *dump, struct error *err)
{
	const char *cgroup = dump->c->state.cgroup;
	char path[PATH_MAX], link[32];
	owned_fd dir = -1;
	ssize_t length;

	if (!cgroup)
		return 0;
	dir = cgroup_open(cgroup, err);
	if (dir < 0)
		return -1;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	length = readlink(link, path, sizeof(path));
	if (length < 0)
		return fail_errno(err, cgroup, "readlink");
	order_add(dump->order, "freeze_cgroup",
	          arena_text_n(dump->order->arena, path, (size_t)length));
	return 0;
}

static int add_all(const struct dump *dump, const struct checkpoint_options *options,
                   struct error *err)
{
	order_add(dump->order, "root", dump->c->state.rootfs);
	add_binds(dump);
	add_masks(dump);
	add_devices(dump);
	add_network(dump, options);
	if (add_namespaces(dump, err) < 0 || add_freezer(dump, err) < 0)
		return -1;
	return stdio_dump(dump->c, options->images, dump->order, err);
}

static int hear(void *data, const struct criu_event *event, int *fd, struct error *err)
{
	const struct checkpoint_options *options = data;

	(void)fd;
	if (event->kind == CRIU_LAZY && options->status_fd >= 0)
		return fd_write_whole(options->status_fd, "--status-fd", "", 1, err);
	return 0;
}

static int open_root(const struct container *c, struct error *err)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)c->state.pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? fail_errno(err, path, "open") : fd;
}

int namespace_checkpoint(struct container *c, const struct checkpoint_options *options,
                         struct error *err)
{
	struct checkpoint_options told = *options;
	const struct order_listener listener = {hear, &told};
	owned_arena struct arena *arena = arena_new(ARENA_LIMIT);
	struct order order = {
		.arena = arena,
		.action = options->pre_dump ? "pre-dump" : "dump",
		.cgroup = -1,
	};
	owned_fd root = open_root(c, err);
	const struct dump dump = {.c = c, .order = &order, .root = root};

	if (root < 0)
		return -1;
	if (!arena)
		return fail(err, ERROR_SYSTEM, c->state.id, "out of memory");
	order_options(&order, c->spec, options, criu_log);
	order_number(&order, "pid", c->state.pid);
	if (options->parent)
		order_add(&order, "parent_img", options->parent);
	if (options->parent || options->pre_dump)
		order_add(&order, "track_mem", "true");
	if ((!options->pre_dump && add_all(&dump, options, err) < 0) ||
	    arena_check(arena, err) < 0 || order_carry_out(&order, &listener, err) < 0 ||
	    (!options->pre_dump && images_release_root(options->images, arena, err) < 0))
		return error_within(err, "%s", c->state.id);
	return 0;
}
