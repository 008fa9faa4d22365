/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SCENE_H
#define TESTS_SCENE_H

/* A root file system that is really mounted: by a child in new namespaces, as create does it. The
 * test stands in a mount namespace of its own with everything shared in it ("the host"), so that
 * whatever leaks is seen. */

#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "base/process.h"
#include "base/table.h"
#include "rootfs/steps.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

enum { SCENE_OLD_ROOT = 102 }; /* in the child, the host's "/", for checks */

enum { SCENE_MOUNTS = 16, SCENE_WORDS = 8, SCENE_DEVICES = 4 };

struct scene {
	struct scratch *scratch;
	struct spec spec;
	struct spec_mount mounts[SCENE_MOUNTS];
	const char *words[SCENE_MOUNTS][SCENE_WORDS];
	struct spec_device devices[SCENE_DEVICES];
	uint64_t namespaces; /* CLONE_NEW… beside the mount namespace */
	const char *cgroup;
	bool no_pivot, terminal;
	void (*planned)(struct scene *scene);     /* the host, between plan and apply */
	void (*applied)(struct scene *scene);     /* the host, between apply and enter */
	void (*entered)(struct scene *scene);     /* the host, after enter, before check */
	void (*check)(const struct scene *scene); /* the child, in the root; CHECK() */
	/* what came of it */
	struct error err;
	const char *step; /* the one that failed; NULL: none */
};

static inline bool scene_is_root(void)
{
	return geteuid() == 0;
}

/* Once a program: from here on nothing that happens is seen outside. */
static inline int scene_isolate(void **state)
{
	(void)state;
	if (!scene_is_root())
		return 0;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) < 0 ||
	    mount(NULL, "/", NULL, MS_SHARED | MS_REC, NULL) < 0)
		return -1;
	return 0;
}

static inline struct scene scene_new(void **state)
{
	struct scene scene = {.scratch = *state};

	if (!scene_is_root()) {
		print_message("needs root: mounts in new namespaces\n");
		skip();
	}
	scratch_folder(scene.scratch, "rootfs");
	scene.spec.root_path = "rootfs";
	scene.spec.linux_.set = true;
	scene.spec.linux_.namespaces[NAMESPACE_MOUNT].set = true;
	return scene;
}

/* Add a mount; options are words with one space between them. */
static inline void scene_mount(struct scene *scene, const char *destination, const char *type,
                               const char *source, const char *options)
{
	static char store[SCENE_MOUNTS][128];
	size_t n = scene->spec.mounts.count++;
	struct spec_mount *mount = &scene->mounts[n];
	char *saved = NULL;

	assert_true(n < SCENE_MOUNTS && strlen(options) < sizeof(store[n]));
	memcpy(store[n], options, strlen(options) + 1);
	*mount = (struct spec_mount){.destination = destination, .type = type, .source = source};
	for (char *word = strtok_r(store[n], " ", &saved); word;
	     word = strtok_r(NULL, " ", &saved)) {
		assert_true(mount->options.count < SCENE_WORDS);
		scene->words[n][mount->options.count++] = word;
	}
}

static inline void scene_device(struct scene *scene, const char *path, char type, int major_number,
                                int minor_number)
{
	struct spec_device *device = &scene->devices[scene->spec.linux_.devices.count++];

	*device = (struct spec_device){.path = path,
	                               .type = type,
	                               .major = major_number,
	                               .minor = minor_number};
}

static inline void scene_proc(struct scene *scene)
{
	scene->namespaces |= CLONE_NEWPID;
	scene_mount(scene, "/proc", "proc", "proc", "nosuid nodev noexec");
}

/* The mounts of this process's namespace, without what other processes of the machine change. */
static inline char *scene_mountinfo(void)
{
	char *text = calloc(1, 1 << 18);
	FILE *f = fopen("/proc/self/mountinfo", "re");

	assert_true(text && f);
	assert_true(fread(text, 1, (1 << 18) - 1, f) > 0);
	(void)fclose(f);
	return text;
}

/* ---- the child ---- */

static inline void scene_say(int pipe, const char *step, const struct error *err)
{
	char name[16] = "";

	(void)snprintf(name, sizeof(name), "%s", step);
	CHECK(write(pipe, name, sizeof(name)) == (ssize_t)sizeof(name));
	CHECK(write(pipe, err, sizeof(*err)) == (ssize_t)sizeof(*err));
}

