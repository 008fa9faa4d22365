/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/file.h>

#include "tests/unit/cmocka.h"

#include "client.h"

static struct client c;

static uint64_t start(void **state)
{
	struct fuse_options options = fuse_shared;

	options.flocks = true;
	client_open(&c, *state, &options);
	scratch_file(c.scratch, "0/a", "12345");
	return client_find(&c, client_share(&c), "a");
}

/* Ask for a lock; 0 or an error number, -1 when it comes later. */
static int lock(uint32_t opcode, uint64_t node, uint64_t owner, uint32_t type, uint64_t first,
                uint64_t last)
{
	struct fuse_lk_in in = {
		.owner = owner,
		.lk = {.start = first, .end = last, .type = type}
        };

	(void)ASK(&c, opcode, node, PART(in));
	return c.returned == FUSE_LATER ? -1 : c.error;
}

static int flock_of(uint32_t opcode, uint64_t node, uint64_t fh, uint32_t type)
{
	struct fuse_lk_in in = {
		.fh = fh,
		.lk = {.type = type, .end = INT64_MAX},
		.lk_flags = FUSE_LK_FLOCK
        };

	(void)ASK(&c, opcode, node, PART(in));
	return c.returned == FUSE_LATER ? -1 : c.error;
}

static struct fuse_file_lock look(uint64_t node, uint64_t owner, uint32_t type)
{
	struct fuse_lk_in in = {
		.owner = owner,
		.lk = {.end = INT64_MAX, .type = type}
        };
	const struct fuse_lk_out *out = ASK(&c, FUSE_GETLK, node, PART(in));

	assert_non_null(out);
	return out->lk;
}

static bool woken(void)
{
	uint64_t count;

	return read(c.wake, &count, sizeof(count)) == sizeof(count);
}

/* What an answer that came late says: its error number; its request is the one with this number. */
static int late(uint64_t unique)
{
	const struct fuse_out_header *header = (const void *)c.reply;
	uint64_t tag;
	size_t written;

	assert_true(fuse_late(c.thread, &tag, &written));
	assert_int_equal(tag, unique);
	assert_int_equal(written, sizeof(*header));
	assert_int_equal(header->unique, unique);
	return -header->error;
}

static bool nothing_is_late(void)
{
	uint64_t tag;
	size_t written;

	return !fuse_late(c.thread, &tag, &written);
}

static void owners_exclude_each_other(void **state)
{
	uint64_t node = start(state);
	struct fuse_file_lock found;

	assert_int_equal(lock(FUSE_SETLK, node, 1, F_WRLCK, 10, 19), 0);
	assert_int_equal(lock(FUSE_SETLK, node, 2, F_RDLCK, 15, 15), EAGAIN);
	assert_int_equal(lock(FUSE_SETLK, node, 2, F_WRLCK, 20, UINT64_MAX), 0);
	assert_int_equal(lock(FUSE_SETLK, node, 1, F_RDLCK, 0, INT64_MAX), EAGAIN);
	found = look(node, 2, F_RDLCK);
	assert_int_equal(found.type, F_WRLCK);
	assert_int_equal(found.start, 10);
	assert_int_equal(found.end, 19);
	/* who asks and has none, too */
	assert_int_equal(look(node, 3, F_WRLCK).type, F_WRLCK);
	assert_int_equal(lock(FUSE_SETLK, node, 1, F_UNLCK, 10, 19), 0);
	found = look(node, 1, F_RDLCK);
	assert_int_equal(found.start, 20);
	assert_int_equal(found.end, INT64_MAX);
	assert_int_equal(look(node, 2, F_RDLCK).type, F_UNLCK);
	client_close(&c);
}

static void locks_are_the_hosts_too(void **state)
{
	uint64_t node = start(state);
	struct flock range = {.l_type = F_WRLCK};
	int ours = openat(c.scratch->dir, "0/a", O_RDWR | O_CLOEXEC);

	assert_int_equal(lock(FUSE_SETLK, node, 1, F_WRLCK, 0, INT64_MAX), 0);
	assert_int_equal(fcntl(ours, F_OFD_SETLK, &range), -1);
	assert_int_equal(lock(FUSE_SETLK, node, 1, F_UNLCK, 0, INT64_MAX), 0);
	assert_int_equal(fcntl(ours, F_OFD_SETLK, &range), 0);
	assert_int_equal(lock(FUSE_SETLK, node, 1, F_WRLCK, 0, INT64_MAX), EAGAIN);
	/* nobody tells of what the host unlocks: it is looked at from time to time */
	assert_int_equal(fuse_patience(c.thread), -1);
	assert_int_equal(lock(FUSE_SETLKW, node, 1, F_WRLCK, 0, INT64_MAX), -1);
	assert_true(fuse_patience(c.thread) > 0);
	assert_true(nothing_is_late());
	(void)close(ours);
	assert_int_equal(late(c.unique), 0);
	assert_int_equal(fuse_patience(c.thread), -1);
	client_close(&c);
}

