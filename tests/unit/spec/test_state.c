/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/table.h"
#include "spec/spec.h"
#include "tests/unit/cmocka.h"

static struct key_value notes[] = {
	{"org.example.a", "one"},
	{"a \"b\"\n",     ""   },
};

static struct spec_id_map maps[] = {
	{7, 1000,   1 },
	{0, 100000, 7 },
	{8, 100007, 50}
};

static struct state full(void)
{
	struct state state = {
		.id = "web-1",
		.status = STATUS_PAUSED,
		.pid = 4242,
		.start_time = 18446744073709551615U,
		.bundle = "/srv/web",
		.rootfs = "/srv/web/rootfs",
		.created = "2026-01-02T03:04:05.000000006Z",
		.executor = "namespace",
		.cgroup = "/cella/web-1",
		.owner = 4294967295U,
		.terminal = true,
		.seccomp_agent = "/run/agent",
		.namespaces = 1U << NAMESPACE_USER | 1U << NAMESPACE_PID | 1U << NAMESPACE_TIME,
	};

	state.uid_mappings = (id_map_list){maps, ARRAY_SIZE(maps)};
	state.gid_mappings = (id_map_list){maps, 1};
	state.annotations.item = notes;
	state.annotations.count = ARRAY_SIZE(notes);
	return state;
}

static void write_out(const struct state *state, struct text *out)
{
	struct json_writer w = {.out = out};
	struct error err;

	state_write(&w, state);
	assert_int_equal(text_check(out, &err), 0);
}

static void assert_same_maps(const id_map_list *a, const id_map_list *b)
{
	assert_int_equal(a->count, b->count);
	if (a->count > 0)
		assert_memory_equal(a->item, b->item, a->count * sizeof(*a->item));
}

static void assert_same(const struct state *a, const struct state *b)
{
	assert_string_equal(a->id, b->id);
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->pid, b->pid);
	assert_true(a->start_time == b->start_time);
	assert_string_equal(a->bundle, b->bundle);
	assert_string_equal(a->rootfs, b->rootfs);
	assert_string_equal(a->created, b->created);
	assert_string_equal(a->executor, b->executor);
	assert_int_equal(a->cgroup != NULL, b->cgroup != NULL);
	if (a->cgroup)
		assert_string_equal(a->cgroup, b->cgroup);
	assert_int_equal(a->owner, b->owner);
	assert_int_equal(a->terminal, b->terminal);
	assert_int_equal(a->seccomp_agent != NULL, b->seccomp_agent != NULL);
	if (a->seccomp_agent)
		assert_string_equal(a->seccomp_agent, b->seccomp_agent);
	assert_int_equal(a->namespaces, b->namespaces);
	assert_same_maps(&a->uid_mappings, &b->uid_mappings);
	assert_same_maps(&a->gid_mappings, &b->gid_mappings);
	assert_int_equal(a->annotations.count, b->annotations.count);
	for (size_t i = 0; i < a->annotations.count; i++) {
		assert_string_equal(a->annotations.item[i].key, b->annotations.item[i].key);
		assert_string_equal(a->annotations.item[i].value, b->annotations.item[i].value);
	}
}

static void what_is_written_is_read_back(void **state)
{
	(void)state;
	for (int status = 0; status < STATUS_COUNT; status++) {
		owned_arena struct arena *arena = arena_new(1 << 20);
		owned_text struct text out = {0};
		struct state ours = full(), theirs;
		struct error err;

		ours.status = (enum container_status)status;
		write_out(&ours, &out);
		assert_int_equal(state_read(out.bytes, out.length, arena, &theirs, &err), 0);
		assert_same(&ours, &theirs);
	}
}

static void a_container_without_process_cgroup_or_annotations_is_read_back(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	owned_text struct text out = {0};
	struct state ours = full(), theirs;
	struct error err;

	(void)state;
	ours.pid = 0;
	ours.start_time = 0;
	ours.cgroup = NULL;
	ours.namespaces = 0;
	ours.uid_mappings.count = ours.gid_mappings.count = 0;
	ours.annotations.count = 0;
	write_out(&ours, &out);
	assert_int_equal(state_read(out.bytes, out.length, arena, &theirs, &err), 0);
	assert_same(&ours, &theirs);
}

/* Read the document without what lies between two of its members. */
static int read_without(const char *from, const char *to, struct arena *arena, struct state *ret,
                        struct error *err)
{
	owned_text struct text out = {0}, changed = {0};
	const struct state ours = full();
	const char *begin, *end;

