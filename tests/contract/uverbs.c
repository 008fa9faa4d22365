/* SPDX-License-Identifier: Apache-2.0 */
/* A user of an RDMA device: opens it so many times, each a handle that the cgroup counts, and says how many it got; or
 * opens it once and allocates so many protection domains, each an object.
 *
 * usage: uverbs DEVICE COUNT [objects]
 * Spec: rdma/ib_user_verbs.h, IB_USER_VERBS_CMD_GET_CONTEXT, _ALLOC_PD; cgroup-v2.rst, "rdma.max". */
#include <errno.h>
#include <fcntl.h>
#include <rdma/ib_user_verbs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int get_context(const char *device)
{
	struct ib_uverbs_get_context_resp answer = {0};
	struct {
		struct ib_uverbs_cmd_hdr header;
		struct ib_uverbs_get_context question;
	} command = {
		.header.command = IB_USER_VERBS_CMD_GET_CONTEXT,
		.header.in_words = sizeof(command) / 4,
		.header.out_words = sizeof(answer) / 4,
		.question.response = (uint64_t)(uintptr_t)&answer,
	};
	int fd = open(device, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -1;
	return write(fd, &command, sizeof(command)) == (ssize_t)sizeof(command) ? fd : -1;
}

static int allocate_domain(int fd)
{
	struct ib_uverbs_alloc_pd_resp answer = {0};
	struct {
		struct ib_uverbs_cmd_hdr header;
		struct ib_uverbs_alloc_pd question;
	} command = {
		.header.command = IB_USER_VERBS_CMD_ALLOC_PD,
		.header.in_words = sizeof(command) / 4,
		.header.out_words = sizeof(answer) / 4,
		.question.response = (uint64_t)(uintptr_t)&answer,
	};

	return write(fd, &command, sizeof(command)) == (ssize_t)sizeof(command) ? 0 : -1;
}

int main(int argc, char **argv)
{
	int wanted = argc >= 3 ? atoi(argv[2]) : 0, got = 0;
	int fd = argc == 4 ? get_context(argv[1]) : -1;

	if (argc == 4)
		while (got < wanted && fd >= 0 && allocate_domain(fd) == 0)
			got++;
	else
		while (got < wanted && get_context(argv[1]) >= 0)
			got++;
	(void)printf("%d of %d: %s\n", got, wanted, got < wanted ? strerror(errno) : "all");
	return wanted > 0 ? 0 : 2;
}
