/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "base/table.h"

#include "parts.h"

/* Of Intel's: three pages and one that the guest never sees, at the end of the hole. */
#define TSS_PAGES    UINT64_C(0xfffbd000)
#define IDENTITY_MAP UINT64_C(0xfffbc000)

void machine_mark(struct machine *m, const char *stage)
{
	if (m->stages < STAGES) {
		m->stage[m->stages].name = stage;
		m->stage[m->stages++].ms = (double)(clock_ns() - m->began_ns) / 1e6;
	}
}

bool machine_stage(const struct machine *m, size_t index, const char **ret_name, double *ret_ms)
{
	if (index >= m->stages)
		return false;
	*ret_name = m->stage[index].name;
	*ret_ms = m->stage[index].ms;
	return true;
}

/* ---- the end ---- */

void machine_end(struct machine *m, enum machine_end how, const char *why, ...)
{
	const uint64_t one = 1;
	va_list args;

	if (atomic_exchange(&m->has_ended, true))
		return;
	m->how = how;
	va_start(args, why);
	(void)vsnprintf(m->why, sizeof(m->why), why, args);
	va_end(args);
	if (write(m->end.fd, &one, sizeof(one)) < 0)
		log_debug("machine: %s", strerrordesc_np(errno));
}

const char *machine_words(const struct machine *m)
{
	return m->words.kept;
}

static int end_seen(struct loop_source *source, uint32_t events, struct error *err)
{
	struct machine *m = source->data;

	(void)events;
	if (loop_remove(m->loop, source, err) < 0)
		return -1;
	m->ended(m->data, m->how, m->why);
	return 0;
}

/* ---- set-up, in the order of the table ---- */

struct making {
	struct machine *machine;
	const struct machine_config *config;
	uint64_t entry;
};

static int check_kvm(struct making *making, struct error *err)
{
	static const struct {
		int capability;
		const char *name;
	} needed[] = {
		{KVM_CAP_IRQCHIP,            "interrupt controllers"   },
		{KVM_CAP_USER_MEMORY,        "memory of user space"    },
		{KVM_CAP_IOEVENTFD,          "ioeventfd"               },
		{KVM_CAP_IRQFD,              "irqfd"                   },
		{KVM_CAP_EXT_CPUID,          "a list of CPUID leaves"  },
		{KVM_CAP_TSC_DEADLINE_TIMER, "the TSC deadline timer"  },
		{KVM_CAP_IMMEDIATE_EXIT,     "an exit when it is asked"},
	};
	int kvm = making->config->kvm, bytes;

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (ioctl(kvm, KVM_CHECK_EXTENSION, needed[i].capability) <= 0)
			return fail(err, ERROR_UNSUPPORTED, "/dev/kvm", "this kernel's has not %s",
			            needed[i].name);
	bytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (bytes < (int)sizeof(struct kvm_run))
		return fail_errno(err, "/dev/kvm", "ask for a processor's size");
	making->machine->run_bytes = (size_t)bytes;
	return 0;
}

static int make_vm(struct making *making, struct error *err)
{
	uint64_t identity = IDENTITY_MAP;
	struct machine *m = making->machine;

	do
		m->vm = ioctl(making->config->kvm, KVM_CREATE_VM, 0);
	while (m->vm < 0 && errno == EINTR);
	if (m->vm < 0)
		return fail_errno(err, "/dev/kvm", "create a machine");
	if (ioctl(m->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity) < 0 ||
	    ioctl(m->vm, KVM_SET_TSS_ADDR, TSS_PAGES) < 0)
		return fail_errno(err, "machine", "give it pages");
	if (ioctl(m->vm, KVM_CREATE_IRQCHIP, 0) < 0)
		return fail_errno(err, "machine", "create interrupt controllers");
	return 0;
}

static int make_memory(struct making *making, struct error *err)
{
	struct machine *m = making->machine;

	if (memory_new(making->config->memory_bytes, &m->memory, err) < 0)
		return -1;
	for (size_t i = 0; i < m->memory.count; i++) {
		const struct memory_region *r = &m->memory.region[i];
		struct kvm_userspace_memory_region slot = {
			.slot = (uint32_t)i,
			.guest_phys_addr = r->guest,
			.memory_size = r->length,
			.userspace_addr = (uint64_t)(uintptr_t)r->host,
		};

		if (ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
			return fail_errno(err, "guest memory", "give it to the machine");
	}
	return 0;
}

static int load(struct making *making, struct error *err)
{
	const struct machine_config *c = making->config;

	if (boot_load(c, &making->machine->memory, &making->entry, err) < 0)
		return -1;
	return acpi_write(&making->machine->memory, c->processors, c->device_count, err);
}

static int make_bus(struct making *making, struct error *err)
{
	return bus_connect(making->machine, making->config, err);
}

static int make_processors(struct making *making, struct error *err)
{
	const struct machine_config *c = making->config;

	if (c->processors == 0 || c->processors > MACHINE_PROCESSORS)
		return fail(err, ERROR_CONFIG, "processors", "must be 1 to %d", MACHINE_PROCESSORS);
	for (unsigned int i = 0; i < c->processors; i++)
		if (vcpu_new(making->machine, c, i, making->entry, err) < 0)
			return -1;
	return 0;
}

static const struct {
	const char *name;
	int (*make)(struct making *making, struct error *err);
} steps[] = {
	{"kvm",        check_kvm      },
        {"machine",    make_vm        },
        {"memory",     make_memory    },
	{"kernel",     load           },
        {"devices",    make_bus       },
        {"processors", make_processors},
};

static struct machine *allocate(const struct machine_config *config, struct loop *loop,
                                struct error *err)
{
	struct machine *m = calloc(1, sizeof(*m));

	if (!m) {
		(void)fail(err, ERROR_SYSTEM, "machine", "out of memory");
		return NULL;
	}
	m->began_ns = clock_ns();
	m->loop = loop;
	m->vm = m->end.fd = -1;
	m->memory.file = -1;
	m->ended = config->ended;
	m->data = config->data;
	(void)pthread_mutex_init(&m->lock, NULL);
	(void)pthread_mutex_init(&m->gate, NULL);
	(void)pthread_cond_init(&m->opened, NULL);
	(void)pthread_cond_init(&m->reached, NULL);
	m->end = (struct loop_source){.ready = end_seen, .data = m};
	m->end.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->end.fd < 0)
		(void)fail_errno(err, "machine", "eventfd");
	else if (loop_add(loop, &m->end, EPOLLIN, err) == 0)
		return m;
	machine_free(m);
	return NULL;
}