	write_out(&ours, &out);
	begin = strstr(out.bytes, from);
	end = strstr(out.bytes, to);
	assert_true(begin && end && begin < end);
	text_append_n(&changed, out.bytes, (size_t)(begin - out.bytes));
	text_append(&changed, end);
	return state_read(changed.bytes, changed.length, arena, ret, err);
}

static void a_container_that_an_older_build_made_is_read(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct state theirs;
	struct error err;

	(void)state;
	assert_int_equal(read_without("\"uidMappings\"", "\"annotations\"", arena, &theirs, &err),
	                 0);
	assert_int_equal(theirs.uid_mappings.count + theirs.gid_mappings.count, 0);
	assert_int_equal(read_without("\"gidMappings\"", "\"annotations\"", arena, &theirs, &err),
	                 -1);
	assert_string_equal(err.object, "state.json: gidMappings");
}

/* Read the document with one piece of it replaced; what must be refused leaves *ret alone. */
static int read_changed(const char *from, const char *to, struct error *err)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	owned_text struct text out = {0}, changed = {0};
	struct state ours = full(), theirs = {.pid = 77};
	const char *at;
	int result;

	write_out(&ours, &out);
	at = strstr(out.bytes, from);
	assert_non_null(at);
	text_append_n(&changed, out.bytes, (size_t)(at - out.bytes));
	text_append(&changed, to);
	text_append(&changed, at + strlen(from));
	result = state_read(changed.bytes, changed.length, arena, &theirs, err);
	if (result < 0)
		assert_int_equal(theirs.pid, 77);
	return result;
}

static void what_we_would_not_have_written_is_refused(void **state)
{
	static const struct {
		const char *from, *to, *object;
	} rows[] = {
		{"\"version\":1",                      "\"version\":2",                "state.json: version"                       },
		{"\"version\":1,",                     "",                             "state.json: version"                       },
		{"\"id\":\"web-1\"",                   "\"id\":7",                     "state.json: id"                            },
		{"web-1",			      "",                             "state.json: id"                            },
		{"web-1",			      "../web",                       "state.json: id"                            },
		{"web-1",			      "a/b",                          "state.json: id"                            },
		{"\"paused\"",                         "\"PAUSED\"",                   "state.json: status"                        },
		{"\"paused\"",                         "\"pausedx\"",                  "state.json: status"                        },
		{"\"paused\"",                         "3",                            "state.json: status"                        },
		{"4242",			       "-1",                           "state.json: pid"                           },
		{"4242",			       "4194305",                      "state.json: pid"                           },
		{"4242",			       "4294967338",                   "state.json: pid"                           },
		{"4242",			       "1.5",                          "state.json: pid"                           },
		{"4242",			       "\"4242\"",                     "state.json: pid"                           },
		{"\"pid\":4242,",                      "",                             "state.json: pid"                           },
		{"18446744073709551615",               "18446744073709551616",         "state.json: startTime"                     },
		{"18446744073709551615",               "true",                         "state.json: startTime"                     },
		{"\"/srv/web\"",                       "\"srv/web\"",                  "state.json: bundle"                        },
		{"\"/srv/web\"",                       "null",                         "state.json: bundle"                        },
		{"\"/srv/web/rootfs\"",                "\"rootfs\"",                   "state.json: rootfs"                        },
		{"\"/srv/web/rootfs\"",                "\"\"",                         "state.json: rootfs"                        },
		{"\"2026-01-02T03:04:05.000000006Z\"", "0",                            "state.json: created"                       },
		{"\"namespace\"",                      "\"\"",                         "state.json: executor"                      },
		{"\"namespace\"",                      "[]",                           "state.json: executor"                      },
		{"\"hostID\":1000,",                   "",                             "state.json: uidMappings[0].hostID"         },
		{"\"hostID\":100000",                  "\"hostID\":1000",              "state.json: uidMappings[1].hostID"         },
		{"\"size\":50",                        "\"size\":0",                   "state.json: uidMappings[2].size"           },
		{"\"uidMappings\":[",                  "\"uidMappings\":7,\"x\":[",    "state.json: uidMappings"                   },
		{"\"uidMappings\"",                    "\"idMappings\"",               "state.json: idMappings"                    },
		{"\"user\",",                          "",                             "state.json: uidMappings"                   },
		{"\"gidMappings\":[",                  "\"gidMappings\":[],\"x\":[",   "state.json: x"                             },
		{"/cella/web-1",                       "cella",                        "state.json: cgroup"                        },
		{"/cella/web-1",                       "/cella/../../x",               "state.json: cgroup"                        },
		{"/cella/web-1",                       "/..",                          "state.json: cgroup"                        },
		{"/cella/web-1",                       "//",                           "state.json: cgroup"                        },
		{"\"/cella/web-1\"",                   "{}",                           "state.json: cgroup"                        },
		{"4294967295",                         "4294967296",                   "state.json: owner"                         },
		{"\"terminal\":true",                  "\"terminal\":1",               "state.json: terminal"                      },
		{"\"pid\",\"time\"",                   "\"pid\",\"pid\"",              "state.json: namespaces[2]"                 },
		{"\"pid\",\"time\"",                   "\"pids\"",                     "state.json: namespaces[1]"                 },
		{"[\"user\",\"pid\",\"time\"]",        "3",                            "state.json: namespaces"                    },
		{"\"one\"",			    "1",                            "state.json: annotations[\"org.example.a\"]"},
		{"\"annotations\":{",                  "\"annotations\":null,\"x\":{", "state.json: annotations"                   },
		{"\"version\"",                        "\"more\":1,\"version\"",       "state.json: more"                          },
		{"\"owner\"",                          "\"pid\":1,\"owner\"",          NULL                                        },
		{"}}",				 "}",			    NULL					},
		{"}}",				 "}}x",                          NULL					},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = {0};

		if (read_changed(rows[i].from, rows[i].to, &err) == 0)
			assert_string_equal(rows[i].to, "refused");
		if (rows[i].object)
			assert_string_equal(err.object, rows[i].object);
		assert_true(err.reason[0] != '\0');
	}
}

