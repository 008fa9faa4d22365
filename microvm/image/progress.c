/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "make.h"

static const char *volatile running;

/* Between any two instructions: write(2) only. */
static void say(int signum)
{
	static const char prefix[] = "cella-image: ", suffix[] = " …\n";
	const char *what = running;
	ssize_t unheard = 0;

	(void)signum;
	if (!what)
		return;
	unheard += write(STDERR_FILENO, prefix, sizeof(prefix) - 1);
	unheard += write(STDERR_FILENO, what, strlen(what));
	unheard += write(STDERR_FILENO, suffix, sizeof(suffix) - 1);
	(void)unheard;
}

void progress(const char *what)
{
	const struct itimerval second = {.it_value.tv_sec = what ? 1 : 0};
	struct sigaction action = {.sa_handler = say, .sa_flags = SA_RESTART};

	running = what;
	(void)sigaction(SIGALRM, &action, NULL);
	(void)setitimer(ITIMER_REAL, &second, NULL);
}

void note(const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	(void)dprintf(STDERR_FILENO, "cella-image: %s\n", line);
}
