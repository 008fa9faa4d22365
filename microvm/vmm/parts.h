/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_VMM_PARTS_H
#define MICROVM_VMM_PARTS_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>

#include "vmm.h"

/* Where things are. Below 1 MiB: what the kernel is told at its entry; in the hole below 4 GiB: the devices. */
#define START_INFO   UINT64_C(0x6000)
#define MODULE_LIST  UINT64_C(0x6100)
#define MEMORY_MAP   UINT64_C(0x7000)
#define COMMAND_LINE UINT64_C(0x20000)
#define ACPI_TABLES  UINT64_C(0xe0000)
#define LOW_END      UINT64_C(0x9fc00)
#define HIGH_MEMORY  UINT64_C(0x100000)
#define DEVICES      UINT64_C(0xd0000000)
#define DEVICE_SIZE  UINT64_C(0x1000)

enum {
	COMMAND_LINE_BYTES = 4096,
	ACPI_BYTES = 0x10000,
	FIRST_INTERRUPT = 5, /* of the devices, on the I/O APIC; below are those of an old PC */
	STAGES = 12,
	/* ports of the FADT's registers */
	PORT_SLEEP = 0x600,
	PORT_SLEEP_STATUS = 0x601,
	PORT_RESET = 0x602,
	SLEEP_ENABLE = 0x20,
	SLEEP_TYPE_SHIFT = 2,
	SLEEP_OFF = 5,
	RESET_VALUE = 1,
	/* the serial port that old machines have first */
	PORT_SERIAL = 0x3f8,
	SERIAL_PORTS = 8,
};

/* words.c: what the guest's kernel said last, of all that it said on that port; or why it panicked. */
struct words {
	char line[160], kept[160];
	size_t length;
	uint8_t control;
	bool told;     /* `kept` can't be bettered */
	bool halted;   /* its kernel will do nothing more */
	bool restarts; /* it was asked to begin anew, by the triple fault that comes next */
};

struct vcpu {
	struct machine *machine;
	unsigned int index;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	bool started;
};

/* What the machine has of a device: the eventfds of its queues and its interrupt. */
struct slot {
	struct virtio_device *device;
	struct loop_source kick[VIRTIO_QUEUES_MAX];
	int call;
};

struct machine {
	struct loop *loop;
	struct guest_memory memory;
	int vm;
	size_t run_bytes;
	struct vcpu vcpu[MACHINE_PROCESSORS];
	unsigned int vcpus;
	struct slot slot[MACHINE_DEVICES];
	size_t slots;
	pthread_mutex_t lock; /* of the devices */
	/* pausing */
	pthread_mutex_t gate;
	pthread_cond_t opened, reached;
	bool closed, ending;
	unsigned int waiting;
	struct words words;
	/* the end */
	struct loop_source end;
	atomic_bool has_ended;
	enum machine_end how;
	char why[256];
	void (*ended)(void *data, enum machine_end end, const char *why);
	void *data;
	struct {
		const char *name;
		double ms;
	} stage[STAGES];
	size_t stages;
	int64_t began_ns;
};

/* boot.c: put kernel, initramfs and what it is told into memory. *ret_entry is the kernel's 32-bit entry. */
int boot_load(const struct machine_config *config, const struct guest_memory *memory,
              uint64_t *ret_entry, struct error *err) FALLIBLE;

/* acpi.c: write the tables at ACPI_TABLES; the first of them is the root pointer. */
int acpi_write(const struct guest_memory *memory, unsigned int processors, size_t devices,
               struct error *err) FALLIBLE;

/* cpuid.c: what a processor of the guest says that it is. */
int cpuid_set(int kvm, const struct vcpu *vcpu, unsigned int processors,
              struct error *err) FALLIBLE;

/* vcpu.c */
int vcpu_new(struct machine *machine, const struct machine_config *config, unsigned int index,
             uint64_t entry, struct error *err) FALLIBLE;
int vcpu_start(struct vcpu *vcpu, struct error *err) FALLIBLE;
void vcpu_free(struct vcpu *vcpu);
/* Have it leave the guest, if it is in there. */
void vcpu_kick(struct vcpu *vcpu);

/* exits.c: one reason why it left the guest. Returns false when this machine does not go on. */
bool exit_handle(struct vcpu *vcpu);

/* bus.c: a device's registers. */
int bus_connect(struct machine *machine, const struct machine_config *config,
                struct error *err) FALLIBLE;
void bus_disconnect(struct machine *machine);
void bus_access(struct machine *machine, uint64_t address, void *bytes, size_t length, bool write);

void words_write(struct words *words, unsigned int at, const uint8_t *bytes, size_t length);
uint8_t words_read(const struct words *words, unsigned int at);

/* machine.c: the end has come; the first one counts. Any thread. */
void machine_end(struct machine *machine, enum machine_end how, const char *why, ...) PRINTF(3, 4);
void machine_mark(struct machine *machine, const char *stage);

#endif
