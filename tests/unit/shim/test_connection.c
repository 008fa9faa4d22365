/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/fdpass.h"
#include "base/own.h"
#include "shim/life.h"
#include "shim/service.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

enum { USER = 65533, GIVE_UP_S = 30 };

/* A client that goes by the socket's file whatever that and its folder allow, and waits until it is closed. */
static pid_t connect_as(uid_t user, const struct scratch *scratch)
{
	pid_t client = fork();
	struct error err;
	char byte;

	if (client != 0)
		return client;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	CHECK(user == geteuid() || syscall(SYS_setresuid, user, user, user) == 0);
	owned_fd fd = fdpass_connect_at(scratch->dir, "socket", &err);
	CHECK(fd >= 0);
	CHECK(read(fd, &byte, 1) == 0);
	(void)syscall(SYS_exit_group, 0);
	return -1;
}

/* Returns  whether a client of that user is one whose messages are read. */
static bool is_let_in(const struct scratch *scratch, uid_t user)
{
	struct error err;
	owned_fd listening = fdpass_listen_at(scratch->dir, "socket", &err);
	struct shim shim = {.loop = loop_new(&err)};
	pid_t client;
	bool is_in;
	int status;

	(void)alarm(GIVE_UP_S);
	assert_int_equal(chmod(scratch->path, 0755), 0);
	assert_int_equal(fchmodat(scratch->dir, "socket", 0666, 0), 0);
	client = connect_as(user, scratch);
	assert_true(client > 0);
	assert_int_equal(connection_accept(&shim, listening, &err), 0); /* which waits for it */
	is_in = shim.connections;
	connections_close(&shim);
	loop_free(shim.loop);
	assert_int_equal(waitpid(client, &status, 0), client);
	assert_int_equal(status, 0);
	return is_in;
}

static void our_own_user_is_let_in(void **state)
{
	assert_true(is_let_in(*state, geteuid()));
}

static void another_user_is_not_let_in_whatever_the_file_allows(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_false(is_let_in(*state, USER));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(our_own_user_is_let_in),
		SCRATCH_TEST(another_user_is_not_let_in_whatever_the_file_allows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
