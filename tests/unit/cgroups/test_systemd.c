/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/own.h"
#include "base/table.h"
#include "cgroups/systemd.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

static void a_path_is_a_unit_in_a_slice(void **state)
{
	static const struct {
		const char *wanted, *unit, *path;
	} places[] = {
		{NULL,                   "cella-web.scope", "/system.slice/cella-web.scope"},
		{"",		     "cella-web.scope", "/system.slice/cella-web.scope"},
		{"::x",                  "x.scope",         "/system.slice/x.scope"        },
		{":p:x",                 "p-x.scope",       "/system.slice/p-x.scope"      },
		{"machine.slice:p:x",    "p-x.scope",       "/machine.slice/p-x.scope"     },
		{"a-b-c.slice:libpod:x", "libpod-x.scope",
	         "/a.slice/a-b.slice/a-b-c.slice/libpod-x.scope"                           },
		{"-.slice:p:x",          "p-x.scope",       "/p-x.scope"                   },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		owned_arena struct arena *arena = arena_new(1 << 20);
		struct systemd_scope scope = {0};
		struct error err;
		char *path;

		assert_int_equal(systemd_place(places[i].wanted, "web", false, "/", arena, &scope,
		                               &path, &err),
		                 0);
		assert_string_equal(scope.unit, places[i].unit);
		assert_string_equal(path, places[i].path);
	}
}

static void what_is_no_place_is_refused(void **state)
{
	static const char *const wrong[] = {
		"/a/b",
		"web",
		"a:b",
		"a.slice:p:",
		"a.slice:p:x:y",
		"a:p:x",
		"-a.slice:p:x",
		"a--b.slice:p:x",
		"a-.slice:p:x",
		".slice:p:x",
		"a.slice:p:x.slice",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		owned_arena struct arena *arena = arena_new(1 << 20);
		struct systemd_scope scope = {0};
		struct error err;
		char *path;

		assert_int_equal(
			systemd_place(wrong[i], "web", false, "/", arena, &scope, &path, &err), -1);
		assert_string_equal(err.object, "linux.cgroupsPath");
	}
}

static void an_id_that_ends_as_a_slice_does_is_a_scope_too(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct systemd_scope scope = {0};
	struct error err;
	char *path;

	(void)state;
	assert_int_equal(systemd_place("", "x.slice", false, "/", arena, &scope, &path, &err), 0);
	assert_string_equal(path, "/system.slice/cella-x.slice.scope");
}

static void a_users_scope_is_below_his_manager(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct systemd_scope scope = {0};
	struct error err;
	char *path;

	(void)state;
	assert_int_equal(systemd_place(NULL, "web", true,
	                               "/user.slice/user-7.slice/user@7.service/app.slice/x", arena,
	                               &scope, &path, &err),
	                 0);
	assert_string_equal(path,
	                    "/user.slice/user-7.slice/user@7.service/user.slice/cella-web.scope");
	assert_true(systemd_is_users(path));
	assert_false(systemd_is_users("/system.slice/cella-web.scope"));
}

