/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fdpass.h"
#include "base/own.h"
#include "tests/unit/cmocka.h"

#include "scratch.h"

static void open_pair(int type, int *one, int *other)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 0);
	*one = pair[0];
	*other = pair[1];
}

static void a_descriptor_crosses_a_socket_and_is_close_on_exec(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd one = -1;
	owned_fd other = -1;
	owned_fd file = -1;
	owned_fd came = -1;
	struct stat sent, received;
	struct error err = {0};
	char text[8] = "";

	scratch_file(scratch, "file", "");
	file = openat(scratch->dir, "file", O_RDONLY | O_CLOEXEC);
	open_pair(SOCK_STREAM, &one, &other);
	assert_int_equal(fdpass_send(one, "tty", 3, file, &err), 0);
	assert_int_equal(fdpass_receive(other, text, sizeof(text), &came, &err), 3);
	assert_string_equal(text, "tty");
	assert_int_equal(fstat(file, &sent), 0);
	assert_int_equal(fstat(came, &received), 0);
	assert_true(sent.st_ino == received.st_ino && file != came);
	assert_true(fcntl(came, F_GETFD) & FD_CLOEXEC);
}

static void a_message_without_a_descriptor_gives_none(void **state)
{
	owned_fd one = -1;
	owned_fd other = -1;
	struct error err = {0};
	char text[8];
	int came = 42;

	(void)state;
	open_pair(SOCK_STREAM, &one, &other);
	assert_int_equal(fdpass_send(one, "x", 1, -1, &err), 0);
	assert_int_equal(fdpass_receive(other, text, sizeof(text), &came, &err), 1);
	assert_int_equal(came, -1);
	(void)close(take_fd(&one));
	assert_int_equal(fdpass_receive(other, text, sizeof(text), &came, &err), 0);
}

/* Send several descriptors in one message, as only a hostile peer would. */
static void send_many(int socket, size_t count)
{
	union {
		char bytes[CMSG_SPACE(64 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	char byte = 'x';
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes};
	int fds[64] = {0};

	message.msg_controllen = CMSG_SPACE(count * sizeof(int));
	CMSG_FIRSTHDR(&message)->cmsg_level = SOL_SOCKET;
	CMSG_FIRSTHDR(&message)->cmsg_type = SCM_RIGHTS;
	CMSG_FIRSTHDR(&message)->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), fds, count * sizeof(int));
	assert_int_equal(sendmsg(socket, &message, 0), 1);
}

static void descriptors_beyond_the_first_do_not_stay_open(void **state)
{
	static const size_t counts[] = {1, 2, 3, 4, 5, 6, 64};
	owned_fd one = -1;
	owned_fd other = -1;
	struct error err = {0};
	char byte;

	(void)state;
	open_pair(SOCK_STREAM, &one, &other);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		int before = scratch_descriptors();
		owned_fd came = -1;

		send_many(one, counts[i]);
		assert_int_equal(fdpass_receive(other, &byte, 1, &came, &err), 1);
		assert_true(came >= 0);
		assert_int_equal(scratch_descriptors(), before + 1);
	}
}

static void a_descriptor_that_nobody_wants_does_not_stay_open(void **state)
{
	owned_fd one = -1;
	owned_fd other = -1;
	struct error err = {0};
	int before;
	char byte;

	(void)state;
	open_pair(SOCK_STREAM, &one, &other);
	before = scratch_descriptors();
	assert_int_equal(fdpass_send(one, "x", 1, 0, &err), 0);
	assert_int_equal(fdpass_receive(other, &byte, 1, NULL, &err), 1);
	assert_int_equal(scratch_descriptors(), before);
}

static void a_message_that_is_too_long_is_refused_and_its_descriptor_closed(void **state)
{
	owned_fd one = -1;
	owned_fd other = -1;
	struct error err = {0};
	int came = 42;
	int before;
	char text[2];

	(void)state;
	open_pair(SOCK_SEQPACKET, &one, &other);
	before = scratch_descriptors();
	assert_int_equal(fdpass_send(one, "long", 4, 0, &err), 0);
	assert_int_equal(fdpass_receive(other, text, sizeof(text), &came, &err), -1);
	assert_string_equal(err.reason, "a message larger than 2 bytes came");
	assert_int_equal(came, 42);
	assert_int_equal(scratch_descriptors(), before);
}

