/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"

#include "memory.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static const uint64_t HUGE_PAGE = 2 << 20;

static const char object[] = "guest memory";

/* Where length bytes can be mapped so that a page of 2 MiB of the guest is one here. */
static void *aligned_place(uint64_t length)
{
	uint8_t *place = mmap(NULL, length + HUGE_PAGE, PROT_NONE,
	                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t before = -(uintptr_t)place & (HUGE_PAGE - 1);

	if (place == MAP_FAILED)
		return MAP_FAILED;
	if (before > 0)
		(void)munmap(place, before);
	if (before < HUGE_PAGE)
		(void)munmap(place + before + length, HUGE_PAGE - before);
	return place + before;
}

static int map_region(struct guest_memory *m, uint64_t guest, uint64_t length, struct error *err)
{
	struct memory_region *r = &m->region[m->count];
	const struct memory_region *before = m->count ? r - 1 : NULL;
	void *host, *place;

	*r = (struct memory_region){.guest = guest, .length = length};
	r->offset = before ? before->offset + before->length : 0;
	place = aligned_place(length);
	if (place == MAP_FAILED)
		return fail_errno(err, object, "mmap");
	host = mmap(place, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED,
	            m->file, (off_t)r->offset);
	if (host == MAP_FAILED) {
		(void)fail_errno(err, object, "mmap");
		(void)munmap(place, length);
		return -1;
	}
	/* no dump of the monitor holds the guest, no child of it gets a second mapping by accident */
	if (madvise(host, length, MADV_DONTDUMP) < 0 || madvise(host, length, MADV_DONTFORK) < 0) {
		(void)munmap(host, length);
		return fail_errno(err, object, "madvise");
	}
	r->host = host;
	m->count++;
	return 0;
}

static int map_all(struct guest_memory *m, uint64_t bytes, struct error *err)
{
	uint64_t low = bytes < MEMORY_LOW_END ? bytes : MEMORY_LOW_END;

	if (map_region(m, 0, low, err) < 0)
		return -1;
	if (bytes > low)
		return map_region(m, MEMORY_HIGH_START, bytes - low, err);
	return 0;
}

int memory_map(int file, struct guest_memory *ret, struct error *err)
{
	struct guest_memory m = {.file = file};
	struct stat st;
	int result = -1;

	if (fstat(file, &st) < 0)
		(void)fail_errno(err, object, "fstat");
	else if (st.st_size <= 0 || st.st_size % 4096)
		(void)fail(err, ERROR_SYSTEM, object, "%lld bytes are not whole pages",
		           (long long)st.st_size);
	else
		result = map_all(&m, (uint64_t)st.st_size, err);
	if (result < 0)
		memory_release(&m);
	else
		*ret = m;
	return result;
}

int memory_new(uint64_t bytes, struct guest_memory *ret, struct error *err)
{
	owned_fd file = memfd_create("guest-memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (file < 0)
		return fail_errno(err, object, "memfd_create");
	if (bytes == 0 || bytes % 4096 || bytes > INT64_MAX)
		return fail(err, ERROR_SYSTEM, object, "%llu bytes are not whole pages",
		            (unsigned long long)bytes);
	if (ftruncate(file, (off_t)bytes) < 0)
		return fail_errno(err, object, "ftruncate");
	/* whoever shares it can't cut it off below the others: that would end them with SIGBUS */
	if (fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return fail_errno(err, object, "seal");
	return memory_map(take_fd(&file), ret, err);
}

void memory_release(struct guest_memory *memory)
{
	for (size_t i = 0; i < memory->count; i++)
		(void)munmap(memory->region[i].host, memory->region[i].length);
	memory->count = 0;
	if (memory->file >= 0)
		(void)close(memory->file);
	memory->file = -1;
}

/* The region that holds all of these bytes. */
static const struct memory_region *region_of(const struct guest_memory *memory, uint64_t address,
                                             uint64_t length)
{
	for (size_t i = 0; i < memory->count; i++) {
		const struct memory_region *r = &memory->region[i];

		if (address >= r->guest && address - r->guest < r->length && length > 0 &&
		    length <= r->length - (address - r->guest))
			return r;
	}
	return NULL;
}

void *memory_at(const struct guest_memory *memory, uint64_t address, uint64_t length)
{
	const struct memory_region *r = region_of(memory, address, length);

	return r ? r->host + (address - r->guest) : NULL;
}

int memory_load(const struct guest_memory *memory, uint64_t address, int file, uint64_t offset,
                uint64_t length, struct error *err)
{
	const struct memory_region *r = region_of(memory, address, length);
	off_t from = (off_t)offset;

	if (!r || offset > INT64_MAX - length)
		return fail(err, ERROR_SYSTEM, object, "has no such place");
	if (lseek(memory->file, (off_t)(r->offset + (address - r->guest)), SEEK_SET) < 0)
		return fail_errno(err, object, "lseek");
	while (length > 0) {
		ssize_t n = sendfile(memory->file, file, &from, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(err, object, "sendfile");
		if (n == 0)
			return fail(err, ERROR_SYSTEM, object, "the file ends too early");
		length -= (uint64_t)n;
	}
	return 0;
}

void memory_huge(const struct guest_memory *memory, uint64_t from, uint64_t end)
{
	from &= ~(HUGE_PAGE - 1);
	end = (end + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	for (size_t i = 0; i < memory->count; i++) {
		const struct memory_region *r = &memory->region[i];
		uint64_t first = from > r->guest ? from - r->guest : 0;
		uint64_t last = end > r->guest ? end - r->guest : 0;

		if (last > r->length)
			last = r->length & ~(HUGE_PAGE - 1);
		/* none is made where there is nothing: read a byte, and a page is there */
		for (uint64_t at = first; at < last; at += HUGE_PAGE)
			(void)*(const volatile uint8_t *)(r->host + at);
		if (first < last)
			(void)madvise(r->host + first, last - first, MADV_COLLAPSE);
	}
}

int memory_discard(const struct guest_memory *memory, const void *bytes, uint64_t length,
                   struct error *err)
{
	for (size_t i = 0; i < memory->count; i++) {
		const struct memory_region *r = &memory->region[i];
		uint64_t at = (uint64_t)((uintptr_t)bytes - (uintptr_t)r->host);

		if ((uintptr_t)bytes < (uintptr_t)r->host || at >= r->length || at % 4096 ||
		    length == 0 || length % 4096 || length > r->length - at)
			continue;
		if (fallocate(memory->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		              (off_t)(r->offset + at), (off_t)length) < 0)
			return fail_errno(err, object, "fallocate");
		return 0;
	}
	return fail(err, ERROR_SYSTEM, object, "%llu bytes to discard are not whole pages of it",
	            (unsigned long long)length);
}
