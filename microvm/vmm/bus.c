/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"

#include "parts.h"

enum { QUEUE_NOTIFY = 0x50 };

static uint64_t window(size_t slot)
{
	return DEVICES + slot * DEVICE_SIZE;
}

/* What the driver writes to tell of queue n becomes an event of that queue's descriptor, in KVM itself. */
static int connect_kick(struct machine *m, size_t slot, unsigned int queue, int fd,
                        struct error *err)
{
	struct kvm_ioeventfd event = {
		.datamatch = queue,
		.addr = window(slot) + QUEUE_NOTIFY,
		.len = 4,
		.fd = fd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
	};

	if (ioctl(m->vm, KVM_IOEVENTFD, &event) < 0)
		return fail_errno(err, m->slot[slot].device->type->name, "ioeventfd");
	return 0;
}

static int kicked(struct loop_source *source, uint32_t events, struct error *err)
{
	struct virtio_device *device = source->data;
	uint64_t count;

	(void)events;
	(void)err;
	if (read(source->fd, &count, sizeof(count)) < 0 || !device->active)
		return 0;
	for (unsigned int i = 0; i < device->queue_count; i++)
		if (device->queue[i].kick == source->fd)
			device->type->kicked(device, i);
	return 0;
}

static int connect_queue(struct machine *m, size_t slot, unsigned int index, struct error *err)
{
	struct virtio_device *device = m->slot[slot].device;
	struct loop_source *kick = &m->slot[slot].kick[index];
	struct virtio_queue *queue = &device->queue[index];

	*kick = (struct loop_source){.ready = kicked, .data = device};
	kick->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (kick->fd < 0)
		return fail_errno(err, device->type->name, "eventfd");
	queue->memory = &m->memory;
	queue->kick = kick->fd;
	queue->call = m->slot[slot].call;
	if (connect_kick(m, slot, index, kick->fd, err) < 0)
		return -1;
	/* who serves the queue elsewhere waits for it himself */
	return device->type->kicked ? loop_add(m->loop, kick, EPOLLIN, err) : 0;
}

static int connect_device(struct machine *m, struct virtio_device *device, struct error *err)
{
	struct kvm_irqfd interrupt = {.gsi = FIRST_INTERRUPT + (uint32_t)m->slots};
	struct slot *slot = &m->slot[m->slots];

	*slot = (struct slot){.device = device, .call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	for (size_t i = 0; i < VIRTIO_QUEUES_MAX; i++)
		slot->kick[i].fd = -1;
	m->slots++;
	if (slot->call < 0)
		return fail_errno(err, device->type->name, "eventfd");
	device->call = slot->call;
	interrupt.fd = (uint32_t)slot->call;
	if (ioctl(m->vm, KVM_IRQFD, &interrupt) < 0)
		return fail_errno(err, device->type->name, "irqfd");
	for (unsigned int i = 0; i < device->queue_count; i++)
		if (connect_queue(m, m->slots - 1, i, err) < 0)
			return -1;
	return 0;
}

int bus_connect(struct machine *m, const struct machine_config *config, struct error *err)
{
	if (config->device_count > MACHINE_DEVICES)
		return fail(err, ERROR_SYSTEM, "machine", "has at most %d devices",
		            MACHINE_DEVICES);
	for (size_t i = 0; i < config->device_count; i++)
		if (connect_device(m, config->device[i], err) < 0)
			return -1;
	return 0;
}

void bus_disconnect(struct machine *m)
{
	struct error ignored;

	for (size_t i = 0; i < m->slots; i++) {
		struct slot *slot = &m->slot[i];

		for (size_t j = 0; j < VIRTIO_QUEUES_MAX; j++) {
			if (slot->kick[j].fd < 0)
				continue;
			if (slot->device->type->kicked &&
			    loop_remove(m->loop, &slot->kick[j], &ignored) < 0)
				log_debug("%s: %s", ignored.object, ignored.reason);
			(void)close(slot->kick[j].fd);
		}
		if (slot->call >= 0)
			(void)close(slot->call);
	}
	m->slots = 0;
}

void bus_access(struct machine *m, uint64_t address, void *bytes, size_t length, bool write)
{
	size_t slot = (size_t)((address - DEVICES) / DEVICE_SIZE);

	if (address < DEVICES || slot >= m->slots) {
		if (!write)
			memset(bytes, 0xff, length);
		return;
	}
	(void)pthread_mutex_lock(&m->lock);
	if (write)
		virtio_mmio_write(m->slot[slot].device, address % DEVICE_SIZE, bytes, length);
	else
		virtio_mmio_read(m->slot[slot].device, address % DEVICE_SIZE, bytes, length);
	(void)pthread_mutex_unlock(&m->lock);
}
