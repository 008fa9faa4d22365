/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "store.h"

enum { IDENTIFIER_LIMIT = 200 };

int identifier_check(const char *id, struct error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_+-.";
	size_t length = strlen(id);

	if (length == 0)
		return fail(err, ERROR_USAGE, "container", "its name is empty");
	if (length > IDENTIFIER_LIMIT)
		return fail(err, ERROR_USAGE, id, "a name has at most %d characters",
		            IDENTIFIER_LIMIT);
	if (strspn(id, allowed) != length || id[0] == '.')
		return fail(err, ERROR_USAGE, id,
		            "a name has letters, digits and '_+-.' only, no '.' in front");
	return 0;
}