static inline void scene_turn(int pipe, const char *step, int answers)
{
	struct error none = {0};
	char byte;

	scene_say(pipe, step, &none);
	CHECK(read(answers, &byte, 1) == 1);
}

static inline int scene_open_terminal(struct rootfs_plan *plan, const struct scene *scene,
                                      struct error *err)
{
	int slave = -1;
	int master;

	if (!scene->terminal)
		return 0;
	master = rootfs_terminal(plan, &slave, err);
	if (master < 0)
		return -1;
	CHECK(dup2(master, 100) == 100 && dup2(slave, 101) == 101); /* for the check */
	(void)close(master);
	(void)close(slave);
	return 0;
}

__attribute__((noreturn)) static inline void scene_child(const struct scene *scene,
                                                         struct rootfs_plan *plan, int pipe,
                                                         int answers)
{
	static const char *const names[] = {"apply", "sysctl", "terminal", "enter"};
	struct error err = {0};
	int before, result = 0;

	if (scene->namespaces & CLONE_NEWUSER) {
		scene_turn(pipe, "maps", answers);
		CHECK(setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0);
	}
	CHECK(!(scene->namespaces & CLONE_NEWCGROUP) || unshare(CLONE_NEWCGROUP) == 0);
	CHECK(dup2(open("/", O_PATH | O_CLOEXEC), SCENE_OLD_ROOT) == SCENE_OLD_ROOT);
	before = scratch_descriptors();
	for (size_t i = 0; i < ARRAY_SIZE(names) && result == 0; i++) {
		if (i == 0)
			result = rootfs_apply(plan, &err);
		else if (i == 1)
			result = rootfs_sysctl(plan, &err);
		else if (i == 2)
			result = scene_open_terminal(plan, scene, &err);
		else
			result = rootfs_enter(plan, &err);
		if (result < 0)
			scene_say(pipe, names[i], &err);
		else if (i != 1 && i != 2)
			scene_turn(pipe, names[i], answers);
	}
	if (result < 0)
		_exit(0);
	CHECK(scratch_descriptors() == before + (scene->terminal ? 2 : 0));
	if (scene->check)
		scene->check(scene);
	_exit(0);
}

/* ---- the host ---- */

static inline void scene_map(pid_t pid, const char *file, const char *text)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static inline void scene_host_turn(struct scene *scene, pid_t pid, const char *step)
{
	if (strcmp(step, "maps") == 0) {
		scene_map(pid, "uid_map", "0 0 65536");
		scene_map(pid, "gid_map", "0 0 65536");
	}
	if (strcmp(step, "apply") == 0 && scene->applied)
		scene->applied(scene);
	if (strcmp(step, "enter") == 0 && scene->entered)
		scene->entered(scene);
}

/* Follow the child until it ends; a step that failed is left in the scene. */
static inline void scene_follow(struct scene *scene, pid_t pid, int pipe, int answers)
{
	static char step[16];
	struct error err;

	while (read(pipe, step, sizeof(step)) == (ssize_t)sizeof(step) &&
	       read(pipe, &err, sizeof(err)) == (ssize_t)sizeof(err)) {
		if (err.reason[0]) {
			scene->err = err;
			scene->step = step;
			return;
		}
		scene_host_turn(scene, pid, step);
		assert_int_equal(write(answers, "x", 1), 1);
	}
}

static inline struct rootfs_plan *scene_plan(struct scene *scene, struct arena *arena)
{
	static const struct host host = {.privileged = true};
	struct rootfs_request request = {.spec = &scene->spec,
	                                 .host = &host,
	                                 .bundle = scene->scratch->path,
	                                 .cgroup = scene->cgroup,
	                                 .no_pivot = scene->no_pivot};
	struct spec_linux *spec = &scene->spec.linux_;
	struct rootfs_plan *plan = NULL;

	for (size_t i = 0; i < SCENE_MOUNTS; i++)
		scene->mounts[i].options.item = scene->words[i];
	scene->spec.mounts.item = scene->mounts;
	spec->devices.item = scene->devices;
	spec->namespaces[NAMESPACE_USER].set = scene->namespaces & CLONE_NEWUSER;
	spec->namespaces[NAMESPACE_NETWORK].set = scene->namespaces & CLONE_NEWNET;
	spec->namespaces[NAMESPACE_IPC].set = scene->namespaces & CLONE_NEWIPC;
	spec->namespaces[NAMESPACE_UTS].set = scene->namespaces & CLONE_NEWUTS;
	if (scene->namespaces & CLONE_NEWPID)
		spec->namespaces[NAMESPACE_PID].set = true;
	if (rootfs_plan(&request, arena, &plan, &scene->err) < 0)
		print_error("%s: %s\n", scene->err.object, scene->err.reason);
	assert_non_null(plan);
	return plan;
}

