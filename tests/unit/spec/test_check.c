/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cmocka.h"
#include "tests/unit/spec/reading.h"

static void user_namespaces_and_maps_come_together(void **state)
{
#define MAP "[{\"containerID\": 0, \"hostID\": 1000, \"size\": 1}]"
	static const struct refusal cases[] = {
		{"\"linux\": {\"uidMappings\": " MAP "}",               "linux.uidMappings",
	         "needs a user namespace in linux.namespaces"								      },
		{"\"linux\": {\"gidMappings\": " MAP "}",               "linux.gidMappings",
	         "needs a user namespace in linux.namespaces"								      },
		{"\"linux\": {\"namespaces\": [{\"type\": \"user\"}]}", "linux.uidMappings",
	         "is required for a new user namespace"									    },
		{"\"linux\": {\"namespaces\": [{\"type\": \"user\"}], \"uidMappings\": " MAP
	         ", \"gidMappings\": []}",             "linux.gidMappings", "is required for a new user namespace"},
	};
	static const char *const good[] = {
		"\"linux\": {\"namespaces\": [{\"type\": \"user\"}], \"uidMappings\": " MAP
		", \"gidMappings\": " MAP "}",
		"\"linux\": {\"namespaces\": [{\"type\": \"user\", \"path\": \"/u\"}]}",
		"\"linux\": {\"namespaces\": [{\"type\": \"user\", \"path\": \"/u\"}], "
		"\"uidMappings\": " MAP "}",
		"\"linux\": {\"uidMappings\": [], \"gidMappings\": null}",
	};

	(void)state;
	refused(cases, ARRAY_SIZE(cases));
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		owned_arena struct arena *arena = new_arena();

		(void)read_spec(arena, good[i]);
	}
}

static void names_of_the_host_need_a_uts_namespace(void **state)
{
	static const struct refusal cases[] = {
		{"\"hostname\": \"a\"",                                  "hostname",   "needs a uts"},
		{"\"domainname\": \"a\", \"linux\": {}",                 "domainname", "needs a uts"},
		{"\"hostname\": \"a\", \"linux\": {\"namespaces\": []}", "hostname",   "needs a uts"},
	};
	static const char *const good[] = {
		"\"hostname\": \"a\", \"domainname\": \"b\", "
		"\"linux\": {\"namespaces\": [{\"type\": \"uts\"}]}",
		"\"hostname\": \"a\", \"linux\": {\"namespaces\": [{\"type\": \"uts\", "
		"\"path\": \"/u\"}]}",
		"\"hostname\": \"\", \"domainname\": \"\"",
	};

	(void)state;
	refused(cases, ARRAY_SIZE(cases));
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		owned_arena struct arena *arena = new_arena();

		(void)read_spec(arena, good[i]);
	}
}

static void clocks_need_a_time_namespace_of_their_own(void **state)
{
	static const struct refusal cases[] = {
		{"\"linux\": {\"timeOffsets\": {\"boottime\": {}}}",                  "linux.timeOffsets",
	         "needs a time namespace"											      },
		{"\"linux\": {\"namespaces\": [{\"type\": \"time\", \"path\": \"/t\"}],"
	         "\"timeOffsets\": {\"monotonic\": {\"secs\": 1}}}", "linux.timeOffsets", "needs a new time namespace"},
	};
	owned_arena struct arena *arena = new_arena();

	(void)state;
	refused(cases, ARRAY_SIZE(cases));
	(void)read_spec(arena, "\"linux\": {\"timeOffsets\": {}}");
}

static void another_platform_alone_is_refused_and_beside_linux_ignored(void **state)
{
	static const char *const others[] = {"windows", "solaris", "zos", "freebsd"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		owned_arena struct arena *arena = new_arena();
		struct refusal alone = {
			.members = arena_format(arena, "\"%s\": {\"a\": []}", others[i]),
			.object = others[i],
			.part = "another platform: expected a linux object",
		};

		refused(&alone, 1);
		(void)read_spec(arena, arena_format(arena, "\"%s\": {\"a\": []}, \"linux\": {}",
		                                    others[i]));
		(void)read_spec(arena, arena_format(arena, "\"%s\": null", others[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(user_namespaces_and_maps_come_together),
		cmocka_unit_test(names_of_the_host_need_a_uts_namespace),
		cmocka_unit_test(clocks_need_a_time_namespace_of_their_own),
		cmocka_unit_test(another_platform_alone_is_refused_and_beside_linux_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