static void who_waits_keeps_nobody_from_working(void **state)
{
	uint64_t node = start(state), waiting;

	assert_int_equal(lock(FUSE_SETLK, node, 1, F_WRLCK, 0, INT64_MAX), 0);
	assert_int_equal(lock(FUSE_SETLKW, node, 2, F_WRLCK, 0, INT64_MAX), -1);
	waiting = c.unique;
	assert_true(nothing_is_late());
	assert_int_equal(client_attributes(&c, node).size, 5);
	(void)woken();
	assert_int_equal(lock(FUSE_SETLK, node, 1, F_UNLCK, 0, INT64_MAX), 0);
	assert_true(woken());
	assert_int_equal(late(waiting), 0);
	assert_true(nothing_is_late());
	assert_int_equal(lock(FUSE_SETLK, node, 1, F_RDLCK, 0, 0), EAGAIN);
	client_close(&c);
}

static void who_waits_can_be_interrupted(void **state)
{
	uint64_t node = start(state);
	struct fuse_interrupt_in in = {.unique = 12345};

	assert_int_equal(lock(FUSE_SETLK, node, 1, F_WRLCK, 0, INT64_MAX), 0);
	assert_int_equal(lock(FUSE_SETLKW, node, 2, F_WRLCK, 0, INT64_MAX), -1);
	assert_null(ASK(&c, FUSE_INTERRUPT, 0, PART(in)));
	assert_int_equal(c.returned, 0);
	assert_true(nothing_is_late());
	in.unique = c.unique - 1;
	(void)woken();
	assert_null(ASK(&c, FUSE_INTERRUPT, 0, PART(in)));
	assert_true(woken());
	assert_int_equal(late(in.unique), EINTR);
	client_close(&c);
}

static void closing_gives_locks_back(void **state)
{
	uint64_t node = start(state);
	struct fuse_flush_in in = {.lock_owner = 1};

	in.fh = client_opened(&c, FUSE_OPEN, node, O_RDWR);
	assert_int_equal(lock(FUSE_SETLK, node, 1, F_WRLCK, 0, INT64_MAX), 0);
	assert_int_equal(lock(FUSE_SETLKW, node, 2, F_WRLCK, 0, 0), -1);
	assert_non_null(ASK(&c, FUSE_FLUSH, node, PART(in)));
	assert_int_equal(late(c.unique - 1), 0);
	client_close(&c);
}

static void whole_files_are_locked_by_handle(void **state)
{
	uint64_t node = start(state), one, two;
	struct fuse_release_in in = {.release_flags = FUSE_RELEASE_FLOCK_UNLOCK};

	one = client_opened(&c, FUSE_OPEN, node, O_RDONLY);
	two = client_opened(&c, FUSE_OPEN, node, O_RDONLY);
	assert_int_equal(flock_of(FUSE_SETLK, node, one, F_WRLCK), 0);
	assert_int_equal(flock_of(FUSE_SETLK, node, two, F_RDLCK), EAGAIN);
	assert_int_equal(flock_of(FUSE_SETLKW, node, two, F_RDLCK), -1);
	in.fh = one;
	assert_non_null(ASK(&c, FUSE_RELEASE, node, PART(in)));
	assert_true(woken());
	assert_int_equal(late(c.unique - 1), 0);
	assert_int_equal(flock_of(FUSE_SETLK, node, one, F_RDLCK), EBADF);
	client_close(&c);
}

static int lock_by(uint64_t node, uint64_t owner, uint64_t fh, uint32_t pid, uint64_t byte)
{
	struct fuse_lk_in in = {
		.fh = fh,
		.owner = owner,
		.lk = {.start = byte, .end = byte, .type = F_WRLCK, .pid = pid}
        };

	(void)ASK(&c, FUSE_SETLK, node, PART(in));
	return c.error;
}

static void locks_of_an_open_file_end_with_it(void **state)
{
	uint64_t node = start(state);
	struct fuse_release_in in = {0};

	in.fh = client_opened(&c, FUSE_OPEN, node, O_RDWR);
	assert_int_equal(lock_by(node, 100, in.fh, 1, 0), 0);
	assert_int_equal(lock_by(node, 200, 77, 2, 9), 0);
	assert_int_equal(lock_by(node, 300, 78, 3, 0), EAGAIN);
	assert_int_equal(lock(FUSE_SETLKW, node, 300, F_WRLCK, 0, 0), -1);
	assert_non_null(ASK(&c, FUSE_RELEASE, node, PART(in)));
	assert_true(woken());
	assert_int_equal(late(c.unique - 1), 0);
	/* another's is not */
	assert_int_equal(lock_by(node, 300, 78, 3, 9), EAGAIN);
	client_close(&c);
}

