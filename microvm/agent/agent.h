/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_AGENT_AGENT_H
#define MICROVM_AGENT_AGENT_H

/* microvm/agent: PID 1 of the guest.
 *
 * PROMISE: the guest's kernel becomes a machine for one container (early mounts, modules, network), and the
 * container is what the namespace executor makes of the same config in here. It trusts the host.
 *
 * Theory of operation. One loop: the connections of the host, the streams of processes, ended children. What the
 * runtime's verbs do blocks, so each is done by a child of ours, which answers for itself; only of a create or an
 * exec the child tells us what it made, since the process then becomes our own child: its status and its streams
 * are ours to pass on. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/loop.h"
#include "microvm/wire/wire.h"
#include "runtime/runtime.h"

#define AGENT_SHARES "/run/shares" /* where the host's directories are: one name a share */
#define AGENT_BUNDLE "/run/bundle"
#define AGENT_STATE  "/run/cella"

/* ---- setup.c: once, at the beginning ---- */

/* Mounts of a machine, modules of the devices it has, the shares. Returns 0, or -1 and *err. */
int setup_machine(struct error *err) FALLIBLE;
/* A root that can't be written, not even by this kernel, gets a layer on top for the places of mounts.
 * root  where it is; then, where it is with the layer; static. */
int setup_layer(const char **root, struct error *err) FALLIBLE;

/* ---- disk.c ---- */

/* Mount the disk as the container's root, with a layer where it can't be written.
 * ret_path  where it is; static.
 * Returns   0, or -1 and *err. */
int disk_mount(bool readonly, const char **ret_path, struct error *err) FALLIBLE;

/* ---- modules.c ---- */

/* Find them, before the kernel's first root is covered. Returns 0, or -1 and *err. */
int modules_open(struct error *err) FALLIBLE;
/* Load the modules of a group ("boot", "net", …) of /modules/order, in its order; a kernel without any has all
 * built in. Returns 0, or -1 and *err. */
int modules_load(const char *group, struct error *err) FALLIBLE;
/* Likewise those of the virtio devices that were found. */
int modules_load_devices(struct error *err) FALLIBLE;

/* ---- guest.c ---- */

/* The executor of containers in here: the first wall, with a config that means this machine. What share stands for
 * which mount is in the bundle's file "shares", a line each: "INDEX SHARE". */
struct executor guest_executor(void);

/* ---- processes.c: what CREATE and EXEC made ---- */

enum { STREAMS = WIRE_STREAMS };

struct agent_process {
	struct agent_process *next;
	struct agent *agent;
	uint64_t number; /* 0: the container's first */
	pid_t pid;
	bool exited, told;
	int status;
	int connection;             /* EXITED goes there, WINDOW comes; owned; -1: nobody cares */
	struct loop_source source;  /* of connection */
	int stream[STREAMS];        /* our ends, until somebody attaches; owned */
	struct pump *pump[STREAMS]; /* then they are a pump's */
	struct pump *typed;         /* of a terminal: what goes into it */
};

/* A new one. stream and connection are taken. NULL and *err: no memory. */
struct agent_process *process_add(struct agent *agent, uint64_t number, pid_t pid, int connection,
                                  int stream[STREAMS], struct error *err);
struct agent_process *process_find_number(struct agent *agent, uint64_t number);
/* Join a stream to a connection, which is taken. Returns 0, or -1 and *err. */
int process_attach(struct agent_process *process, enum wire_stream stream, int connection,
                   struct error *err) FALLIBLE;
/* A child has ended: of a process that is known, or whose child of ours has not told of it yet. */
void process_ended(struct agent *agent, pid_t pid, int status);
/* Tell the status where everything before it has been passed on. */
void process_tell(struct agent_process *process);

/* ---- deeds.c: what a child of ours does ---- */

/* One thing that is done in a child. */
struct deed {
	struct deed *next;
	struct agent *agent;
	pid_t pid;
	enum wire_kind kind;
	int connection;            /* who asked; owned */
	int report;                /* what it made, once; owned */
	struct loop_source source; /* of report */
	int stream[STREAMS];       /* of the process to be; owned */
	bool terminal;
};

/* Begin what a message asks for; connection is taken, also on failure. Returns 0, or -1 and *err. */
int deed_begin(struct agent *agent, int connection, const struct wire_message *message,
               struct error *err) FALLIBLE;
/* Whether one is being done that answers for itself: not one that makes a process. */
bool deeds_answering(const struct agent *agent);
/* The container has ended: who watches it has the last look. */
void deeds_end_watches(const struct agent *agent);
/* Take in what any deed has told by now. */
void deeds_look(struct agent *agent);

/* ---- service.c ---- */

struct agent {
	struct loop *loop;
	struct executor executor;
	struct runtime runtime;
	const char *id; /* of the container, once it is known; owned */
	int control;    /* the first connection: of the container's first process */
	struct loop_source listener, children;
	struct agent_process *processes;
	struct deed *deeds;
	uint64_t last_number;
	struct {
		pid_t pid;
		int status;
	} strangers[64]; /* ended before anybody told of them; a ring */
	unsigned int strangers_next;
};

/* Serve until the container's first process has ended and the host knows. Returns 0, or -1 and *err. */
int agent_serve(struct agent *agent, struct error *err) FALLIBLE;

#endif
