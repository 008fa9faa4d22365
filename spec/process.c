/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "parts.h"

/* process. Spec: runtime-spec 1.3 config.md, "Process", "POSIX process", "Linux Process". */

/* ---- rlimits ---- */

static const struct word rlimit_names[] = {
	{"RLIMIT_AS",         0},
        {"RLIMIT_CORE",       0},
        {"RLIMIT_CPU",        0},
	{"RLIMIT_DATA",       0},
        {"RLIMIT_FSIZE",      0},
        {"RLIMIT_LOCKS",      0},
	{"RLIMIT_MEMLOCK",    0},
        {"RLIMIT_MSGQUEUE",   0},
        {"RLIMIT_NICE",       0},
	{"RLIMIT_NOFILE",     0},
        {"RLIMIT_NPROC",      0},
        {"RLIMIT_RSS",        0},
	{"RLIMIT_RTPRIO",     0},
        {"RLIMIT_RTTIME",     0},
        {"RLIMIT_SIGPENDING", 0},
	{"RLIMIT_STACK",      0},
};

static const struct field_type rlimit_name = {.kind = FIELD_TEXT, FIELD_WORDS(rlimit_names)};

static const struct field rlimit_members[] = {
	{"type", &rlimit_name, offsetof(struct spec_rlimit, type), REQUIRED},
	{"soft", &field_u64,   offsetof(struct spec_rlimit, soft), REQUIRED},
	{"hard", &field_u64,   offsetof(struct spec_rlimit, hard), REQUIRED},
};

static int check_rlimit(const struct json *value, void *at, struct error *err)
{
	const struct spec_rlimit *rlimit = at;

	if (rlimit->soft > rlimit->hard)
		return field_fail(err, value, "soft", "must not be above the hard limit");
	return 0;
}

static const struct field_type rlimit = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct spec_rlimit),
	FIELD_MEMBERS(rlimit_members),
	.check = check_rlimit,
};

static int check_rlimits(const struct json *value, void *at, struct error *err)
{
	const LIST(struct spec_rlimit) *list = at;
	bool seen[ARRAY_SIZE(rlimit_names)] = {false};
	const struct json *child = value->first;

	for (size_t i = 0; i < list->count; i++, child = child->next) {
		size_t row = 0;

		while (strcmp(rlimit_names[row].word, list->item[i].type) != 0)
			row++;
		if (seen[row])
			return field_fail(err, child, "type", "%s is there twice",
			                  list->item[i].type);
		seen[row] = true;
	}
	return 0;
}

static const struct field_type rlimits = {.kind = FIELD_LIST,
                                          .element = &rlimit,
                                          .check = check_rlimits};

/* ---- user, capabilities, console ---- */

static const struct field_type umask_type = {.kind = FIELD_MAYBE_U64, .most = 0777};

static const struct field user_members[] = {
	{"uid",            &field_u32,  offsetof(struct spec_user, uid),             OPTIONAL},
	{"gid",            &field_u32,  offsetof(struct spec_user, gid),             OPTIONAL},
	{"umask",          &umask_type, offsetof(struct spec_user, umask),           OPTIONAL},
	{"additionalGids", &field_u32s, offsetof(struct spec_user, additional_gids), OPTIONAL},
	{"username",       &field_text, offsetof(struct spec_user, username),        OPTIONAL},
};

static const struct field_type user = {.kind = FIELD_OBJECT, FIELD_MEMBERS(user_members)};

static const struct field capability_members[] = {
	{"bounding",    &field_texts, offsetof(struct spec_capabilities, bounding),    OPTIONAL},
	{"effective",   &field_texts, offsetof(struct spec_capabilities, effective),   OPTIONAL},
	{"inheritable", &field_texts, offsetof(struct spec_capabilities, inheritable), OPTIONAL},
	{"permitted",   &field_texts, offsetof(struct spec_capabilities, permitted),   OPTIONAL},
	{"ambient",     &field_texts, offsetof(struct spec_capabilities, ambient),     OPTIONAL},
};

static const struct field_type capabilities = {.kind = FIELD_OBJECT,
                                               .marks = true,
                                               FIELD_MEMBERS(capability_members)};

#define AT(member) offsetof(struct spec_process, member)

