/* SPDX-License-Identifier: Apache-2.0 */
/* From a request to an image: find the kernel, read all that goes into the image, name it after that,
 * and make it where it isn't there. A kernel that nobody asked for by name and that can't be used
 * is passed over for the next one. */
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "base/table.h"

#include "find.h"
#include "image.h"
#include "initramfs.h"
#include "make.h"

enum { MODULE_LIMIT = 64 << 20, LINE_SIZE = 256, FACTS_LIMIT = 1 << 20 };

/* All that goes into one image. */
struct input {
	struct arena *arena;
	const char *release;
	struct request from; /* where it all is */
	struct source kernel;
	struct bytes agent; /* borrowed */
	struct modules modules;
	struct source *contents; /* one a module */
	char name[DIGEST_SIZE];
};

static void input_close(struct input *in)
{
	source_close(&in->kernel);
	for (size_t i = 0; in->contents && i < in->modules.count; i++)
		source_close(&in->contents[i]);
}
#define owned_input __attribute__((cleanup(input_close)))

static bool is_elf(struct bytes bytes)
{
	return bytes.length > SELFMAG && memcmp(bytes.at, ELFMAG, SELFMAG) == 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int read_contents(struct input *in, struct sources *sources, struct error *err)
{
	struct modules *m = &in->modules;

	in->contents = arena_alloc(in->arena, m->count + 1, sizeof(*in->contents));
	if (!in->contents)
		return arena_check(in->arena, err);
	for (size_t i = 0; i < m->count; i++) {
		const char *path =
			arena_format(in->arena, "%s/%s", in->from.modules, m->list[i].path);

		if (!path)
			return arena_check(in->arena, err);
		if (source_open(sources, path, &in->contents[i], err) < 0)
			return -1;
	}
	return 0;
}

static int read_modules(struct input *in, struct sources *sources, struct error *err)
{
	static const char *none[] = {NULL};

	if (!in->from.modules) {
		in->modules = (struct modules){.missing = none};
		return 0;
	}
	if (modules_read(in->from.modules, sources, &in->modules, err) < 0 ||
	    read_contents(in, sources, err) < 0)
		return -1;
	return 0;
}

static void name_line(struct text *out, const char *what, const char *which, struct bytes bytes)
{
	char sum[DIGEST_SIZE];

	digest(bytes, sum);
	text_format(out, "%s %s %s\n", what, which, sum);
}

/* The image's name: the digest of a list of digests. */
static int name_it(struct input *in, struct error *err)
{
	owned_text struct text list = {.limit = FACTS_LIMIT};

	text_format(&list, "cella image %d %s\n", IMAGE_FORMAT, in->release);
	name_line(&list, "kernel", "-", in->kernel.bytes);
	name_line(&list, "agent", "-", in->agent);
	for (size_t i = 0; i < in->modules.count; i++)
		name_line(&list, "module", in->modules.list[i].file, in->contents[i].bytes);
	facts_write_order(&in->modules, &list);
	if (text_check(&list, err) < 0)
		return -1;
	digest((struct bytes){(const uint8_t *)list.bytes, list.length}, in->name);
	return 0;
}

static int read_input(struct input *in, struct sources *sources, struct error *err)
{
	progress("reading the kernel and its modules");
	if (!in->kernel.path && source_open(sources, in->from.kernel, &in->kernel, err) < 0)
		return -1;
	if (read_modules(in, sources, err) < 0)
		return -1;
	return name_it(in, err);
}

/* --- making ----------------------------------------------------------------------------------- */

static int write_part(const struct draft *draft, const char *file, struct bytes bytes,
                      struct part *ret, struct error *err)
{
	digest(bytes, ret->sha256);
	ret->size = bytes.length;
	return draft_write(draft, file, bytes, err);
}

static int make_kernel(const struct input *in, const struct draft *draft, struct facts *facts,
                       struct error *err)
{
	owned_kernel struct kernel kernel = {0};

	progress("unpacking the kernel");
	if (kernel_unpack(in->from.kernel, in->kernel.bytes, KERNEL_LIMIT, &kernel, err) < 0)
		return -1;
	facts->packing = kernel.packing;
	facts->entry = kernel.entry;
	progress("writing the kernel");
	return write_part(draft, "kernel", kernel.elf, &facts->kernel, err);
}

static int unpack_module(const struct source *source, struct unpacked *room, struct bytes *ret,
                         struct error *err)
{
	*ret = source->bytes;
	if (!is_elf(source->bytes)) {
		room->limit = MODULE_LIMIT;
		if (unpack(source->path, source->bytes, room, err) < 0)
			return -1;
		*ret = (struct bytes){room->bytes, room->length};
	}
	if (!is_elf(*ret))
		return fail(err, ERROR_CONFIG, source->path, "is no module");
	return 0;
}

/* Modules that were packed, unpacked. */
struct unpacked_modules {
	struct unpacked *list;
	size_t count;
};

static void modules_release(struct unpacked_modules *modules)
{
	for (size_t i = 0; i < modules->count; i++)
		unpacked_free(&modules->list[i]);
}

static int make_initramfs(const struct input *in, const struct draft *draft, struct facts *facts,
                          struct error *err)
{
	const size_t count = in->modules.count;
	struct bytes *ready = arena_alloc(in->arena, count + 1, sizeof(*ready));
	__attribute__((cleanup(modules_release))) struct unpacked_modules rooms = {
		.list = arena_alloc(in->arena, count + 1, sizeof(*rooms.list))};
	owned_text struct text order = {.limit = FACTS_LIMIT};
	owned_text struct text out = {.limit = INITRAMFS_LIMIT};

	if (!ready || !rooms.list)
		return arena_check(in->arena, err);
	progress("packing the modules");
	for (size_t i = 0; i < count; i++) {
		rooms.count++;
		if (unpack_module(&in->contents[i], &rooms.list[i], &ready[i], err) < 0)
			return -1;
	}
	facts_write_order(&in->modules, &order);
	if (text_check(&order, err) < 0 ||
	    initramfs_write(in->agent, &in->modules, ready,
	                    (struct bytes){(const uint8_t *)order.bytes, order.length}, &out,
	                    err) < 0)
		return -1;
	return write_part(draft, "initramfs",
	                  (struct bytes){(const uint8_t *)out.bytes, out.length}, &facts->initramfs,
	                  err);
}

static int make_facts(const struct draft *draft, const struct facts *facts, struct error *err)
{
	owned_text struct text out = {.limit = FACTS_LIMIT};

	facts_write(facts, &out);
	if (text_check(&out, err) < 0)
		return -1;
	return draft_write(draft, "image.json",
	                   (struct bytes){(const uint8_t *)out.bytes, out.length}, err);
}

static int make(const struct input *in, const struct cache *cache, bool force, struct error *err)
{
	struct facts facts = {.release = in->release,
	                      .made_from = in->from,
	                      .modules = &in->modules};
	owned_draft struct draft draft = {.cache = cache, .dir = -1};

	progress("waiting for another cella-image");
	if (draft_begin(cache, &draft, err) < 0 || make_kernel(in, &draft, &facts, err) < 0 ||
	    make_initramfs(in, &draft, &facts, err) < 0 || make_facts(&draft, &facts, err) < 0)
		return -1;
	progress("writing the image");
	if (draft_keep(&draft, in->name, force, err) < 0)
		return -1;
	for (size_t i = 0; i < in->modules.missing_count; i++)
		note("%s has no module %s: machines are made without what it drives", in->release,
		     in->modules.missing[i]);
	if (!in->from.modules)
		note("no modules of %s are installed: all that a guest needs must be built in",
		     in->release);
	return 0;
}

/* --- choosing --------------------------------------------------------------------------------- */

/* What all kernels that are tried have in common. */
struct choice {
	const struct cache *cache;
	const struct request *request;
	bool force;
	struct sources *sources;
	struct bytes agent;
	struct made *ret;
};

/* Returns  0; 1 and *err when it is the kernel's fault, so that another one may do; -1 and *err. */
static int try_input(const struct choice *choice, struct input *in, struct error *err)
{
	if (read_input(in, choice->sources, err) < 0)
		return 1;
	choice->ret->name = arena_text(in->arena, in->name);
	if (!choice->ret->name)
		return arena_check(in->arena, err);
	choice->ret->fresh = choice->force || !cache_has(choice->cache, in->name, in->arena);
	if (!choice->ret->fresh || make(in, choice->cache, choice->force, err) == 0)
		return 0;
	return err->kind == ERROR_SYSTEM ? -1 : 1;
}

/* The kernel that was asked for. */
static int make_named(const struct choice *choice, struct error *err)
{
	const char *path = choice->request->kernel;
	owned_input struct input in = {.arena = choice->sources->arena,
	                               .from = *choice->request,
	                               .agent = choice->agent};
	char release[KERNEL_RELEASE_SIZE];

	if (source_open(choice->sources, path, &in.kernel, err) < 0 ||
	    kernel_release(path, in.kernel.bytes, release, err) < 0)
		return -1;
	in.release = release;
	if (!in.from.modules &&
	    find_modules("", release, choice->sources, &in.from.modules, err) < 0)
		return -1;
	return try_input(choice, &in, err) == 0 ? 0 : -1;
}

static int make_candidate(const struct choice *choice, const struct candidate *candidate,
                          struct error *err)
{
	owned_input struct input in = {
		.arena = choice->sources->arena,
		.from = *choice->request,
		.release = candidate->release,
		.agent = choice->agent,
	};

	in.from.kernel = candidate->kernel;
	if (!in.from.modules)
		in.from.modules = candidate->modules;
	return try_input(choice, &in, err);
}

/* The best of those that are installed. */
static int make_best(const struct choice *choice, struct error *err)
{
	struct candidates all;

	if (find_kernels("", choice->sources, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < all.count; i++) {
		int r = make_candidate(choice, &all.list[i], err);

		if (r <= 0)
			return r;
		note("%s is passed over: %s: %s", all.list[i].kernel, err->object, err->reason);
	}
	return fail(err, ERROR_UNSUPPORTED, "kernel",
	            "none that can be used is installed with its modules: install one (in Debian "
	            "linux-image-cloud-amd64), or name one with --kernel");
}

int image_make(const struct cache *cache, const struct request *request, bool force,
               struct arena *arena, struct made *ret, struct error *err)
{
	struct sources sources = {.arena = arena};
	struct choice choice = {
		cache, request, force, &sources, {NULL, 0},
                    ret
        };
	owned_source struct source agent = {0};

	*ret = (struct made){0};
	if (!force)
		ret->name = cache_answer(cache, request, arena);
	if (ret->name)
		return 0;
	if (source_open(&sources, request->agent, &agent, err) < 0)
		return -1;
	if (!is_elf(agent.bytes))
		return fail(err, ERROR_CONFIG, request->agent, "is no program");
	choice.agent = agent.bytes;
	if ((request->kernel ? make_named(&choice, err) : make_best(&choice, err)) < 0)
		return -1;
	progress(NULL);
	return cache_remember(cache, request, ret->name, &sources, err);
}
