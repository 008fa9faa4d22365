/* SPDX-License-Identifier: Apache-2.0 */
/* A scope, by the manager's D-Bus interface. Spec: org.freedesktop.systemd1(5) */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"

#include "systemd.h"

#define SYSTEMD  "org.freedesktop.systemd1"
#define MANAGER  "org.freedesktop.systemd1.Manager"
#define SYSTEMD1 "/org/freedesktop/systemd1"

enum { JOB_SECONDS = 30 };

#define owned_message __attribute__((cleanup(message_release))) sd_bus_message *
#define owned_failure __attribute__((cleanup(sd_bus_error_free))) sd_bus_error

static void message_release(sd_bus_message **m)
{
	(void)sd_bus_message_unref(*m);
}

/* The jobs that have ended, newest last: ours may end before its name is known. */
struct ended {
	char job[64][64];
	char result[64][32];
	unsigned int count;
};

static int on_removed(sd_bus_message *m, void *data, sd_bus_error *failure)
{
	struct ended *ended = data;
	const char *path, *unit, *result;
	unsigned int at = ended->count % 64;
	uint32_t id;

	(void)failure;
	if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) < 0)
		return 0;
	(void)snprintf(ended->job[at], sizeof(ended->job[at]), "%s", path);
	(void)snprintf(ended->result[at], sizeof(ended->result[at]), "%s", result);
	ended->count++;
	return 0;
}

static const char *result_of(const struct ended *ended, const char *job)
{
	for (unsigned int i = 0; i < 64 && i < ended->count; i++)
		if (strcmp(ended->job[i], job) == 0)
			return ended->result[i];
	return NULL;
}

static int fail_bus(struct error *err, const char *unit, int r, const sd_bus_error *failure)
{
	if (failure && failure->message)
		return fail(err, ERROR_SYSTEM, unit, "%s", failure->message);
	return fail(err, ERROR_SYSTEM, unit, "%s", strerrordesc_np(-r));
}

static int listen_for_jobs(sd_bus *bus, struct ended *ended, struct error *err)
{
	owned_failure failure = SD_BUS_ERROR_NULL;
	int r = sd_bus_match_signal(bus, NULL, SYSTEMD, SYSTEMD1, MANAGER, "JobRemoved", on_removed,
	                            ended);

	if (r >= 0)
		r = sd_bus_call_method(bus, SYSTEMD, SYSTEMD1, MANAGER, "Subscribe", &failure, NULL,
		                       "");
	return r < 0 ? fail_bus(err, "systemd", r, &failure) : 0;
}

/* Until the job of a reply has ended. */
static int wait_for(sd_bus *bus, const char *unit, sd_bus_message *reply, const struct ended *ended,
                    struct error *err)
{
	int64_t end = clock_ms() + (int64_t)JOB_SECONDS * 1000;
	const char *job, *result;
	int r = sd_bus_message_read(reply, "o", &job);

	while (r >= 0 && !(result = result_of(ended, job))) {
		int64_t left = end - clock_ms();

		if (left <= 0)
			return fail(err, ERROR_SYSTEM, unit, "systemd's job takes longer than %d s",
			            JOB_SECONDS);
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, (uint64_t)left * 1000);
	}
	if (r < 0)
		return fail_bus(err, unit, r, NULL);
	if (strcmp(result, "done") != 0 && strcmp(result, "skipped") != 0)
		return fail(err, ERROR_SYSTEM, unit, "systemd's job ended as '%s'", result);
	return 0;
}

static int reset_failed(sd_bus *bus, const char *unit)
{
	return sd_bus_call_method(bus, SYSTEMD, SYSTEMD1, MANAGER, "ResetFailedUnit", NULL, NULL,
	                          "s", unit);
}

static int append_properties(sd_bus_message *m, char **properties, int count, struct error *err)
{
	for (; count > 0; count--, properties += 3)
		if (property_append(m, properties[0], properties[1], properties[2], err) < 0)
			return -1;
	return 0;
}

/* The properties that every scope of ours has; those of the caller come behind and win. The process 0 is this
 * one. */
static int append_usual(sd_bus_message *m, char *const *words, struct error *err)
{
	int r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)", "Description", "s",
	                              words[2], "Slice", "s", words[1], "Delegate", "b", 1,
	                              "DefaultDependencies", "b", 0, "PIDs", "au", 1, 0, "TasksMax",
	                              "t", UINT64_MAX, "CollectMode", "s", "inactive-or-failed");

	return r < 0 ? fail_bus(err, words[0], r, NULL) : 0;
}

