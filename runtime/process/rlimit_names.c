/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"

#include "parts.h"

/* Spec: getrlimit(2). */
static const struct word resources[] = {
	{"RLIMIT_AS",         RLIMIT_AS        },
	{"RLIMIT_CORE",       RLIMIT_CORE      },
	{"RLIMIT_CPU",        RLIMIT_CPU       },
	{"RLIMIT_DATA",       RLIMIT_DATA      },
	{"RLIMIT_FSIZE",      RLIMIT_FSIZE     },
	{"RLIMIT_LOCKS",      RLIMIT_LOCKS     },
	{"RLIMIT_MEMLOCK",    RLIMIT_MEMLOCK   },
	{"RLIMIT_MSGQUEUE",   RLIMIT_MSGQUEUE  },
	{"RLIMIT_NICE",       RLIMIT_NICE      },
	{"RLIMIT_NOFILE",     RLIMIT_NOFILE    },
	{"RLIMIT_NPROC",      RLIMIT_NPROC     },
	{"RLIMIT_RSS",        RLIMIT_RSS       },
	{"RLIMIT_RTPRIO",     RLIMIT_RTPRIO    },
	{"RLIMIT_RTTIME",     RLIMIT_RTTIME    },
	{"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
	{"RLIMIT_STACK",      RLIMIT_STACK     },
};

const char *rlimit_name(int resource)
{
	return table_word(resources, ARRAY_SIZE(resources), resource);
}

bool rlimit_number(const char *name, int *ret)
{
	int64_t value;

	if (!table_value(resources, ARRAY_SIZE(resources), name, &value))
		return false;
	*ret = (int)value;
	return true;
}
