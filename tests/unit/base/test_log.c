/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <time.h>

#include "base/json_read.h"
#include "base/log.h"
#include "base/own.h"
#include "tests/unit/cmocka.h"

#include "scratch.h"

static void open_log(const struct scratch *scratch, enum log_format format, enum log_level level)
{
	struct error err = {0};
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/log", scratch->path);
	assert_int_equal(log_open(path, format, level, &err), 0);
	assert_true(log_file() >= 0);
}

static void close_log(void)
{
	struct error err = {0};

	assert_int_equal(log_open(NULL, LOG_TEXT, LOG_WARNING, &err), 0);
	assert_int_equal(log_file(), -1);
}

/* Whether a time of RFC 3339 is at most a minute old, by the clock that the log reads: time(2) is
 * of the last tick, so in a second's first milliseconds it still tells the one before. */
static int is_now(const char *text)
{
	struct timespec now;
	struct tm tm = {0};
	time_t then;

	if (!strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) || clock_gettime(CLOCK_REALTIME, &now) < 0)
		return 0;
	then = timegm(&tm);
	return then <= now.tv_sec && then > now.tv_sec - 60;
}

static void a_file_gets_lines_as_other_runtimes_write_them(void **state)
{
	const struct scratch *scratch = *state;
	char text[512];

	open_log(scratch, LOG_TEXT, LOG_WARNING);
	log_error("hostname: longer than %d \"bytes\"", 64);
	close_log();
	(void)scratch_text(scratch, "log", text, sizeof(text));
	assert_memory_equal(text, "time=\"", 6);
	assert_true(is_now(text + 6));
	assert_string_equal(text + 25,
	                    "Z\" level=error msg=\"hostname: longer than 64 \\\"bytes\\\"\"\n");
}

static void json_lines_can_be_read_by_engines(void **state)
{
	const struct scratch *scratch = *state;
	owned_arena struct arena *arena = arena_new(1 << 20);
	const struct json *line = NULL;
	struct error err = {0};
	char text[512];

	open_log(scratch, LOG_JSON, LOG_ERROR);
	log_error("a \"b\" \\ \n\t\001 \xc3\xbc \xff \xc2\x9b\x7f");
	close_log();
	(void)scratch_text(scratch, "log", text, sizeof(text));
	assert_memory_equal(text, "{\"level\":\"error\",\"msg\":\"a ", 25);
	assert_int_equal(json_read("log", text, strlen(text), arena, &line, &err), 0);
	assert_string_equal(json_member_text(line, "level"), "error");
	assert_string_equal(json_member_text(line, "msg"),
	                    "a \"b\" \\ \n\t\001 \xc3\xbc \xef\xbf\xbd \xc2\x9b\x7f");
	assert_non_null(strstr(text, "\\n\\t\\u0001 "));
	assert_non_null(strstr(text, " \\u009b\\u007f\""));
	assert_true(is_now(json_member_text(line, "time")));
	assert_int_equal(strlen(json_member_text(line, "time")),
	                 strlen("2026-01-02T15:04:05.123456789Z"));
	assert_string_equal(text + strlen(text) - 4, "Z\"}\n");
}

static void what_is_more_talkative_than_the_level_is_dropped(void **state)
{
	const struct scratch *scratch = *state;
	char text[512];

	open_log(scratch, LOG_TEXT, LOG_WARNING);
	assert_false(log_is_debug());
	log_info("not this");
	log_debug("nor this");
	log_warning("this");
	close_log();
	(void)scratch_text(scratch, "log", text, sizeof(text));
	assert_null(strstr(text, "not this"));
	assert_null(strstr(text, "nor this"));
	assert_non_null(strstr(text, "level=warning msg=\"this\""));
	open_log(scratch, LOG_TEXT, LOG_DEBUG);
	assert_true(log_is_debug());
	log_debug("deep");
	log_info("less deep");
	close_log();
	(void)scratch_text(scratch, "log", text, sizeof(text));
	assert_non_null(strstr(text, "level=debug msg=\"deep\""));
	assert_non_null(strstr(text, "level=info msg=\"less deep\""));
}