static int start_message(sd_bus *bus, char *const *words, char **properties, int count,
                         sd_bus_message **ret_message, struct error *err)
{
	owned_message m = NULL;
	int r = sd_bus_message_new_method_call(bus, &m, SYSTEMD, SYSTEMD1, MANAGER,
	                                       "StartTransientUnit");

	if (r >= 0)
		r = sd_bus_message_append(m, "ss", words[0], "fail");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "(sv)");
	if (r < 0)
		return fail_bus(err, words[0], r, NULL);
	if (append_usual(m, words, err) < 0 || append_properties(m, properties, count, err) < 0)
		return -1;
	r = sd_bus_message_close_container(m);
	if (r >= 0)
		r = sd_bus_message_append(m, "a(sa(sv))", 0);
	if (r < 0)
		return fail_bus(err, words[0], r, NULL);
	*ret_message = take_ptr(m);
	return 0;
}

static int print_cgroup(sd_bus *bus, const char *unit, struct error *err)
{
	owned_failure failure = SD_BUS_ERROR_NULL;
	owned_str path = NULL;
	owned_str cgroup = NULL;
	int r = sd_bus_path_encode(SYSTEMD1 "/unit", unit, &path);

	if (r >= 0)
		r = sd_bus_get_property_string(bus, SYSTEMD, path, SYSTEMD ".Scope", "ControlGroup",
		                               &failure, &cgroup);
	if (r < 0)
		return fail_bus(err, unit, r, &failure);
	if (dprintf(STDOUT_FILENO, "%s\n", cgroup) < 0)
		return fail_errno(err, "stdout", "write");
	return 0;
}

int scope_start(sd_bus *bus, char *const *words, char **properties, int count, struct error *err)
{
	struct ended ended = {0};

	if (listen_for_jobs(bus, &ended, err) < 0)
		return -1;
	for (int attempt = 0;; attempt++) {
		owned_failure failure = SD_BUS_ERROR_NULL;
		owned_message m = NULL;
		owned_message reply = NULL;
		int r;

		if (start_message(bus, words, properties, count, &m, err) < 0)
			return -1;
		r = sd_bus_call(bus, m, 0, &failure, &reply);
		if (r >= 0) {
			if (wait_for(bus, words[0], reply, &ended, err) < 0)
				return -1;
			return print_cgroup(bus, words[0], err);
		}
		/* one that failed is kept until somebody has taken note */
		if (attempt > 0 || !sd_bus_error_has_name(&failure, SYSTEMD ".UnitExists") ||
		    reset_failed(bus, words[0]) < 0)
			return fail_bus(err, words[0], r, &failure);
	}
}

int scope_set(sd_bus *bus, const char *unit, char **properties, int count, struct error *err)
{
	owned_failure failure = SD_BUS_ERROR_NULL;
	owned_message m = NULL;
	int r = sd_bus_message_new_method_call(bus, &m, SYSTEMD, SYSTEMD1, MANAGER,
	                                       "SetUnitProperties");

	if (r >= 0)
		r = sd_bus_message_append(m, "sb", unit, 1);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "(sv)");
	if (r >= 0 && append_properties(m, properties, count, err) < 0)
		return -1;
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	if (r >= 0)
		r = sd_bus_call(bus, m, 0, &failure, NULL);
	return r < 0 ? fail_bus(err, unit, r, &failure) : 0;
}

int scope_stop(sd_bus *bus, const char *unit, struct error *err)
{
	owned_failure failure = SD_BUS_ERROR_NULL;
	owned_message reply = NULL;
	struct ended ended = {0};
	int r;

	if (listen_for_jobs(bus, &ended, err) < 0)
		return -1;
	r = sd_bus_call_method(bus, SYSTEMD, SYSTEMD1, MANAGER, "StopUnit", &failure, &reply, "ss",
	                       unit, "replace");
	if (r < 0 && !sd_bus_error_has_name(&failure, SYSTEMD ".NoSuchUnit"))
		return fail_bus(err, unit, r, &failure);
	if (r >= 0 && wait_for(bus, unit, reply, &ended, err) < 0)
		return -1;
	(void)reset_failed(bus, unit); /* one that did not fail is not there any more */
	return 0;
}
