/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/xattr.h>
#include <time.h>

#include "tests/unit/cmocka.h"

#include "client.h"

static struct client c;

static uint64_t start(void **state)
{
	client_open(&c, *state, &fuse_shared);
	return client_share(&c);
}

static struct stat look(const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(c.scratch->dir, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static void attributes_are_those_of_the_host(void **state)
{
	uint64_t share = start(state);
	struct fuse_attr attr;
	struct stat st;

	scratch_file(c.scratch, "0/a", "12345");
	attr = client_attributes(&c, client_find(&c, share, "a"));
	st = look("0/a");
	assert_int_equal(attr.ino, st.st_ino);
	assert_int_equal(attr.size, 5);
	assert_int_equal(attr.mode, st.st_mode);
	assert_int_equal(attr.nlink, 1);
	assert_int_equal(attr.uid, st.st_uid);
	assert_int_equal(attr.mtime, st.st_mtim.tv_sec);
	assert_int_equal(attr.mtimensec, st.st_mtim.tv_nsec);
	assert_int_equal(attr.blocks, st.st_blocks);
	assert_int_equal(attr.blksize, st.st_blksize);
	client_close(&c);
}

static void attributes_are_set(void **state)
{
	uint64_t share = start(state), node;
	struct fuse_setattr_in in = {.valid = FATTR_MODE | FATTR_SIZE | FATTR_ATIME | FATTR_MTIME,
	                             .mode = S_IFREG | 0604,
	                             .size = 3,
	                             .atime = 1000,
	                             .mtime = 2000,
	                             .mtimensec = 5};
	const struct fuse_attr_out *out;
	struct stat st;

	scratch_file(c.scratch, "0/a", "12345");
	node = client_find(&c, share, "a");
	out = ASK(&c, FUSE_SETATTR, node, PART(in));
	assert_non_null(out);
	assert_int_equal(out->attr.size, 3);
	st = look("0/a");
	assert_int_equal(st.st_mode, S_IFREG | 0604);
	assert_int_equal(st.st_size, 3);
	assert_int_equal(st.st_atim.tv_sec, 1000);
	assert_int_equal(st.st_mtim.tv_sec, 2000);
	assert_int_equal(st.st_mtim.tv_nsec, 5);
	in = (struct fuse_setattr_in){.valid = FATTR_MTIME | FATTR_MTIME_NOW};
	assert_non_null(ASK(&c, FUSE_SETATTR, node, PART(in)));
	st = look("0/a");
	assert_int_equal(st.st_atim.tv_sec, 1000);
	assert_true(st.st_mtim.tv_sec >= time(NULL) - 100);
	/* a number that means "now" to the host is nonsense of the guest's */
	in = (struct fuse_setattr_in){.valid = FATTR_MTIME, .mtimensec = UTIME_NOW};
	assert_null(ASK(&c, FUSE_SETATTR, node, PART(in)));
	assert_int_equal(c.error, EINVAL);
	in = (struct fuse_setattr_in){.valid = FATTR_SIZE, .size = UINT64_MAX};
	assert_null(ASK(&c, FUSE_SETATTR, node, PART(in)));
	assert_int_equal(c.error, EINVAL);
	in.size = 1;
	assert_null(ASK(&c, FUSE_SETATTR, share, PART(in)));
	assert_int_equal(c.error, EINVAL);
	client_close(&c);
}

static void a_link_has_times_and_an_owner_of_its_own(void **state)
{
	uint64_t share = start(state), node;
	struct fuse_setattr_in in = {.valid = FATTR_MTIME, .mtime = 1234};

	scratch_file(c.scratch, "target", "");
	assert_int_equal(symlinkat("../target", c.scratch->dir, "0/link"), 0);
	node = client_find(&c, share, "link");
	assert_non_null(ASK(&c, FUSE_SETATTR, node, PART(in)));
	assert_int_equal(look("0/link").st_mtim.tv_sec, 1234);
	assert_int_not_equal(look("target").st_mtim.tv_sec, 1234);
	in = (struct fuse_setattr_in){.valid = FATTR_MODE, .mode = 0777};
	(void)ASK(&c, FUSE_SETATTR, node, PART(in));
	assert_int_equal(look("target").st_mode, S_IFREG | 0644);
	if (geteuid() == 0) {
		in = (struct fuse_setattr_in){.valid = FATTR_UID, .uid = 1234};
		assert_non_null(ASK(&c, FUSE_SETATTR, node, PART(in)));
		assert_int_equal(look("0/link").st_uid, 1234);
		assert_int_equal(look("target").st_uid, 0);
	}
	client_close(&c);
}

static void what_is_made_belongs_to_who_makes_it(void **state)
{
	uint64_t share = start(state), fh, node;
	struct fuse_mkdir_in folder = {.mode = 0775};
	struct fuse_setattr_in sgid = {.valid = FATTR_MODE, .mode = 02775};
	struct fuse_setattr_in in = {.valid = FATTR_UID | FATTR_GID, .uid = 77, .gid = 88};

	if (geteuid() != 0) {
		client_close(&c);
		skip();
	}
	c.uid = 1000;
	c.gid = 2000;
	/* the directory is root's: the guest has checked, by groups that we don't know */
	assert_true(client_create(&c, share, "a", O_RDWR, 04755, &fh));
	assert_int_equal(look("0/a").st_uid, 1000);
	assert_int_equal(look("0/a").st_gid, 2000);
	assert_non_null(ASK(&c, FUSE_SYMLINK, share, NAME("link"), NAME("x")));
	assert_int_equal(look("0/link").st_uid, 1000);
	assert_non_null(ASK(&c, FUSE_MKDIR, share, PART(folder), NAME("folder")));
	node = client_find(&c, share, "folder");
	assert_int_equal(look("0/folder").st_gid, 2000);
	assert_non_null(ASK(&c, FUSE_SETATTR, node, PART(sgid)));
	assert_int_equal(look("0/folder").st_mode, S_IFDIR | 02775);
	/* in a set-group-ID directory the group is the directory's */
	c.gid = 3000;
	assert_true(client_create(&c, node, "b", O_RDWR, 0644, &fh));
	assert_int_equal(look("0/folder/b").st_gid, 2000);
	/* who comes next is root again */
	c.uid = c.gid = 0;
	assert_true(client_create(&c, share, "c", O_RDWR, 0644, &fh));
	assert_int_equal(look("0/c").st_uid, 0);
	assert_int_equal(look("0/c").st_gid, 0);
	/* a new owner takes the set-user-ID bit */
	node = client_find(&c, share, "a");
	assert_non_null(ASK(&c, FUSE_SETATTR, node, PART(in)));
	assert_int_equal(look("0/a").st_uid, 77);
	assert_int_equal(look("0/a").st_mode, S_IFREG | 0755);
	/* nobody is 2^32 - 1 */
	c.uid = UINT32_MAX;
	assert_int_equal(client_create(&c, share, "d", O_RDWR, 0644, &fh), 0);
	assert_int_equal(c.error, EPERM);
	client_close(&c);
}

static void access_is_that_of_who_asks(void **state)
{
	uint64_t share = start(state), node;
	struct fuse_access_in in = {.mask = R_OK};

	scratch_file(c.scratch, "0/a", "");
	assert_int_equal(fchmodat(c.scratch->dir, "0/a", 0600, 0), 0);
	node = client_find(&c, share, "a");
	assert_non_null(ASK(&c, FUSE_ACCESS, node, PART(in)));
	in.mask = X_OK;
	assert_null(ASK(&c, FUSE_ACCESS, node, PART(in)));
	assert_int_equal(c.error, EACCES);
	in.mask = 8;
	assert_null(ASK(&c, FUSE_ACCESS, node, PART(in)));
	assert_int_equal(c.error, EINVAL);
	if (geteuid() == 0) {
		c.uid = c.gid = 1000;
		in.mask = R_OK;
		assert_null(ASK(&c, FUSE_ACCESS, node, PART(in)));
		assert_int_equal(c.error, EACCES);
	}
	client_close(&c);
}

static void the_file_system_is_described(void **state)
{
	uint64_t share = start(state);
	const struct fuse_statfs_out *out = ASK(&c, FUSE_STATFS, share);

	assert_non_null(out);
	assert_true(out->st.blocks > 0 && out->st.bsize > 0 && out->st.namelen >= 255);
	client_close(&c);
}

static void extended_attributes_are_kept(void **state)
{
	uint64_t share = start(state), node;
	struct fuse_setxattr_in set = {.size = 5};
	struct fuse_getxattr_in get = {.size = 100};
	const void *body;

	scratch_file(c.scratch, "0/a", "");
	node = client_find(&c, share, "a");
	if (!ASK(&c, FUSE_SETXATTR, node, PART(set), NAME("user.x"), {"12345", 5})) {
		assert_int_equal(c.error, EOPNOTSUPP);
		client_close(&c);
		skip();
	}
	body = ASK(&c, FUSE_GETXATTR, node, PART(get), NAME("user.x"));
	assert_non_null(body);
	assert_int_equal(c.length, 5);
	assert_memory_equal(body, "12345", 5);
	get.size = 0;
	body = ASK(&c, FUSE_GETXATTR, node, PART(get), NAME("user.x"));
	assert_int_equal(((const struct fuse_getxattr_out *)body)->size, 5);
	get.size = 4;
	assert_null(ASK(&c, FUSE_GETXATTR, node, PART(get), NAME("user.x")));
	assert_int_equal(c.error, ERANGE);
	/* less room than was said */
	get.size = 100;
	c.room = 19;
	assert_null(ASK(&c, FUSE_GETXATTR, node, PART(get), NAME("user.x")));
	assert_int_equal(c.error, ERANGE);
	c.room = 16;
	assert_null(ASK(&c, FUSE_GETXATTR, node, PART(get), NAME("user.x")));
	assert_int_equal(c.error, EINVAL);
	c.room = CLIENT_ROOM;
	body = ASK(&c, FUSE_LISTXATTR, node, PART(get));
	assert_non_null(body);
	assert_int_equal(c.length, 7);
	assert_string_equal(body, "user.x");
	/* more than came */
	set.size = 6;
	assert_null(ASK(&c, FUSE_SETXATTR, node, PART(set), NAME("user.x"), {"12345", 5}));
	assert_int_equal(c.error, EINVAL);
	set.size = UINT32_MAX;
	assert_null(ASK(&c, FUSE_SETXATTR, node, PART(set), NAME("user.x"), {"12345", 5}));
	assert_int_equal(c.error, EINVAL);
	assert_non_null(ASK(&c, FUSE_REMOVEXATTR, node, NAME("user.x")));
	assert_null(ASK(&c, FUSE_REMOVEXATTR, node, NAME("user.x")));
	assert_int_equal(c.error, ENODATA);
	assert_null(ASK(&c, FUSE_GETXATTR, node, PART(get), NAME("")));
	assert_int_equal(c.error, EINVAL);
	client_close(&c);
}

static void writing_takes_a_files_capabilities(void **state)
{
	/* version 2, cap_net_raw */
	static const uint8_t value[20] = {1, 0, 0, 2, 0, 32};
	struct fuse_setxattr_in set = {.size = sizeof(value)};
	uint64_t share = start(state), node, fh;

	scratch_file(c.scratch, "0/a", "12345");
	node = client_find(&c, share, "a");
	if (!ASK(&c, FUSE_SETXATTR, node, PART(set), NAME("security.capability"), PART(value))) {
		client_close(&c);
		skip();
	}
	fh = client_opened(&c, FUSE_OPEN, node, O_WRONLY);
	assert_int_equal(client_write(&c, fh, 0, "x"), 1);
	assert_null(ASK(&c, FUSE_REMOVEXATTR, node, NAME("security.capability")));
	assert_int_equal(c.error, ENODATA);
	client_close(&c);
}

static void an_attribute_of_a_link_is_not_its_targets(void **state)
{
	uint64_t share = start(state), node;
	struct fuse_setxattr_in set = {.size = 1};
	char path[128], value[8];

	scratch_file(c.scratch, "target", "");
	assert_int_equal(symlinkat("../target", c.scratch->dir, "0/link"), 0);
	node = client_find(&c, share, "link");
	(void)ASK(&c, FUSE_SETXATTR, node, PART(set), NAME("user.x"), {"1", 1});
	(void)snprintf(path, sizeof(path), "%s/target", c.scratch->path);
	assert_int_equal(getxattr(path, "user.x", value, sizeof(value)), -1);
	client_close(&c);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(attributes_are_those_of_the_host),
		TEST(attributes_are_set),
		TEST(a_link_has_times_and_an_owner_of_its_own),
		TEST(what_is_made_belongs_to_who_makes_it),
		TEST(access_is_that_of_who_asks),
		TEST(the_file_system_is_described),
		TEST(extended_attributes_are_kept),
		TEST(writing_takes_a_files_capabilities),
		TEST(an_attribute_of_a_link_is_not_its_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
