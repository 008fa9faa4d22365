/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "store.h"

const struct executor *choose_by_name(const struct runtime *rt, const char *name)
{
	for (size_t i = 0; rt->executors[i]; i++)
		if (strcmp(rt->executors[i]->name, name) == 0)
			return rt->executors[i];
	return NULL;
}

int choose_executor(const struct runtime *rt, const struct spec *spec,
                    const struct executor **ret_executor, struct error *err)
{
	const char *annotation = spec_annotation(spec, "org.cella.executor");
	const char *object = rt->executor ? "--executor"
	                     : annotation ? "annotations[\"org.cella.executor\"]"
	                                  : "vm";
	const char *name = rt->executor   ? rt->executor
	                   : annotation   ? annotation
	                   : spec->vm.set ? "microvm"
	                                  : rt->executors[0]->name;
	const struct executor *found = choose_by_name(rt, name);

	if (!found)
		return fail(err, ERROR_UNSUPPORTED, object,
		            "there is no executor '%s' in this build of cella", name);
	*ret_executor = found;
	return 0;
}

int runtime_protect(const struct runtime *rt, char *const *argv, struct error *err)
{
	for (size_t i = 0; rt->executors[i]; i++)
		if (rt->executors[i]->protect && rt->executors[i]->protect(argv, err) < 0)
			return -1;
	return 0;
}