/* a terminal's size is two unsigned shorts */
static const struct field_type console_side = {.kind = FIELD_MAYBE_U64, .most = UINT16_MAX};

static const struct field console_members[] = {
	{"height", &console_side, AT(console_height), REQUIRED},
	{"width",  &console_side, AT(console_width),  REQUIRED},
};

/* "MUST ignore consoleSize if terminal is false or unset": whatever it says. */
static int read_console_size(const struct json *value, struct arena *arena, void *at,
                             struct error *err)
{
	static const struct field_type size = {.kind = FIELD_OBJECT,
	                                       FIELD_MEMBERS(console_members)};
	const struct json *terminal = json_member(value->parent, "terminal");

	if (!terminal || terminal->type != JSON_BOOL || !terminal->truth)
		return 0;
	return field_read(&size, value, arena, at, err);
}

static const struct field_type console_size = {.kind = FIELD_OTHER, .read = read_console_size};

/* ---- priorities ---- */

static const struct word io_class_names[] = {
	{"IOPRIO_CLASS_RT",   0},
	{"IOPRIO_CLASS_BE",   0},
	{"IOPRIO_CLASS_IDLE", 0},
};

static const struct field_type io_class = {.kind = FIELD_TEXT, FIELD_WORDS(io_class_names)};
static const struct field_type io_level = {.kind = FIELD_I32, .most = 7};

static const struct field io_members[] = {
	{"class",    &io_class, AT(io_priority_class), REQUIRED},
	{"priority", &io_level, AT(io_priority),       OPTIONAL},
};

static const struct field_type io_priority = {.kind = FIELD_OBJECT, FIELD_MEMBERS(io_members)};

/* what other members a policy goes with */
enum { WITH_PRIORITY = 1, WITH_TIMES = 2 };

static const struct word policies[] = {
	{"SCHED_OTHER",    0            },
	{"SCHED_FIFO",     WITH_PRIORITY},
	{"SCHED_RR",       WITH_PRIORITY},
	{"SCHED_BATCH",    0            },
	{"SCHED_ISO",      0            },
	{"SCHED_IDLE",     0            },
	{"SCHED_DEADLINE", WITH_TIMES   },
};

static const struct word scheduler_flag_names[] = {
	{"SCHED_FLAG_RESET_ON_FORK",  0},
        {"SCHED_FLAG_RECLAIM",        0},
	{"SCHED_FLAG_DL_OVERRUN",     0},
        {"SCHED_FLAG_KEEP_POLICY",    0},
	{"SCHED_FLAG_KEEP_PARAMS",    0},
        {"SCHED_FLAG_UTIL_CLAMP_MIN", 0},
	{"SCHED_FLAG_UTIL_CLAMP_MAX", 0},
};

static const struct field_type policy = {.kind = FIELD_TEXT, FIELD_WORDS(policies)};
static const struct field_type nice_type = {.kind = FIELD_I32, .least = -20, .most = 19};
static const struct field_type static_priority = {.kind = FIELD_I32, .most = 99};
static const struct field_type scheduler_flag = {.kind = FIELD_TEXT,
                                                 FIELD_WORDS(scheduler_flag_names)};
static const struct field_type scheduler_flags = {.kind = FIELD_LIST, .element = &scheduler_flag};

#define SCHEDULER(member) offsetof(struct spec_scheduler, member)

static const struct field scheduler_members[] = {
	{"policy",   &policy,          SCHEDULER(policy),   REQUIRED},
	{"nice",     &nice_type,       SCHEDULER(nice),     OPTIONAL},
	{"priority", &static_priority, SCHEDULER(priority), OPTIONAL},
	{"flags",    &scheduler_flags, SCHEDULER(flags),    OPTIONAL},
	{"runtime",  &field_u64,       SCHEDULER(runtime),  OPTIONAL},
	{"deadline", &field_u64,       SCHEDULER(deadline), OPTIONAL},
	{"period",   &field_u64,       SCHEDULER(period),   OPTIONAL},
};

