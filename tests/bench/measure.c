/* SPDX-License-Identifier: Apache-2.0 */
/* Run commands in turn, many times over, and print what each costs beside the others.
 *
 * usage: measure [-r ROUNDS] [-p COPIES] [-t] [-o FILE] SCENARIO NAME COMMAND... [::: NAME COMMAND...]...
 *
 * One round runs each command once, in another order each time, so that a noisy moment of the machine hits all alike.
 * "+++" stands between commands that make one measurement together. "%" in an argument becomes a number that no
 * other run has. With -p a measurement is so many copies at once, with -t each has a terminal of its own. Times are
 * wall clock, medians with the quartiles; memory is the greatest resident set of the command and of the children
 * that it waited for. -o appends a line a command: scenario, name, median, quartiles, processor time, memory. */
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS_MOST = 12, ARGS_MOST = 96, COPIES_MOST = 1000 };

struct command {
	const char *name;
	char **args; /* with "+++" */
	size_t count;
	double *wall_ms, *cpu_ms;
	long peak_kib;
};

static struct {
	size_t rounds, copies;
	bool terminal;
	const char *output, *scenario;
} options = {.rounds = 100, .copies = 1};

static double now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
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
	if (asprintf(&whole, "%.*s%d-%lu%s", (int)(mark - text), text, (int)getpid(), number,
	             mark + 1) < 0)
		return NULL;
	return whole;
}

/* ---- one process ---- */

/* Give the process about to be a terminal; its other end is drained by the caller. */
static int take_terminal(const char *path)
{
	int fd;

	if (setsid() < 0)
		return -1;
	fd = open(path, O_RDWR);
	if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (dup2(fd, i) < 0)
			return -1;
	return 0;
}

static int silence(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	return fd < 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0 ? -1 : 0;
}

static int open_terminal(char *path, size_t size)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
	    ptsname_r(master, path, size) != 0)
		err(1, "measure: a terminal");
	return master;
}

struct started {
	pid_t pid;
	int master; /* of its terminal, or -1 */
};

static struct started start(char **argv)
{
	struct started started = {.master = -1};
	char path[64] = "";

	if (options.terminal)
		started.master = open_terminal(path, sizeof(path));
	started.pid = fork();
	if (started.pid < 0)
		err(1, "measure: fork");
	if (started.pid > 0)
		return started;
	if (options.terminal ? take_terminal(path) < 0 : silence() < 0)
		err(126, "measure: %s", path);
	(void)execvp(argv[0], argv);
	err(127, "measure: %s", argv[0]);
}

static void drain(int master)
{
	struct pollfd wait = {.fd = master, .events = POLLIN};
	char bytes[4096];

	while (poll(&wait, 1, -1) >= 0 && read(master, bytes, sizeof(bytes)) > 0)
		;
	(void)close(master);
}

static void finish(struct command *c, struct started started, double *cpu_ms)
{
	struct rusage usage;
	int status;

	if (started.master >= 0)
		drain(started.master);
	if (wait4(started.pid, &status, 0, &usage) < 0)
		err(1, "measure: wait");
	if (status != 0)
		errx(1, "%s: %s ended with status %#x", options.scenario, c->name,
		     (unsigned int)status);
	*cpu_ms += ms_of(usage.ru_utime) + ms_of(usage.ru_stime);
	if (usage.ru_maxrss > c->peak_kib)
		c->peak_kib = usage.ru_maxrss;
}

/* ---- one measurement ---- */

/* The words up to the next "+++". Returns how many were taken. */
static size_t one_command(const struct command *c, size_t from, unsigned long number, char **argv)
{
	size_t n = 0;

	for (; from + n < c->count && strcmp(c->args[from + n], "+++") != 0; n++)
		argv[n] = with_number(c->args[from + n], number);
	argv[n] = NULL;
	return n;
}

static void release(char **argv)
{
	for (; *argv; argv++)
		free(*argv);
}

static void sequence(struct command *c, unsigned long number, double *cpu_ms)
{
	char *argv[ARGS_MOST + 1];

	for (size_t at = 0; at < c->count; at++) {
		at += one_command(c, at, number, argv);
		finish(c, start(argv), cpu_ms);
		release(argv);
	}
}

