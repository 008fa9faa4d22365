/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sha2.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/own.h"

#include "source.h"

enum { FIRST_COUNT = 16 };

void digest(struct bytes bytes, char text[DIGEST_SIZE])
{
	_Static_assert(DIGEST_SIZE == SHA256_DIGEST_STRING_LENGTH, "as libmd writes it");
	(void)SHA256Data(bytes.at, bytes.length, text);
}

static void facts_of(const struct stat *st, struct source_facts *ret)
{
	ret->size = st->st_size;
	ret->inode = st->st_ino;
	ret->mtime = st->st_mtim.tv_sec;
	ret->mtime_nsec = st->st_mtim.tv_nsec;
}

static int add(struct sources *sources, const char *path, const struct stat *st, struct error *err)
{
	struct source_facts *facts;

	if (sources->count == sources->size) {
		size_t size = sources->size ? sources->size * 2 : FIRST_COUNT;
		struct source_facts *list = arena_alloc(sources->arena, size, sizeof(*list));

		if (!list)
			return arena_check(sources->arena, err);
		if (sources->count > 0)
			memcpy(list, sources->list, sources->count * sizeof(*list));
		sources->list = list;
		sources->size = size;
	}
	facts = &sources->list[sources->count];
	*facts = (struct source_facts){.path = arena_text(sources->arena, path), .size = -1};
	if (!facts->path)
		return arena_check(sources->arena, err);
	if (st)
		facts_of(st, facts);
	sources->count++;
	return 0;
}

int sources_note(struct sources *sources, const char *path, struct error *err)
{
	struct stat st;

	return add(sources, path, stat(path, &st) == 0 ? &st : NULL, err);
}

bool source_holds(const struct source_facts *facts)
{
	struct source_facts now = {.size = -1};
	struct stat st;

	if (stat(facts->path, &st) == 0)
		facts_of(&st, &now);
	return now.size == facts->size && now.inode == facts->inode && now.mtime == facts->mtime &&
	       now.mtime_nsec == facts->mtime_nsec;
}

void source_close(struct source *source)
{
	if (source->bytes.length > 0)
		(void)munmap((void *)(uintptr_t)source->bytes.at, source->bytes.length);
	*source = (struct source){0};
}

int source_open(struct sources *sources, const char *path, struct source *ret, struct error *err)
{
	owned_fd fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	void *at;

	*ret = (struct source){.path = path};
	if (fd < 0)
		return fail_errno(err, path, "open");
	if (fstat(fd, &st) < 0)
		return fail_errno(err, path, "stat");
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return fail(err, ERROR_CONFIG, path,
		            S_ISREG(st.st_mode) ? "is empty" : "is no regular file");
	if (add(sources, path, &st, err) < 0)
		return -1;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (at == MAP_FAILED)
		return fail_errno(err, path, "map");
	ret->bytes = (struct bytes){.at = at, .length = (size_t)st.st_size};
	return 0;
}
