/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "signals.h"
#include "table.h"
#include "text.h"

/* The first name of a number is the one we say. */
static const struct word names[] = {
	{"SIGHUP",    SIGHUP   },
        {"SIGINT",    SIGINT   },
        {"SIGQUIT",   SIGQUIT  },
	{"SIGILL",    SIGILL   },
        {"SIGTRAP",   SIGTRAP  },
        {"SIGABRT",   SIGABRT  },
	{"SIGIOT",    SIGIOT   },
        {"SIGBUS",    SIGBUS   },
        {"SIGFPE",    SIGFPE   },
	{"SIGKILL",   SIGKILL  },
        {"SIGUSR1",   SIGUSR1  },
        {"SIGSEGV",   SIGSEGV  },
	{"SIGUSR2",   SIGUSR2  },
        {"SIGPIPE",   SIGPIPE  },
        {"SIGALRM",   SIGALRM  },
	{"SIGTERM",   SIGTERM  },
        {"SIGSTKFLT", SIGSTKFLT},
        {"SIGCHLD",   SIGCHLD  },
	{"SIGCLD",    SIGCHLD  },
        {"SIGCONT",   SIGCONT  },
        {"SIGSTOP",   SIGSTOP  },
	{"SIGTSTP",   SIGTSTP  },
        {"SIGTTIN",   SIGTTIN  },
        {"SIGTTOU",   SIGTTOU  },
	{"SIGURG",    SIGURG   },
        {"SIGXCPU",   SIGXCPU  },
        {"SIGXFSZ",   SIGXFSZ  },
	{"SIGVTALRM", SIGVTALRM},
        {"SIGPROF",   SIGPROF  },
        {"SIGWINCH",  SIGWINCH },
	{"SIGIO",     SIGIO    },
        {"SIGPOLL",   SIGPOLL  },
        {"SIGPWR",    SIGPWR   },
	{"SIGSYS",    SIGSYS   },
};

/* "RTMIN", "RTMIN+3", "RTMAX-1" to a number. */
static bool realtime_from_text(const char *text, int *ret_signum)
{
	bool from_least = strncasecmp(text, "RTMIN", 5) == 0;
	uint32_t distance = 0;

	if (!from_least && strncasecmp(text, "RTMAX", 5) != 0)
		return false;
	text += 5;
	if (*text && (*text != (from_least ? '+' : '-') || !text_to_u32(text + 1, &distance)))
		return false;
	if (distance > (uint32_t)(SIGRTMAX - SIGRTMIN))
		return false;
	*ret_signum = from_least ? SIGRTMIN + (int)distance : SIGRTMAX - (int)distance;
	return true;
}

bool signal_from_text(const char *text, int *ret_signum)
{
	uint32_t number;

	if (text_to_u32(text, &number)) {
		if (number == 0 || number > (uint32_t)SIGRTMAX)
			return false;
		*ret_signum = (int)number;
		return true;
	}
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcasecmp(names[i].word + 3, text) == 0) {
			*ret_signum = (int)names[i].value;
			return true;
		}
	return realtime_from_text(text, ret_signum);
}

void signals_reset_those(uint64_t ignored)
{
	/* The kernel's struct sigaction: a handler, flags, a restorer, a mask. The C library would keep
	 * two signals back (32 and 33), which a caller may have left ignored. */
	static const uint64_t none, by_default[4];

	for (int signum = 1; signum <= SIGRTMAX; signum++) /* KILL and STOP answer EINVAL */
		if (ignored >> (signum - 1) & 1)
			(void)syscall(SYS_rt_sigaction, signum, by_default, NULL, sizeof(none));
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
}

void signals_reset(void)
{
	signals_reset_those(~UINT64_C(0));
}

int signals_open(const int *signums, struct error *err)
{
	sigset_t wanted;
	sigset_t before;
	int fd;

	(void)sigemptyset(&wanted);
	for (; *signums; signums++)
		if (sigaddset(&wanted, *signums) < 0)
			return fail_errno(err, "signals", "sigaddset");
	if (sigprocmask(SIG_BLOCK, &wanted, &before) < 0)
		return fail_errno(err, "signals", "sigprocmask");
	fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0) {
		(void)fail_errno(err, "signals", "signalfd");
		(void)sigprocmask(SIG_SETMASK, &before, NULL);
		return -1;
	}
	return fd;
}