static void at_once(struct command *c, unsigned long number, double *cpu_ms)
{
	struct started started[COPIES_MOST];
	char *argv[ARGS_MOST + 1];

	for (size_t i = 0; i < options.copies; i++) {
		(void)one_command(c, 0, number * COPIES_MOST + i, argv);
		started[i] = start(argv);
		release(argv);
	}
	for (size_t i = 0; i < options.copies; i++)
		finish(c, started[i], cpu_ms);
}

static void measure(struct command *c, size_t round, unsigned long number)
{
	double before = now_ms();

	c->cpu_ms[round] = 0;
	if (options.copies > 1)
		at_once(c, number, &c->cpu_ms[round]);
	else
		sequence(c, number, &c->cpu_ms[round]);
	c->wall_ms[round] = now_ms() - before;
}

/* ---- what came out ---- */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double quantile(const double *sorted, double part)
{
	return sorted[(size_t)(part * (double)(options.rounds - 1) + 0.5)];
}

static void print(struct command *commands, size_t n)
{
	FILE *output = options.output ? fopen(options.output, "ae") : NULL;
	double first = 0;

	if (options.output && !output)
		err(1, "measure: %s", options.output);
	printf("%-26s %9s %17s %9s %9s %8s\n", options.scenario, "wall ms", "quartiles", "cpu ms",
	       "peak KiB", "ratio");
	for (size_t i = 0; i < n; i++) {
		struct command *c = &commands[i];
		double wall;

		qsort(c->wall_ms, options.rounds, sizeof(double), by_size);
		qsort(c->cpu_ms, options.rounds, sizeof(double), by_size);
		wall = quantile(c->wall_ms, 0.5);
		if (i == 0)
			first = wall;
		printf("  %-24s %9.2f %8.2f–%8.2f %9.2f %9ld %8.2f\n", c->name, wall,
		       quantile(c->wall_ms, 0.25), quantile(c->wall_ms, 0.75),
		       quantile(c->cpu_ms, 0.5), c->peak_kib, wall / first);
		if (output)
			fprintf(output, "%s\t%s\t%.3f\t%.3f\t%.3f\t%.3f\t%ld\n", options.scenario,
			        c->name, wall, quantile(c->wall_ms, 0.25),
			        quantile(c->wall_ms, 0.75), quantile(c->cpu_ms, 0.5), c->peak_kib);
	}
	if (output && fclose(output) != 0)
		err(1, "measure: %s", options.output);
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
		c->wall_ms = calloc(options.rounds, sizeof(double));
		c->cpu_ms = calloc(options.rounds, sizeof(double));
		if (!c->wall_ms || !c->cpu_ms)
			err(1, "measure");
	}
	return *argv ? 0 : n;
}

static char **read_options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "+r:p:to:")) != -1)
		switch (option) {
		case 'r':
			options.rounds = strtoul(optarg, NULL, 10);
			break;
		case 'p':
			options.copies = strtoul(optarg, NULL, 10);
			break;
		case 't':
			options.terminal = true;
			break;
		case 'o':
			options.output = optarg;
			break;
		default:
			return NULL;
		}
	if (optind >= argc || options.rounds == 0 || options.rounds > 100000 ||
	    options.copies == 0 || options.copies > COPIES_MOST)
		return NULL;
	options.scenario = argv[optind];
	return argv + optind + 1;
}

int main(int argc, char **argv)
{
	struct command commands[COMMANDS_MOST] = {0};
	char **words = read_options(argc, argv);
	size_t n = words ? read_commands(words, commands) : 0;
	unsigned long number = 0;

	if (n == 0) {
		fprintf(stderr, "usage: measure [-r ROUNDS] [-p COPIES] [-t] [-o FILE] SCENARIO "
		                "NAME COMMAND... "
		                "[::: NAME COMMAND...]...\n");
		return 2;
	}
	for (size_t i = 0; i < n; i++) /* what is read the first time is in memory from then on */
		measure(&commands[i], 0, number++);
	for (size_t round = 0; round < options.rounds; round++)
		for (size_t i = 0; i < n; i++)
			measure(&commands[(i + round) % n], round, number++);
	print(commands, n);
	return 0;
}
