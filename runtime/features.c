/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/process.h"
#include "base/program.h"
#include "base/table.h"
#include "base/version.h"

#include "runtime.h"

/* It may not be installed; who talks to it looks. */
static bool has_criu(const struct runtime *rt)
{
	struct helper_options options = {.ends_with_caller = true};
	char path[PATH_MAX], name[] = "cella-criu", find[] = "find";
	char program[PATH_MAX];
	char *const args[] = {name, find, program, NULL};
	struct helper helper;
	struct error ignored;

	(void)snprintf(program, sizeof(program), "%s", rt->criu ? rt->criu : "");
	if (program_helper(name, path, sizeof(path), &ignored) < 0)
		return false;
	options.path = path;
	if (helper_start(args, &options, &helper, &ignored) < 0)
		return false;
	(void)close(helper.answer);
	return process_wait(helper.pid, &ignored) == 0;
}

int runtime_features(const struct runtime *rt, struct text *out, struct error *err)
{
	struct json_writer w = {.out = out, .indent = 2};
	enum { EXECUTORS, CHECKPOINT, CHECKPOINT_AS_PEERS, VERSION, COMMIT };
	struct key_value annotations[] = {
		[EXECUTORS] = {"org.cella.executors",                        NULL         },
		[CHECKPOINT] = {"org.cella.checkpoint.enabled",               "false"      },
		[CHECKPOINT_AS_PEERS] = {"org.opencontainers.runc.checkpoint.enabled", "false"      },
		[VERSION] = {"org.cella.version",                          CELLA_VERSION},
		[COMMIT] = {"org.cella.commit",                           CELLA_COMMIT },
	};
	struct features features = {0};
	char names[256] = "";
	size_t length = 0;

	for (size_t i = 0; rt->executors[i] && length < sizeof(names); i++)
		length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s",
		                           i ? "," : "", rt->executors[i]->name);
	annotations[EXECUTORS].value = names;
	if (has_criu(rt)) /* crun says it in runc's word too, which is what engines look for */
		annotations[CHECKPOINT].value = annotations[CHECKPOINT_AS_PEERS].value = "true";
	features.annotations.item = annotations;
	features.annotations.count = ARRAY_SIZE(annotations);
	plan_features(&features);
	features_write(&w, &features);
	return text_check(out, err);
}
