/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_WIRE_MESSAGE_H
#define MICROVM_WIRE_MESSAGE_H

/* The messages. Public with wire.h. */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum wire_kind {
	WIRE_NONE,
	/* executor to monitor */
	WIRE_MACHINE, /* memory in bytes, processors, flags; command line, executor's name of the container,
	               * network cards (see WIRE_CARD) */
	WIRE_MEMORY, /* bytes that the guest shall have; DONE says how many it has */
	/* executor to cella-network, and back */
	WIRE_NETWORK, /* interfaces; struct netns_links */
	/* to the agent */
	WIRE_CREATE, /* flags; id, config.json, shares, network: a struct netns_links or nothing; bundle */
	WIRE_START,     /* */
	WIRE_EXEC,      /* flags; process object, cgroup */
	WIRE_ATTACH,    /* process, which stream */
	WIRE_WINDOW,    /* rows, columns */
	WIRE_SIGNAL,    /* process (0, but over its own connection), signal, all */
	WIRE_PROCESSES, /* 1: with words */
	WIRE_STATS,     /* */
	WIRE_WATCH,     /* ; DONE says that it has begun */
	WIRE_UPDATE,    /* ; resources object */
	WIRE_SYNC,      /* */
	/* answers */
	WIRE_DONE,   /* a number; a text */
	WIRE_FAILED, /* kind, errno; object, reason */
	WIRE_KILLED, /* a process of the container, for want of memory: what WATCH waits for */
	WIRE_EXITED, /* status as a shell has it, bytes that were sent of stdout (or the terminal), of stderr */
	WIRE_KINDS
};

enum { WIRE_NUMBERS = 3, WIRE_BLOBS = 5 };

/* Most bytes of a message: a config.json and its company; of what a guest sends. */
enum { WIRE_LIMIT = 20 << 20, WIRE_GUEST_LIMIT = 1 << 20 };

struct wire_blob {
	const void *bytes; /* NUL behind them, which is not counted, in what was received */
	size_t length;
};

struct wire_message {
	enum wire_kind kind;
	uint64_t number[WIRE_NUMBERS];
	struct wire_blob blob[WIRE_BLOBS];
};

/* Streams of ATTACH. */
enum wire_stream { WIRE_STDIN, WIRE_STDOUT, WIRE_STDERR, WIRE_TERMINAL, WIRE_STREAMS };

/* Flags of MACHINE, CREATE and EXEC. */
enum {
	WIRE_DEBUG = 1,
	WIRE_HAS_TERMINAL = 2,
	WIRE_HAS_DISK = 4,     /* behind the other descriptors comes that of its image */
	WIRE_DISK_OVERLAY = 8, /* and behind that one the file that keeps what is written */
};

/* A network card of MACHINE: its MAC and, low byte first, its MTU. Behind the other descriptors comes its tap. */
enum { WIRE_CARD_MAC = 6, WIRE_CARD = 8, WIRE_CARDS_MOST = 8 };

static inline struct wire_blob wire_text(const char *text)
{
	return (struct wire_blob){text, text ? __builtin_strlen(text) : 0};
}

/* How a message begins: its length and kind. */
enum { WIRE_HEAD = 8 };

/* The bytes of a message.
 * Returns  them, on the heap, the caller's to free; NULL and *err: no memory, or larger than WIRE_LIMIT. */
void *wire_pack(const struct wire_message *message, size_t *ret_length, struct error *err);

/* What a head says: how many bytes follow it.
 * Returns  0, or -1 and *err: no kind that there is, or more than limit. */
int wire_head(const void *head, size_t limit, size_t *ret_length, struct error *err) FALLIBLE;

/* Take a whole message apart; its blobs point into bytes (of wire_pack()'s form), in which a NUL is put behind
 * each. Returns 0, or -1 and *err: numbers or blobs are missing, or something is behind them. */
int wire_unpack(void *bytes, size_t length, struct wire_message *ret, struct error *err) FALLIBLE;

/* Send over a blocking socket. Returns 0, or -1 and *err. */
int wire_send(int fd, const struct wire_message *message, struct error *err) FALLIBLE;

/* The bytes of the message that came last, or of what has come of it so far. Zero-initialised is empty. */
struct wire_inbox {
	char *bytes;
	size_t have, size;
};
void wire_inbox_free(struct wire_inbox *inbox);
#define owned_inbox __attribute__((cleanup(wire_inbox_free))) struct wire_inbox

/* Receive over a blocking socket.
 * ret         points into the inbox until that is used again.
 * timeout_ms  for the whole of it; -1: as long as it takes.
 * Returns     1, 0 at the end of the stream before a message began, or -1 and *err (ETIMEDOUT). */
int wire_receive(int fd, size_t limit, int timeout_ms, struct wire_inbox *inbox,
                 struct wire_message *ret, struct error *err) FALLIBLE;

/* Say what is wanted and take the answer: DONE, or FAILED as *err. As wire_receive(). */
int wire_ask(int fd, const struct wire_message *question, int timeout_ms, struct wire_inbox *inbox,
             struct wire_message *ret_answer, struct error *err) FALLIBLE;

/* Take what a socket has, without waiting.
 * ret      points into the inbox until the next call.
 * Returns  1 when a message is whole, 0 when it is not yet, or -1 and *err, the end of the stream included
 *          (errnum 0). */
int wire_collect(struct wire_inbox *inbox, int fd, size_t limit, struct wire_message *ret,
                 struct error *err) FALLIBLE;

/* FAILED of an error. The message borrows it. */
struct wire_message wire_failed(const struct error *why);

/* An error out of FAILED: whatever the other side wrote, texts end and are printable. Returns -1. */
int wire_error(const struct wire_message *message, struct error *err);

#endif
