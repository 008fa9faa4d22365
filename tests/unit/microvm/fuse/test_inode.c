/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "tests/unit/cmocka.h"

#include "client.h"

static struct client c;

static uint64_t start(void **state, uint32_t nodes_max)
{
	struct fuse_options options = fuse_shared;

	options.nodes_max = nodes_max;
	client_open(&c, *state, &options);
	return client_share(&c);
}

static unsigned int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	while (readdir(dir))
		count++;
	(void)closedir(dir);
	return count;
}

/* Whether a nodeid is of a node. */
static bool is_known(uint64_t node)
{
	struct fuse_getattr_in in = {0};
	bool known = ASK(&c, FUSE_GETATTR, node, PART(in));

	assert_true(known || c.error == ESTALE);
	return known;
}

static void a_file_has_one_number_under_all_its_names(void **state)
{
	uint64_t share = start(state, 100);

	scratch_file(c.scratch, "0/a", "");
	scratch_file(c.scratch, "0/c", "");
	assert_int_equal(linkat(c.scratch->dir, "0/a", c.scratch->dir, "0/b", 0), 0);
	assert_int_equal(client_find(&c, share, "a"), client_find(&c, share, "b"));
	assert_int_not_equal(client_find(&c, share, "a"), client_find(&c, share, "c"));
	client_close(&c);
}

static void a_node_lives_as_long_as_it_is_looked_up(void **state)
{
	unsigned int before;
	uint64_t share = start(state, 100), node, again;

	before = open_descriptors();
	scratch_file(c.scratch, "0/a", "");
	node = client_find(&c, share, "a");
	assert_int_equal(client_find(&c, share, "a"), node);
	assert_int_equal(open_descriptors(), before + 1);
	client_forget(&c, node, 1);
	assert_true(is_known(node));
	client_forget(&c, node, 1);
	assert_false(is_known(node));
	assert_int_equal(open_descriptors(), before);
	/* its number is never another's */
	again = client_find(&c, share, "a");
	assert_true(again && again != node);
	assert_false(is_known(node));
	client_close(&c);
}

static void forgetting_too_much_is_forgetting_all(void **state)
{
	uint64_t share = start(state, 100), node, other;

	scratch_file(c.scratch, "0/a", "");
	scratch_file(c.scratch, "0/b", "");
	node = client_find(&c, share, "a");
	client_forget(&c, node, UINT64_MAX);
	assert_false(is_known(node));
	client_forget(&c, node, 1);
	other = client_find(&c, share, "b");
	client_forget(&c, node, UINT64_MAX);
	assert_true(is_known(other));
	client_forget(&c, other, 0);
	assert_true(is_known(other));
	client_close(&c);
}

static void numbers_that_never_were_are_refused(void **state)
{
	static const uint64_t numbers[] = {0,
	                                   2,
	                                   99,
	                                   100,
	                                   101,
	                                   UINT32_MAX,
	                                   UINT64_MAX,
	                                   UINT64_C(1) << 32,
	                                   (UINT64_C(1) << 32) + 1,
	                                   UINT64_C(1) << 63};
	struct fuse_open_in in = {.flags = O_RDWR};
	uint64_t share = start(state, 100);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (numbers[i] == share)
			continue;
		assert_false(is_known(numbers[i]));
		assert_null(ASK(&c, FUSE_OPEN, numbers[i], PART(in)));
		assert_int_equal(c.error, ESTALE);
		client_forget(&c, numbers[i], 1);
		assert_null(client_read(&c, numbers[i], 0, 1));
		assert_int_equal(c.error, EBADF);
	}
	client_close(&c);
}

static void many_are_forgotten_at_once(void **state)
{
	struct fuse_batch_forget_in in = {.count = UINT32_MAX};
	struct fuse_forget_one one[3] = {
		{.nlookup = 1},
		{7777,         1},
		{.nlookup = 5           }
        };
	uint64_t share = start(state, 100);

	scratch_file(c.scratch, "0/a", "");
	scratch_file(c.scratch, "0/b", "");
	one[0].nodeid = client_find(&c, share, "a");
	one[2].nodeid = client_find(&c, share, "b");
	/* it says that there are more than came */
	assert_null(ASK(&c, FUSE_BATCH_FORGET, 0, PART(in), PART(one)));
	assert_int_equal(c.returned, 0);
	assert_false(is_known(one[0].nodeid));
	assert_false(is_known(one[2].nodeid));
	client_close(&c);
}

