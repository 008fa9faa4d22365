/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>

#include "tests/unit/cmocka.h"

#include "client.h"

static struct client c;

static uint64_t start(void **state, const struct fuse_options *options)
{
	client_open(&c, *state, options);
	return client_share(&c);
}

static struct stat look(const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(c.scratch->dir, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static void what_is_written_is_read(void **state)
{
	uint64_t share = start(state, &fuse_shared), fh = 0;
	struct fuse_flush_in flush;
	struct fuse_fsync_in sync;
	struct fuse_release_in release;
	char text[32];

	assert_true(client_create(&c, share, "a", O_RDWR, 0640, &fh));
	assert_int_equal(look("0/a").st_mode, S_IFREG | 0640);
	assert_int_equal(client_write(&c, fh, 0, "hello world"), 11);
	assert_int_equal(client_write(&c, fh, 6, "guest"), 5);
	assert_string_equal(scratch_text(c.scratch, "0/a", text, sizeof(text)), "hello guest");
	assert_string_equal(client_read(&c, fh, 6, 100), "guest");
	assert_string_equal(client_read(&c, fh, 0, 5), "hello");
	assert_string_equal(client_read(&c, fh, 1000, 5), "");
	flush = (struct fuse_flush_in){.fh = fh};
	assert_non_null(ASK(&c, FUSE_FLUSH, 0, PART(flush)));
	sync = (struct fuse_fsync_in){.fh = fh};
	assert_non_null(ASK(&c, FUSE_FSYNC, 0, PART(sync)));
	sync.fsync_flags = FUSE_FSYNC_FDATASYNC;
	assert_non_null(ASK(&c, FUSE_FSYNC, 0, PART(sync)));
	release = (struct fuse_release_in){.fh = fh};
	assert_non_null(ASK(&c, FUSE_RELEASE, 0, PART(release)));
	/* what is closed is nobody's */
	assert_null(client_read(&c, fh, 0, 5));
	assert_int_equal(c.error, EBADF);
	assert_non_null(ASK(&c, FUSE_RELEASE, 0, PART(release)));
	assert_int_equal(client_write(&c, fh, 0, "x"), -EBADF);
	client_close(&c);
}

static void creating_what_is_there_opens_it(void **state)
{
	uint64_t share = start(state, &fuse_shared), fh = 0, node;
	char text[32];

	scratch_file(c.scratch, "0/a", "before");
	node = client_find(&c, share, "a");
	assert_int_equal(client_create(&c, share, "a", O_RDWR, 0600, &fh), node);
	assert_string_equal(client_read(&c, fh, 0, 100), "before");
	assert_int_equal(client_create(&c, share, "a", O_RDWR | O_EXCL, 0600, &fh), 0);
	assert_int_equal(c.error, EEXIST);
	assert_int_equal(client_create(&c, share, "a", O_RDWR | O_TRUNC, 0600, &fh), node);
	assert_string_equal(scratch_text(c.scratch, "0/a", text, sizeof(text)), "");
	scratch_folder(c.scratch, "0/folder");
	assert_int_equal(client_create(&c, share, "folder", O_RDWR, 0600, &fh), 0);
	assert_int_equal(c.error, EISDIR);
	client_close(&c);
}

static void opening_keeps_what_matters(void **state)
{
	uint64_t share = start(state, &fuse_shared), fh, node;
	struct fuse_write_in in = {.size = 1, .flags = O_APPEND | O_WRONLY};
	char text[32];

	scratch_file(c.scratch, "0/a", "12345");
	node = client_find(&c, share, "a");
	fh = client_opened(&c, FUSE_OPEN, node, O_WRONLY | O_APPEND | O_DIRECT);
	assert_true(fh);
	in.fh = fh;
	/* one that appends, and one of the cache that knows where it belongs */
	assert_non_null(ASK(&c, FUSE_WRITE, node, PART(in), {"6", 1}));
	in.write_flags = FUSE_WRITE_CACHE;
	assert_non_null(ASK(&c, FUSE_WRITE, node, PART(in), {"x", 1}));
	assert_string_equal(scratch_text(c.scratch, "0/a", text, sizeof(text)), "x23456");
	assert_null(client_read(&c, fh, 0, 1));
	assert_int_equal(c.error, EBADF);
	fh = client_opened(&c, FUSE_OPEN, node, O_WRONLY | O_TRUNC);
	assert_int_equal(look("0/a").st_size, 0);
	fh = client_opened(&c, FUSE_OPEN, node, O_RDONLY);
	assert_int_equal(client_write(&c, fh, 0, "x"), -EBADF);
	assert_int_equal(client_opened(&c, FUSE_OPEN, share, O_RDONLY), 0);
	assert_int_equal(c.error, EISDIR);
	assert_int_equal(client_opened(&c, FUSE_OPENDIR, node, O_RDONLY), 0);
	assert_int_equal(c.error, ENOTDIR);
	client_close(&c);
}

static void a_cache_that_writes_can_read(void **state)
{
	uint64_t share = start(state, &fuse_alone), fh, node;

	scratch_file(c.scratch, "0/a", "12345");
	assert_true(c.init.flags & FUSE_WRITEBACK_CACHE);
	node = client_find(&c, share, "a");
	fh = client_opened(&c, FUSE_OPEN, node, O_WRONLY | O_APPEND);
	assert_string_equal(client_read(&c, fh, 0, 10), "12345");
	client_close(&c);
}

static void sizes_are_never_believed(void **state)
{
	uint64_t share = start(state, &fuse_shared), fh = 0, node;
	struct fuse_write_in in = {.size = 100};
	struct fuse_read_in read = {.size = UINT32_MAX};

	node = client_create(&c, share, "a", O_RDWR, 0600, &fh);
	assert_true(node);
	in.fh = read.fh = fh;
	/* more than came */
	assert_null(ASK(&c, FUSE_WRITE, node, PART(in), {"12345", 5}));
	assert_int_equal(c.error, EINVAL);
	in.size = 3;
	assert_non_null(ASK(&c, FUSE_WRITE, node, PART(in), {"12345", 5}));
	assert_int_equal(look("0/a").st_size, 3);
	/* more than there is room for: the rest of the buffer is not touched */
	c.room = sizeof(struct fuse_out_header) + 2;
	c.reply[c.room] = 0x77;
	assert_non_null(ASK(&c, FUSE_READ, node, PART(read)));
	assert_int_equal(c.length, 2);
	assert_int_equal(c.reply[c.room], 0x77);
	c.room = sizeof(struct fuse_out_header);
	assert_non_null(ASK(&c, FUSE_READ, node, PART(read)));
	assert_int_equal(c.length, 0);
	/* an entry that the guest couldn't be told of isn't made */
	c.room = sizeof(struct fuse_out_header) + sizeof(struct fuse_entry_out);
	assert_int_equal(client_create(&c, share, "b", O_RDWR, 0600, &fh), 0);
	assert_int_equal(c.error, EINVAL);
	assert_int_equal(faccessat(c.scratch->dir, "0/b", F_OK, 0), -1);
	c.room = CLIENT_ROOM;
	read.offset = UINT64_MAX;
	assert_null(ASK(&c, FUSE_READ, node, PART(read)));
	assert_int_equal(c.error, EINVAL);
	in.size = UINT32_MAX;
	assert_null(ASK(&c, FUSE_WRITE, node, PART(in), {"12345", 5}));
	assert_int_equal(c.error, EINVAL);
	client_close(&c);
}

static void data_goes_through_many_pieces(void **state)
{
	uint64_t share = start(state, &fuse_shared), fh = 0;
	struct fuse_in_header header = {.opcode = FUSE_WRITE, .unique = 1};
	struct fuse_write_in write = {.size = 900};
	static struct iovec in[1000], out[1000];
	static uint8_t bytes[1000], back[1000];
	struct fuse_request request = {.in = in, .out = out};

	assert_true(client_create(&c, share, "a", O_RDWR, 0600, &fh));
	for (int i = 0; i < 1000; i++)
		bytes[80 + i % 900] = (uint8_t)i;
	header.len = 980;
	write.fh = fh;
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), &write, sizeof(write));
	for (int i = 0; i < 980; i++)
		in[request.in_count++] = (struct iovec){bytes + i, 1};
	for (int i = 0; i < 24; i++)
		out[request.out_count++] = (struct iovec){back + i, 1};
	assert_int_equal(fuse_handle(c.thread, &request), 24);
	assert_int_equal(back[4], 0);
	assert_int_equal(look("0/a").st_size, 900);
	assert_memory_equal(client_read(&c, fh, 0, 900), bytes + 80, 900);
	client_close(&c);
}