struct machine *machine_new(const struct machine_config *config, struct loop *loop,
                            struct error *err)
{
	struct machine *m = allocate(config, loop, err);
	struct making making = {.machine = m, .config = config};

	for (size_t i = 0; m && i < ARRAY_SIZE(steps); i++) {
		if (steps[i].make(&making, err) < 0) {
			machine_free(m);
			return NULL;
		}
		machine_mark(m, steps[i].name);
	}
	if (m)
		loop_guard(loop, &m->lock);
	return m;
}

int machine_start(struct machine *m, struct error *err)
{
	for (unsigned int i = 0; i < m->vcpus; i++)
		if (vcpu_start(&m->vcpu[i], err) < 0)
			return -1;
	machine_mark(m, "start");
	return 0;
}

/* ---- standing still ---- */

static unsigned int count_started(const struct machine *m)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < m->vcpus; i++)
		count += m->vcpu[i].started;
	return count;
}

void machine_pause(struct machine *m)
{
	(void)pthread_mutex_lock(&m->gate);
	m->closed = true;
	for (unsigned int i = 0; i < m->vcpus; i++)
		vcpu_kick(&m->vcpu[i]);
	while (m->waiting < count_started(m) && !atomic_load(&m->has_ended)) {
		struct timespec soon;

		/* a kick that came just before it entered the guest is lost: once more */
		(void)clock_gettime(CLOCK_REALTIME, &soon);
		soon.tv_nsec += 10000000;
		if (soon.tv_nsec >= 1000000000) {
			soon.tv_sec++;
			soon.tv_nsec -= 1000000000;
		}
		if (pthread_cond_timedwait(&m->reached, &m->gate, &soon) == ETIMEDOUT)
			for (unsigned int i = 0; i < m->vcpus; i++)
				vcpu_kick(&m->vcpu[i]);
	}
	(void)pthread_mutex_unlock(&m->gate);
}

void machine_resume(struct machine *m)
{
	(void)pthread_mutex_lock(&m->gate);
	m->closed = false;
	(void)pthread_cond_broadcast(&m->opened);
	(void)pthread_mutex_unlock(&m->gate);
}

/* A thread that has left the guest sees that the machine ends, and ends. */
static void end_processors(struct machine *m)
{
	(void)pthread_mutex_lock(&m->gate);
	m->ending = true;
	m->closed = true;
	(void)pthread_cond_broadcast(&m->opened);
	(void)pthread_mutex_unlock(&m->gate);
	for (unsigned int i = 0; i < m->vcpus; i++) {
		struct vcpu *vcpu = &m->vcpu[i];
		struct timespec soon;
		int joined = ETIMEDOUT;

		while (vcpu->started && joined == ETIMEDOUT) {
			vcpu_kick(vcpu);
			(void)clock_gettime(CLOCK_REALTIME, &soon);
			soon.tv_sec += soon.tv_nsec >= 990000000;
			soon.tv_nsec = (soon.tv_nsec + 10000000) % 1000000000;
			joined = pthread_timedjoin_np(vcpu->thread, NULL, &soon);
		}
		vcpu->started = false;
	}
}

void machine_free(struct machine *m)
{
	struct error ignored;

	if (!m)
		return;
	end_processors(m);
	loop_guard(m->loop, NULL);
	bus_disconnect(m);
	for (unsigned int i = 0; i < m->vcpus; i++)
		vcpu_free(&m->vcpu[i]);
	if (m->vm >= 0)
		(void)close(m->vm);
	if (m->end.fd >= 0) {
		if (!atomic_load(&m->has_ended) && loop_remove(m->loop, &m->end, &ignored) < 0)
			log_debug("%s: %s", ignored.object, ignored.reason);
		(void)close(m->end.fd);
	}
	memory_release(&m->memory);
	free(m);
}