static void whose_a_lock_is_is_told(void **state)
{
	uint64_t node = start(state);
	struct flock range = {.l_type = F_WRLCK, .l_start = 3, .l_len = 1};
	int ours = openat(c.scratch->dir, "0/a", O_RDWR | O_CLOEXEC);

	assert_int_equal(lock_by(node, 100, 77, 4711, 2), 0);
	assert_int_equal(lock_by(node, 200, 78, 4712, 5), 0);
	assert_int_equal(look(node, 300, F_RDLCK).pid, 4711);
	assert_int_equal(look(node, 100, F_RDLCK).pid, 4712);
	assert_int_equal(lock(FUSE_SETLK, node, 200, F_UNLCK, 5, 5), 0);
	/* of a process of the host the guest has no number */
	assert_int_equal(fcntl(ours, F_OFD_SETLK, &range), 0);
	assert_int_equal(look(node, 100, F_RDLCK).start, 3);
	assert_int_equal(look(node, 100, F_RDLCK).pid, 0);
	(void)close(ours);
	client_close(&c);
}

static void nonsense_is_refused(void **state)
{
	uint64_t node = start(state);

	assert_int_equal(lock(FUSE_SETLK, node, 1, 77, 0, 0), EINVAL);
	assert_int_equal(lock(FUSE_SETLK, node, 1, F_WRLCK, 5, 4), EINVAL);
	assert_int_equal(lock(FUSE_SETLK, node, 1, F_WRLCK, UINT64_MAX, UINT64_MAX), EINVAL);
	assert_int_equal(lock(FUSE_GETLK, node, 1, F_UNLCK, 0, 0), EINVAL);
	assert_int_equal(lock(FUSE_SETLK, 999, 1, F_WRLCK, 0, 0), ESTALE);
	assert_int_equal(lock(FUSE_SETLK, node, 1, F_UNLCK, 0, 0), 0);
	client_close(&c);
}

static void waiters_have_a_bound_and_end_with_the_mount(void **state)
{
	uint64_t node = start(state), tag;
	unsigned int waiting = 0, answered = 0;
	size_t written;

	assert_int_equal(lock(FUSE_SETLK, node, 1, F_WRLCK, 0, INT64_MAX), 0);
	while (waiting < 100000 &&
	       lock(FUSE_SETLKW, node, 2 + waiting % 2, F_WRLCK, 0, INT64_MAX) == -1)
		waiting++;
	assert_int_equal(c.error, ENOLCK);
	assert_true(waiting > 100 && waiting < 10000);
	assert_non_null(ASK(&c, FUSE_DESTROY, 0));
	while (fuse_late(c.thread, &tag, &written))
		answered++;
	assert_int_equal(answered, waiting);
	client_init(&c);
	node = client_find(&c, client_share(&c), "a");
	assert_int_equal(lock(FUSE_SETLK, node, 1, F_WRLCK, 0, INT64_MAX), 0);
	assert_int_equal(lock(FUSE_SETLKW, node, 2, F_WRLCK, 0, INT64_MAX), -1);
	fuse_reset(c.server);
	assert_true(nothing_is_late());
	assert_int_equal(fuse_patience(c.thread), -1);
	client_close(&c);
}

static void locks_that_are_the_guests_alone_are_not_taken(void **state)
{
	uint64_t node;

	client_open(&c, *state, &fuse_alone);
	scratch_file(c.scratch, "0/a", "12345");
	node = client_find(&c, client_share(&c), "a");
	assert_false(c.init.flags & (FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS));
	assert_int_equal(lock(FUSE_SETLK, node, 1, F_WRLCK, 0, 0), ENOSYS);
	assert_int_equal(lock(FUSE_GETLK, node, 1, F_WRLCK, 0, 0), ENOSYS);
	assert_int_equal(flock_of(FUSE_SETLK, node, 1, F_WRLCK), ENOSYS);
	client_close(&c);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(owners_exclude_each_other),
		TEST(locks_are_the_hosts_too),
		TEST(who_waits_keeps_nobody_from_working),
		TEST(who_waits_can_be_interrupted),
		TEST(closing_gives_locks_back),
		TEST(whole_files_are_locked_by_handle),
		TEST(locks_of_an_open_file_end_with_it),
		TEST(whose_a_lock_is_is_told),
		TEST(nonsense_is_refused),
		TEST(waiters_have_a_bound_and_end_with_the_mount),
		TEST(locks_that_are_the_guests_alone_are_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