static void space_is_given_and_found(void **state)
{
	uint64_t share = start(state, &fuse_shared), fh = 0;
	struct fuse_fallocate_in in = {.length = 1 << 20};
	struct fuse_lseek_in seek = {.whence = SEEK_HOLE};
	const struct fuse_lseek_out *at;

	assert_true(client_create(&c, share, "a", O_RDWR, 0600, &fh));
	in.fh = seek.fh = fh;
	assert_non_null(ASK(&c, FUSE_FALLOCATE, 0, PART(in)));
	assert_int_equal(look("0/a").st_size, 1 << 20);
	in.mode = 0x8000;
	assert_null(ASK(&c, FUSE_FALLOCATE, 0, PART(in)));
	assert_int_equal(c.error, EOPNOTSUPP);
	in.length = UINT64_MAX;
	in.mode = 0;
	assert_null(ASK(&c, FUSE_FALLOCATE, 0, PART(in)));
	assert_int_equal(c.error, EINVAL);
	assert_int_equal(client_write(&c, fh, 0, "x"), 1);
	at = ASK(&c, FUSE_LSEEK, 0, PART(seek));
	assert_non_null(at);
	assert_true(at->offset > 0 && at->offset <= 1 << 20);
	seek.whence = SEEK_DATA;
	at = ASK(&c, FUSE_LSEEK, 0, PART(seek));
	assert_int_equal(at->offset, 0);
	seek.offset = 1 << 20;
	assert_null(ASK(&c, FUSE_LSEEK, 0, PART(seek)));
	assert_int_equal(c.error, ENXIO);
	seek.whence = SEEK_SET;
	assert_null(ASK(&c, FUSE_LSEEK, 0, PART(seek)));
	assert_int_equal(c.error, EINVAL);
	client_close(&c);
}

