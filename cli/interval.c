/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>

#include "base/clock.h"
#include "base/text.h"

#include "interval.h"

enum { NS_PER_MS = 1000000 };

int interval_read(const char *typed, int otherwise_ms, int *ret_ms, struct error *err)
{
	uint64_t ns;

	*ret_ms = otherwise_ms;
	if (!typed)
		return 0;
	if (!text_to_duration(typed, &ns))
		return fail(err, ERROR_USAGE, "--interval",
		            "'%.60s' is no length of time: expected 5s, 500ms, 1m30s or seconds",
		            typed);
	if (ns < NS_PER_MS || ns / NS_PER_MS > INT_MAX)
		return fail(err, ERROR_USAGE, "--interval",
		            "'%.60s' is out of range: expected 1ms to 24 days", typed);
	*ret_ms = (int)(ns / NS_PER_MS);
	return 0;
}

int interval_until(int64_t moment)
{
	int64_t left = moment - clock_ms();

	if (left < 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}
