/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/process.h"

#include "scene.h"

enum { SKIPPED = 77, NOBODY = 65534 };

void scene_skip(const char *why)
{
	(void)dprintf(2, "# skipped: %s\n", why);
	_exit(SKIPPED);
}

int scene_namespace(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static void become_nobody(void)
{
	if (geteuid() == 0)
		CHECK(syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) == 0 &&
		      syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) == 0);
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
}

static void play(enum scene_user user, void (*body)(struct scene *scene))
{
	struct scene scene = {.side = 'p', .tun = open("/dev/net/tun", O_PATH | O_CLOEXEC)};

	if (user == SCENE_AS_NOBODY)
		become_nobody();
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		scene_skip("no network namespace can be made here");
	scene.peer = scene_namespace();
	CHECK(unshare(CLONE_NEWNET) == 0);
	scene.guest = scene_namespace();
	CHECK(unshare(CLONE_NEWNET) == 0);
	scene.container = scene_namespace();
	scene.arena = arena_new(1 << 20);
	CHECK(scene.arena);
	scene_up("lo");
	body(&scene);
	arena_free(scene.arena);
	_exit(0);
}

void scene_play(enum scene_user user, void (*body)(struct scene *scene))
{
	struct error err = {0};
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		play(user, body);
	status = process_wait(pid, &err);
	if (status == SKIPPED)
		skip();
	assert_int_equal(status, 0);
}

void scene_enter(int ns)
{
	CHECK(setns(ns, CLONE_NEWNET) == 0);
}

void scene_enter_guest(struct scene *scene)
{
	scene_enter(scene->guest);
	scene->side = 'g';
}

void scene_usual(struct scene *scene)
{
	/* name, to, via, source; length, scope, type, flags, metric, mtu */
	static const struct scene_route routes[] = {
		{"eth0", "169.254.1.1", NULL,          NULL,       32, RT_SCOPE_LINK, 0,               0,             0,  0   },
		{"eth0", "0.0.0.0",     "169.254.1.1", NULL,       0,  0,             0,               0,             0,  1300},
		{"eth0", "10.5.0.0",    "10.1.2.1",    "10.1.2.4", 16, 0,             0,               0,             7,  0   },
		{"eth0", "10.6.0.0",    "192.0.2.1",   NULL,       16, 0,             0,               RTNH_F_ONLINK, 0,  0   },
		{NULL,   "10.7.0.0",    NULL,          NULL,       16, 0,             RTN_BLACKHOLE,   0,             0,  0   },
		{"eth0", "::",          "fd00::1",     NULL,       0,  0,             0,               0,             90, 0   },
		{"eth0", "fd07::",      NULL,          NULL,       48, 0,             0,               0,             33, 0   },
		{NULL,   "fd08::",      NULL,          NULL,       48, 0,             RTN_UNREACHABLE, 0,             0,  0   },
	};

	scene_veth(scene, "eth0", 1);
	scene_mtu("eth0", 1400);
	scene_address("eth0", "10.1.2.3", 24);
	scene_address("eth0", "10.1.2.4", 24);
	scene_address("eth0", "192.168.7.1", 32);
	scene_address("eth0", "fd00::3", 64);
	scene_address("eth0", "fd00::4", 64);
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		scene_route(&routes[i]);
	scene_neighbour("eth0", "169.254.1.1", 9);
	scene_neighbour("eth0", "fd00::1", 9);
	scene_enter(scene->peer);
	scene_address("p-eth0", "10.1.2.1", 24);
	scene_address("p-eth0", "fd00::1", 64);
	scene_enter(scene->container);
}

int scene_tap(struct scene *scene)
{
	int fd = netns_tap(scene->tun, "cella-tap0", 1400, &scene->err);

	if (fd < 0 && (scene->err.errnum == EACCES || scene->err.errnum == EBADF ||
	               scene->err.errnum == ENODEV))
		scene_skip("/dev/net/tun is not for us");
	CHECK(fd >= 0);
	return fd;
}

void scene_note_tap(struct netns_links *links, uint32_t which)
{
	static const char tap[] = "cella-tap0";

	memcpy(links->interfaces[which].tap, tap, sizeof(tap));
	links->interfaces[which].tap_index = if_nametoindex(tap);
}

int scene_redirected(struct scene *scene, struct netns_links *links)
{
	int fd = scene_tap(scene);

	scene_note_tap(links, 0);
	if (netns_redirect(links, 0, "cella-tap0", &scene->err) < 0) {
		(void)dprintf(2, "# %s: %s\n", scene->err.object, scene->err.reason);
		if (scene->err.errnum == ENOENT)
			scene_skip("the kernel has no classifier or action for it");
		CHECK(!"redirected");
	}
	return fd;
}

struct netns_links *scene_look(struct scene *scene)
{
	struct netns_links *links = netns_look(scene->arena, &scene->err);

	if (!links)
		(void)dprintf(2, "# %s: %s\n", scene->err.object, scene->err.reason);
	CHECK(links);
	return links;
}
