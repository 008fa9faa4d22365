/* SPDX-License-Identifier: Apache-2.0 */
/* Run a command and make one system call of one of its processes fail, or kill that process there.
 *
 * usage: fault [--list FILE] [--at PROCESS NUMBER CALL (ERRNO | KILL)] [--seconds N] COMMAND…
 *
 * PROCESS counts from 0, the command itself, in the order in which processes are born; NUMBER is
 * which of that process's calls, from 0; CALL is its name: where another call is met there, the run
 * is let alone. With --list all calls are written down in this form. A process that executes
 * another program is watched no further, but the command itself is, which starts itself anew.
 *
 * Exits with the command's status (128 + N by signal N), 124 when it did not end in time (all that
 * is watched is killed then), 125 when the call was not met. What the command left running runs on.
 *
 * Theory of operation: ptrace(2) stops each process before and after each call. A call that fails
 * is not made: its number becomes -1, and its result what was wanted. close(2) and munmap(2) are
 * made all the same, as a kernel that lets them fail does. */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __x86_64__
#error "the names of the registers here are those of x86-64"
#endif

enum { PROCESSES = 64, TIMED_OUT = 124, NOT_MET = 125, USAGE = 2 };

struct process {
	pid_t pid;  /* 0: it has ended */
	long calls; /* entered until now */
	bool begun; /* the command: past its first execve */
	bool spoil; /* the call that it is in fails */
};

struct job {
	char **command;
	FILE *list;
	int process; /* -1: none */
	long number;
	int call;   /* its number in the kernel */
	int errnum; /* 0: kill */
	unsigned int seconds;
	bool met;
	size_t count;
	struct process processes[PROCESSES];
};

static volatile sig_atomic_t late;

static void on_alarm(int signum)
{
	(void)signum;
	late = 1;
}

_Noreturn static void give_up(const char *what)
{
	perror(what);
	exit(USAGE);
}

static int errno_named(const char *name)
{
	for (int i = 1; i < 200; i++) {
		const char *known = strerrorname_np(i);

		if (known && strcmp(known, name) == 0)
			return i;
	}
	return strcmp(name, "KILL") == 0 ? 0 : -1;
}

/* Who has this pid; a new one is entered. */
static int who(struct job *job, pid_t pid)
{
	for (size_t i = 0; i < job->count; i++)
		if (job->processes[i].pid == pid)
			return (int)i;
	if (job->count == PROCESSES) {
		fprintf(stderr, "fault: more than %d processes\n", PROCESSES);
		exit(USAGE);
	}
	job->processes[job->count] = (struct process){.pid = pid, .begun = job->count > 0};
	return (int)job->count++;
}

static void note(const struct job *job, int index, int call)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call);

	fprintf(job->list, "%d %ld %s\n", index, job->processes[index].calls,
	        name ? name : "unknown");
	free(name);
}

static bool is_made_anyway(int call)
{
	return call == SYS_close || call == SYS_munmap;
}

static void strike(struct job *job, struct process *p, int call)
{
	static const size_t number = offsetof(struct user, regs.orig_rax);

	job->met = true;
	if (job->errnum == 0) {
		(void)kill(p->pid, SIGKILL);
		return;
	}
	p->spoil = true;
	if (!is_made_anyway(call) && ptrace(PTRACE_POKEUSER, p->pid, number, -1L) < 0)
		give_up("fault: poke");
}

static void at_call(struct job *job, int index)
{
	static const size_t result = offsetof(struct user, regs.rax);
	struct process *p = &job->processes[index];
	struct __ptrace_syscall_info info;

	if (!p->begun)
		return;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, sizeof(info), &info) < 0)
		return; /* killed meanwhile */
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		int call = (int)info.entry.nr;

		if (job->list)
			note(job, index, call);
		if (index == job->process && p->calls == job->number && call == job->call)
			strike(job, p, call);
		p->calls++;
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && p->spoil) {
		p->spoil = false;
		if (ptrace(PTRACE_POKEUSER, p->pid, result, (long)-job->errnum) < 0)
			give_up("fault: poke");
	}
}

