/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/table.h"

#include "parts.h"

static void on_serial(struct machine *m, unsigned int at, uint8_t *bytes, size_t length, bool write)
{
	bool halted;

	(void)pthread_mutex_lock(&m->lock);
	if (write)
		words_write(&m->words, at, bytes, length);
	else
		memset(bytes, words_read(&m->words, at), length);
	halted = m->words.halted;
	(void)pthread_mutex_unlock(&m->lock);
	if (halted)
		machine_end(m, MACHINE_OFF, "the guest has halted the machine");
}

/* Ports: the serial one, those of the FADT, and nothing else, which reads as a bus without anybody on it does. */
static bool on_port(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	uint8_t *bytes = (uint8_t *)vcpu->run + run->io.data_offset;
	size_t length = (size_t)run->io.size * run->io.count;

	if (run->io.data_offset > vcpu->machine->run_bytes ||
	    length > vcpu->machine->run_bytes - run->io.data_offset || length == 0)
		return true;
	if (run->io.port >= PORT_SERIAL && run->io.port < PORT_SERIAL + SERIAL_PORTS) {
		on_serial(vcpu->machine, run->io.port - PORT_SERIAL, bytes, length,
		          run->io.direction == KVM_EXIT_IO_OUT);
		return true;
	}
	if (run->io.direction == KVM_EXIT_IO_IN) {
		memset(bytes, run->io.port == PORT_SLEEP_STATUS ? 0 : 0xff, length);
		return true;
	}
	if (run->io.port == PORT_RESET && bytes[0] == RESET_VALUE) {
		machine_end(vcpu->machine, MACHINE_RESET, "the guest has reset the machine");
		return false;
	}
	if (run->io.port == PORT_SLEEP && (bytes[0] & SLEEP_ENABLE)) {
		machine_end(vcpu->machine, MACHINE_OFF, "the guest has switched the machine off");
		return false;
	}
	return true;
}

static bool on_memory(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	size_t length =
		run->mmio.len < sizeof(run->mmio.data) ? run->mmio.len : sizeof(run->mmio.data);

	bus_access(vcpu->machine, run->mmio.phys_addr, run->mmio.data, length, run->mmio.is_write);
	return true;
}

static bool on_halt(struct vcpu *vcpu)
{
	(void)vcpu; /* KVM itself waits: it has the interrupt controllers */
	return true;
}

/* The kernel ends a panic with that too: there is nothing faster. */
static bool on_shutdown(struct vcpu *vcpu)
{
	struct machine *m = vcpu->machine;
	char kept[sizeof(m->words.kept)];
	bool told, restarts;

	(void)pthread_mutex_lock(&m->lock);
	memcpy(kept, m->words.kept, sizeof(kept));
	told = m->words.told;
	restarts = m->words.restarts;
	(void)pthread_mutex_unlock(&m->lock);
	if (told)
		machine_end(m, MACHINE_RESET, "the guest: %s", kept);
	else if (restarts)
		machine_end(m, MACHINE_RESET, "the guest has reset the machine");
	else
		machine_end(m, MACHINE_RESET,
		            "a processor of the guest could not go on (triple fault)%s%s",
		            *kept ? "; its kernel said: " : "", kept);
	return false;
}

static bool on_event(struct vcpu *vcpu)
{
	machine_end(vcpu->machine,
	            vcpu->run->system_event.type == KVM_SYSTEM_EVENT_SHUTDOWN ? MACHINE_OFF
	                                                                      : MACHINE_RESET,
	            "the guest has ended the machine");
	return false;
}

static bool on_error(struct vcpu *vcpu)
{
	machine_end(vcpu->machine, MACHINE_FAILED, "KVM can't run the guest: internal error %u",
	            vcpu->run->internal.suberror);
	return false;
}

static bool on_no_entry(struct vcpu *vcpu)
{
	machine_end(vcpu->machine, MACHINE_FAILED, "KVM can't enter the guest: reason %#llx",
	            (unsigned long long)vcpu->run->fail_entry.hardware_entry_failure_reason);
	return false;
}

static const struct {
	uint32_t reason;
	bool (*handle)(struct vcpu *vcpu);
} exits[] = {
	{KVM_EXIT_IO,             on_port    },
	{KVM_EXIT_MMIO,           on_memory  },
	{KVM_EXIT_HLT,            on_halt    },
	{KVM_EXIT_INTR,           on_halt    },
	{KVM_EXIT_SHUTDOWN,       on_shutdown},
	{KVM_EXIT_SYSTEM_EVENT,   on_event   },
	{KVM_EXIT_INTERNAL_ERROR, on_error   },
	{KVM_EXIT_FAIL_ENTRY,     on_no_entry},
};

bool exit_handle(struct vcpu *vcpu)
{
	for (size_t i = 0; i < ARRAY_SIZE(exits); i++)
		if (exits[i].reason == vcpu->run->exit_reason)
			return exits[i].handle(vcpu);
	machine_end(vcpu->machine, MACHINE_FAILED, "KVM left the guest for reason %u",
	            vcpu->run->exit_reason);
	return false;
}
