/* SPDX-License-Identifier: Apache-2.0 */
/* `start`: a server, or the one that the container's pod has. It leaves its address in the bundle, so that
 * containerd finds it when it has been restarted, and the pod's other containers when they are started. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fdpass.h"
#include "base/file.h"
#include "base/json_read.h"
#include "base/log.h"
#include "base/own.h"
#include "base/process.h"
#include "base/table.h"

#include "address.h"
#include "serve.h"

enum { ARENA_LIMIT = 64 << 20, BACKLOG = 128, LISTENER = 3 };

/* ---- the pod's ---- */

/* What containers of one pod have the same of: CRI's own, and what containerd's own shim goes by. */
static const char *const groups[] = {
	"io.containerd.runc.v2.group",
	"io.kubernetes.cri.sandbox-id",
};

/* The container whose server is this one's too, in arena; NULL: it has none but its own. */
static int find_group(const struct shim_options *o, struct arena *arena, const char **ret,
                      struct error *err)
{
	const struct json *top, *annotations;
	size_t length;
	char *bytes;

	*ret = NULL;
	if (fd_read_file(AT_FDCWD, "config.json", JSON_BYTES_LIMIT, arena, &bytes, &length, err) <
	            0 ||
	    json_read("config.json", bytes, length, arena, &top, err) < 0)
		return -1;
	annotations = json_member(top, "annotations");
	for (size_t i = 0; i < ARRAY_SIZE(groups) && !*ret; i++)
		*ret = json_member_text(annotations, groups[i]);
	if (*ret && (strcmp(*ret, o->id) == 0 || strchr(*ret, '/') || (*ret)[0] == '.'))
		*ret = NULL;
	return 0;
}

/* Its bundle lies beside ours. Returns whether there is a server that answers. */
static bool find_server(const struct shim_options *o, struct text *address)
{
	owned_arena struct arena *arena = arena_new(ARENA_LIMIT);
	owned_text struct text bundle = {0};
	const char *group = NULL;
	struct error ignored;

	if (!arena || find_group(o, arena, &group, &ignored) < 0 || !group)
		return false;
	text_format(&bundle, "../%s", group);
	return text_check(&bundle, &ignored) == 0 && address_read(bundle.bytes, address) &&
	       address_is_served(address->bytes);
}

/* ---- our own ---- */

static int listen_at(const char *path, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	owned_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t before;
	int bound;

	if (strlen(path) >= sizeof(address.sun_path))
		return fail(err, ERROR_UNSUPPORTED, path, "is too long for a socket");
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (fd < 0)
		return fail_errno(err, path, "socket");
	before = umask(0177);
	bound = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	(void)umask(before);
	if (bound < 0)
		return fail_errno(err, path, "bind");
	if (listen(fd, BACKLOG) < 0)
		return fail_errno(err, path, "listen");
	return take_fd(&fd);
}

/* Its log is a FIFO that containerd reads and that is in the bundle. A full one loses messages and holds nobody up. */
static int leave_caller(int *listener, struct error *err)
{
	owned_fd null = open("/dev/null", O_RDWR | O_CLOEXEC);
	owned_fd log = open("log", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (null < 0)
		return fail_errno(err, "/dev/null", "open");
	if (setsid() < 0)
		return fail_errno(err, "process", "setsid");
	if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(log >= 0 ? log : null, STDERR_FILENO) < 0 ||
	    (*listener != LISTENER && dup3(*listener, LISTENER, O_CLOEXEC) < 0))
		return fail_errno(err, "process", "dup");
	(void)take_fd(&null); /* with all others */
	(void)take_fd(&log);
	*listener = LISTENER;
	if (fd_close_from(LISTENER + 1, err) < 0)
		return -1;
	return chdir("/") < 0 ? fail_errno(err, "/", "chdir") : 0;
}

static int be_server(const struct shim_options *o, int *listener, const char *path,
                     struct error *err)
{
	(void)prctl(PR_SET_NAME, "cella-shim");
	if (leave_caller(listener, err) < 0 ||
	    log_open(NULL, LOG_TEXT, o->debug ? LOG_DEBUG : LOG_WARNING, err) < 0)
		return -1;
	return serve(o, *listener, path, err);
}

static int make_address(struct text *path, struct text *address, struct error *err)
{
	unsigned char bytes[8];

	if (address_directory(path, err) < 0)
		return -1;
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return fail_errno(err, "socket", "getrandom");
	text_append(path, "/");
	for (size_t i = 0; i < sizeof(bytes); i++)
		text_format(path, "%02x", bytes[i]);
	text_format(address, "unix://%s", path->bytes);
	return text_check(address, err);
}

/* Where containerd looks for it, and where it reads it now. */
static int leave_address(const struct text *address, struct error *err)
{
	if (text_check(address, err) < 0 ||
	    file_replace(AT_FDCWD, "address", address->bytes, address->length, 0644, err) < 0)
		return -1;
	return fd_write_whole(STDOUT_FILENO, "stdout", address->bytes, address->length, err);
}

/* Nothing can fail once there is a server, which nobody would end then; who connects before waits.
 * Returns  0, in the server when it has ended. */
static int start_server(const struct shim_options *o, struct error *err)
{
	owned_text struct text path = {0}, address = {0};
	owned_fd listener = -1;
	pid_t pid = -1;

	if (make_address(&path, &address, err) < 0)
		return -1;
	listener = listen_at(path.bytes, err);
	if (listener < 0)
		return -1;
	if (leave_address(&address, err) == 0)
		pid = process_clone(0, -1, NULL, err);
	if (pid < 0) {
		(void)unlink(path.bytes);
		return -1;
	}
	return pid == 0 ? be_server(o, &listener, path.bytes, err) : 0;
}

int shim_start(const struct shim_options *o, struct error *err)
{
	owned_text struct text address = {0};

	return find_server(o, &address) ? leave_address(&address, err) : start_server(o, err);
}
