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

int plan_rlimits(const struct spec_process *process, struct arena *arena, struct process_plan *plan,
                 struct error *err)
{
	plan->limits = arena_alloc(arena, process->rlimits.count + 1, sizeof(*plan->limits));
	if (!plan->limits)
		return arena_check(arena, err);
	for (size_t i = 0; i < process->rlimits.count; i++) {
		const struct spec_rlimit *asked = &process->rlimits.item[i];
		int64_t resource;

		if (!table_value(resources, ARRAY_SIZE(resources), asked->type, &resource)) {
			(void)fail(err, ERROR_CONFIG, "", "unknown limit '%s'", asked->type);
			return error_within(err, "process.rlimits[%zu].type", i);
		}
		plan->limits[plan->limits_count++] = (struct process_limit){
			.resource = (int)resource,
			.limit = {.rlim_cur = asked->soft, .rlim_max = asked->hard},
		};
	}
	return 0;
}