static void files_are_copied_on_the_host(void **state)
{
	uint64_t share = start(state, &fuse_shared);
	struct fuse_copy_file_range_in in = {.off_in = 2, .len = 3};
	const struct fuse_write_out *out;
	char text[32];

	scratch_file(c.scratch, "0/a", "012345");
	in.fh_in = client_opened(&c, FUSE_OPEN, client_find(&c, share, "a"), O_RDONLY);
	assert_true(client_create(&c, share, "b", O_RDWR, 0600, &in.fh_out));
	out = ASK(&c, FUSE_COPY_FILE_RANGE, 0, PART(in));
	assert_non_null(out);
	assert_int_equal(out->size, 3);
	assert_string_equal(scratch_text(c.scratch, "0/b", text, sizeof(text)), "234");
	in.flags = 1;
	assert_null(ASK(&c, FUSE_COPY_FILE_RANGE, 0, PART(in)));
	assert_int_equal(c.error, EINVAL);
	in.flags = 0;
	in.fh_out = 12345;
	assert_null(ASK(&c, FUSE_COPY_FILE_RANGE, 0, PART(in)));
	assert_int_equal(c.error, EBADF);
	client_close(&c);
}

static void whole_file_systems_and_directories_are_synced(void **state)
{
	uint64_t share = start(state, &fuse_shared);
	struct fuse_syncfs_in in = {0};
	struct fuse_fsync_in sync = {0};

	assert_non_null(ASK(&c, FUSE_SYNCFS, share, PART(in)));
	sync.fh = client_opened(&c, FUSE_OPENDIR, share, 0);
	assert_non_null(ASK(&c, FUSE_FSYNCDIR, share, PART(sync)));
	/* a file and a directory are no two words for one handle */
	assert_null(ASK(&c, FUSE_FSYNC, share, PART(sync)));
	assert_int_equal(c.error, EBADF);
	client_close(&c);
}