static void a_hundred_thousand_lookups_are_bounded(void **state)
{
	enum { BOUND = 500 };
	unsigned int before, refused = 0;
	uint64_t share = start(state, BOUND), node[BOUND], known = 0;
	char name[16];

	before = open_descriptors();
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "0/%d", i);
		scratch_file(c.scratch, name, "");
	}
	for (int i = 0; i < 100000; i++) {
		uint64_t found;

		(void)snprintf(name, sizeof(name), "%d", i % 1000);
		found = client_find(&c, share, name);
		if (found && i < 1000 && known < BOUND)
			node[known++] = found;
		if (!found) {
			assert_int_equal(c.error, ENFILE);
			refused++;
		}
	}
	/* one is the share's */
	assert_int_equal(known, BOUND - 1);
	assert_int_equal(open_descriptors(), before + BOUND - 1);
	assert_int_equal(refused, 100 * (1000 - (BOUND - 1)));
	client_forget(&c, node[3], 99);
	assert_true(is_known(node[3]));
	client_forget(&c, node[3], 1);
	assert_true(client_find(&c, share, "999"));
	client_close(&c);
}

static void a_file_that_is_removed_stays_for_who_has_it(void **state)
{
	uint64_t share = start(state, 100), node, fh;

	scratch_file(c.scratch, "0/a", "12345");
	node = client_find(&c, share, "a");
	assert_non_null(ASK(&c, FUSE_UNLINK, share, NAME("a")));
	assert_int_equal(client_attributes(&c, node).nlink, 0);
	fh = client_opened(&c, FUSE_OPEN, node, O_RDONLY);
	assert_string_equal(client_read(&c, fh, 0, 10), "12345");
	/* a new file of the same name, and perhaps of the same number on the host, is another one */
	scratch_file(c.scratch, "0/a", "new");
	assert_int_not_equal(client_find(&c, share, "a"), node);
	client_close(&c);
}

static void all_is_forgotten_at_the_end_of_a_mount(void **state)
{
	unsigned int before;
	uint64_t share = start(state, 100), node;

	client_forget(&c, share, 1);
	before = open_descriptors();
	share = client_share(&c);
	scratch_file(c.scratch, "0/a", "12345");
	node = client_find(&c, share, "a");
	assert_true(client_opened(&c, FUSE_OPEN, node, O_RDONLY));
	assert_non_null(ASK(&c, FUSE_DESTROY, 0));
	assert_int_equal(open_descriptors(), before);
	assert_int_equal(client_find(&c, FUSE_ROOT_ID, "0"), 0);
	assert_int_equal(c.error, EIO);
	client_init(&c);
	assert_false(is_known(node));
	assert_int_not_equal(client_share(&c), share);
	fuse_reset(c.server);
	assert_int_equal(open_descriptors(), before);
	client_close(&c);
}

/* One of several guests' processors: looks names up and forgets them, as fast as it can. */
static void *hammer(void *data)
{
	struct client *own = data;
	struct error err;
	char name[16];

	own->thread = fuse_thread_new(own->server, -1, &err);
	for (int i = 0; i < 20000; i++) {
		struct fuse_forget_in in = {.nlookup = 1};
		struct fuse_open_in open = {.flags = O_RDONLY};
		struct fuse_release_in release = {0};
		uint64_t node;

		(void)snprintf(name, sizeof(name), "%d", i % 20);
		node = client_find(own, own->unique >> 32, name);
		if (node && ASK(own, FUSE_OPEN, node, PART(open))) {
			memcpy(&release.fh, own->reply + 16, sizeof(release.fh));
			(void)ASK(own, FUSE_RELEASE, node, PART(release));
		}
		(void)ASK(own, FUSE_FORGET, node, PART(in));
	}
	fuse_thread_free(own->thread);
	return NULL;
}

