/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/table.h"

#include "parts.h"

/* Rules between members that stand far from each other. */

/* A configuration for another system would silently lose all that it says for that one. */
static int check_platform(const struct json *top, const struct spec *spec, struct error *err)
{
	static const char *const others[] = {"windows", "solaris", "zos", "freebsd"};

	for (size_t i = 0; i < ARRAY_SIZE(others) && !spec->linux_.set; i++)
		if (field_given(top, others[i]))
			return field_fail(err, top, others[i],
			                  "another platform: expected a linux object");
	return 0;
}

static int check_host_names(const struct json *top, const struct spec *spec, struct error *err)
{
	const struct {
		const char *name;
		const char *value;
	} names[] = {
		{"hostname",   spec->hostname  },
		{"domainname", spec->domainname},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].value && !spec->linux_.namespaces[NAMESPACE_UTS].set)
			return field_fail(err, top, names[i].name,
			                  "needs a uts namespace: it would rename the host");
	return 0;
}

/* A new user namespace has no id that means anything until it is mapped; one that is joined has its
 * maps already, which the plan compares with those that are given; the host's can't be changed. */
static int check_user_namespace(const struct json *linux_, const struct spec_linux *spec,
                                struct error *err)
{
	const struct spec_namespace *user = &spec->namespaces[NAMESPACE_USER];
	const struct {
		const char *name;
		size_t count;
	} maps[] = {
		{"uidMappings", spec->uid_mappings.count},
		{"gidMappings", spec->gid_mappings.count},
	};

	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		bool given = maps[i].count > 0;

		if (given && !user->set)
			return field_fail(err, linux_, maps[i].name,
			                  "needs a user namespace in linux.namespaces");
		if (!given && user->set && !user->path)
			return field_fail(err, linux_, maps[i].name,
			                  "is required for a new user namespace");
	}
	return 0;
}

/* Offsets are set before the first process enters: only in a namespace that we make. */
static int check_time_namespace(const struct json *linux_, const struct spec_linux *spec,
                                struct error *err)
{
	const struct spec_namespace *clocks = &spec->namespaces[NAMESPACE_TIME];

	if (!spec->time_boottime.set && !spec->time_monotonic.set)
		return 0;
	if (!clocks->set)
		return field_fail(err, linux_, "timeOffsets",
		                  "needs a time namespace in linux.namespaces");
	if (clocks->path)
		return field_fail(err, linux_, "timeOffsets",
		                  "needs a new time namespace, not one that is joined");
	return 0;
}

/* What two members would set is set by one of them: which, nobody could tell. */
static int check_names_once(const struct json *top, const struct spec *spec, struct error *err)
{
	const struct {
		const char *member, *key, *other;
		const char *value;
	} names[] = {
		{"hostname",   "kernel.hostname",   "kernel/hostname",   spec->hostname  },
		{"domainname", "kernel.domainname", "kernel/domainname", spec->domainname},
	};
	const struct json *all = json_member(json_member(top, "linux"), "sysctl");

	for (size_t i = 0; i < spec->linux_.sysctl.count; i++)
		for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
			const char *key = spec->linux_.sysctl.item[i].key;

			if (!names[n].value || !*names[n].value ||
			    (strcmp(key, names[n].key) != 0 && strcmp(key, names[n].other) != 0))
				continue;
			return json_fail(err, json_member(all, key), "%s sets it already",
			                 names[n].member);
		}
	return 0;
}

int spec_check(const struct json *top, const struct spec *spec, struct error *err)
{
	static int (*const linux_rules[])(const struct json *linux_, const struct spec_linux *spec,
	                                  struct error *err) = {
		check_user_namespace,
		check_time_namespace,
	};

	if (check_platform(top, spec, err) < 0 || check_host_names(top, spec, err) < 0 ||
	    check_names_once(top, spec, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(linux_rules) && spec->linux_.set; i++)
		if (linux_rules[i](json_member(top, "linux"), &spec->linux_, err) < 0)
			return -1;
	return 0;
}
