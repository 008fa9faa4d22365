/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/own.h"
#include "tests/unit/cmocka.h"

/* What a source of these tests has at hand. */
struct counter {
	struct loop *loop;
	struct loop_source *other;
	int called;
	uint32_t events;
};

static int open_event(void)
{
	int fd = eventfd(1, EFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static int count_and_stop_after_three(struct loop_source *self, uint32_t events, struct error *err)
{
	struct counter *counter = self->data;

	(void)err;
	counter->events = events;
	if (++counter->called == 3)
		loop_stop(counter->loop);
	return 0;
}

static void a_source_is_told_its_events_until_the_loop_stops(void **state)
{
	owned_fd fd = open_event();
	struct error err = {0};
	struct loop *loop = loop_new(&err);
	struct counter counter = {.loop = loop};
	struct loop_source source = {fd, count_and_stop_after_three, &counter};

	(void)state;
	assert_non_null(loop);
	assert_int_equal(loop_add(loop, &source, EPOLLIN, &err), 0);
	assert_int_equal(loop_run(loop, &err), 0);
	assert_int_equal(counter.called, 3);
	assert_int_equal(counter.events, EPOLLIN);
	assert_int_equal(loop_change(loop, &source, EPOLLOUT, &err), 0);
	counter.called = 0;
	assert_int_equal(loop_run(loop, &err), 0);
	assert_int_equal(counter.events, EPOLLOUT);
	loop_free(loop);
	assert_true(fcntl(fd, F_GETFD) >= 0);
}

static int remove_both_and_stop(struct loop_source *self, uint32_t events, struct error *err)
{
	struct counter *counter = self->data;

	(void)events;
	counter->called++;
	if (loop_remove(counter->loop, counter->other, err) < 0 ||
	    loop_remove(counter->loop, self, err) < 0)
		return -1;
	memset(counter->other, 0xff, sizeof(*counter->other)); /* gone: nobody may look at it */
	loop_stop(counter->loop);
	return 0;
}

/* Two sources have something to say at once, and remove each other. Returns how often they were told. */
static int told_of_two(int (*ready)(struct loop_source *self, uint32_t events, struct error *err))
{
	owned_fd one = open_event();
	owned_fd two = open_event();
	struct error err = {0};
	struct loop *loop = loop_new(&err);
	struct counter first = {.loop = loop};
	struct counter second = {.loop = loop};
	struct loop_source a = {one, ready, &first};
	struct loop_source b = {two, ready, &second};

	first.other = &b;
	second.other = &a;
	assert_int_equal(loop_add(loop, &a, EPOLLIN, &err), 0);
	assert_int_equal(loop_add(loop, &b, EPOLLIN, &err), 0);
	assert_int_equal(loop_run(loop, &err), 0);
	loop_free(loop);
	return first.called + second.called;
}

static void a_source_that_was_removed_is_not_told_what_was_under_way(void **state)
{
	(void)state;
	assert_int_equal(told_of_two(remove_both_and_stop), 1);
}

static int remove_other_only(struct loop_source *self, uint32_t events, struct error *err)
{
	struct counter *counter = self->data;

	(void)events;
	if (counter->other && loop_remove(counter->loop, counter->other, err) < 0)
		return -1;
	if (counter->other)
		memset(counter->other, 0xff, sizeof(*counter->other));
	counter->other = NULL;
	if (++counter->called == 3)
		loop_stop(counter->loop);
	return 0;
}

static void a_loop_goes_on_without_a_source_that_another_removed(void **state)
{
	(void)state;
	assert_int_equal(told_of_two(remove_other_only), 3);
}

/* ---- another thread removes a source while the loop waits ---- */

/* There is no other thread: what it would do is done inside the calls themselves, which stand here for the C
 * library's, at the two points where the kernel has just handed the batch out. */
static struct {
	enum { NOWHERE, BEHIND_THE_WAIT, INSIDE_THE_REMOVAL } where;
	struct loop *loop;
	struct loop_source *source;
	struct epoll_event *batch; /* to be written when EPOLL_CTL_DEL begins */
	int most, count;
} stranger;

static int wait_really(int epoll, struct epoll_event *batch, int most, int timeout)
{
	return (int)syscall(SYS_epoll_pwait, epoll, batch, most, timeout, NULL, 0);
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	if (operation == EPOLL_CTL_DEL && stranger.batch)
		stranger.count = wait_really(epoll, stranger.batch, stranger.most, 0);
	stranger.batch = NULL;
	return (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
	bool inside = stranger.where == INSIDE_THE_REMOVAL;
	struct error err;

	if (!inside)
		stranger.count = wait_really(epoll, events, most, timeout);
	if (stranger.where == NOWHERE)
		return stranger.count;
	stranger.where = NOWHERE;
	stranger.batch = inside ? events : NULL;
	stranger.most = most;
	assert_int_equal(loop_remove(stranger.loop, stranger.source, &err), 0);
	return stranger.count;
}

/* The batch has both; the one that is removed stands first in it. */
static void remove_while_the_loop_waits(int where)
{
	owned_fd one = open_event();
	owned_fd two = open_event();
	struct error err = {0};
	struct loop *loop = loop_new(&err);
	struct counter removed = {.loop = loop}, other = {.loop = loop};
	struct loop_source a = {one, count_and_stop_after_three, &removed};
	struct loop_source b = {two, count_and_stop_after_three, &other};

	assert_int_equal(loop_add(loop, &a, EPOLLIN, &err), 0);
	assert_int_equal(loop_add(loop, &b, EPOLLIN, &err), 0);
	stranger.loop = loop;
	stranger.source = &a;
	stranger.where = where;
	assert_int_equal(loop_run(loop, &err), 0);
	assert_int_equal(stranger.where, NOWHERE);
	assert_int_equal(removed.called, 0);
	assert_int_equal(other.called, 3);
	loop_free(loop);
}

static void a_source_removed_when_the_kernel_has_told_of_it_is_told_nothing(void **state)
{
	(void)state;
	remove_while_the_loop_waits(BEHIND_THE_WAIT);
}

static void a_source_that_the_kernel_tells_of_during_its_removal_is_told_nothing(void **state)
{
	(void)state;
	remove_while_the_loop_waits(INSIDE_THE_REMOVAL);
}

static int refuse(struct loop_source *self, uint32_t events, struct error *err)
{
	(void)events;
	return fail(err, ERROR_STATE, self->data, "refused");
}

static void the_error_of_a_source_ends_the_loop(void **state)
{
	static char name[] = "agent";
	owned_fd fd = open_event();
	struct error err = {0};
	struct loop *loop = loop_new(&err);
	struct loop_source source = {fd, refuse, name};

	(void)state;
	assert_int_equal(loop_add(loop, &source, EPOLLIN, &err), 0);
	assert_int_equal(loop_run(loop, &err), -1);
	assert_string_equal(err.object, "agent");
	assert_string_equal(err.reason, "refused");
	loop_free(loop);
}

static void a_loop_that_was_stopped_before_it_ran_does_not_wait(void **state)
{
	struct error err = {0};
	struct loop *loop = loop_new(&err);

	(void)state;
	loop_stop(loop);
	assert_int_equal(loop_run(loop, &err), 0);
	loop_free(loop);
	loop_free(NULL);
}

static void what_can_not_be_watched_is_an_error(void **state)
{
	owned_fd file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	owned_fd fd = open_event();
	struct error err = {0};
	struct loop *loop = loop_new(&err);
	struct loop_source bad = {file, refuse, NULL};
	struct loop_source good = {fd, refuse, NULL};

	(void)state;
	assert_int_equal(loop_add(loop, &bad, EPOLLIN, &err), -1);
	assert_int_equal(err.errnum, EPERM);
	assert_int_equal(loop_change(loop, &good, EPOLLIN, &err), -1);
	assert_int_equal(err.errnum, ENOENT);
	assert_int_equal(loop_remove(loop, &good, &err), -1);
	assert_int_equal(loop_add(loop, &good, EPOLLIN, &err), 0);
	assert_int_equal(loop_add(loop, &good, EPOLLIN, &err), -1);
	assert_int_equal(err.errnum, EEXIST);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_is_told_its_events_until_the_loop_stops),
		cmocka_unit_test(a_source_that_was_removed_is_not_told_what_was_under_way),
		cmocka_unit_test(a_loop_goes_on_without_a_source_that_another_removed),
		cmocka_unit_test(a_source_removed_when_the_kernel_has_told_of_it_is_told_nothing),
		cmocka_unit_test(
			a_source_that_the_kernel_tells_of_during_its_removal_is_told_nothing),
		cmocka_unit_test(the_error_of_a_source_ends_the_loop),
		cmocka_unit_test(a_loop_that_was_stopped_before_it_ran_does_not_wait),
		cmocka_unit_test(what_can_not_be_watched_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
