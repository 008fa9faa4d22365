/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/bytes.h"
#include "microvm/memory/memory.h"
#include "microvm/virtio/virtio.h"

#include "must.h"

/* A queue over memory that is the input, at addresses and of a size that are the input too. Whatever is popped lies
 * within the memory, and no queue gives more than what was offered. */

enum { MEMORY = 64 << 10, MOST = 4 * QUEUE_SIZE_MAX };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_buffer(const struct guest_memory *memory, const struct iovec *piece)
{
	const uint8_t *start = memory->region[0].host, *at = piece->iov_base;

	must(at >= start && piece->iov_len > 0 && piece->iov_len <= MEMORY &&
	     (size_t)(at - start) <= MEMORY - piece->iov_len);
}

static void check_chain(const struct guest_memory *memory, const struct virtio_chain *chain,
                        size_t offset, size_t length)
{
	static struct iovec piece[QUEUE_SIZE_MAX];
	static uint8_t bytes[MEMORY];
	size_t sum[2] = {0}, got, count;

	must(chain->readable + chain->writable <= QUEUE_SIZE_MAX);
	for (size_t i = 0; i < chain->readable + chain->writable; i++) {
		check_buffer(memory, &chain->buffer[i]);
		sum[i >= chain->readable] += chain->buffer[i].iov_len;
	}
	must(sum[0] == chain->readable_bytes && sum[1] == chain->writable_bytes);
	count = chain_writable(chain, offset, length, piece, &got);
	must(got == (offset >= sum[1] ? 0 : sum[1] - offset < length ? sum[1] - offset : length));
	for (size_t i = 0; i < count; i++)
		check_buffer(memory, &piece[i]);
	got = chain_read(chain, offset, bytes, length);
	must(got == (offset >= sum[0] ? 0 : sum[0] - offset < length ? sum[0] - offset : length));
}

static void drain(struct virtio_queue *q, const struct guest_memory *memory, struct reader *in)
{
	static struct virtio_chain chain;
	int popped = 0;

	queue_busy(q);
	while (popped < MOST && queue_pop(q, &chain) > 0) {
		popped++;
		check_chain(memory, &chain, read_u16(in), read_u16(in));
		if (read_u8(in) & 1) {
			queue_unpop(q);
			must(queue_pop(q, &chain) != 0);
		}
		queue_push(q, chain.head, read_u8(in));
		queue_announce(q);
	}
	(void)queue_wait(q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader in = reader_of(data, size);
	struct guest_memory memory;
	struct error err;
	struct virtio_queue q = {.size_max = QUEUE_SIZE_MAX};

	must(memory_new(MEMORY, &memory, &err) == 0);
	q.memory = &memory;
	q.call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q.size = (uint16_t)(1U << read_u8(&in) % 12);
	q.descriptors = read_u16(&in);
	q.available = read_u16(&in);
	q.used = read_u16(&in);
	q.event_idx = read_u8(&in) & 1;
	q.indirect = read_u8(&in) & 1;
	if (in.left > 0)
		memcpy(memory.region[0].host, in.at, in.left < MEMORY ? in.left : MEMORY);
	if (queue_enable(&q, &err) == 0)
		drain(&q, &memory, &in);
	(void)close(q.call);
	memory_release(&memory);
	return 0;
}