static void a_log_is_appended_to_and_errno_is_kept(void **state)
{
	const struct scratch *scratch = *state;
	char text[512];

	scratch_file(scratch, "log", "before\n");
	open_log(scratch, LOG_TEXT, LOG_ERROR);
	errno = EXDEV;
	log_error("after");
	log_debug("dropped");
	assert_int_equal(errno, EXDEV);
	assert_true(fcntl(log_file(), F_GETFD) & FD_CLOEXEC);
	close_log();
	(void)scratch_text(scratch, "log", text, sizeof(text));
	assert_memory_equal(text, "before\ntime=", 12);
}

static void a_message_that_is_too_long_is_cut_and_its_line_still_ends(void **state)
{
	const struct scratch *scratch = *state;
	owned_arena struct arena *arena = arena_new(1 << 20);
	const struct json *line = NULL;
	struct error err = {0};
	static char message[20000];
	static char text[20000];

	memset(message, '\001', sizeof(message) - 1);
	open_log(scratch, LOG_JSON, LOG_ERROR);
	log_error("%s", message);
	close_log();
	(void)scratch_text(scratch, "log", text, sizeof(text));
	assert_true(strlen(text) > 1000 && strlen(text) <= 4096);
	assert_int_equal(json_read("log", text, strlen(text), arena, &line, &err), 0);
}

/* What a function writes to stderr. */
static void catch_stderr(void (*what)(void), char *text, size_t size)
{
	owned_fd before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	int pipes[2];
	ssize_t n;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_true(dup2(pipes[1], STDERR_FILENO) >= 0);
	what();
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	(void)close(pipes[1]);
	n = read(pipes[0], text, size - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	(void)close(pipes[0]);
}

static void write_some(void)
{
	struct error err = {0};

	log_error("linux.uidMappings: is missing");
	log_warning("old kernel");
	log_info("hello");
	log_debug("step 1");
	log_error("two\nlines \033[31m \xc2\x9b"
	          "1m \xc3\xbc\xff");
	(void)fail(&err, ERROR_STATE, "web", "gone");
	log_dropped("after a failed create", &err);
}

static void stderr_gets_lines_for_people(void **state)
{
	struct error err = {0};
	char text[1024];

	(void)state;
	assert_int_equal(log_open(NULL, LOG_TEXT, LOG_DEBUG, &err), 0);
	catch_stderr(write_some, text, sizeof(text));
	close_log();
	assert_string_equal(text, "cella: linux.uidMappings: is missing\n"
	                          "cella: warning: old kernel\n"
	                          "cella: info: hello\n"
	                          "cella: debug: step 1\n"
	                          "cella: two?lines ?[31m ??1m \xc3\xbc?\n"
	                          "cella: warning: after a failed create: web: gone\n");
}

static void stderr_gets_json_where_it_is_asked_for(void **state)
{
	struct error err = {0};
	char text[1024];

	(void)state;
	assert_int_equal(log_open(NULL, LOG_JSON, LOG_ERROR, &err), 0);
	catch_stderr(write_some, text, sizeof(text));
	close_log();
	assert_memory_equal(text, "{\"level\":\"error\",\"msg\":\"linux.uidMappings: is missing\",",
	                    55);
}

static void a_log_that_can_not_be_opened_is_an_error_and_the_old_one_stays(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = {0};
	int before;

	open_log(scratch, LOG_TEXT, LOG_ERROR);
	before = log_file();
	assert_int_equal(log_open("/nonexistent/log", LOG_JSON, LOG_ERROR, &err), -1);
	assert_string_equal(err.object, "/nonexistent/log");
	assert_int_equal(err.errnum, ENOENT);
	assert_int_equal(log_file(), before);
	close_log();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_file_gets_lines_as_other_runtimes_write_them),
		SCRATCH_TEST(json_lines_can_be_read_by_engines),
		SCRATCH_TEST(what_is_more_talkative_than_the_level_is_dropped),
		SCRATCH_TEST(a_log_is_appended_to_and_errno_is_kept),
		SCRATCH_TEST(a_message_that_is_too_long_is_cut_and_its_line_still_ends),
		cmocka_unit_test(stderr_gets_lines_for_people),
		cmocka_unit_test(stderr_gets_json_where_it_is_asked_for),
		SCRATCH_TEST(a_log_that_can_not_be_opened_is_an_error_and_the_old_one_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
