/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "base/own.h"

#include "command.h"

static const struct word changes[] = {
	{"add",    MOUNTS_ADD   },
	{"remove", MOUNTS_REMOVE}
};

static int read_file(const char *path, struct arena *arena, mount_list *ret, struct error *err)
{
	size_t length;
	char *bytes;

	if (fd_read_input(path, JSON_BYTES_LIMIT, arena, &bytes, &length, err) < 0)
		return -1;
	return spec_read_mounts(path, bytes, length, arena, ret, err);
}

static int run(struct call *call, struct error *err)
{
	owned_container struct container *c = NULL;
	mount_list mounts = {0};
	char choices[32];
	int64_t change;

	if (!table_value(changes, ARRAY_SIZE(changes), call->operands[0], &change))
		return fail(err, ERROR_USAGE, "mounts",
		            "'%s' must be %s: try 'cella mounts --help'", call->operands[0],
		            table_choices(changes, ARRAY_SIZE(changes), choices, sizeof(choices)));
	if (read_file(call->operands[2], call->arena, &mounts, err) < 0)
		return -1;
	if (container_open(call->rt, call->operands[1], true, &c, err) < 0)
		return -1;
	return container_mounts(c, (enum mounts_change)change, &mounts, err);
}

const struct command mounts_command = {
	.name = "mounts",
	.operands = "add|remove CONTAINER FILE",
	.summary = "Add mounts to a container that lives, or remove them",
	.about = "FILE has a \"mounts\" member as config.json has it; - is stdin. All of them are\n"
		 "made or removed, or on an error none. To remove, only the destinations count.\n",
	.examples =
		"cella mounts add web volumes.json\n"
		"cella mounts remove web volumes.json\n"
		"echo '{\"mounts\": [{\"destination\": \"/mnt\"}]}' | cella mounts remove web -\n",
	.operands_least = 3,
	.operands_most = 3,
	.enters = true,
	.run = run,
};
