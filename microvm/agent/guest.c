/* SPDX-License-Identifier: Apache-2.0 */
/* What a config means in here. Its root and its binds are shares of the host; the network, the users and what limits
 * the machine as a whole are made outside. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "runtime/namespace/namespace.h"

#include "agent.h"

enum { SHARES_LIMIT = 1 << 20 };

/* Give a bind its share. Returns 0, or -1 and *err. */
static int place_share(struct spec *spec, size_t index, const char *share, size_t length,
                       struct arena *arena, struct error *err)
{
	if (index >= spec->mounts.count)
		return fail(err, ERROR_SYSTEM, "shares", "there is no mount %zu", index);
	spec->mounts.item[index].source =
		arena_format(arena, AGENT_SHARES "/%.*s", (int)length, share);
	return 0;
}

static int place_shares(struct spec *spec, const char *lines, struct arena *arena,
                        struct error *err)
{
	while (*lines) {
		char *end;
		size_t index = strtoul(lines, &end, 10);
		size_t length = *end == ' ' ? strcspn(++end, "\n") : 0;

		if (length == 0)
			return fail(err, ERROR_SYSTEM, "shares", "expected INDEX SHARE");
		if (place_share(spec, index, end, length, arena, err) < 0)
			return -1;
		lines = end + length;
		lines += *lines == '\n';
	}
	return 0;
}

static int place_root(struct spec *spec, struct error *err)
{
	if (spec->vm.image_path)
		return disk_mount(spec->root_readonly, &spec->root_path, err);
	spec->root_path = AGENT_SHARES "/0";
	return spec->root_readonly ? setup_layer(&spec->root_path, err) : 0;
}

static int prepare(struct plan_request *request, struct arena *arena, struct error *err)
{
	struct spec *spec = plan_guest(request->spec, arena);
	struct spec_mount *mounts =
		arena_alloc(arena, request->spec->mounts.count + 1, sizeof(*mounts));
	size_t length;
	char *shares;

	if (!spec || !mounts)
		return arena_check(arena, err);
	if (spec->mounts.count)
		memcpy(mounts, spec->mounts.item, spec->mounts.count * sizeof(*mounts));
	spec->mounts.item = mounts;
	if (place_root(spec, err) < 0)
		return -1;
	if (fd_read_file(AT_FDCWD, AGENT_BUNDLE "/shares", SHARES_LIMIT, arena, &shares, &length,
	                 err) < 0 ||
	    place_shares(spec, shares, arena, err) < 0)
		return -1;
	request->spec = spec;
	return arena_check(arena, err);
}

struct executor guest_executor(void)
{
	struct executor executor = namespace_executor;

	executor.prepare = prepare;
	return executor;
}