/* "NAME:TYPE=VALUE" with blanks between them; of lists the ends of lines are "|". */
static void a_scope_is_found_in_the_path_of_what_is_in_it(void **state)
{
	static const char unit[] = "web.scope", scope[] = "/a.slice/web.scope";
	static const char *const paths[] = {"/a.slice/web.scope", "/a.slice/web.scope/inner",
	                                    "/a.slice/web.scope/web.scope"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		assert_int_equal(systemd_scope_length(paths[i], unit), strlen(scope));
	assert_int_equal(systemd_scope_length("/my-web.scope/x", unit), strlen("/my-web.scope/x"));
}

static void said(const struct systemd_scope *scope, char *text, size_t size)
{
	*text = '\0';
	for (size_t i = 0; i < scope->count; i++) {
		size_t at = strlen(text);

		(void)snprintf(text + at, size - at, "%s%s:%s=%s", i ? " " : "",
		               scope->property[i].name, scope->property[i].type,
		               scope->property[i].value);
	}
	for (char *c = text; *c; c++)
		*c = *c == '\n' ? '|' : *c;
}

static void annotations_are_properties(void **state)
{
	static const struct {
		const char *key, *value, *said;
	} good[] = {
		{"org.systemd.property.A",     "'x y'",                       "A:s=x y"                 },
		{"org.systemd.property.A",     "true",                        "A:b=true"                },
		{"org.systemd.property.A",     "uint64 5",                    "A:t=5"                   },
		{"org.systemd.property.A",     "int32 -5",                    "A:i=-5"                  },
		{"org.systemd.property.A",     "7",                           "A:i=7"                   },
		{"org.systemd.property.A",     " uint32  4294967295 ",        "A:u=4294967295"          },
		{"org.systemd.property.A",     "-2147483648",                 "A:i=-2147483648"         },
		{"org.systemd.property.A",     "int64 -1",                    "A:x=-1"                  },
		{"org.systemd.property.A",     "uint64 18446744073709551615",
	         "A:t=18446744073709551615"							     },
		{"org.systemd.property.A",     "'it\\'s \\\\ \\\"'",          "A:s=it's \\ \""          },
		{"org.systemd.property.A",     "''",                          "A:s="                    },
		{"org.systemd.property.A",     "['', 'b']",                   "A:as=|b|"                },
		{"org.systemd.property.ASec",  "uint64 5000000000",           "AUSec:t=5000000000000000"},
		{"org.systemd.property.AUSec", "uint64 5",                    "AUSec:t=5"               },
		{"org.systemd.property.A",     "['a', \"b\"]",                "A:as=a|b|"               },
		{"org.systemd.property.A",     "[]",                          "A:as="                   },
		{"org.systemd.property.ASec",  "3",                           "AUSec:t=3000000"         },
		{"org.other",                  "junk",                        ""                        },
	};
	static const struct key_value bad[] = {
		{"org.systemd.property.",     "true"                     },
		{"org.systemd.property.a",    "true"                     },
		{"org.systemd.property.A B",  "true"                     },
		{"org.systemd.property.A",    "perhaps"                  },
		{"org.systemd.property.A",    "'x"                       },
		{"org.systemd.property.A",    "['a' 'b']"                },
		{"org.systemd.property.A",    "['a'"                     },
		{"org.systemd.property.A",    "uint64 x"                 },
		{"org.systemd.property.A",    "uint64 -1"                },
		{"org.systemd.property.A",    "uint32 4294967296"        },
		{"org.systemd.property.A",    "int32 2147483648"         },
		{"org.systemd.property.A",    "3000000000"               },
		{"org.systemd.property.A",    "int64 9223372036854775808"},
		{"org.systemd.property.A",    "uint64 5 6"               },
		{"org.systemd.property.A",    "uint64"                   },
		{"org.systemd.property.A",    "uint64 true"              },
		{"org.systemd.property.A",    ""                         },
		{"org.systemd.property.A",    "'a\\"                     },
		{"org.systemd.property.A",    "'\\u0041'"                },
		{"org.systemd.property.A",    "['a\\nb']"                },
		{"org.systemd.property.ASec", "'x'"                      },
		{"org.systemd.property.ASec", "'3'"                      },
		{"org.systemd.property.ASec", "-3"                       },
		{"org.systemd.property.ASec", "true"                     },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good) + ARRAY_SIZE(bad); i++) {
		owned_arena struct arena *arena = arena_new(1 << 20);
		bool is_good = i < ARRAY_SIZE(good);
		struct key_value item = is_good ? (struct key_value){good[i].key, good[i].value}
		                                : bad[i - ARRAY_SIZE(good)];
		struct systemd_scope scope = {0};
		struct spec spec = {0};
		struct error err;
		char text[256];

		spec.annotations.item = &item;
		spec.annotations.count = 1;
		assert_int_equal(systemd_annotations(&spec, arena, &scope, &err), is_good ? 0 : -1);
		if (!is_good) {
			assert_int_equal(strncmp(err.object, "annotations: ", 13), 0);
			continue;
		}
		said(&scope, text, sizeof(text));
		assert_string_equal(text, good[i].said);
	}
}

static void limits_are_properties_too(void **state)
{
	static const struct {
		const char *file, *value, *said;
	} limits[] = {
		{"memory.max",  "4096",                 "MemoryMax:t=4096"                                       },
		{"pids.max",    "max",                  "TasksMax:t=infinity"                                    },
		{"cpu.max",     "5000",                 "CPUQuotaPerSecUSec:t=50000 CPUQuotaPeriodUSec:t=100000" },
		{"cpu.max",     "333 1000",             "CPUQuotaPerSecUSec:t=340000 CPUQuotaPeriodUSec:t=1000"  },
		{"cpu.max",     "= 7000",               "CPUQuotaPerSecUSec:t=infinity CPUQuotaPeriodUSec:t=7000"},
		{"cpu.idle",    "1",                    "CPUWeight:t=0"                                          },
		{"cpuset.cpus", "0-3,8",                "AllowedCPUs:ay=0-3,8"                                   },
		{"io.weight",   "default 50",           "IOWeight:t=50"                                          },
		{"io.weight",   "50",                   "IOWeight:t=50"                                          },
		{"io.weight",   "8:0 50",               "IODeviceWeight:ast=/dev/block/8:0 50"                   },
		{"io.weight",   "8:0 default",          ""						       },
		{"cpu.idle",    "0",                    ""						       },
		{"io.max",      "8:0 rbps=5 wiops=max",
	         "IOReadBandwidthMax:ast=/dev/block/8:0 5 IOWriteIOPSMax:ast=/dev/block/8:0 "
	         "infinity"										      },
		{"rdma.max",    "mlx hca_handle=3",     ""						       },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		owned_arena struct arena *arena = arena_new(1 << 20);
		struct cgroup_write write = {.file = limits[i].file, .value = limits[i].value};
		struct cgroup_writes writes = {&write, 1};
		struct systemd_scope scope = {0};
		struct error err;
		char text[256];

		assert_int_equal(systemd_limits(&writes, -1, arena, &scope, &err), 0);
		said(&scope, text, sizeof(text));
		assert_string_equal(text, limits[i].said);
	}
}