static void writing_takes_the_set_user_id_bit_where_asked(void **state)
{
	uint64_t share = start(state, &fuse_shared), fh = 0, node;
	struct fuse_write_in in = {.size = 1};
	struct fuse_setattr_in mode = {.valid = FATTR_MODE, .mode = 06755};
	struct fuse_open_in open = {.flags = O_RDWR | O_TRUNC,
	                            .open_flags = FUSE_OPEN_KILL_SUIDGID};

	if (geteuid() != 0) {
		client_close(&c);
		skip();
	}
	node = client_create(&c, share, "a", O_RDWR, 0755, &fh);
	in.fh = fh;
	assert_non_null(ASK(&c, FUSE_SETATTR, node, PART(mode)));
	/* root's own write keeps them, as everywhere */
	assert_non_null(ASK(&c, FUSE_WRITE, node, PART(in), {"x", 1}));
	assert_int_equal(look("0/a").st_mode, S_IFREG | 06755);
	in.write_flags = FUSE_WRITE_KILL_SUIDGID;
	assert_non_null(ASK(&c, FUSE_WRITE, node, PART(in), {"x", 1}));
	assert_int_equal(look("0/a").st_mode, S_IFREG | 0755);
	assert_non_null(ASK(&c, FUSE_SETATTR, node, PART(mode)));
	assert_int_equal(look("0/a").st_mode, S_IFREG | 06755);
	assert_non_null(ASK(&c, FUSE_OPEN, node, PART(open)));
	assert_int_equal(look("0/a").st_mode, S_IFREG | 0755);
	client_close(&c);
}

static void open_files_have_a_bound(void **state)
{
	struct fuse_options options = fuse_shared;
	uint64_t share, node, fh[9], fh2;
	struct fuse_release_in release;

	options.handles_max = 8;
	share = start(state, &options);
	scratch_file(c.scratch, "0/a", "");
	node = client_find(&c, share, "a");
	for (int i = 0; i < 8; i++) {
		fh[i] = client_opened(&c, FUSE_OPEN, node, O_RDONLY);
		assert_true(fh[i]);
	}
	assert_int_equal(client_opened(&c, FUSE_OPEN, node, O_RDONLY), 0);
	assert_int_equal(c.error, ENFILE);
	/* nor is one made by creating, and the lookup that it would be isn't counted */
	assert_int_equal(client_create(&c, share, "b", O_RDWR, 0600, &fh2), 0);
	assert_int_equal(c.error, ENFILE);
	release = (struct fuse_release_in){.fh = fh[3]};
	assert_non_null(ASK(&c, FUSE_RELEASE, node, PART(release)));
	fh[8] = client_opened(&c, FUSE_OPEN, node, O_RDONLY);
	assert_true(fh[8] && fh[8] != fh[3]);
	assert_null(client_read(&c, fh[3], 0, 1));
	assert_int_equal(c.error, EBADF);
	client_close(&c);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_is_read),
		TEST(creating_what_is_there_opens_it),
		TEST(opening_keeps_what_matters),
		TEST(a_cache_that_writes_can_read),
		TEST(sizes_are_never_believed),
		TEST(data_goes_through_many_pieces),
		TEST(space_is_given_and_found),
		TEST(files_are_copied_on_the_host),
		TEST(whole_file_systems_and_directories_are_synced),
		TEST(writing_takes_the_set_user_id_bit_where_asked),
		TEST(open_files_have_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
