/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "microvm/virtio/blk.h"
#include "microvm/vmm/parts.h"
#include "tests/unit/microvm/virtio/driver.h"

#include "must.h"

/* What a guest makes a processor leave it for: any port and any address, read and written in any width, as often as it
 * likes, and what its kernel says on its way; with a disk on the bus. It ends the machine, or goes on; what is told of
 * the end can be printed. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RUN_BYTES = 3 * 4096, IO_PAGE = 4096, EXITS = 400, DISK = 8192, GUEST = 1 << 20 };

struct play {
	struct reader in;
	struct machine machine;
	struct vcpu vcpu;
	struct driver driver;
	bool goes_on;
};

static void leave(struct play *p, uint32_t reason)
{
	p->vcpu.run->exit_reason = reason;
	p->goes_on = exit_handle(&p->vcpu);
	must(p->goes_on || atomic_load(&p->machine.has_ended));
}

static void fill(struct play *p, uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = read_u8(&p->in);
}

/* KVM has checked width, count and place: they are right but for once in a while. */
static void do_port(struct play *p)
{
	static const uint16_t ports[] = {PORT_SERIAL, PORT_SLEEP, PORT_SLEEP_STATUS, PORT_RESET,
	                                 0x80};
	struct kvm_run *run = p->vcpu.run;
	uint8_t how = read_u8(&p->in), where = read_u8(&p->in);

	run->io.direction = how & 1;
	run->io.size = (uint8_t)(1U << (how >> 1) % 3);
	run->io.count = how & 8 ? 1 + read_u8(&p->in) % 64 : 1;
	run->io.data_offset = IO_PAGE;
	run->io.port = where < 250 ? (uint16_t)(ports[where % 5] + where / 5 % SERIAL_PORTS)
	                           : read_u16(&p->in);
	if (how >= 250) {
		run->io.data_offset = read_u64(&p->in) % (2 * RUN_BYTES);
		run->io.count = read_u32(&p->in);
		run->io.size = read_u8(&p->in);
	} else {
		fill(p, (uint8_t *)run + IO_PAGE, (size_t)run->io.size * run->io.count);
	}
	leave(p, KVM_EXIT_IO);
}

/* A line as a kernel says it, or nearly. */
static void do_say(struct play *p)
{
	static const char *const lines[] = {"Kernel panic - not syncing: ",
	                                    "Out of memory: ",
	                                    "reboot: System halted",
	                                    "reboot: Restarting system",
	                                    "[    1.234567] ",
	                                    "[",
	                                    "] ",
	                                    "\n",
	                                    "\r\n",
	                                    ""};
	struct kvm_run *run = p->vcpu.run;
	const char *line = lines[read_u8(&p->in) % (sizeof(lines) / sizeof(lines[0]))];

	run->io.direction = KVM_EXIT_IO_OUT;
	run->io.size = 1;
	run->io.port = PORT_SERIAL;
	run->io.data_offset = IO_PAGE;
	run->io.count = (uint32_t)strlen(line);
	memcpy((uint8_t *)run + IO_PAGE, line, run->io.count);
	leave(p, KVM_EXIT_IO);
}

static void do_memory(struct play *p)
{
	struct kvm_run *run = p->vcpu.run;
	uint8_t how = read_u8(&p->in);

	run->mmio.phys_addr = how & 2 ? DEVICES + read_u16(&p->in) % (2 * DEVICE_SIZE)
	                              : DEVICES + read_u8(&p->in) * 4U;
	if (how >= 250)
		run->mmio.phys_addr = read_u64(&p->in);
	run->mmio.len = how & 4 ? read_u8(&p->in) : 4;
	run->mmio.is_write = how & 1;
	fill(p, run->mmio.data, sizeof(run->mmio.data));
	leave(p, KVM_EXIT_MMIO);
}

static void do_other(struct play *p)
{
	static const uint32_t reasons[] = {
		KVM_EXIT_HLT,          KVM_EXIT_INTR,           KVM_EXIT_SHUTDOWN,
		KVM_EXIT_SYSTEM_EVENT, KVM_EXIT_INTERNAL_ERROR, KVM_EXIT_FAIL_ENTRY};
	uint8_t which = read_u8(&p->in);

	fill(p, (uint8_t *)p->vcpu.run->padding, 16);
	leave(p, which < 240 ? reasons[which % (sizeof(reasons) / sizeof(reasons[0]))] : which);
}

static void (*const deeds[])(struct play *p) = {do_port,   do_port,   do_say,  do_say,
                                                do_memory, do_memory, do_other};

/* ---- around it ---- */

static void begin(struct play *p)
{
	struct virtio_blk_options options = {.file = memfd_create("disk", MFD_CLOEXEC),
	                                     .overlay = -1,
	                                     .id = "a disk"};
	struct error err;

	must(options.file >= 0 && ftruncate(options.file, DISK) == 0);
	p->machine.slot[0].device = virtio_blk_new(&options, &err);
	must(p->machine.slot[0].device);
	p->machine.slots = 1;
	p->machine.run_bytes = RUN_BYTES;
	p->machine.end.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	must(pthread_mutex_init(&p->machine.lock, NULL) == 0);
	driver_open(&p->driver, p->machine.slot[0].device, GUEST);
	p->vcpu.machine = &p->machine;
	p->vcpu.run = calloc(1, RUN_BYTES);
	must(p->vcpu.run);
}

static void end(struct play *p)
{
	must(memchr(p->machine.why, 0, sizeof(p->machine.why)) &&
	     memchr(p->machine.words.kept, 0, sizeof(p->machine.words.kept)));
	for (const char *c = p->machine.why; *c; c++)
		must(isprint((unsigned char)*c));
	must((p->machine.why[0] != 0) == atomic_load(&p->machine.has_ended));
	must(pthread_mutex_trylock(&p->machine.lock) == 0);
	(void)pthread_mutex_unlock(&p->machine.lock);
	(void)pthread_mutex_destroy(&p->machine.lock);
	virtio_blk_free(p->machine.slot[0].device);
	driver_close(&p->driver);
	(void)close(p->machine.end.fd);
	free(p->vcpu.run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play *p = calloc(1, sizeof(*p));

	must(p);
	p->in = reader_of(data, size);
	p->goes_on = true;
	begin(p);
	for (int i = 0; i < EXITS && p->in.left > 0 && p->goes_on; i++)
		deeds[read_u8(&p->in) % (sizeof(deeds) / sizeof(deeds[0]))](p);
	end(p);
	free(p);
	return 0;
}
