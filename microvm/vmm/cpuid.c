/* SPDX-License-Identifier: Apache-2.0 */
/* What a processor says that it is: what KVM supports, changed where the machine is another one than the host.
 * Spec: Intel SDM vol. 2A "CPUID"; AMD APM vol. 3, appendix E; Documentation/virt/kvm/x86/cpuid.rst. */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/own.h"
#include "base/table.h"

#include "parts.h"

enum { ENTRIES = 256 };

struct processor {
	unsigned int index, count, bits; /* bits: of a number below count */
};

typedef void change(struct kvm_cpuid_entry2 *e, const struct processor *p);

static void features(struct kvm_cpuid_entry2 *e, const struct processor *p)
{
	const uint32_t vmx = 1U << 5, x2apic = 1U << 21, deadline = 1U << 24, hypervisor = 1U << 31;

	e->ebx = (e->ebx & 0xffff) | (p->count & 0xff) << 16 | p->index << 24;
	e->ecx = (e->ecx & ~vmx) | x2apic | deadline | hypervisor;
	if (p->count > 1)
		e->edx |= 1U << 28; /* the count is right */
	else
		e->edx &= ~(1U << 28);
}

/* Deterministic caches: each processor is a core with caches of its own, but the last level. */
static void caches(struct kvm_cpuid_entry2 *e, const struct processor *p)
{
	uint32_t level = (e->eax >> 5) & 7;
	uint32_t sharing = level >= 3 ? p->count - 1 : 0;

	if ((e->eax & 0x1f) == 0)
		return;
	e->eax = (e->eax & 0x3fff) | sharing << 14 | (p->count - 1) << 26;
}

/* Extended topology: one thread a core, all cores in one package. */
static void topology(struct kvm_cpuid_entry2 *e, const struct processor *p)
{
	e->edx = p->index;
	e->ecx = e->index;
	e->eax = e->ebx = 0;
	if (e->index == 0) {
		e->ebx = 1;
		e->ecx |= 1 << 8;
	} else if (e->index == 1) {
		e->eax = p->bits;
		e->ebx = p->count;
		e->ecx |= 2 << 8;
	}
}

/* No counters of performance: they would count the host too. */
static void nothing(struct kvm_cpuid_entry2 *e, const struct processor *p)
{
	(void)p;
	e->eax = e->ebx = e->ecx = e->edx = 0;
}

static void extended_features(struct kvm_cpuid_entry2 *e, const struct processor *p)
{
	const uint32_t svm = 1U << 2, topology_extensions = 1U << 22, counters = 7U << 23;

	(void)p;
	e->ecx &= ~(svm | topology_extensions | counters);
}

static void sizes(struct kvm_cpuid_entry2 *e, const struct processor *p)
{
	e->ecx = p->count > 1 ? (p->count - 1) | p->bits << 12 : 0;
}

static const struct {
	uint32_t leaf;
	change *change;
} changes[] = {
	{0x00000001, features         },
        {0x00000004, caches           },
        {0x0000000a, nothing          },
	{0x0000000b, topology         },
        {0x0000001f, nothing          },
        {0x80000001, extended_features},
	{0x80000008, sizes            },
        {0x8000001d, nothing          },
        {0x8000001e, nothing          },
	{0x8000000a, nothing          },
};

int cpuid_set(int kvm, const struct vcpu *vcpu, unsigned int processors, struct error *err)
{
	size_t bytes = sizeof(struct kvm_cpuid2) + ENTRIES * sizeof(struct kvm_cpuid_entry2);
	struct kvm_cpuid2 *all = calloc(1, bytes);
	struct processor p = {.index = vcpu->index, .count = processors};
	int result = 0;

	if (!all)
		return fail(err, ERROR_SYSTEM, "cpuid", "out of memory");
	while ((1U << p.bits) < processors)
		p.bits++;
	all->nent = ENTRIES;
	if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, all) < 0)
		result = fail_errno(err, "cpuid", "ask KVM");
	for (size_t i = 0; result == 0 && i < all->nent; i++)
		for (size_t j = 0; j < ARRAY_SIZE(changes); j++)
			if (changes[j].leaf == all->entries[i].function)
				changes[j].change(&all->entries[i], &p);
	if (result == 0 && ioctl(vcpu->fd, KVM_SET_CPUID2, all) < 0)
		result = fail_errno(err, "cpuid", "set");
	free(all);
	return result;
}