/* systemd hands BFQ another number than it was given: what it is given comes out as what was asked. */
static void weights_are_those_of_the_scheduler_that_is_there(void **state)
{
	static const struct cgroup_write lines[] = {
		{.file = "io.bfq.weight", .value = "default 60",  .kind = CGROUP_WRITE_IF_THERE},
		{.file = "io.weight",     .value = "default 506", .kind = CGROUP_WRITE_ELSE    },
		{.file = "io.bfq.weight", .value = "8:0 700",     .kind = CGROUP_WRITE_IF_THERE},
		{.file = "io.weight",     .value = "8:0 6970",    .kind = CGROUP_WRITE_ELSE    },
		{.file = "io.bfq.weight", .value = "1001",        .kind = CGROUP_WRITE_MUST    },
		{.file = "io.weight",     .value = "0",           .kind = CGROUP_WRITE_MUST    },
	};
	struct cgroup_write copy[ARRAY_SIZE(lines)];
	const struct cgroup_writes writes = {copy, ARRAY_SIZE(lines)};

	(void)state;
	memcpy(copy, lines, sizeof(copy));
	for (int bfq = 0; bfq < 2; bfq++) {
		owned_arena struct arena *arena = arena_new(1 << 20);
		struct systemd_scope scope = {.bfq = bfq};
		struct error err;
		char text[256];

		assert_int_equal(systemd_limits(&writes, -1, arena, &scope, &err), 0);
		said(&scope, text, sizeof(text));
		assert_string_equal(text,
		                    bfq ? "IOWeight:t=60 IODeviceWeight:ast=/dev/block/8:0 6700"
		                        : "IOWeight:t=506 IODeviceWeight:ast=/dev/block/8:0 6970");
	}
}

static void put(int dir, const char *name, const char *text)
{
	owned_fd fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct error err;

	assert_true(fd >= 0);
	assert_int_equal(fd_write_whole(fd, name, text, strlen(text), &err), 0);
}

/* In a folder that stands for the cgroup: what the writes only touch is taken from its files. */
static void what_an_update_only_touches_comes_from_the_cgroup(void **state)
{
	static const struct {
		const char *file, *value, *said;
	} limits[] = {
		{"cpu.idle",   "0",      "CPUWeight:t=100"                                       },
		{"cpu.max",    "= 7000", "CPUQuotaPerSecUSec:t=500000 CPUQuotaPeriodUSec:t=50000"},
		{"cpu.weight", "7",      "CPUWeight:t=7"                                         },
	};
	const struct scratch *scratch = *state;
	int dir = scratch->dir;

	put(dir, "cpu.weight", "100\n");
	put(dir, "cpu.max", "25000 50000\n");
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		owned_arena struct arena *arena = arena_new(1 << 20);
		struct cgroup_write write = {.file = limits[i].file, .value = limits[i].value};
		struct cgroup_writes writes = {&write, 1};
		struct systemd_scope scope = {0};
		struct error err;
		char text[256];

		assert_int_equal(systemd_limits(&writes, dir, arena, &scope, &err), 0);
		said(&scope, text, sizeof(text));
		assert_string_equal(text, limits[i].said);
	}
}

static void memory_is_suspected_where_it_is_limited_and_the_cgroup_may_be_gone(void **state)
{
	struct cgroup_write write = {.file = "memory.max",
	                             .value = "4096",
	                             .member = "linux.resources.memory.limit"};
	struct cgroup_plan plan = {
		.writes = {&write, 1}
        };
	struct systemd_scope scope = {0};
	struct error err = {.reason = "as before"};

	(void)state;
	assert_int_equal(cgroup_suspect_memory(&plan, &err), -1); /* we remove it ourselves */
	assert_string_equal(err.reason, "as before");
	plan.scope = &scope;
	write.value = "max";
	assert_int_equal(cgroup_suspect_memory(&plan, &err), -1);
	assert_string_equal(err.reason, "as before");
	write.value = "4096";
	assert_int_equal(cgroup_suspect_memory(&plan, &err), -1);
	assert_string_equal(err.object, "linux.resources.memory.limit");
	assert_non_null(strstr(err.reason, "too low to start in: limit 4096, "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_a_unit_in_a_slice),
		cmocka_unit_test(what_is_no_place_is_refused),
		cmocka_unit_test(an_id_that_ends_as_a_slice_does_is_a_scope_too),
		cmocka_unit_test(a_users_scope_is_below_his_manager),
		cmocka_unit_test(a_scope_is_found_in_the_path_of_what_is_in_it),
		cmocka_unit_test(annotations_are_properties),
		cmocka_unit_test(limits_are_properties_too),
		cmocka_unit_test(weights_are_those_of_the_scheduler_that_is_there),
		SCRATCH_TEST(what_an_update_only_touches_comes_from_the_cgroup),
		cmocka_unit_test(
			memory_is_suspected_where_it_is_limited_and_the_cgroup_may_be_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