static void nothing_and_other_values_are_no_state(void **state)
{
	static const char *const documents[] = {"", "null", "[]", "7", "\"web\"", "{}", "{\"id\":"};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
		owned_arena struct arena *arena = arena_new(1 << 20);
		struct state theirs;

		assert_int_equal(
			state_read(documents[i], strlen(documents[i]), arena, &theirs, &err), -1);
	}
}

static void every_cut_of_a_state_is_refused(void **state)
{
	owned_text struct text out = {0};
	struct state ours = full();

	(void)state;
	write_out(&ours, &out);
	for (size_t length = 0; length < out.length; length++) {
		owned_arena struct arena *arena = arena_new(1 << 20);
		struct state theirs;
		struct error err;

		assert_int_equal(state_read(out.bytes, length, arena, &theirs, &err), -1);
	}
}

static void without_memory_reading_fails(void **state)
{
	owned_text struct text out = {0};
	struct state ours = full();
	bool enough = false;

	(void)state;
	write_out(&ours, &out);
	for (size_t limit = 16; limit < 64 << 10 && !enough; limit += 16) {
		owned_arena struct arena *arena = arena_new(limit);
		struct state theirs;
		struct error err;

		enough = state_read(out.bytes, out.length, arena, &theirs, &err) == 0;
		if (enough)
			assert_same(&ours, &theirs);
	}
	assert_true(enough);
}

static void the_state_of_the_specification_has_its_members_only(void **state)
{
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out};
	struct state ours = full();

	(void)state;
	json_open(&w, NULL, '{');
	ours.status = STATUS_RUNNING;
	ours.annotations.count = 1;
	state_write_oci(&w, &ours);
	json_bool(&w, "more", true);
	json_close(&w);
	assert_string_equal(out.bytes,
	                    "{\"ociVersion\":\"1.3.0\",\"id\":\"web-1\","
	                    "\"status\":\"running\",\"pid\":4242,"
	                    "\"bundle\":\"/srv/web\","
	                    "\"annotations\":{\"org.example.a\":\"one\"},\"more\":true}");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(a_container_without_process_cgroup_or_annotations_is_read_back),
		cmocka_unit_test(a_container_that_an_older_build_made_is_read),
		cmocka_unit_test(what_we_would_not_have_written_is_refused),
		cmocka_unit_test(nothing_and_other_values_are_no_state),
		cmocka_unit_test(every_cut_of_a_state_is_refused),
		cmocka_unit_test(without_memory_reading_fails),
		cmocka_unit_test(the_state_of_the_specification_has_its_members_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
