/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "microvm/microvm.h"
#include "runtime/namespace/namespace.h"

#include "shim.h"

/* The only place of this program that names them; the first is the default. */
const struct executor *const shim_executors[] = {
	&namespace_executor,
	&microvm_executor,
	NULL,
};

void shim_runtime(const struct shim_options *options, struct runtime *ret)
{
	const char *slash = strrchr(options->program, '/');

	*ret = (struct runtime){
		.root = options->root,
		.executors = shim_executors,
		.executor =
			strstr(slash ? slash + 1 : options->program, "microvm") ? "microvm" : NULL,
		.trace = options->debug,
	};
}
