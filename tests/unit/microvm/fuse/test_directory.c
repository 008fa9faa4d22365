/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "tests/unit/cmocka.h"

#include "client.h"

static struct client c;

static void start(void **state)
{
	client_open(&c, *state, &fuse_shared);
}

static struct stat look(const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(c.scratch->dir, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static void what_is_made_is_on_the_host(void **state)
{
	struct fuse_mkdir_in folder = {.mode = 0751};
	struct fuse_mknod_in plain = {.mode = S_IFREG | 0640}, fifo = {.mode = S_IFIFO | 0600};
	const struct fuse_entry_out *entry;
	uint64_t share;
	char text[16] = "";

	start(state);
	share = client_share(&c);
	entry = ASK(&c, FUSE_MKDIR, share, PART(folder), NAME("folder"));
	assert_non_null(entry);
	assert_int_equal(entry->attr.mode, S_IFDIR | 0751);
	assert_int_equal(look("0/folder").st_mode, S_IFDIR | 0751);
	assert_int_equal(entry->attr.ino, look("0/folder").st_ino);
	assert_non_null(ASK(&c, FUSE_MKNOD, entry->nodeid, PART(plain), NAME("plain")));
	assert_int_equal(look("0/folder/plain").st_mode, S_IFREG | 0640);
	assert_non_null(ASK(&c, FUSE_MKNOD, share, PART(fifo), NAME("fifo")));
	assert_true(S_ISFIFO(look("0/fifo").st_mode));
	entry = ASK(&c, FUSE_SYMLINK, share, NAME("link"), NAME("/etc/passwd"));
	assert_non_null(entry);
	assert_int_equal(readlinkat(c.scratch->dir, "0/link", text, sizeof(text)), 11);
	assert_string_equal(text, "/etc/passwd");
	assert_non_null(ASK(&c, FUSE_READLINK, entry->nodeid));
	assert_int_equal(c.length, 11);
	assert_memory_equal(c.reply + 16, "/etc/passwd", 11);
	assert_null(ASK(&c, FUSE_MKDIR, share, PART(folder), NAME("folder")));
	assert_int_equal(c.error, EEXIST);
	client_close(&c);
}

static void what_is_removed_and_renamed_is_so_on_the_host(void **state)
{
	struct fuse_rename_in in;
	struct fuse_rename2_in two = {.flags = RENAME_NOREPLACE};
	uint64_t share;

	start(state);
	share = client_share(&c);
	in.newdir = two.newdir = share;
	scratch_file(c.scratch, "0/a", "a");
	scratch_file(c.scratch, "0/b", "b");
	scratch_folder(c.scratch, "0/folder");
	assert_null(ASK(&c, FUSE_RENAME2, share, PART(two), NAME("a"), NAME("b")));
	assert_int_equal(c.error, EEXIST);
	two.flags = RENAME_EXCHANGE;
	assert_non_null(ASK(&c, FUSE_RENAME2, share, PART(two), NAME("a"), NAME("b")));
	assert_int_equal(look("0/a").st_size, 1);
	two.flags = 1 << 7;
	assert_null(ASK(&c, FUSE_RENAME2, share, PART(two), NAME("a"), NAME("b")));
	assert_int_equal(c.error, EINVAL);
	assert_non_null(ASK(&c, FUSE_RENAME, share, PART(in), NAME("a"), NAME("c")));
	assert_int_equal(client_find(&c, share, "a"), 0);
	assert_int_equal(c.error, ENOENT);
	assert_non_null(ASK(&c, FUSE_UNLINK, share, NAME("c")));
	assert_null(ASK(&c, FUSE_UNLINK, share, NAME("folder")));
	assert_int_equal(c.error, EISDIR);
	assert_null(ASK(&c, FUSE_RMDIR, share, NAME("b")));
	assert_int_equal(c.error, ENOTDIR);
	assert_non_null(ASK(&c, FUSE_RMDIR, share, NAME("folder")));
	assert_int_equal(faccessat(c.scratch->dir, "0/folder", F_OK, 0), -1);
	client_close(&c);
}

static void a_link_is_a_second_name(void **state)
{
	struct fuse_link_in in;
	const struct fuse_entry_out *entry;
	uint64_t share;

	start(state);
	share = client_share(&c);
	scratch_file(c.scratch, "0/a", "a");
	assert_int_equal(symlinkat("/etc/passwd", c.scratch->dir, "0/link"), 0);
	in.oldnodeid = client_find(&c, share, "a");
	entry = ASK(&c, FUSE_LINK, share, PART(in), NAME("b"));
	assert_non_null(entry);
	assert_int_equal(entry->nodeid, in.oldnodeid);
	assert_int_equal(entry->attr.nlink, 2);
	/* of a symbolic link the link is linked, not what it leads to */
	in.oldnodeid = client_find(&c, share, "link");
	entry = ASK(&c, FUSE_LINK, share, PART(in), NAME("link2"));
	assert_non_null(entry);
	assert_true(S_ISLNK(look("0/link2").st_mode));
	in.oldnodeid = 77;
	assert_null(ASK(&c, FUSE_LINK, share, PART(in), NAME("c")));
	assert_int_equal(c.error, ESTALE);
	client_close(&c);
}

static void names_are_one_component(void **state)
{
	static const char *const bad[] = {"", ".", "..", "/", "a/b", "../0", "/etc", "x/"};
	struct fuse_mkdir_in folder = {.mode = 0755};
	struct fuse_create_in create = {.flags = O_RDWR, .mode = 0644};
	struct fuse_rename_in in;
	uint64_t share;
	char text[300];

	start(state);
	share = client_share(&c);
	in.newdir = share;
	scratch_file(c.scratch, "0/a", "a");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(ASK(&c, FUSE_LOOKUP, share, NAME(bad[i])));
		assert_int_equal(c.error, EINVAL);
		assert_null(ASK(&c, FUSE_MKDIR, share, PART(folder), NAME(bad[i])));
		assert_int_equal(c.error, EINVAL);
		assert_null(ASK(&c, FUSE_CREATE, share, PART(create), NAME(bad[i])));
		assert_int_equal(c.error, EINVAL);
		assert_null(ASK(&c, FUSE_RENAME, share, PART(in), NAME("a"), NAME(bad[i])));
		assert_int_equal(c.error, EINVAL);
		assert_null(ASK(&c, FUSE_UNLINK, share, NAME(bad[i])));
		assert_int_equal(c.error, EINVAL);
		assert_null(ASK(&c, FUSE_SYMLINK, share, NAME(bad[i]), NAME("x")));
		assert_int_equal(c.error, EINVAL);
	}
	/* without its end */
	assert_null(ASK(&c, FUSE_LOOKUP, share, {"abc", 3}));
	assert_int_equal(c.error, EINVAL);
	memset(text, 'x', sizeof(text));
	text[256] = '\0';
	assert_int_equal(client_find(&c, share, text), 0);
	assert_int_equal(c.error, ENAMETOOLONG);
	text[255] = '\0';
	assert_int_equal(client_find(&c, share, text), 0);
	assert_int_equal(c.error, ENOENT);
	client_close(&c);
}

static void the_root_and_its_entries_stay(void **state)
{
	struct fuse_mkdir_in folder = {.mode = 0755};
	struct fuse_setattr_in set = {.valid = FATTR_MODE, .mode = 0777};
	struct fuse_rename_in in = {.newdir = FUSE_ROOT_ID};
	struct fuse_create_in create = {.flags = O_RDWR, .mode = 0644};
	uint64_t share;

	start(state);
	share = client_share(&c);
	scratch_file(c.scratch, "0/a", "a");
	assert_null(ASK(&c, FUSE_RMDIR, FUSE_ROOT_ID, NAME("0")));
	assert_int_equal(c.error, EROFS);
	assert_null(ASK(&c, FUSE_RENAME, FUSE_ROOT_ID, PART(in), NAME("0"), NAME("1")));
	assert_int_equal(c.error, EROFS);
	assert_null(ASK(&c, FUSE_RENAME, share, PART(in), NAME("a"), NAME("b")));
	assert_int_equal(c.error, EROFS);
	assert_null(ASK(&c, FUSE_MKDIR, FUSE_ROOT_ID, PART(folder), NAME("1")));
	assert_int_equal(c.error, EROFS);
	assert_null(ASK(&c, FUSE_CREATE, FUSE_ROOT_ID, PART(create), NAME("1")));
	assert_int_equal(c.error, EROFS);
	assert_null(ASK(&c, FUSE_SETATTR, FUSE_ROOT_ID, PART(set)));
	assert_int_equal(c.error, EROFS);
	/* the root can't be forgotten */
	client_forget(&c, FUSE_ROOT_ID, UINT64_MAX);
	assert_int_equal(client_find(&c, FUSE_ROOT_ID, "0"), share);
	client_close(&c);
}

static void a_link_leads_nowhere_on_the_host(void **state)
{
	struct fuse_open_in in = {.flags = O_RDWR};
	uint64_t share, link, folder;

	start(state);
	share = client_share(&c);
	assert_int_equal(symlinkat("/etc/passwd", c.scratch->dir, "0/file"), 0);
	assert_int_equal(symlinkat("/etc", c.scratch->dir, "0/folder"), 0);
	assert_int_equal(symlinkat("..", c.scratch->dir, "0/up"), 0);
	link = client_find(&c, share, "file");
	assert_true(S_ISLNK(client_attributes(&c, link).mode));
	assert_null(ASK(&c, FUSE_OPEN, link, PART(in)));
	assert_int_equal(c.error, EPERM);
	folder = client_find(&c, share, "folder");
	assert_int_equal(client_find(&c, folder, "passwd"), 0);
	assert_int_equal(c.error, ENOTDIR);
	assert_int_equal(client_opened(&c, FUSE_OPENDIR, folder, 0), 0);
	assert_int_equal(c.error, ENOTDIR);
	folder = client_find(&c, share, "up");
	assert_int_equal(client_find(&c, folder, "0"), 0);
	assert_int_equal(c.error, ENOTDIR);
	/* nor does creating through one */
	assert_int_equal(client_create(&c, share, "file", O_RDWR, 0644, &link), 0);
	assert_int_equal(c.error, EPERM);
	client_close(&c);
}

static void nothing_but_files_and_directories_is_opened(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	static const char *const names[] = {"fifo", "socket", "device"};
	uint64_t share, fh;

	start(state);
	share = client_share(&c);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/0/socket", c.scratch->path);
	assert_int_equal(bind(listener, (const void *)&address, sizeof(address)), 0);
	assert_int_equal(mkfifoat(c.scratch->dir, "0/fifo", 0600), 0);
	if (mknodat(c.scratch->dir, "0/device", S_IFCHR | 0666, makedev(1, 3)) < 0)
		assert_int_equal(symlinkat("/dev/null", c.scratch->dir, "0/device"), 0);
	for (size_t i = 0; i < 3; i++) {
		uint64_t node = client_find(&c, share, names[i]);

		assert_true(node);
		for (uint32_t flags = O_RDONLY; flags <= O_RDWR; flags++) {
			assert_int_equal(client_opened(&c, FUSE_OPEN, node, flags), 0);
			assert_int_equal(c.error, EPERM);
		}
		assert_int_equal(client_create(&c, share, names[i], O_RDWR, 0644, &fh), 0);
		assert_int_equal(c.error, EPERM);
		assert_int_equal(client_opened(&c, FUSE_OPENDIR, node, 0), 0);
		assert_int_equal(c.error, ENOTDIR);
	}
	(void)close(listener);
	client_close(&c);
}

static void devices_are_made_only_where_allowed(void **state)
{
	struct fuse_options options = fuse_shared;
	struct fuse_mknod_in in = {.mode = S_IFCHR | 0600, .rdev = (uint32_t)makedev(1, 3)};
	const struct fuse_entry_out *entry;
	uint64_t share;

	start(state);
	share = client_share(&c);
	assert_null(ASK(&c, FUSE_MKNOD, share, PART(in), NAME("null")));
	assert_int_equal(c.error, EPERM);
	/* a whiteout is no device */
	in.rdev = 0;
	assert_non_null(ASK(&c, FUSE_MKNOD, share, PART(in), NAME("whiteout")));
	client_close(&c);
	options.devices = true;
	client_open(&c, *state, &options);
	share = client_share(&c);
	in.rdev = (uint32_t)makedev(1, 3);
	entry = ASK(&c, FUSE_MKNOD, share, PART(in), NAME("null"));
	if (entry) {
		assert_int_equal(entry->attr.rdev, makedev(1, 3));
		assert_int_equal(client_opened(&c, FUSE_OPEN, entry->nodeid, O_RDWR), 0);
		assert_int_equal(c.error, EPERM);
	}
	client_close(&c);
}

/* How many entries a whole listing has, asked for in replies of `room` bytes. */
static unsigned int count(uint64_t node, uint32_t opcode, uint32_t room, uint64_t forget[])
{
	uint64_t fh = client_opened(&c, FUSE_OPENDIR, node, 0);
	struct fuse_read_in in = {.fh = fh, .size = room};
	struct fuse_release_in release = {.fh = fh};
	size_t head = opcode == FUSE_READDIRPLUS ? sizeof(struct fuse_entry_out) : 0;
	unsigned int found = 0;

	assert_true(fh);
	for (;;) {
		const uint8_t *body = ASK(&c, opcode, node, PART(in));
		size_t at = 0;

		assert_non_null(body);
		assert_true(c.length <= room);
		while (at < c.length) {
			const struct fuse_dirent *d = (const void *)(body + at + head);
			const struct fuse_entry_out *e = (const void *)(body + at);

			assert_true(at + head + FUSE_NAME_OFFSET + d->namelen <= c.length);
			if (head && forget && e->nodeid)
				forget[found] = e->nodeid;
			in.offset = d->off;
			at += head + FUSE_DIRENT_SIZE(d);
			found++;
		}
		assert_int_equal(at, c.length);
		if (c.length == 0)
			break;
	}
	assert_non_null(ASK(&c, FUSE_RELEASEDIR, node, PART(release)));
	return found;
}

static void a_listing_is_whole_whatever_the_room(void **state)
{
	static uint64_t node[400];
	uint64_t share;
	char name[32];

	start(state);
	share = client_share(&c);
	for (int i = 0; i < 300; i++) {
		(void)snprintf(name, sizeof(name), "0/%*d", i % 20 + 1, i);
		scratch_file(c.scratch, name, "");
	}
	for (uint32_t room = 300; room < 70000; room = room * 3 + 1) {
		assert_int_equal(count(share, FUSE_READDIR, room, NULL), 302);
		assert_int_equal(count(share, FUSE_READDIRPLUS, room, node), 302);
		for (int i = 0; i < 302; i++)
			if (node[i])
				client_forget(&c, node[i], 1);
	}
	client_close(&c);
}

static void a_listing_without_room_is_refused(void **state)
{
	struct fuse_read_in in = {.size = 8};
	uint64_t share;

	start(state);
	share = client_share(&c);
	in.fh = client_opened(&c, FUSE_OPENDIR, share, 0);
	assert_null(ASK(&c, FUSE_READDIR, share, PART(in)));
	assert_int_equal(c.error, EINVAL);
	in.size = UINT32_MAX;
	c.room = 20;
	assert_null(ASK(&c, FUSE_READDIR, share, PART(in)));
	assert_int_equal(c.error, EINVAL);
	in.offset = UINT64_MAX;
	c.room = CLIENT_ROOM;
	assert_null(ASK(&c, FUSE_READDIR, share, PART(in)));
	assert_int_equal(c.error, EINVAL);
	in.fh = 99;
	assert_null(ASK(&c, FUSE_READDIR, share, PART(in)));
	assert_int_equal(c.error, EBADF);
	client_close(&c);
}

static void a_file_without_a_name_gets_one(void **state)
{
	struct fuse_create_in in = {.flags = O_RDWR, .mode = S_IFREG | 0600};
	struct fuse_link_in link;
	const uint8_t *body;
	struct fuse_open_out open;
	uint64_t share;
	char text[16];

	start(state);
	share = client_share(&c);
	body = ASK(&c, FUSE_TMPFILE, share, PART(in), NAME("any"));
	if (!body) {
		assert_int_equal(c.error, EOPNOTSUPP);
		client_close(&c);
		skip();
	}
	memcpy(&link.oldnodeid, body, sizeof(link.oldnodeid));
	memcpy(&open, body + sizeof(struct fuse_entry_out), sizeof(open));
	assert_int_equal(client_write(&c, open.fh, 0, "hello"), 5);
	assert_non_null(ASK(&c, FUSE_LINK, share, PART(link), NAME("named")));
	assert_string_equal(scratch_text(c.scratch, "0/named", text, sizeof(text)), "hello");
	client_close(&c);
}

static void what_is_not_there_may_be_remembered(void **state)
{
	const struct fuse_entry_out *entry;
	uint64_t share;

	client_open(&c, *state, &fuse_alone);
	share = client_share(&c);
	entry = ASK(&c, FUSE_LOOKUP, share, NAME("nothing"));
	assert_non_null(entry);
	assert_int_equal(entry->nodeid, 0);
	assert_int_equal(entry->entry_valid, fuse_alone.absent_ms / 1000);
	client_close(&c);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_made_is_on_the_host),
		TEST(what_is_removed_and_renamed_is_so_on_the_host),
		TEST(a_link_is_a_second_name),
		TEST(names_are_one_component),
		TEST(the_root_and_its_entries_stay),
		TEST(a_link_leads_nowhere_on_the_host),
		TEST(nothing_but_files_and_directories_is_opened),
		TEST(devices_are_made_only_where_allowed),
		TEST(a_listing_is_whole_whatever_the_room),
		TEST(a_listing_without_room_is_refused),
		TEST(a_file_without_a_name_gets_one),
		TEST(what_is_not_there_may_be_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
