/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/ioctl.h>
#include <termios.h>

#include "tests/unit/cmocka.h"

#include "scene.h"

static void check_session(struct scene *s)
{
	CHECK(getsid(0) != getpid());
	WELL(s, process_apply_terminal(s->a->plan, -1, &s->a->err));
	CHECK(getsid(0) == getpid());
	CHECK(open("/dev/tty", O_RDWR | O_NOCTTY) < 0 && errno == ENXIO);
}

static void a_process_has_a_session_of_its_own(void **state)
{
	struct scene *s = *state;

	(void)scene_plan(s);
	scene_child(s, check_session);
}

static void check_terminal(struct scene *s)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), unlock = 0, slave;
	struct winsize size;

	CHECK(master >= 0 && ioctl(master, TIOCSPTLCK, &unlock) == 0);
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(slave > STDERR_FILENO);
	WELL(s, process_apply_terminal(s->a->plan, slave, &s->a->err));
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		CHECK(tcgetsid(fd) == getpid()); /* it controls us */
		CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0);
	}
	CHECK(fcntl(slave, F_GETFD) < 0);
	CHECK(ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0);
	CHECK(size.ws_row == s->a->plan->rows && size.ws_col == s->a->plan->columns);
}

static void a_terminal_controls_and_is_all_streams(void **state)
{
	struct scene *s = *state;

	s->a->spec.process.terminal = true;
	(void)scene_plan(s);
	scene_child(s, check_terminal);
	s->a->spec.process.console_height.value = 33;
	s->a->spec.process.console_width.value = 44;
	(void)scene_plan(s);
	scene_child(s, check_terminal);
}

static void check_no_terminal(struct scene *s)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	CHECK(process_apply_terminal(s->a->plan, null, &s->a->err) < 0);
	CHECK(strcmp(s->a->err.object, "process.terminal") == 0 && s->a->err.errnum == ENOTTY);
}

static void what_is_no_terminal_is_refused(void **state)
{
	struct scene *s = *state;

	(void)scene_plan(s);
	scene_child(s, check_no_terminal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(a_process_has_a_session_of_its_own),
		SCENE_TEST(a_terminal_controls_and_is_all_streams),
		SCENE_TEST(what_is_no_terminal_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
