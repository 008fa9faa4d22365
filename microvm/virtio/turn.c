/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#include "turn.h"

void turn_spend(struct turn *turn, uint64_t cost)
{
	turn->left = cost < turn->left ? turn->left - (unsigned int)cost : 0;
}

void turn_again(struct virtio_device *d, unsigned int queue)
{
	const uint64_t one = 1;

	if (write(d->queue[queue].kick, &one, sizeof(one)) < 0)
		log_debug("virtio %s: kick: %s", d->type->name, strerrordesc_np(errno));
}

/* Returns  what queue_pop() said last. */
static int serve(struct virtio_device *d, struct virtio_queue *q, struct turn *turn)
{
	int taken = 1;

	while (turn->left > 0 && (taken = queue_pop(q, turn->chain)) > 0) {
		turn_spend(turn, 1);
		queue_push(q, turn->chain->head, turn->answer(d, turn));
	}
	return taken;
}

void turn_serve(struct virtio_device *d, struct turn *turn)
{
	struct virtio_queue *q = &d->queue[turn->queue];
	int taken;

	if (!d->active || !q->ready || q->broken)
		return;
	queue_busy(q);
	do
		taken = serve(d, q, turn);
	while (taken == 0 && queue_wait(q));
	queue_announce(q);
	if (taken < 0)
		virtio_broken(d, "a ring is nonsense");
	else if (taken > 0)
		turn_again(d, turn->queue);
}

void turn_config(const void *config, size_t size, size_t offset, void *to, size_t length)
{
	memset(to, 0, length);
	if (offset < size)
		memcpy(to, (const uint8_t *)config + offset,
		       length < size - offset ? length : size - offset);
}
