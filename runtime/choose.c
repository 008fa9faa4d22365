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
	/* crun's way to ask for a virtual machine, libkrun's: who asks for one must not get less. */
	const char *handler = spec_annotation(spec, "run.oci.handler");
	const char *by_handler = handler && strcmp(handler, "krun") == 0 ? "microvm" : handler;
	const struct {
		const char *object, *name;
	} asked[] = {
		{"--executor",                          rt->executor                   },
		{"annotations[\"org.cella.executor\"]", annotation                     },
		{"annotations[\"run.oci.handler\"]",    by_handler                     },
		{"vm",				  spec->vm.set ? "microvm" : NULL},
		{"",				    rt->executors[0]->name         },
	};
	size_t first = 0;

	while (!asked[first].name)
		first++;
	*ret_executor = choose_by_name(rt, asked[first].name);
	if (!*ret_executor)
		return fail(err, ERROR_UNSUPPORTED, asked[first].object,
		            "there is no executor '%s' in this build of cella", asked[first].name);
	return 0;
}

int runtime_protect(const struct runtime *rt, char *const *argv, struct error *err)
{
	for (size_t i = 0; rt->executors[i]; i++)
		if (rt->executors[i]->protect && rt->executors[i]->protect(argv, err) < 0)
			return -1;
	return 0;
}
