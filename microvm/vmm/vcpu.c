/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/own.h"
#include "base/table.h"

#include "parts.h"

enum {
	STACK_BYTES = 128 << 10,
	CR0_PROTECTED = 1,
	CR0_EXTENSION = 1 << 4,
	FLAGS_FIXED = 2,
	SEGMENT_CODE = 11,
	SEGMENT_DATA = 3,
	SEGMENT_TSS = 11,
	MSR_MISC_ENABLE = 0x1a0,
	MSR_MTRR_DEFAULT = 0x2ff,
	MISC_FAST_STRINGS = 1,
	MTRR_ON_WRITE_BACK = 0x806,
	LAPIC_LVT0 = 0x350,
	LAPIC_LVT1 = 0x360,
	LAPIC_EXTERNAL = 7 << 8,
	LAPIC_NMI = 4 << 8,
};

static const char object[] = "processor";

/* The state that PVH wants: flat segments in 32-bit protected mode, paging off, EBX the address of start info. */
static int set_entry(const struct vcpu *vcpu, uint64_t entry, struct error *err)
{
	const struct kvm_segment flat =
		{.limit = UINT32_MAX, .type = SEGMENT_DATA, .present = 1, .db = 1, .s = 1, .g = 1};
	struct kvm_regs regs = {.rflags = FLAGS_FIXED, .rip = entry, .rbx = START_INFO};
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) < 0)
		return fail_errno(err, object, "get registers");
	sregs.cs = sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = flat;
	sregs.cs.type = SEGMENT_CODE;
	sregs.cs.selector = 8;
	sregs.ds.selector = sregs.es.selector = sregs.ss.selector = 16;
	sregs.tr = (struct kvm_segment){.limit = 0x67, .type = SEGMENT_TSS, .present = 1};
	sregs.tr.selector = 24;
	sregs.cr0 = CR0_PROTECTED | CR0_EXTENSION;
	sregs.cr4 = 0;
	sregs.efer = 0;
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) < 0 || ioctl(vcpu->fd, KVM_SET_REGS, &regs) < 0)
		return fail_errno(err, object, "set registers");
	return 0;
}

/* What firmware would have set; a host that does not know one of them does without. */
static int set_msrs(const struct vcpu *vcpu, struct error *err)
{
	static const struct kvm_msr_entry wanted[] = {
		{.index = MSR_MISC_ENABLE,  .data = MISC_FAST_STRINGS },
		{.index = MSR_MTRR_DEFAULT, .data = MTRR_ON_WRITE_BACK},
	};

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		union {
			struct kvm_msrs head;
			uint8_t room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
		} one = {.head.nmsrs = 1};

		memcpy(one.room + sizeof(struct kvm_msrs), &wanted[i], sizeof(wanted[i]));
		if (ioctl(vcpu->fd, KVM_SET_MSRS, &one) < 0)
			return fail_errno(err, object, "set its MSRs");
	}
	return 0;
}

static void put32(struct kvm_lapic_state *state, size_t offset, uint32_t value)
{
	memcpy(state->regs + offset, &value, sizeof(value));
}

static int set_apic(const struct vcpu *vcpu, struct error *err)
{
	struct kvm_lapic_state state;

	if (ioctl(vcpu->fd, KVM_GET_LAPIC, &state) < 0)
		return fail_errno(err, object, "get its APIC");
	put32(&state, LAPIC_LVT0, LAPIC_EXTERNAL);
	put32(&state, LAPIC_LVT1, LAPIC_NMI);
	return ioctl(vcpu->fd, KVM_SET_LAPIC, &state) < 0 ? fail_errno(err, object, "set its APIC")
	                                                  : 0;
}

int vcpu_new(struct machine *machine, const struct machine_config *config, unsigned int index,
             uint64_t entry, struct error *err)
{
	struct vcpu *vcpu = &machine->vcpu[index];
	void *run;

	*vcpu = (struct vcpu){.machine = machine, .index = index};
	vcpu->fd = ioctl(machine->vm, KVM_CREATE_VCPU, index);
	if (vcpu->fd < 0)
		return fail_errno(err, object, "create");
	machine->vcpus = index + 1;
	run = mmap(NULL, machine->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (run == MAP_FAILED)
		return fail_errno(err, object, "mmap");
	vcpu->run = run;
	/* first: what it may be set to depends on what it is */
	if (cpuid_set(config->kvm, vcpu, config->processors, err) < 0 || set_msrs(vcpu, err) < 0 ||
	    set_apic(vcpu, err) < 0)
		return -1;
	/* the others wait for the first one to wake them, which KVM does itself */
	return index == 0 ? set_entry(vcpu, entry, err) : 0;
}

void vcpu_free(struct vcpu *vcpu)
{
	if (vcpu->run)
		(void)munmap(vcpu->run, vcpu->machine->run_bytes);
	if (vcpu->fd >= 0)
		(void)close(vcpu->fd);
	vcpu->run = NULL;
	vcpu->fd = -1;
}

/* ---- running ---- */

/* Only that a system call is interrupted matters. */
static void on_kick(int signum)
{
	(void)signum;
}

/* Wait outside while the gate is closed.
 * Returns  false when the machine ends. */
static bool pass_gate(struct machine *m)
{
	bool go_on;

	(void)pthread_mutex_lock(&m->gate);
	if (m->closed) {
		m->waiting++;
		(void)pthread_cond_broadcast(&m->reached);
		while (m->closed && !m->ending)
			(void)pthread_cond_wait(&m->opened, &m->gate);
		m->waiting--;
	}
	go_on = !m->ending;
	(void)pthread_mutex_unlock(&m->gate);
	return go_on;
}

/* Run the guest until it wants something. Returns whether there is something to handle, or -1: KVM can't. */
static int enter(const struct vcpu *vcpu)
{
	if (ioctl(vcpu->fd, KVM_RUN, 0) == 0)
		return 1;
	if (errno != EINTR && errno != EAGAIN) {
		machine_end(vcpu->machine, MACHINE_FAILED, "KVM: %s", strerrordesc_np(errno));
		return -1;
	}
	__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	return 0;
}

static void *run(void *data)
{
	struct vcpu *vcpu = data;
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigdelset(&all, SIGUSR1);
	(void)pthread_sigmask(SIG_SETMASK, &all, NULL);
	while (pass_gate(vcpu->machine)) {
		int left = enter(vcpu);

		if (left < 0 || (left > 0 && !exit_handle(vcpu)))
			break;
	}
	return NULL;
}

int vcpu_start(struct vcpu *vcpu, struct error *err)
{
	struct sigaction action = {.sa_handler = on_kick};
	pthread_attr_t attributes;
	int result;

	if (sigaction(SIGUSR1, &action, NULL) < 0)
		return fail_errno(err, object, "sigaction");
	result = pthread_attr_init(&attributes);
	if (result == 0)
		result = pthread_attr_setstacksize(&attributes, STACK_BYTES);
	if (result == 0)
		result = pthread_create(&vcpu->thread, &attributes, run, vcpu);
	(void)pthread_attr_destroy(&attributes);
	errno = result;
	if (result != 0)
		return fail_errno(err, object, "start its thread");
	vcpu->started = true;
	return 0;
}

void vcpu_kick(struct vcpu *vcpu)
{
	if (!vcpu->started)
		return;
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	(void)pthread_kill(vcpu->thread, SIGUSR1);
}
