/* SPDX-License-Identifier: Apache-2.0 */
/* A program that counts, in a way that a checkpoint must not lose anything of: each number goes from a thread through a
 * pipe to another thread, over a TCP connection to a second process and back, into a file, and to stdout.
 *
 * usage: counter FILE [MEBIBYTES]     memory that is written to once
 * Says "count N" each time, from 1 on; "broken: WHY" and status 1 when a number is not what it should be. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TICK_US = 20000, MEBIBYTE = 1 << 20 };

static int ends[2]; /* of the pipe */

static void broken(const char *why, unsigned int got, unsigned int wanted)
{
	printf("broken: %s: %u instead of %u: %s\n", why, got, wanted, strerror(errno));
	exit(1);
}

/* A message of one number: whole, over interruptions. */
static unsigned int take(int fd, const char *what)
{
	unsigned int n = 0;
	size_t done = 0;

	while (done < sizeof(n)) {
		ssize_t got = read(fd, (char *)&n + done, sizeof(n) - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			broken(what, (unsigned int)done, sizeof(n));
		done += (size_t)got;
	}
	return n;
}

static void give(int fd, unsigned int n, const char *what)
{
	if (write(fd, &n, sizeof(n)) != sizeof(n))
		broken(what, 0, n);
}

static void *count(void *unused)
{
	for (unsigned int n = 1;; n++) {
		give(ends[1], n, "pipe");
		(void)usleep(TICK_US);
	}
	return unused;
}

/* The second process: what comes goes back. */
static void echo(int listener)
{
	int connection = accept(listener, NULL, NULL);

	for (;;)
		give(connection, take(connection, "tcp, there"), "tcp, there");
}

static int connect_to_echo(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), connection;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) < 0)
		broken("listen", 0, 0);
	if (fork() == 0)
		echo(listener);
	(void)close(listener);
	connection = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(connection, (struct sockaddr *)&address, sizeof(address)) < 0)
		broken("connect", 0, 0);
	return connection;
}

/* Numbers are written one behind the other: where the descriptor stands tells whether it is the same one. */
static void note(int file, unsigned int n)
{
	off_t at = lseek(file, 0, SEEK_CUR);
	unsigned int before = 0;

	if (at != (off_t)((n - 1) * sizeof(n)))
		broken("place in the file", (unsigned int)at, n);
	if (n > 1 && (pread(file, &before, sizeof(before), at - (off_t)sizeof(n)) != sizeof(n) ||
	              before != n - 1))
		broken("file", before, n - 1);
	give(file, n, "file");
}

static void fill(size_t bytes)
{
	char *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		broken("memory", 0, 0);
	for (size_t i = 0; i < bytes; i++)
		memory[i] = (char)(i * 7 + i / 4096);
}

int main(int argc, char **argv)
{
	pthread_t thread;
	int connection, file;

	if (argc < 2)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 2)
		fill((size_t)strtoul(argv[2], NULL, 10) * MEBIBYTE);
	connection = connect_to_echo();
	file = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (file < 0 || pipe(ends) < 0 || pthread_create(&thread, NULL, count, NULL) != 0)
		broken("start", 0, 0);
	for (unsigned int wanted = 1;; wanted++) {
		unsigned int n = take(ends[0], "pipe"), back;

		if (n != wanted)
			broken("pipe", n, wanted);
		give(connection, n, "tcp");
		back = take(connection, "tcp");
		if (back != wanted)
			broken("tcp", back, wanted);
		note(file, n);
		printf("count %u\n", n);
	}
}
