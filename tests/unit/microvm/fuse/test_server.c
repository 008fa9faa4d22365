/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>

#include "tests/unit/cmocka.h"

#include "client.h"

static struct client c;

static const struct fuse_init_out *init(struct fuse_init_in in, size_t length)
{
	return ASK(&c, FUSE_INIT, 0, {&in, length});
}

static void what_both_can_is_agreed_on(void **state)
{
	const struct fuse_init_out *out;
	struct fuse_init_in in = {.major = 7, .minor = 31, .flags = UINT32_MAX};

	client_open(&c, *state, &fuse_alone);
	out = init(in, offsetof(struct fuse_init_in, flags2));
	assert_non_null(out);
	assert_int_equal(out->major, 7);
	assert_int_equal(out->minor, 31);
	assert_int_equal(out->max_pages, 256);
	assert_int_equal(out->max_write, 1 << 20);
	assert_true(out->flags & FUSE_SUBMOUNTS && out->flags & FUSE_WRITEBACK_CACHE);
	assert_false(out->flags & (FUSE_SPLICE_READ | FUSE_SPLICE_WRITE | FUSE_FLOCK_LOCKS));
	in.flags = FUSE_MAX_PAGES;
	out = init(in, sizeof(in));
	assert_int_equal(out->flags, FUSE_MAX_PAGES);
	client_close(&c);
}

static void a_version_that_is_not_ours_is_refused(void **state)
{
	struct fuse_init_in in = {.major = 7, .minor = 30};
	const struct fuse_init_out *out;

	client_open(&c, *state, &fuse_alone);
	assert_null(init(in, sizeof(in)));
	assert_int_equal(c.error, EPROTO);
	in.major = 8;
	/* told ours, it asks again; until then nothing is served */
	out = init(in, sizeof(in));
	assert_non_null(out);
	assert_int_equal(out->major, 7);
	assert_int_equal(client_find(&c, FUSE_ROOT_ID, "0"), 0);
	assert_int_equal(c.error, EIO);
	client_close(&c);
}

static void what_is_not_known_is_not_there(void **state)
{
	static const uint32_t opcodes[] = {0,         7,  19,   FUSE_BMAP, FUSE_IOCTL,
	                                   FUSE_POLL, 52, 4096, UINT32_MAX};

	client_open(&c, *state, &fuse_alone);
	for (size_t i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++) {
		assert_null(ASK(&c, opcodes[i], FUSE_ROOT_ID));
		assert_int_equal(c.error, ENOSYS);
	}
	client_close(&c);
}

/* Each operation with less, and with far more, than it has: refused, and nothing is read that isn't there. */
static void no_request_is_too_short_or_too_long(void **state)
{
	static uint8_t much[100 << 10];
	static const uint32_t fixed[] = {FUSE_GETATTR,
	                                 FUSE_SETATTR,
	                                 FUSE_OPEN,
	                                 FUSE_READ,
	                                 FUSE_RELEASE,
	                                 FUSE_FSYNC,
	                                 FUSE_FLUSH,
	                                 FUSE_OPENDIR,
	                                 FUSE_READDIR,
	                                 FUSE_RELEASEDIR,
	                                 FUSE_FSYNCDIR,
	                                 FUSE_GETLK,
	                                 FUSE_SETLK,
	                                 FUSE_SETLKW,
	                                 FUSE_ACCESS,
	                                 FUSE_FALLOCATE,
	                                 FUSE_LSEEK,
	                                 FUSE_READDIRPLUS,
	                                 FUSE_COPY_FILE_RANGE,
	                                 FUSE_SYNCFS,
	                                 FUSE_INIT,
	                                 FUSE_LISTXATTR};
	static const uint32_t named[] = {
		FUSE_LOOKUP,  FUSE_MKNOD,    FUSE_MKDIR,    FUSE_SYMLINK,    FUSE_UNLINK,
		FUSE_RMDIR,   FUSE_RENAME,   FUSE_RENAME2,  FUSE_LINK,       FUSE_CREATE,
		FUSE_TMPFILE, FUSE_SETXATTR, FUSE_GETXATTR, FUSE_REMOVEXATTR};
	uint64_t share;

	client_open(&c, *state, &fuse_shared);
	share = client_share(&c);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		assert_null(ASK(&c, fixed[i], share, {much, 1}));
		assert_int_equal(c.error, EINVAL);
		assert_null(ASK(&c, fixed[i], share, {much, sizeof(much)}));
		assert_int_equal(c.error, EINVAL);
	}
	memset(much, 'x', sizeof(much));
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		for (size_t length = 0; length < sizeof(much); length = length * 2 + 1) {
			assert_null(ASK(&c, named[i], share, {much, length}));
			assert_int_equal(c.error, EINVAL);
		}
	client_close(&c);
}

static void headers_that_lie_are_refused(void **state)
{
	struct fuse_in_header header = {.opcode = FUSE_GETATTR, .unique = 5, .nodeid = 1};
	struct iovec in = {&header, sizeof(header)}, out;
	struct fuse_request request = {.in = &in, .in_count = 1, .out = &out, .out_count = 1};
	static const uint32_t lengths[] = {0, 1, 39, 41, UINT32_MAX};
	struct fuse_out_header reply;

	client_open(&c, *state, &fuse_alone);
	out = (struct iovec){&reply, sizeof(reply)};
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		header.len = lengths[i];
		assert_int_equal(fuse_handle(c.thread, &request), sizeof(reply));
		assert_int_equal(reply.error, -EINVAL);
		assert_int_equal(reply.unique, 5);
	}
	/* no header, no reply; no room, no reply */
	in.iov_len = 39;
	assert_int_equal(fuse_handle(c.thread, &request), 0);
	in.iov_len = sizeof(header);
	out.iov_len = sizeof(reply) - 1;
	assert_int_equal(fuse_handle(c.thread, &request), 0);
	request.in_count = request.out_count = 0;
	assert_int_equal(fuse_handle(c.thread, &request), 0);
	client_close(&c);
}

static void a_root_that_is_none_is_refused(void **state)
{
	struct scratch *scratch = *state;
	struct error err;
	int proc = path_open_proc(&err), before = open(".", O_PATH | O_CLOEXEC), file;

	scratch_file(scratch, "file", "");
	file = openat(scratch->dir, "file", O_PATH | O_CLOEXEC);
	assert_null(fuse_new(file, proc, &fuse_alone, &err));
	assert_int_equal(err.errnum, ENOTDIR);
	assert_null(fuse_new(-1, proc, &fuse_alone, &err));
	assert_null(fuse_new(scratch->dir, scratch->dir, &fuse_alone, &err));
	assert_int_equal(fchdir(before), 0);
	(void)close(file);
	(void)close(before);
	(void)close(proc);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_both_can_is_agreed_on),     TEST(a_version_that_is_not_ours_is_refused),
		TEST(what_is_not_known_is_not_there), TEST(no_request_is_too_short_or_too_long),
		TEST(headers_that_lie_are_refused),   TEST(a_root_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
