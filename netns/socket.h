/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NETNS_SOCKET_H
#define NETNS_SOCKET_H

/* One conversation with the kernel about links: questions with one answer, and lists.
 *
 * libnl's caches are not used: they hold what is the same by their own idea of "same" only once, and two
 * interfaces' routes to fe80::/64 are the same to it. */

#include <stdbool.h>

#include "base/error.h"
#include "base/own.h"

struct nl_msg;
struct nl_sock;
struct nlattr;

struct netlink {
	struct nl_sock *socket;
	int errnum;     /* the kernel's last refusal, 0 for none */
	char text[128]; /* its own words for it, or "" */
	bool changed;   /* a list failed because what it lists changed meanwhile: ask again */
	bool lost;      /* a question or an answer: the next answer may be another question's */
};

/* Open a socket in the caller's network namespace; no answer is waited for longer than a few seconds.
 * Returns  0, or -1 and *err. */
int netlink_open(struct netlink *nl, struct error *err) FALLIBLE;
void netlink_close(struct netlink *nl);
#define owned_netlink OWNED(netlink_close) struct netlink

struct request {
	struct nl_msg
		*message;   /* released by netlink_ask(); NULL when there was no memory for it */
	const char *object; /* for the error */
	const char *verb;   /* the same */
	int content;        /* a refusal that is fine too (errno), or 0 */
};

/* Ask for a change.
 * Returns  0, or -1 and *err with the kernel's errno and words. */
int netlink_ask(struct netlink *nl, const struct request *request, struct error *err) FALLIBLE;

/* What is done with each message of a list.
 * Returns  0, or -1 and *err: the rest is not asked for. */
typedef int (*netlink_each)(struct nl_msg *message, void *context, struct error *err);

/* Ask for a list. message is released. Returns 0, or -1 and *err; nl->changed says whether to try again. */
int netlink_list(struct netlink *nl, struct nl_msg *message, netlink_each each, void *context,
                 struct error *err) FALLIBLE;

/* Ask for all of a kind: RTM_GETADDR and its like. As netlink_list(). */
int netlink_list_all(struct netlink *nl, int type, netlink_each each, void *context,
                     struct error *err) FALLIBLE;

/* Read lists that belong together: where what they list changes meanwhile, all of them again, some times.
 * read     begins anew each time it is called.
 * Returns  what it said last. */
int netlink_read(struct netlink *nl,
                 int (*read)(struct netlink *nl, void *context, struct error *err), void *context,
                 struct error *err) FALLIBLE;

/* A question that begins with a header of this length and type; NULL when there is no memory. */
struct nl_msg *message_new(int type, int flags, const void *header, size_t length);

/* Put an attribute in, unless *message is NULL; where it doesn't fit, *message is released and NULL. */
void message_put(struct nl_msg **message, int type, const void *bytes, size_t length);
void message_put_text(struct nl_msg **message, int type, const char *text);

/* Attributes until message_leave() are inside this one. */
void message_enter(struct nl_msg **message, int type, void **ret_mark);
void message_leave(struct nl_msg *message, void *mark);

/* The first of this type inside another one (or NULL); NULL where there is none. */
struct nlattr *attribute_in(struct nlattr *within, int type);

#endif