static void a_peer_that_is_gone_is_an_error_and_no_signal(void **state)
{
	owned_fd one = -1;
	owned_fd other = -1;
	struct error err = {0};

	(void)state;
	open_pair(SOCK_STREAM, &one, &other);
	(void)close(take_fd(&other));
	assert_int_equal(fdpass_send(one, "x", 1, -1, &err), -1);
	assert_int_equal(err.errnum, EPIPE);
	assert_int_equal(fdpass_receive(-1, &err, 1, NULL, &err), -1);
	assert_int_equal(err.errnum, EBADF);
}

static void who_listens_is_connected_to_by_name_and_by_path(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd listening = -1;
	owned_fd by_name = -1;
	owned_fd by_path = -1;
	struct error err = {0};
	struct stat st;
	char path[128];

	listening = fdpass_listen_at(scratch->dir, "start", &err);
	assert_true(listening >= 0);
	assert_int_equal(fstatat(scratch->dir, "start", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0600);
	by_name = fdpass_connect_at(scratch->dir, "start", &err);
	assert_true(by_name >= 0);
	(void)snprintf(path, sizeof(path), "%s/start", scratch->path);
	by_path = fdpass_connect(path, &err);
	assert_true(by_path >= 0);
	assert_true(fcntl(listening, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(by_name, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(by_path, F_GETFD) & FD_CLOEXEC);
}

static void a_path_longer_than_an_address_is_connected_to(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd folder = -1;
	owned_fd listening = -1;
	owned_fd connected = -1;
	struct error err = {0};
	char name[201];
	char path[512];

	memset(name, 'n', 200);
	name[200] = '\0';
	scratch_folder(scratch, name);
	folder = openat(scratch->dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	listening = fdpass_listen_at(folder, "socket", &err);
	assert_true(listening >= 0);
	(void)snprintf(path, sizeof(path), "%s/%s/socket", scratch->path, name);
	connected = fdpass_connect(path, &err);
	assert_true(connected >= 0);
}

static void what_is_there_is_not_replaced_by_a_socket(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = {0};
	char name[200];

	scratch_file(scratch, "taken", "");
	assert_int_equal(fdpass_listen_at(scratch->dir, "taken", &err), -1);
	assert_int_equal(err.errnum, EADDRINUSE);
	assert_string_equal(err.object, "taken");
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(fdpass_listen_at(scratch->dir, name, &err), -1);
	assert_int_equal(err.errnum, ENAMETOOLONG);
}

static void a_socket_that_nobody_has_made_is_named_by_its_path(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = {0};

	assert_int_equal(fdpass_connect("/nonexistent/console.sock", &err), -1);
	assert_string_equal(err.object, "/nonexistent/console.sock");
	assert_int_equal(err.errnum, ENOENT);
	assert_int_equal(fdpass_connect("", &err), -1);
	assert_int_equal(err.errnum, ENOENT);
	scratch_file(scratch, "file", "");
	assert_int_equal(fdpass_connect_at(scratch->dir, "file", &err), -1);
	assert_int_equal(err.errnum, ECONNREFUSED);
}

static void nobody_waits_who_connects_at_once(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = {0};
	owned_fd listening = fdpass_listen_at(scratch->dir, "s", &err);
	owned_fd first = fdpass_connect_now_at(scratch->dir, "s", &err);
	owned_fd second = fdpass_connect_now_at(scratch->dir, "s", &err);

	assert_true(listening >= 0 && first >= 0 && second >= 0);
	assert_int_equal(fdpass_connect_now_at(scratch->dir, "s", &err), -1);
	assert_int_equal(err.errnum, EAGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_descriptor_crosses_a_socket_and_is_close_on_exec),
		cmocka_unit_test(a_message_without_a_descriptor_gives_none),
		cmocka_unit_test(descriptors_beyond_the_first_do_not_stay_open),
		cmocka_unit_test(a_descriptor_that_nobody_wants_does_not_stay_open),
		cmocka_unit_test(a_message_that_is_too_long_is_refused_and_its_descriptor_closed),
		cmocka_unit_test(a_peer_that_is_gone_is_an_error_and_no_signal),
		SCRATCH_TEST(who_listens_is_connected_to_by_name_and_by_path),
		SCRATCH_TEST(a_path_longer_than_an_address_is_connected_to),
		SCRATCH_TEST(what_is_there_is_not_replaced_by_a_socket),
		SCRATCH_TEST(a_socket_that_nobody_has_made_is_named_by_its_path),
		SCRATCH_TEST(nobody_waits_who_connects_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