static bool is_birth(int event)
{
	return event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
	       event == PTRACE_EVENT_CLONE;
}

/* Known from now on: its own first stop may be told later than the birth of the next one. */
static void at_birth(struct job *job, pid_t parent)
{
	unsigned long child = 0;

	if (ptrace(PTRACE_GETEVENTMSG, parent, 0, &child) == 0 && child)
		(void)who(job, (pid_t)child);
}

/* A stop of a process; how it goes on. */
static void at_stop(struct job *job, int index, int status)
{
	struct process *p = &job->processes[index];
	int signum = WSTOPSIG(status), event = status >> 16;
	long deliver = 0;

	if (signum == (SIGTRAP | 0x80)) {
		at_call(job, index);
	} else if (event == PTRACE_EVENT_EXEC) {
		if (index > 0) { /* another program: not ours to try */
			(void)ptrace(PTRACE_DETACH, p->pid, 0, 0);
			p->pid = 0;
			return;
		}
		p->begun = true;
	} else if (is_birth(event)) {
		at_birth(job, p->pid);
	} else if (event == 0) {
		deliver = signum;
	}
	(void)ptrace(PTRACE_SYSCALL, p->pid, 0, deliver);
}

static int finish(struct job *job, int status)
{
	if (late) {
		for (size_t i = 0; i < job->count; i++)
			if (job->processes[i].pid)
				(void)kill(job->processes[i].pid, SIGKILL);
		return TIMED_OUT;
	}
	if (job->process >= 0 && !job->met)
		return NOT_MET;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int watch(struct job *job)
{
	int status = 0;

	for (;;) {
		pid_t pid = waitpid(-1, &status, __WALL);
		int index;

		if (late)
			return finish(job, status);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			give_up("fault: wait");
		index = who(job, pid);
		if (WIFSTOPPED(status)) {
			at_stop(job, index, status);
			continue;
		}
		job->processes[index].pid = 0;
		if (index == 0)
			return finish(job, status);
	}
}

static void start(struct job *job)
{
	static const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
	                            PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
	int ends[2];
	char go = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		give_up("fault: pipe");
	pid = fork();
	if (pid < 0)
		give_up("fault: fork");
	if (pid == 0) {
		(void)!read(ends[0], &go, 1);
		(void)execv(job->command[0], job->command);
		give_up(job->command[0]);
	}
	(void)who(job, pid);
	if (ptrace(PTRACE_SEIZE, pid, 0, options) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		give_up("fault: ptrace");
	(void)!write(ends[1], &go, 1);
	(void)close(ends[0]);
	(void)close(ends[1]);
	(void)sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm}, NULL);
	(void)alarm(job->seconds);
}

static char **take_at(struct job *job, char **word)
{
	job->process = atoi(word[1]);
	job->number = atol(word[2]);
	job->call = seccomp_syscall_resolve_name(word[3]);
	job->errnum = errno_named(word[4]);
	if (job->call < 0 || job->errnum < 0) {
		fprintf(stderr, "fault: no such call or error: %s %s\n", word[3], word[4]);
		exit(USAGE);
	}
	return word + 5;
}

int main(int argc, char **argv)
{
	static struct job job = {.process = -1, .seconds = 10};
	char **word = argv + 1;
	char **end = argv + argc;

	while (word < end && strncmp(*word, "--", 2) == 0) {
		if (strcmp(*word, "--list") == 0 && end - word > 1) {
			job.list = fopen(word[1], "we");
			if (!job.list)
				give_up(word[1]);
			word += 2;
		} else if (strcmp(*word, "--seconds") == 0 && end - word > 1) {
			job.seconds = (unsigned int)atoi(word[1]);
			word += 2;
		} else if (strcmp(*word, "--at") == 0 && end - word > 5) {
			word = take_at(&job, word);
		} else {
			break;
		}
	}
	if (word >= end) {
		fprintf(stderr, "usage: fault [--list FILE] [--at PROCESS NUMBER CALL ERRNO] "
		                "[--seconds N] COMMAND…\n");
		return USAGE;
	}
	job.command = word;
	start(&job);
	return watch(&job);
}
