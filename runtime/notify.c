/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/notify.h"
#include "base/own.h"

#include "notify.h"

static const char directory[] = "notify", name[] = "notify.sock";

enum { BARRIER_MS = 5000 };

/* A copy of a list with room for one more. */
static void *longer(const void *item, size_t count, size_t size, struct arena *arena)
{
	char *copy = arena_alloc(arena, count + 1, size);

	if (copy && count)
		memcpy(copy, item, count * size);
	return copy;
}

static int add_mount(struct spec *spec, const char *source, struct arena *arena, struct error *err)
{
	static const char *options[] = {"bind", "nosuid", "noexec", "nodev", "ro"};
	struct spec_mount *mounts =
		longer(spec->mounts.item, spec->mounts.count, sizeof(*mounts), arena);

	if (!mounts)
		return arena_check(arena, err);
	mounts[spec->mounts.count] = (struct spec_mount){
		.destination = "/run/notify",
		.type = "bind",
		.source = source,
		.options = {.item = options, .count = sizeof(options) / sizeof(options[0])},
	};
	spec->mounts.item = mounts;
	spec->mounts.count++;
	return 0;
}

static int add_variable(struct spec *spec, struct arena *arena, struct error *err)
{
	static const char variable[] = "NOTIFY_SOCKET=/run/notify/notify.sock";
	text_list *env = &spec->process.env;
	const char **item = longer(env->item, env->count, sizeof(*item), arena);

	if (!item)
		return arena_check(arena, err);
	item[env->count++] = variable; /* of one name the last holds */
	env->item = item;
	return 0;
}

/* Where c->dir is, as a mount wants to have it. */
static int find_path(const struct container *c, char **ret_path, struct error *err)
{
	char link[32], path[PATH_MAX];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", c->dir);
	n = readlink(link, path, sizeof(path));
	if (n < 0 || (size_t)n >= sizeof(path)) {
		(void)fail_errno(err, link, "readlink");
		return error_within(err, "NOTIFY_SOCKET");
	}
	*ret_path = arena_format(c->arena, "%.*s/%s", (int)n, path, directory);
	return *ret_path ? 0 : arena_check(c->arena, err);
}

int notify_prepare(const struct container *c, const struct spec **io_spec, struct error *err)
{
	struct spec *copy = ARENA_NEW(c->arena, struct spec);
	char *path = NULL;

	if (!copy)
		return arena_check(c->arena, err);
	*copy = **io_spec;
	/* whoever is root of the container passes through ours, and finds nothing there that is not locked by itself */
	if (fchmod(c->dir, 0711) < 0 || mkdirat(c->dir, directory, 0755) < 0 ||
	    fchmodat(c->dir, directory, 0755, 0) < 0) {
		(void)fail_errno(err, c->state.id, "make a directory");
		return error_within(err, "NOTIFY_SOCKET");
	}
	if (find_path(c, &path, err) < 0 || add_mount(copy, path, c->arena, err) < 0 ||
	    add_variable(copy, c->arena, err) < 0)
		return -1;
	*io_spec = copy;
	return 0;
}

int container_notify_open(const struct container *c, int *ret_socket, struct error *err)
{
	owned_fd dir = openat(c->dir, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int made;

	*ret_socket = -1;
	if (dir < 0)
		return errno == ENOENT ? 0 : fail_errno(err, directory, "open");
	made = notify_bind(dir, name, err);
	if (made < 0)
		return error_within(err, "NOTIFY_SOCKET");
	*ret_socket = made;
	return 0;
}

/* Pass a message on that says that it is ready. Returns 1, 0 when it says something else, or -1 and *err. */
static int pass_ready(const struct container *c, int socket, const char *manager, struct error *err)
{
	char text[NOTIFY_SIZE];
	owned_text struct text out = {0};

	if (notify_receive(socket, text) == 0 || !notify_is_ready(text))
		return 0;
	text_format(&out, "MAINPID=%d\n%s", (int)c->state.pid, text);
	if (text_check(&out, err) < 0 || notify_send(manager, out.bytes, BARRIER_MS, err) < 0)
		return -1;
	return 1;
}

int container_notify_wait(const struct container *c, int socket, const char *manager,
                          struct error *err)
{
	const struct process_identity who = {c->state.pid, c->state.start_time};
	owned_fd pidfd = process_open(&who, err);
	struct pollfd wait[] = {
		{.fd = socket, .events = POLLIN},
		{.fd = pidfd,  .events = POLLIN}
        };

	if (pidfd < 0) /* it has ended already, and may have said something before */
		return err->errnum == ESRCH && pass_ready(c, socket, manager, err) >= 0 ? 0 : -1;
	for (;;) {
		int passed;

		if (poll(wait, 2, -1) < 0 && errno != EINTR)
			return fail_errno(err, "NOTIFY_SOCKET", "poll");
		passed = pass_ready(c, socket, manager, err);
		if (passed != 0 || wait[1].revents)
			return passed < 0 ? -1 : 0;
	}
}
