/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "command.h"

static const struct word log_formats[] = {
	{"text", LOG_TEXT},
	{"json", LOG_JSON},
};

static const struct word log_levels[] = {
	{"error",   LOG_ERROR + 1  },
	{"warning", LOG_WARNING + 1},
	{"info",    LOG_INFO + 1   },
	{"debug",   LOG_DEBUG + 1  },
};

static const struct word cgroup_managers[] = {
	{"cgroupfs", MANAGER_CGROUPFS},
	{"systemd",  MANAGER_SYSTEMD },
	{"disabled", MANAGER_DISABLED},
};

static const struct word rootless_words[] = {
	{"auto",  ROOTLESS_AUTO},
	{"true",  ROOTLESS_YES },
	{"false", ROOTLESS_NO  },
};

const struct word output_formats[FORMATS] = {
	{"table", FORMAT_TABLE},
	{"json",  FORMAT_JSON },
};

#define AT(kind, member)       kind(struct global_flags, member)
#define AT_WORD(member, words) WORD_AT(struct global_flags, member, words)

/* clang-format off */
const struct option_row global_options[] = {
	{"root", 0, "DIR", "where the state of containers is kept", AT(TEXT_AT, root)},
	{"log", 0, "FILE", "where messages go, or journald:NAME, syslog:NAME", AT(TEXT_AT, log)},
	{"log-format", 0, "FORMAT", "form of messages: text or json", AT_WORD(log_format, log_formats)},
	{"log-level", 0, "LEVEL", "error, warning, info or debug", AT_WORD(log_level, log_levels)},
	{"debug", 0, NULL, "the same as --log-level debug", AT(SWITCH_AT, debug)},
	{"cgroup-manager", 0, "NAME", "who makes cgroups: cgroupfs, systemd, disabled", AT_WORD(cgroup_manager, cgroup_managers)},
	{"systemd-cgroup", 0, NULL, "the same as --cgroup-manager systemd", AT(SWITCH_AT, systemd_cgroup)},
	{"rootless", 0, "VALUE", "do without a cgroup: true, false or auto", AT_WORD(rootless, rootless_words)},
	{"executor", 0, "NAME", "what carries containers out", AT(TEXT_AT, executor)},
	{"criu", 0, "FILE", "CRIU's program, when it is not in PATH", AT(TEXT_AT, criu)},
	{"version", 'v', NULL, "show version and features", AT(SWITCH_AT, version)},
};
/* clang-format on */

const size_t global_options_count = ARRAY_SIZE(global_options);
