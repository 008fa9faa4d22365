/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/stdio.h"
#include "shim/uri.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

static void a_path_is_decoded_without_its_query(void **state)
{
	static const struct {
		const char *uri, *path, *query;
	} cases[] = {
		{"/a",            "/a",     NULL      },
		{"/a%20b%2fC",    "/a b/C", NULL      },
		{"/a+b?to=%20&x", "/a+b",   "to=%20&x"},
		{"/a%3Fb?q#c?d",  "/a?b",   "q"       },
		{"/a%4",          "/a%4",   NULL      },
		{"/a%zz%",        "/a%zz%", NULL      },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *query;

		(void)snprintf(text, sizeof(text), "%s", cases[i].uri);
		query = uri_split(text);
		assert_string_equal(text, cases[i].path);
		assert_int_equal(query != NULL, cases[i].query != NULL);
		if (query)
			assert_string_equal(query, cases[i].query);
	}
}

/* Write a word to each output. */
static void write_to(const char *out, const char *errors)
{
	const struct stdio_request request = {
		.paths = {"", out, errors}
        };
	struct stdio io;
	struct error err;

	assert_int_equal(stdio_open(&request, &io, &err), 0);
	assert_int_equal(write(io.end[1], "out ", 4), 4);
	assert_int_equal(write(io.end[2], "error ", 6), 6);
	stdio_close(&io);
}

static void the_folders_of_a_log_are_made(void **state)
{
	const struct scratch *scratch = *state;
	char uri[128], text[64];

	(void)snprintf(uri, sizeof(uri), "file://%s/new/a%%20folder/log?x=y", scratch->path);
	write_to(uri, uri);
	assert_string_equal(scratch_text(scratch, "new/a folder/log", text, sizeof(text)),
	                    "out error ");
}

static void a_log_without_an_absolute_path_is_refused(void **state)
{
	const struct stdio_request request = {
		.paths = {"", "file://log", ""}
        };
	struct stdio io;
	struct error err;

	(void)state;
	assert_int_equal(stdio_open(&request, &io, &err), -1);
	assert_non_null(strstr(err.reason, "absolute path"));
	stdio_close(&io);
}

static void both_outputs_may_be_one_plain_file_that_has_something(void **state)
{
	const struct scratch *scratch = *state;
	char path[128], text[64];

	scratch_file(scratch, "log", "before ");
	(void)snprintf(path, sizeof(path), "%s/log", scratch->path);
	write_to(path, path);
	assert_string_equal(scratch_text(scratch, "log", text, sizeof(text)), "before out error ");
}

/* What ends before its reader comes: with a pipe of the server's between, and without. */
static void what_was_written_before_the_reader_came_is_read(void **state)
{
	const struct scratch *scratch = *state;
	struct stdio_request request = {
		.paths = {"", NULL, ""}
        };
	char path[128], text[8];

	(void)snprintf(path, sizeof(path), "%s/fifo", scratch->path);
	assert_int_equal(mkfifo(path, 0600), 0);
	request.paths[1] = path;
	for (int piped = 0; piped < 2; piped++) {
		struct stdio io;
		struct error err;
		pid_t worker;
		int reader, status;

		request.piped = piped;
		assert_int_equal(stdio_open(&request, &io, &err), 0);
		assert_true(io.unread[1] && io.hold[1] < 0);
		worker = fork();
		if (worker == 0)
			_exit(stdio_enter(&io, false, &err) == 0 && write(1, "first", 5) == 5 ? 0
			                                                                      : 1);
		assert_true(worker > 0);
		usleep(20000);
		assert_int_equal(waitpid(worker, &status, WNOHANG), 0);
		reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		assert_int_equal(waitpid(worker, &status, 0), worker);
		assert_int_equal(status, 0);
		stdio_hold(&io);
		assert_true(!io.unread[1] && io.hold[1] >= 0);
		if (piped)
			assert_int_equal(
				write(io.fifo[1], text, read(io.pipe[1], text, sizeof(text))), 5);
		stdio_close(&io);
		assert_int_equal(read(reader, text, sizeof(text)), 5);
		assert_memory_equal(text, "first", 5);
		assert_int_equal(read(reader, text, sizeof(text)), 0);
		(void)close(reader);
	}
}

static void a_reader_may_go_and_its_fifo_is_held(void **state)
{
	const struct scratch *scratch = *state;
	struct stdio_request request = {
		.paths = {"", NULL, ""}
        };
	struct stdio io;
	struct error err;
	char path[128];
	int reader;

	(void)snprintf(path, sizeof(path), "%s/fifo", scratch->path);
	assert_int_equal(mkfifo(path, 0600), 0);
	request.paths[1] = path;
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_equal(stdio_open(&request, &io, &err), 0);
	assert_true(!io.unread[1] && io.hold[1] >= 0);
	(void)close(reader);
	assert_int_equal(write(io.end[1], "kept", 4), 4); /* no SIGPIPE */
	stdio_close(&io);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_decoded_without_its_query),
		SCRATCH_TEST(the_folders_of_a_log_are_made),
		cmocka_unit_test(a_log_without_an_absolute_path_is_refused),
		SCRATCH_TEST(both_outputs_may_be_one_plain_file_that_has_something),
		SCRATCH_TEST(what_was_written_before_the_reader_came_is_read),
		SCRATCH_TEST(a_reader_may_go_and_its_fifo_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
