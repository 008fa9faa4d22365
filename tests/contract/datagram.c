/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of sockets such as NOTIFY_SOCKET and /dev/log.
 *
 * usage: datagram listen PATH     print each datagram that comes and an empty line, for 20 seconds at most
 *        datagram send PATH TEXT  send one; \n in TEXT is a new line
 * PATH may be "@name", an abstract one. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static socklen_t address_of(const char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address->sun_path))
		return 0;
	memcpy(address->sun_path, path, strlen(path) + 1);
	if (*path == '@')
		address->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
}

static int listen_at(int fd)
{
	char bytes[4097];
	ssize_t n;

	(void)alarm(20);
	while ((n = recv(fd, bytes, sizeof(bytes) - 1, 0)) >= 0) {
		bytes[n] = '\0';
		(void)printf("%s%s\n", bytes, n > 0 && bytes[n - 1] == '\n' ? "" : "\n");
		(void)fflush(stdout);
	}
	return 1;
}

static int send_to(int fd, const struct sockaddr_un *address, socklen_t length, char *text)
{
	char *to = text;

	for (char *from = text; *from; from++)
		if (from[0] == '\\' && from[1] == 'n') {
			*to++ = '\n';
			from++;
		} else {
			*to++ = *from;
		}
	if (sendto(fd, text, (size_t)(to - text), 0, (const struct sockaddr *)address, length) >= 0)
		return 0;
	perror("sendto");
	return 1;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address;
	socklen_t length = argc > 2 ? address_of(argv[2], &address) : 0;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (length == 0 || fd < 0)
		return 2;
	if (argc == 4 && strcmp(argv[1], "send") == 0)
		return send_to(fd, &address, length, argv[3]);
	if (argc != 3 || strcmp(argv[1], "listen") != 0)
		return 2;
	if (bind(fd, (const struct sockaddr *)&address, length) < 0)
		return 1;
	return listen_at(fd);
}
