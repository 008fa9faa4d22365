/* SPDX-License-Identifier: Apache-2.0 */
/* The file server under a kernel: this machine's own FUSE asks it, as a guest's would, and the exerciser of file
 * systems that the contract tests run (tests/contract/files) must be content. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/path.h"
#include "microvm/fuse/fuse.h"
#include "microvm/vmm/program.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

enum { THREADS = 2, ROOM = (1 << 20) + (64 << 10) };

static int device = -1;
static struct fuse_server *server;

/* A request, whole, and room for its reply. */
struct exchange {
	uint8_t in[ROOM], out[ROOM];
};

static void answer(struct exchange *e, size_t length)
{
	if (length > 0 && write(device, e->out, length) < 0 && errno != ENOENT)
		(void)fprintf(stderr, "# /dev/fuse: %s\n", strerror(errno));
}

/* One request, if there is one. Returns the place for the next; NULL when the file system is gone. */
static struct exchange *serve_one(struct fuse_thread *thread, struct exchange *e)
{
	ssize_t n = read(device, e->in, ROOM);
	struct iovec in = {e->in, n < 0 ? 0 : (size_t)n}, out = {e->out, ROOM};
	struct fuse_request request = {&in, &out, 1, 1, (uint64_t)(uintptr_t)e};
	size_t written;

	if (n < 0)
		return errno == ENODEV ? NULL : e;
	written = fuse_handle(thread, &request);
	if (written == FUSE_LATER)
		return malloc(sizeof(*e));
	answer(e, written);
	return e;
}

static void serve_late(struct fuse_thread *thread)
{
	size_t written;
	uint64_t tag;

	while (fuse_late(thread, &tag, &written)) {
		struct exchange *e = (struct exchange *)(uintptr_t)tag;

		answer(e, written);
		free(e);
	}
}

static void *serve(void *unused)
{
	int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct exchange *e = malloc(sizeof(*e));
	struct error err;
	struct fuse_thread *thread = fuse_thread_new(server, wake, &err);
	uint64_t count;

	(void)unused;
	while (e && thread) {
		struct pollfd fds[2] = {
			{.fd = device, .events = POLLIN},
			{.fd = wake,   .events = POLLIN}
                };

		(void)poll(fds, 2, fuse_patience(thread));
		if ((fds[1].revents & POLLIN) && read(wake, &count, sizeof(count)) < 0)
			break;
		serve_late(thread);
		if (fds[0].revents)
			e = serve_one(thread, e);
	}
	return NULL;
}

static void serve_all(int root, const struct fuse_options *options)
{
	pthread_t thread[THREADS];
	struct error err;
	int proc = path_open_proc(&err);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* as the monitor's file server is: what it must not do ends it. Sanitizers do more. */
#ifndef SANITIZED
	if (lockdown(LOCKDOWN_FILESERVER, &err) < 0)
		_exit(1);
#endif
	server = fuse_new(root, proc, options, &err);
	if (!server)
		_exit(1);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, serve, NULL))
			_exit(1);
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(thread[i], NULL);
	_exit(0);
}

/* Serve "root" at "mount" in a mount namespace of our own. Returns who serves. */
static pid_t mount_server(const struct scratch *scratch, const struct fuse_options *options)
{
	char data[128], at[500];
	int root;
	pid_t pid;

	device = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (geteuid() != 0 || device < 0 || unshare(CLONE_NEWNS) < 0)
		return -1;
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mkdirat(scratch->dir, "mount", 0755), 0);
	assert_int_equal(mkdirat(scratch->dir, "root", 0755), 0);
	assert_int_equal(mkdirat(scratch->dir, "root/0", 0777), 0);
	(void)snprintf(at, sizeof(at), "%s/mount", scratch->path);
	root = openat(scratch->dir, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)snprintf(data, sizeof(data),
	               "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions",
	               device);
	if (mount("cella", at, "fuse", 0, data) < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		serve_all(root, options);
	(void)close(root);
	return pid;
}

/* What the exerciser says is a diagnosis here, not our TAP. */
static void show(int fd)
{
	FILE *said = fdopen(fd, "re");
	char line[1024];

	if (!said)
		return;
	rewind(said);
	while (fgets(line, sizeof(line), said))
		(void)fprintf(stderr, "# exerciser: %s", line);
	(void)fclose(said);
}

/* Run the exerciser. It stands in the build folder beside the tests. Returns its status. */
static int exercise(const char *directory, const char *seed)
{
	char program[512];
	ssize_t n = readlink("/proc/self/exe", program, 300);
	int said = memfd_create("said", MFD_CLOEXEC), status;
	char *tests;
	pid_t pid;

	assert_true(n > 0 && said >= 0);
	program[n] = '\0';
	tests = strstr(program, "tests/unit/");
	assert_non_null(tests);
	memcpy(tests, "tests/contract/files/files", sizeof("tests/contract/files/files"));
	pid = fork();
	if (pid == 0) {
		(void)dup2(said, STDOUT_FILENO);
		if (seed)
			(void)execl(program, program, directory, seed, "2000", NULL);
		(void)execl(program, program, directory, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status != 0)
		show(said);
	else
		(void)close(said);
	return status;
}

static void hold(const struct scratch *scratch)
{
	struct flock all = {.l_type = F_WRLCK};
	int fd = openat(scratch->dir, "root/0/held", O_CREAT | O_RDWR | O_CLOEXEC, 0666);

	assert_int_equal(fcntl(fd, F_SETLK, &all), 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
}

static void exercise_all(void **state)
{
	static const char *const seeds[] = {NULL, "1", "2", "3"};
	const struct scratch *scratch = *state;
	char directory[512], shares[500];
	pid_t pid = mount_server(scratch, &fuse_shared);

	if (pid < 0)
		skip();
	hold(scratch);
	(void)snprintf(shares, sizeof(shares), "%s/mount", scratch->path);
	(void)snprintf(directory, sizeof(directory), "%s/0", shares);
	for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
		assert_int_equal(exercise(directory, seeds[i]), 0);
	assert_int_equal(umount2(shares, MNT_DETACH), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(exercise_all, scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