static void threads_work_at_once(void **state)
{
	static struct client own[3];
	pthread_t thread[3];
	uint64_t share = start(state, 100);
	unsigned int before;
	char name[16];

	for (int i = 0; i < 10; i++) {
		(void)snprintf(name, sizeof(name), "0/%d", i);
		scratch_file(c.scratch, name, "");
	}
	before = open_descriptors();
	for (int i = 0; i < 3; i++) {
		own[i] = c;
		/* the share's nodeid stays in the upper half */
		own[i].unique = share << 32;
		assert_int_equal(pthread_create(&thread[i], NULL, hammer, &own[i]), 0);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(open_descriptors(), before);
	client_close(&c);
}

/* In a mount namespace of its own: a share that is a mount, and one that can't be written to. */
static void look_at_mounts(struct scratch *scratch)
{
	char from[128], to[128];
	const struct fuse_entry_out *entry;
	struct fuse_mkdir_in folder = {.mode = 0755};
	uint64_t share, file;

	scratch_folder(scratch, "1");
	scratch_folder(scratch, "from");
	scratch_file(scratch, "from/a", "a");
	scratch_file(scratch, "2", "");
	(void)snprintf(from, sizeof(from), "%s/from", scratch->path);
	(void)snprintf(to, sizeof(to), "%s/1", scratch->path);
	assert_int_equal(mount(from, to, NULL, MS_BIND, NULL), 0);
	assert_int_equal(mount(NULL, to, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
	(void)snprintf(from, sizeof(from), "%s/from/a", scratch->path);
	(void)snprintf(to, sizeof(to), "%s/2", scratch->path);
	assert_int_equal(mount(from, to, NULL, MS_BIND, NULL), 0);
	/* the directory as this namespace has it */
	(void)close(scratch->dir);
	scratch->dir = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	client_open(&c, scratch, &fuse_shared);
	entry = ASK(&c, FUSE_LOOKUP, FUSE_ROOT_ID, NAME("0"));
	assert_int_equal(entry->attr.flags, 0);
	entry = ASK(&c, FUSE_LOOKUP, FUSE_ROOT_ID, NAME("1"));
	assert_int_equal(entry->attr.flags, FUSE_ATTR_SUBMOUNT);
	share = entry->nodeid;
	/* the same file by two mounts is two nodes: one can be written to */
	file = client_find(&c, share, "a");
	assert_int_not_equal(file, client_find(&c, FUSE_ROOT_ID, "2"));
	assert_true(client_opened(&c, FUSE_OPEN, file, O_RDONLY));
	assert_int_equal(client_opened(&c, FUSE_OPEN, file, O_RDWR), 0);
	assert_int_equal(c.error, EROFS);
	assert_null(ASK(&c, FUSE_UNLINK, share, NAME("a")));
	assert_int_equal(c.error, EROFS);
	assert_null(ASK(&c, FUSE_MKDIR, share, PART(folder), NAME("x")));
	assert_int_equal(c.error, EROFS);
	file = client_find(&c, FUSE_ROOT_ID, "2");
	assert_true(client_opened(&c, FUSE_OPEN, file, O_RDWR));
	client_close(&c);
}

static void a_share_may_be_a_mount_and_read_only(void **state)
{
	int status;
	pid_t child;

	if (geteuid() != 0)
		skip();
	child = fork();
	if (child == 0) {
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			_exit(77);
		look_at_mounts(*state);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_has_one_number_under_all_its_names),
		TEST(a_node_lives_as_long_as_it_is_looked_up),
		TEST(forgetting_too_much_is_forgetting_all),
		TEST(numbers_that_never_were_are_refused),
		TEST(many_are_forgotten_at_once),
		TEST(a_hundred_thousand_lookups_are_bounded),
		TEST(a_file_that_is_removed_stays_for_who_has_it),
		TEST(all_is_forgotten_at_the_end_of_a_mount),
		TEST(threads_work_at_once),
		TEST(a_share_may_be_a_mount_and_read_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
