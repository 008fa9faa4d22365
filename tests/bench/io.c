/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest's files and network give: the same program in each guest, and the other end on the host.
 *
 * usage: io FOLDER ADDRESS PORT    measure; a line "NAME VALUE UNIT" each
 *        io make FOLDER            the files that are read
 *        io serve PORT             the other end, until it is killed */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	MIB = 1 << 20,
	BIG_MIB = 32,
	SMALL = 200,
	TRIPS = 300,
	STREAM_MIB = 16,
};

/* What the other end is asked for by the first byte. */
enum { ECHO = 'e', SINK = 's', SOURCE = 'r' };

static char bytes[MIB];

static void must(bool right, const char *what)
{
	if (right)
		return;
	perror(what);
	_exit(1);
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void rate(const char *name, double before, double mib)
{
	printf("%s %.1f MiB/s\n", name, mib / (now() - before));
}

static void each(const char *name, double before, double count)
{
	printf("%s %.0f us\n", name, (now() - before) * 1e6 / count);
}

static void send_all(int fd, size_t length)
{
	while (length > 0) {
		ssize_t n = send(fd, bytes, length < MIB ? length : MIB, MSG_NOSIGNAL);

		must(n > 0, "send");
		length -= (size_t)n;
	}
}

static void receive_all(int fd, size_t length)
{
	while (length > 0) {
		ssize_t n = recv(fd, bytes, length < MIB ? length : MIB, 0);

		must(n > 0, "recv");
		length -= (size_t)n;
	}
}

/* ---- files ---- */

static void make(const char *folder)
{
	char name[32];
	int fd;

	must(chdir(folder) == 0, folder);
	fd = open("big", O_CREAT | O_TRUNC | O_WRONLY, 0644);
	for (int i = 0; i < BIG_MIB; i++)
		must(write(fd, bytes, MIB) == MIB, "big");
	must(close(fd) == 0, "big");
	for (int i = 0; i < SMALL; i++) {
		(void)snprintf(name, sizeof(name), "small-%d", i);
		fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0644);
		must(fd >= 0 && write(fd, bytes, 512) == 512 && close(fd) == 0, name);
	}
}

static void read_big(const char *what)
{
	double before = now();
	int fd = open("big", O_RDONLY);

	for (int i = 0; i < BIG_MIB; i++)
		must(read(fd, bytes, MIB) == MIB, "big");
	must(close(fd) == 0, "big");
	rate(what, before, BIG_MIB);
}

static void write_big(void)
{
	double before = now();
	int fd = open("new", O_CREAT | O_TRUNC | O_WRONLY, 0644);

	for (int i = 0; i < STREAM_MIB; i++)
		must(write(fd, bytes, MIB) == MIB, "new");
	must(fsync(fd) == 0 && close(fd) == 0, "new");
	rate("write-and-sync", before, STREAM_MIB);
	must(unlink("new") == 0, "new");
}

static void read_small(void)
{
	double before = now();
	char name[32];

	for (int i = 0; i < SMALL; i++) {
		int fd;

		(void)snprintf(name, sizeof(name), "small-%d", i);
		fd = open(name, O_RDONLY);
		must(fd >= 0 && read(fd, bytes, MIB) == 512 && close(fd) == 0, name);
	}
	each("open-read-close", before, SMALL);
}

static void create_small(void)
{
	double before = now();
	char name[32];

	for (int i = 0; i < SMALL; i++) {
		int fd;

		(void)snprintf(name, sizeof(name), "made-%d", i);
		fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0644);
		must(fd >= 0 && write(fd, bytes, 512) == 512 && close(fd) == 0, name);
		must(unlink(name) == 0, name);
	}
	each("create-write-unlink", before, SMALL);
}

/* ---- network ---- */

static int ask(const char *address, const char *port, char what)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	must(inet_pton(AF_INET, address, &to.sin_addr) == 1, address);
	for (int i = 0; i < 50 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0; i++)
		(void)usleep(100000);
	must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0, "TCP_NODELAY");
	must(send(fd, &what, 1, MSG_NOSIGNAL) == 1, address);
	return fd;
}

static void trips(const char *address, const char *port)
{
	int fd = ask(address, port, ECHO);
	double before = now();

	for (int i = 0; i < TRIPS; i++) {
		send_all(fd, 1);
		receive_all(fd, 1);
	}
	each("round-trip", before, TRIPS);
	(void)close(fd);
}

static void streams(const char *address, const char *port)
{
	int fd = ask(address, port, SINK);
	double before = now();

	send_all(fd, (size_t)STREAM_MIB * MIB);
	receive_all(fd, 1);
	rate("send", before, STREAM_MIB);
	(void)close(fd);
	fd = ask(address, port, SOURCE);
	before = now();
	receive_all(fd, (size_t)STREAM_MIB * MIB);
	rate("receive", before, STREAM_MIB);
	(void)close(fd);
}

static void answer(int fd)
{
	int one = 1;
	char what;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (recv(fd, &what, 1, 0) != 1)
		return;
	if (what == SINK) {
		receive_all(fd, (size_t)STREAM_MIB * MIB);
		send_all(fd, 1);
	} else if (what == SOURCE) {
		send_all(fd, (size_t)STREAM_MIB * MIB);
	}
	while (what == ECHO && recv(fd, &what, 1, 0) == 1) {
		must(send(fd, &what, 1, MSG_NOSIGNAL) == 1, "echo");
		what = ECHO;
	}
}

static _Noreturn void serve(const char *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	must(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0, "SO_REUSEADDR");
	must(bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 8) == 0, port);
	for (;;) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		must(client >= 0, "accept");
		answer(client);
		(void)close(client);
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		serve(argv[2]);
	if (argc == 3 && strcmp(argv[1], "make") == 0) {
		make(argv[2]);
		return 0;
	}
	if (argc != 4) {
		(void)fprintf(stderr, "usage: io FOLDER ADDRESS PORT | make FOLDER | serve PORT\n");
		return 2;
	}
	must(chdir(argv[1]) == 0, argv[1]);
	read_big("read");
	read_big("read-again");
	write_big();
	read_small();
	create_small();
	trips(argv[2], argv[3]);
	streams(argv[2], argv[3]);
	return 0;
}
