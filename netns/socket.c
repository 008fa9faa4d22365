/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "socket.h"

enum { PATIENCE_S = 5, LONGEST_MESSAGE = 4096, TRIES = 8 };

/* The kernel's words stand behind its error, which carries the question itself unless it was left out. */
static int refused(struct sockaddr_nl *from, struct nlmsgerr *error, void *context)
{
	struct nlmsghdr *header = (struct nlmsghdr *)(void *)((char *)error - NLMSG_HDRLEN);
	struct netlink *nl = context;
	struct nlattr *words = NULL;
	uint32_t before = sizeof(*error);

	(void)from;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		before += error->msg.nlmsg_len - NLMSG_HDRLEN;
	if (header->nlmsg_flags & NLM_F_ACK_TLVS && before < header->nlmsg_len)
		words = nlmsg_find_attr(header, (int)before, NLMSGERR_ATTR_MSG);
	nl->errnum = -error->error;
	if (words)
		(void)nla_strlcpy(nl->text, words, sizeof(nl->text));
	return NL_STOP;
}

int netlink_open(struct netlink *nl, struct error *err)
{
	struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd, yes = 1;

	*nl = (struct netlink){.socket = nl_socket_alloc()};
	if (!nl->socket)
		return fail(err, ERROR_SYSTEM, "netlink", "out of memory");
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return fail_errno(err, "netlink", "socket");
	/* the descriptor is the socket's from here */
	if (nl_socket_set_fd(nl->socket, NETLINK_ROUTE, fd) < 0) {
		(void)close(fd);
		return fail(err, ERROR_SYSTEM, "netlink", "no socket can be bound");
	}
	/* Words and short errors are a kindness of newer kernels; an answer without end of waiting is not. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &yes, sizeof(yes));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &yes, sizeof(yes));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return fail_errno(err, "netlink", "SO_RCVTIMEO");
	(void)nl_socket_modify_err_cb(nl->socket, NL_CB_CUSTOM, refused, nl);
	return 0;
}

void netlink_close(struct netlink *nl)
{
	if (nl->socket)
		nl_socket_free(nl->socket);
	nl->socket = NULL;
}

/* After a question that was not answered questions and answers are counted anew. Releases message where that fails. */
static int begin(struct netlink *nl, struct nl_msg *message, struct error *err)
{
	if (nl->lost) {
		netlink_close(nl);
		if (netlink_open(nl, err) < 0) {
			nl->lost = true;
			nlmsg_free(message);
			return -1;
		}
	}
	nl->errnum = 0;
	nl->text[0] = '\0';
	return 0;
}

static int fail_netlink(struct netlink *nl, int nle, const struct request *request,
                        struct error *err)
{
	if (nl->errnum) {
		errno = nl->errnum;
		(void)fail_errno(err, request->object, request->verb);
		if (nl->text[0]) {
			size_t end = strlen(err->reason);

			(void)snprintf(err->reason + end, sizeof(err->reason) - end, " (%s)",
			               nl->text);
		}
		return -1;
	}
	nl->lost = true;
	if (nle == -NLE_AGAIN)
		return fail(err, ERROR_SYSTEM, request->object, "%s: no answer in %d s",
		            request->verb, PATIENCE_S);
	return fail(err, ERROR_SYSTEM, request->object, "%s: %s", request->verb, nl_geterror(nle));
}

int netlink_ask(struct netlink *nl, const struct request *request, struct error *err)
{
	int nle;

	if (!request->message)
		return fail(err, ERROR_SYSTEM, request->object, "%s: out of memory", request->verb);
	if (begin(nl, request->message, err) < 0)
		return -1;
	nle = nl_send_auto(nl->socket, request->message);
	nlmsg_free(request->message);
	if (nle >= 0)
		nle = nl_wait_for_ack(nl->socket);
	if (nle >= 0 || (request->content && nl->errnum == request->content))
		return 0;
	return fail_netlink(nl, nle, request, err);
}

struct list {
	netlink_each each;
	void *context;
	struct error *err;
	bool failed;
};

static int one_of_list(struct nl_msg *message, void *context)
{
	struct list *list = context;

	if (list->each(message, list->context, list->err) == 0)
		return NL_OK;
	list->failed = true;
	return NL_STOP;
}

int netlink_list(struct netlink *nl, struct nl_msg *message, netlink_each each, void *context,
                 struct error *err)
{
	struct list list = {.each = each, .context = context, .err = err};
	struct request request = {.object = "netlink", .verb = "list"};
	int nle;

	if (!message)
		return fail(err, ERROR_SYSTEM, "netlink", "out of memory");
	if (begin(nl, message, err) < 0)
		return -1;
	(void)nl_socket_modify_cb(nl->socket, NL_CB_VALID, NL_CB_CUSTOM, one_of_list, &list);
	nle = nl_send_auto(nl->socket, message);
	nlmsg_free(message);
	if (nle >= 0)
		nle = nl_recvmsgs_default(nl->socket);
	(void)nl_socket_modify_cb(nl->socket, NL_CB_VALID, NL_CB_DEFAULT, NULL, NULL);
	nl->changed = nle == -NLE_DUMP_INTR;
	if (list.failed) { /* the rest of it is still to come */
		nl->lost = true;
		return -1;
	}
	return nle < 0 ? fail_netlink(nl, nle, &request, err) : 0;
}

int netlink_list_all(struct netlink *nl, int type, netlink_each each, void *context,
                     struct error *err)
{
	const struct ifinfomsg any_link = {.ifi_family = AF_UNSPEC};
	const struct rtgenmsg any = {.rtgen_family = AF_UNSPEC};
	struct nl_msg *message =
		type == RTM_GETLINK ? message_new(type, NLM_F_DUMP, &any_link, sizeof(any_link))
				    : message_new(type, NLM_F_DUMP, &any, sizeof(any));

	return netlink_list(nl, message, each, context, err);
}

int netlink_read(struct netlink *nl,
                 int (*read)(struct netlink *nl, void *context, struct error *err), void *context,
                 struct error *err)
{
	for (int i = 0; i < TRIES; i++) {
		nl->changed = false;
		if (read(nl, context, err) == 0)
			return 0;
		if (!nl->changed)
			break;
	}
	return -1;
}

struct nl_msg *message_new(int type, int flags, const void *header, size_t length)
{
	struct nl_msg *message = nlmsg_alloc_size(LONGEST_MESSAGE);
	void *at;

	if (!message)
		return NULL;
	if (nlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, type, 0, flags)) {
		at = nlmsg_reserve(message, length, NLMSG_ALIGNTO);
		if (at) {
			memcpy(at, header, length);
			return message;
		}
	}
	nlmsg_free(message);
	return NULL;
}

static void message_drop(struct nl_msg **message)
{
	nlmsg_free(*message);
	*message = NULL;
}

void message_put(struct nl_msg **message, int type, const void *bytes, size_t length)
{
	if (*message && nla_put(*message, type, (int)length, bytes) < 0)
		message_drop(message);
}

void message_put_text(struct nl_msg **message, int type, const char *text)
{
	message_put(message, type, text, strlen(text) + 1);
}

void message_enter(struct nl_msg **message, int type, void **ret_mark)
{
	*ret_mark = *message ? nla_nest_start(*message, type) : NULL;
	if (*message && !*ret_mark)
		message_drop(message);
}

void message_leave(struct nl_msg *message, void *mark)
{
	if (message && mark)
		(void)nla_nest_end(message, mark);
}

struct nlattr *attribute_in(struct nlattr *within, int type)
{
	return within ? nla_find(nla_data(within), nla_len(within), type) : NULL;
}
