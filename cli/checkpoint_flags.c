/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/text.h"

#include "checkpoint_flags.h"

enum { PORT_MOST = 65535 };

const struct word checkpoint_empty_words[1] = {
	{"network", 1},
};

const struct word checkpoint_lock_words[2] = {
	{"iptables", LOCK_IPTABLES},
	{"nftables", LOCK_NFTABLES},
};

void checkpoint_folders_release(struct checkpoint_folders *folders)
{
	fd_release(&folders->images);
	fd_release(&folders->work);
}

/* Folders that were made on the way to one. */
struct made {
	char *path;
	char *first; /* end of the uppermost in it; NULL: none */
};

static int make_folder(struct made *made, char *end, struct error *err)
{
	char kept = *end;
	int result;

	*end = '\0';
	result = mkdir(made->path, 0711);
	if (result == 0 && !made->first)
		made->first = end;
	if (result < 0 && errno != EEXIST)
		return fail_errno(err, made->path, "mkdir");
	*end = kept;
	return 0;
}

/* mkdir -p. Images are for nobody else to read, but processes of a user namespace look for theirs as who they are. */
static int make_folders(const char *path, struct arena *arena, struct made *made, struct error *err)
{
	char *at;

	made->path = arena_text(arena, path);
	if (!made->path)
		return arena_check(arena, err);
	for (at = made->path + strspn(made->path, "/"); *at; at++)
		if (*at == '/' && make_folder(made, at, err) < 0)
			return -1;
	return make_folder(made, at, err);
}

static void unmake_folders(const struct made *made)
{
	if (!made->first)
		return;
	for (char *end = made->path + strlen(made->path); end >= made->first; end--) {
		if (*end && *end != '/')
			continue;
		*end = '\0';
		if (rmdir(made->path) < 0 && errno != ENOENT)
			return;
	}
}

static int open_folder(const char *path, const char *flag, int *ret, struct error *err)
{
	*ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret >= 0)
		return 0;
	(void)fail_errno(err, path, "open");
	return error_within(err, "%s", flag);
}

static int open_folders(const struct call *call, bool make, struct made made[2],
                        struct checkpoint_folders *folders, struct error *err)
{
	const struct checkpoint_flags *f = call->flags;
	const char *images = f->image_path ? f->image_path : "checkpoint";

	if (make && make_folders(images, call->arena, &made[0], err) < 0)
		return error_within(err, "--image-path");
	if (open_folder(images, "--image-path", &folders->images, err) < 0)
		return -1;
	if (!f->work_path)
		return 0;
	if (make_folders(f->work_path, call->arena, &made[1], err) < 0)
		return error_within(err, "--work-path");
	return open_folder(f->work_path, "--work-path", &folders->work, err);
}

/* CRIU keeps it as a link in the images. */
static int check_parent(const char *parent, int images, struct error *err)
{
	struct stat st;

	if (!parent)
		return 0;
	if (*parent == '/')
		return fail(err, ERROR_USAGE, "--parent-path",
		            "must be relative to the folder of the images");
	if (fstatat(images, parent, &st, 0) < 0)
		(void)fail_errno(err, parent, "open");
	else if (S_ISDIR(st.st_mode))
		return 0;
	else
		(void)fail(err, ERROR_USAGE, parent, "is no directory");
	return error_within(err, "--parent-path");
}

/* ADDRESS:PORT; an address of IPv6 is in brackets. */
static int read_page_server(const char *text, struct arena *arena, struct checkpoint_options *o,
                            struct error *err)
{
	const char *colon = text ? strrchr(text, ':') : NULL;
	size_t length = colon ? (size_t)(colon - text) : 0;
	uint32_t port = 0;

	if (!text)
		return 0;
	if (length == 0 || !text_to_u32(colon + 1, &port) || port == 0 || port > PORT_MOST)
		return fail(err, ERROR_USAGE, "--page-server", "'%.60s' is not ADDRESS:PORT", text);
	if (*text == '[' && length > 2 && text[length - 1] == ']') {
		text++;
		length -= 2;
	}
	o->page_server_address = arena_text_n(arena, text, length);
	o->page_server_port = port;
	return arena_check(arena, err);
}

static int read_status_fd(const char *text, struct checkpoint_options *o, struct error *err)
{
	uint32_t fd = 0;
	int flags;

	o->status_fd = -1;
	if (!text)
		return 0;
	if (!text_to_u32(text, &fd) || fd > INT32_MAX)
		return fail(err, ERROR_USAGE, "--status-fd", "'%.20s' is no descriptor", text);
	flags = fcntl((int)fd, F_GETFL);
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
		return fail(err, ERROR_USAGE, "--status-fd", "%u can't be written to", fd);
	o->status_fd = (int)fd;
	return 0;
}

int checkpoint_read(const struct call *call, bool make, struct checkpoint_folders *folders,
                    struct checkpoint_options *ret, struct error *err)
{
	const struct checkpoint_flags *f = call->flags;
	struct made made[2] = {0};

	*ret = (struct checkpoint_options){
		.criu = call->rt->criu,
		.parent = f->parent_path,
		.cgroups = (enum checkpoint_cgroups)f->manage_cgroups_mode,
		.lock = (enum checkpoint_lock)f->network_lock,
		.lsm_profile = f->lsm_profile,
		.lsm_mount_context = f->lsm_mount_context,
		.leave_running = f->leave_running,
		.pre_dump = f->pre_dump,
		.tcp_established = f->tcp_established,
		.tcp_skip_in_flight = f->tcp_skip_in_flight,
		.tcp_close = f->tcp_close,
		.ext_unix_sk = f->ext_unix_sk,
		.shell_job = f->shell_job,
		.file_locks = f->file_locks,
		.link_remap = f->link_remap,
		.auto_dedup = f->auto_dedup,
		.lazy_pages = f->lazy_pages,
		.empty_network = f->empty_ns != 0,
	};
	if (read_page_server(f->page_server, call->arena, ret, err) < 0 ||
	    read_status_fd(f->status_fd, ret, err) < 0)
		return -1;
	if (open_folders(call, make, made, folders, err) < 0 ||
	    check_parent(f->parent_path, folders->images, err) < 0) {
		unmake_folders(&made[1]);
		unmake_folders(&made[0]);
		return -1;
	}
	ret->images = folders->images;
	ret->work = folders->work;
	return 0;
}
