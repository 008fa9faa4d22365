/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "runtime.h"

int runtime_features(const struct runtime *rt, struct text *out, struct error *err)
{
	struct json_writer w = {.out = out, .indent = 2};
	struct key_value annotation = {"org.cella.executors", NULL};
	struct features features = {0};
	char names[256] = "";
	size_t length = 0;

	for (size_t i = 0; rt->executors[i] && length < sizeof(names); i++)
		length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s",
		                           i ? "," : "", rt->executors[i]->name);
	annotation.value = names;
	features.annotations.item = &annotation;
	features.annotations.count = 1;
	plan_features(&features);
	features_write(&w, &features);
	return text_check(out, err);
}
