/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <regex.h>

#include "base/log.h"
#include "base/own.h"

#include "each.h"

static int compile(regex_t *pattern, const char *text, struct error *err)
{
	char why[128];
	int code = regcomp(pattern, text, REG_EXTENDED | REG_NOSUB);

	if (code == 0)
		return 0;
	(void)regerror(code, pattern, why, sizeof(why));
	return fail(err, ERROR_USAGE, "--regex", "'%s' is no regular expression: %s", text, why);
}

int each_container(const struct call *call, bool regex,
                   int (*act)(const struct call *call, const char *id, struct error *err),
                   struct error *err)
{
	OWNED(regfree) regex_t pattern = {0};
	const char **ids = NULL;
	size_t count = 0;
	int result = 0;

	if (!regex)
		return act(call, call->operands[0], err);
	if (compile(&pattern, call->operands[0], err) < 0 ||
	    container_list(call->rt, call->arena, &ids, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct error why;

		if (regexec(&pattern, ids[i], 0, NULL, 0) != 0 || act(call, ids[i], &why) == 0)
			continue;
		if (why.errnum == ENOENT) /* it has gone meanwhile, or is not yet made */
			continue;
		if (result == 0)
			*err = why;
		else
			log_dropped("as well", &why);
		result = -1;
	}
	return result;
}