/* Plan, apply, enter, check. Afterwards scene->step is NULL or the step that failed. */
static inline void scene_run(struct scene *scene)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct rootfs_plan *plan = scene_plan(scene, arena);
	uint64_t flags = CLONE_NEWNS | (scene->namespaces & ~(uint64_t)CLONE_NEWCGROUP);
	int pipes[2], answers[2];
	char *before, *after;
	struct error err;
	pid_t pid;

	if (scene->planned)
		scene->planned(scene);
	before = scene_mountinfo();
	assert_int_equal(pipe2(pipes, O_CLOEXEC) + pipe2(answers, O_CLOEXEC), 0);
	pid = process_clone(flags, -1, NULL, &err);
	assert_true(pid >= 0);
	if (pid == 0)
		scene_child(scene, plan, pipes[1], answers[0]);
	(void)close(pipes[1]);
	(void)close(answers[0]);
	scene_follow(scene, pid, pipes[0], answers[1]);
	(void)close(pipes[0]);
	(void)close(answers[1]);
	assert_int_equal(process_wait(pid, &err), 0);
	after = scene_mountinfo();
	if (!scene->entered && strcmp(before, after) != 0) { /* entered may mount itself */
		(void)dprintf(2, "mounts of the host, before:\n%s\nafter:\n%s\n", before, after);
		assert_true(strcmp(before, after) == 0);
	}
	free(before);
	free(after);
}

/* Run a scene that must not fail. */
static inline void scene_play(struct scene *scene)
{
	scene_run(scene);
	if (scene->step)
		print_error("%s: %s: %s\n", scene->step, scene->err.object, scene->err.reason);
	assert_null(scene->step);
}

/* Run a scene that must fail at this object, and say this. */
static inline void scene_refused(struct scene *scene, const char *object, const char *reason)
{
	scene_run(scene);
	assert_non_null(scene->step);
	assert_string_equal(scene->err.object, object);
	if (!strstr(scene->err.reason, reason))
		assert_string_equal(scene->err.reason, reason);
}

/* A turn of the host in which it does nothing, where it is the child that mounts on the host. */
static inline void scene_nothing(struct scene *scene)
{
	(void)scene;
}

/* ---- for checks ---- */

/* The line of /proc/self/mountinfo whose mount point this is, the last one; CHECKs that there is
 * one. */
static inline const char *scene_line(const char *point)
{
	static char line[4096], found[4096];
	char at[256];
	FILE *f = fopen("/proc/self/mountinfo", "re");

	CHECK(f != NULL);
	found[0] = '\0';
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*s %*s %*s %255s", at) == 1 && strcmp(at, point) == 0)
			memcpy(found, line, sizeof(found));
	(void)fclose(f);
	CHECK(found[0] != '\0');
	return found;
}

static inline bool scene_mounted(const char *point, const char *words)
{
	return strstr(scene_line(point), words) != NULL;
}

static inline bool scene_is_device(const char *path, int major_number, int minor_number)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev((unsigned int)major_number, (unsigned int)minor_number);
}

static inline bool scene_holds(const char *path, const char *text)
{
	char buffer[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer) - 1);

	if (fd >= 0)
		(void)close(fd);
	if (n < 0)
		return false;
	buffer[n] = '\0';
	return strcmp(buffer, text) == 0;
}

/* Whether a file can be made in a directory; if not, errno says why. */
static inline bool scene_makes(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return false;
	(void)close(fd);
	return true;
}

/* Whether a file system of this kind is at a path. */
static inline bool scene_is_on(const char *path, uint32_t magic)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (uint32_t)fs.f_type == magic;
}

static inline bool scene_is_mode(const char *path, mode_t mode)
{
	struct stat st;

	return lstat(path, &st) == 0 && (st.st_mode & 07777) == mode;
}

#endif
