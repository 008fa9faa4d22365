/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/vm_sockets.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"

#include "agent.h"

enum { PORT = 1, BACKLOG = 64 };

static int open_listener(struct error *err)
{
	struct sockaddr_vm address = {.svm_family = AF_VSOCK,
	                              .svm_cid = VMADDR_CID_ANY,
	                              .svm_port = PORT};
	owned_fd fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return fail_errno(err, "vsock", "listen");
	return take_fd(&fd);
}

/* That it comes tells the host that we are up. */
static int open_control(struct error *err)
{
	struct sockaddr_vm address = {.svm_family = AF_VSOCK,
	                              .svm_cid = VMADDR_CID_HOST,
	                              .svm_port = PORT};
	owned_fd fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail_errno(err, "vsock", "connect");
	return take_fd(&fd);
}

static int serve(struct error *err)
{
	struct agent agent = {.control = -1};

	if (setup_machine(err) < 0)
		return -1;
	agent.listener.fd = open_listener(err);
	if (agent.listener.fd < 0)
		return -1;
	agent.control = open_control(err);
	if (agent.control < 0)
		return -1;
	return agent_serve(&agent, err);
}

int main(void)
{
	struct error err = {0};

	if (getpid() != 1) {
		(void)dprintf(STDERR_FILENO, "cella-agent: runs as the first process of a virtual "
		                             "machine of cella, and nowhere else\n");
		return 1;
	}
	(void)signal(SIGPIPE, SIG_IGN);

	if (serve(&err) < 0)
		log_error("%s: %s", err.object, err.reason);
	sync();
	(void)reboot(RB_POWER_OFF);
	return 1;
}
