/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_PARTS_H
#define MICROVM_PARTS_H

#include "microvm/wire/wire.h"
#include "netns/netns.h"

#include "microvm.h"

/* In the state directory: where the monitor takes connections to the guest, where it is asked itself, that the
 * container is not created yet, from then to start that it has not begun, what a joined network namespace had,
 * and the guest's limits when they were changed. */
#define VM_SOCKET  "vm.sock"
#define VM_CONTROL "vm.control"
#define VM_BOOTING "vm.booting"
#define VM_WAITING "vm.waiting"
#define VM_NETWORK "vm.network"
#define VM_LIMITS  "vm.limits"

/* ---- room.c ---- */

/* Replace the spec by that of the monitor's room. Returns 0, or -1 and *err with the JSON path of what a virtual
 * machine can't do. */
int room_prepare(struct plan_request *request, struct arena *arena, struct error *err) FALLIBLE;

/* Which share stands for which mount, as CREATE has it; in arena. NULL: no memory. */
const char *room_shares(const struct spec *spec, struct arena *arena);

/* The memory limit of the room of a machine that has so many bytes. */
int64_t room_memory(uint64_t machine_bytes);

/* ---- machine.c: how much ---- */

struct machine {
	uint64_t memory_bytes;
	unsigned int processors;
};

/* What the config asks for. Returns 0, or -1 and *err with the JSON path. */
int machine_plan(const struct spec *spec, struct machine *ret, struct error *err) FALLIBLE;

/* How much a machine has for a container that may have this much. */
uint64_t machine_memory(uint64_t limit);

/* ---- network.c ---- */

/* What the guest has of the container's network namespace: a tap for each interface. */
struct network {
	const struct netns_links *links; /* in the container's arena; NULL: none was looked at */
	int tap[WIRE_CARDS_MOST];        /* the first links->interface_count are the caller's */
};
void network_close(struct network *network);
#define owned_network __attribute__((cleanup(network_close))) struct network

/* Hand the interfaces of the container's network namespace to a guest: from now on the host's kernel answers there
 * no more. Returns 0, or -1 and *err; what was begun is left for network_take_back(). */
int network_give(const struct container *c, struct network *ret, struct error *err) FALLIBLE;

/* A namespace that outlives the container gets back what it was given with. Content where there is none.
 * Returns 0, or -1 and *err. */
int network_take_back(struct container *c, struct error *err) FALLIBLE;

/* ---- disk.c ---- */

/* The disk of vm.image: the image itself, which is never written, and where the guest's writes go (-1: nowhere, the
 * root is read-only); the caller's. */
struct disk {
	int image, overlay;
};
#define NO_DISK                                                                                    \
	{                                                                                          \
		-1, -1                                                                             \
	}

/* Whether it can be the root: what a config says of it. Returns 0, or -1 and *err. */
int disk_check(const struct spec *spec, struct error *err) FALLIBLE;
/* Returns 0, or -1 and *err. */
int disk_open(const struct spec *spec, struct disk *ret, struct error *err) FALLIBLE;
void disk_close(struct disk *disk);

/* ---- memory.c ---- */

/* Have the machine's memory be so many bytes: its kernel gives up what is more, and the host has that from then on.
 * What the machine had at its beginning is the most.
 * Returns 0 when the guest has no more than that; or -1 and *err. */
int memory_fit(const struct container *c, uint64_t bytes, struct error *err) FALLIBLE;
/* Likewise, without waiting for it. */
int memory_aim(const struct container *c, uint64_t bytes, struct error *err) FALLIBLE;

/* ---- image.c ---- */

/* The kernel and the initial file system that the machine boots with: descriptors, the caller's. */
struct image {
	int kernel, initramfs;
};
int image_open(const struct spec *spec, struct arena *arena, struct image *ret,
               struct error *err) FALLIBLE;

/* ---- diagnose.c ---- */

/* Open /dev/kvm. Returns it, the caller's; or -1 and *err that says what to do. */
int kvm_open(struct error *err) FALLIBLE;

/* ---- guest.c: what is asked of the agent ---- */

int guest_connect(const struct container *c, struct error *err) FALLIBLE;
/* Ask, and have the answer's number and text, which may be NULL; text in c->arena.
 * timeout_ms  -1: as long as the machine lives. */
int guest_ask(const struct container *c, const struct wire_message *question, int timeout_ms,
              uint64_t *ret_number, const char **ret_text, struct error *err) FALLIBLE;

/* ---- machine.c: of what ---- */

/* What a machine is made of; opened before anything is made of which something could be left. */
struct machine_parts {
	struct machine machine;
	const char *words; /* parameters of its kernel that the config adds; in the arena */
	int kvm;
	struct disk disk;
	struct image image;
};
#define NO_PARTS                                                                                   \
	{                                                                                          \
		.kvm = -1, .disk = NO_DISK, .image = { -1, -1 }                                    \
	}
/* Returns 0, or -1 and *err; either way *ret, NO_PARTS before, is the caller's to close. */
int machine_open(const struct spec *spec, struct arena *arena, struct machine_parts *ret,
                 struct error *err) FALLIBLE;
void machine_close(struct machine_parts *parts);
#define owned_machine_parts __attribute__((cleanup(machine_close))) struct machine_parts

/* The channel to the monitor, and the sockets where it takes connections; all borrowed. */
struct machine_ends {
	int channel, guest, control;
};

/* Tell the monitor its machine. Returns 0, or -1 and *err. */
int machine_send(const struct container *c, const struct machine_parts *parts,
                 const struct machine_ends *ends, const struct network *network,
                 struct error *err) FALLIBLE;

/* ---- the executor's operations ---- */

int microvm_create(struct container *c, struct plan *plan, struct error *err) FALLIBLE;
int microvm_destroy(struct container *c, struct error *err) FALLIBLE;
int microvm_start(struct container *c, struct error *err) FALLIBLE;
int microvm_exec(struct container *c, const struct spec_process *process,
                 const struct exec_options *options, struct exec_result *ret_result,
                 struct error *err) FALLIBLE;
int microvm_signal(struct container *c, int signum, bool all, struct error *err) FALLIBLE;
int microvm_update(struct container *c, const struct spec_resources *resources,
                   struct error *err) FALLIBLE;
int microvm_processes(struct container *c, pid_t **ret_pids, size_t *ret_count,
                      struct error *err) FALLIBLE;
int microvm_describe(struct container *c, struct process_words **ret_words, size_t *ret_count,
                     struct error *err) FALLIBLE;
int microvm_stats(struct container *c, struct arena *arena, struct stats *ret,
                  struct error *err) FALLIBLE;
int microvm_watch(struct container *c, int timeout_ms, enum container_event *ret,
                  struct error *err) FALLIBLE;

#endif