/* What the policy has no use for must be zero, but for nice, which sched_setattr(2) then passes over. */
static int check_scheduler(const struct json *value, void *at, struct error *err)
{
	const struct spec_scheduler *s = at;
	const struct {
		const char *name;
		bool given;
		int64_t needs;
		const char *right;
	} uses[] = {
		{"priority", s->priority != 0, WITH_PRIORITY, "SCHED_FIFO and SCHED_RR"},
		{"runtime",  s->runtime != 0,  WITH_TIMES,    "SCHED_DEADLINE"         },
		{"deadline", s->deadline != 0, WITH_TIMES,    "SCHED_DEADLINE"         },
		{"period",   s->period != 0,   WITH_TIMES,    "SCHED_DEADLINE"         },
	};
	int64_t with = 0;

	if (!table_value(policies, ARRAY_SIZE(policies), s->policy, &with))
		return field_missing(err, value, "policy");
	for (size_t i = 0; i < ARRAY_SIZE(uses); i++)
		if (uses[i].given && uses[i].needs != with)
			return field_fail(err, value, uses[i].name, "is for %s only",
			                  uses[i].right);
	if (with == WITH_PRIORITY && s->priority == 0)
		return field_fail(err, value, "priority",
		                  "expected a whole number from 1 to 99 with %s", s->policy);
	if (with == WITH_TIMES && (s->runtime == 0 || s->deadline < s->runtime))
		return field_fail(err, value, s->runtime == 0 ? "runtime" : "deadline",
		                  "expected 0 < runtime <= deadline with SCHED_DEADLINE");
	if (with == WITH_TIMES && s->period != 0 && s->period < s->deadline)
		return field_fail(err, value, "period", "must not be below the deadline");
	return 0;
}

static const struct field_type scheduler = {
	.kind = FIELD_OBJECT,
	.marks = true,
	FIELD_MEMBERS(scheduler_members),
	.check = check_scheduler,
};

static const struct field_type cpus = {.kind = FIELD_TEXT, .wrong = wrong_list};

static const struct field affinity_members[] = {
	{"initial", &cpus, AT(affinity_initial), OPTIONAL},
	{"final",   &cpus, AT(affinity_final),   OPTIONAL},
};

static const struct field_type affinity = {.kind = FIELD_OBJECT, FIELD_MEMBERS(affinity_members)};

/* ---- the whole ---- */

static const struct field_type oom_score = {.kind = FIELD_MAYBE_I64, .least = -1000, .most = 1000};

static const struct field members[] = {
	{"terminal",        &field_bool,      AT(terminal),          OPTIONAL},
	{"consoleSize",     &console_size,    0,                     OPTIONAL},
	{"cwd",             &field_path,      AT(cwd),               REQUIRED},
	{"env",             &field_variables, AT(env),               OPTIONAL},
	{"args",            &field_texts,     AT(args),              OPTIONAL},
	{"commandLine",     &field_text,      AT(command_line),      OPTIONAL},
	{"user",            &user,            AT(user),              OPTIONAL},
	{"capabilities",    &capabilities,    AT(capabilities),      OPTIONAL},
	{"rlimits",         &rlimits,         AT(rlimits),           OPTIONAL},
	{"noNewPrivileges", &field_bool,      AT(no_new_privileges), OPTIONAL},
	{"oomScoreAdj",     &oom_score,       AT(oom_score_adj),     OPTIONAL},
	{"apparmorProfile", &field_text,      AT(apparmor_profile),  OPTIONAL},
	{"selinuxLabel",    &field_text,      AT(selinux_label),     OPTIONAL},
	{"ioPriority",      &io_priority,     0,                     OPTIONAL},
	{"scheduler",       &scheduler,       AT(scheduler),         OPTIONAL},
	{"execCPUAffinity", &affinity,        0,                     OPTIONAL},
};

static int check_process(const struct json *value, void *at, struct error *err)
{
	const struct spec_process *process = at;

	if (process->args.count == 0 && process->command_line)
		return field_fail(err, value, "commandLine",
		                  "is for Windows: give the command as args");
	if (!field_given(value, "args"))
		return field_missing(err, value, "args");
	if (process->args.count == 0)
		return field_fail(err, value, "args", "expected the command to run, found none");
	if (!*process->args.item[0])
		return field_expected(err, json_member(value, "args")->first, "the command to run");
	return 0;
}

const struct field_type part_process = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct spec_process),
	.marks = true,
	FIELD_MEMBERS(members),
	.check = check_process,
};
