/* SPDX-License-Identifier: Apache-2.0 */
/* Run commands in turn, many times over, and print what each costs beside the first.
 *
 * usage: measure ROUNDS NAME COMMAND... [::: NAME COMMAND...]...
 *
 * One round runs each command once, so that a noisy moment of the machine hits all alike. "%" in an
 * argument becomes a number that no other run has. Times are wall-clock medians; memory is the
 * greatest resident set of the command and of the children that it waited for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS_MOST = 8, ARGS_MOST = 64, ROUNDS_MOST = 100000 };

struct command {
	const char *name;
	char **args;
	size_t count;
	double *wall_ms, *cpu_ms;
	long peak_kib;
};

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static double ms_of(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

static char *with_number(const char *text, unsigned long number)
{
	const char *mark = strchr(text, '%');
	char *whole = NULL;

	if (!mark)
		return strdup(text);
	if (asprintf(&whole, "%.*s%d-%lu%s", (int)(mark - text), text, (int)getppid(), number,
	             mark + 1) < 0)
		return NULL;
	return whole;
}

static _Noreturn void be(const struct command *c, unsigned long number)
{
	char *argv[ARGS_MOST + 1] = {NULL};

	for (size_t i = 0; i < c->count; i++)
		argv[i] = with_number(c->args[i], number);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

static int run(struct command *c, size_t round, unsigned long number)
{
	double before = now_ms();
	struct rusage usage;
	int status;
	pid_t pid = fork();

	if (pid < 0) {
		perror("fork");
		return -1;
	}
	if (pid == 0)
		be(c, number);
	if (wait4(pid, &status, 0, &usage) < 0) {
		perror("wait4");
		return -1;
	}
	c->wall_ms[round] = now_ms() - before;
	c->cpu_ms[round] = ms_of(usage.ru_utime) + ms_of(usage.ru_stime);
	if (usage.ru_maxrss > c->peak_kib)
		c->peak_kib = usage.ru_maxrss;
	if (status != 0) {
		fprintf(stderr, "measure: %s ended with status %#x\n", c->name, (unsigned)status);
		return -1;
	}
	return 0;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), by_size);
	return values[count / 2];
}

static size_t read_commands(char **argv, struct command *commands)
{
	size_t n = 0;

	while (*argv && n < COMMANDS_MOST) {
		struct command *c = &commands[n++];

		c->name = *argv++;
		c->args = argv;
		while (*argv && strcmp(*argv, ":::") != 0 && c->count < ARGS_MOST) {
			argv++;
			c->count++;
		}
		if (c->count == 0 || (*argv && strcmp(*argv, ":::") != 0))
			return 0;
		if (*argv)
			argv++;
	}
	return *argv ? 0 : n;
}

static void print(struct command *commands, size_t n, size_t rounds)
{
	double first = 0;

	printf("%-8s %10s %10s %10s %8s   (medians of %zu)\n", "", "wall ms", "cpu ms", "peak KiB",
	       "ratio", rounds);
	for (size_t i = 0; i < n; i++) {
		double wall = median(commands[i].wall_ms, rounds);

		if (i == 0)
			first = wall;
		printf("%-8s %10.2f %10.2f %10ld %8.2f\n", commands[i].name, wall,
		       median(commands[i].cpu_ms, rounds), commands[i].peak_kib, wall / first);
	}
}

int main(int argc, char **argv)
{
	struct command commands[COMMANDS_MOST] = {0};
	size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	size_t n = rounds ? read_commands(argv + 2, commands) : 0;
	unsigned long number = 0;

	if (n == 0 || rounds > ROUNDS_MOST) {
		fprintf(stderr, "usage: measure ROUNDS NAME COMMAND... [::: NAME COMMAND...]...\n");
		return 2;
	}
	for (size_t i = 0; i < n; i++) {
		commands[i].wall_ms = calloc(rounds, sizeof(double));
		commands[i].cpu_ms = calloc(rounds, sizeof(double));
		if (!commands[i].wall_ms || !commands[i].cpu_ms)
			return 1;
	}
	for (size_t round = 0; round < rounds; round++)
		for (size_t i = 0; i < n; i++)
			if (run(&commands[i], round, number++) < 0)
				return 1;
	print(commands, n, rounds);
	return 0;
}
