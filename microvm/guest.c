/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/fdpass.h"
#include "base/json_read.h"
#include "base/own.h"
#include "base/text.h"

#include "parts.h"

enum { ANSWER_MS = 10000 };

int guest_connect(const struct container *c, struct error *err)
{
	return fdpass_connect_at(c->dir, VM_SOCKET, err);
}

int guest_ask(const struct container *c, const struct wire_message *question, int timeout_ms,
              uint64_t *ret_number, const char **ret_text, struct error *err)
{
	owned_fd connection = guest_connect(c, err);
	struct wire_message answer;
	owned_inbox inbox = {0};

	if (connection < 0 || wire_ask(connection, question, timeout_ms, &inbox, &answer, err) < 0)
		return -1;
	if (ret_number)
		*ret_number = answer.number[0];
	if (ret_text) {
		const char *text = answer.blob[0].bytes;

		if (!text_is_utf8(text, answer.blob[0].length))
			return fail(err, ERROR_SYSTEM, c->state.id, "its answer is no text");
		*ret_text = arena_text_n(c->arena, text, answer.blob[0].length);
		if (!*ret_text)
			return arena_check(c->arena, err);
	}
	return 0;
}

static int read_pid(const struct json *number, pid_t *ret, struct error *err)
{
	int64_t pid;

	if (number->type != JSON_NUMBER || !json_to_i64(number, &pid) || pid < 1 || pid > INT32_MAX)
		return json_fail(err, number, "expected a pid");
	*ret = (pid_t)pid;
	return 0;
}

/* Have the agent's list, an array. */
static int ask_list(struct container *c, bool words, const struct json **ret, struct error *err)
{
	const struct wire_message question = {.kind = WIRE_PROCESSES, .number = {words}};
	const char *text;

	if (c->state.status == STATUS_PAUSED)
		return fail(err, ERROR_STATE, c->state.id,
		            "a virtual machine that is paused can't tell its processes");
	if (guest_ask(c, &question, ANSWER_MS, NULL, &text, err) < 0 ||
	    json_read("processes", text, strlen(text), c->arena, ret, err) < 0)
		return -1;
	return (*ret)->type == JSON_ARRAY ? 0 : json_fail(err, *ret, "expected an array");
}

int microvm_processes(struct container *c, pid_t **ret_pids, size_t *ret_count, struct error *err)
{
	const struct json *top;
	pid_t *pids;
	size_t count = 0;

	if (ask_list(c, false, &top, err) < 0)
		return -1;
	pids = arena_alloc(c->arena, top->count + 1, sizeof(*pids));
	if (!pids)
		return arena_check(c->arena, err);
	for (const struct json *one = top->first; one; one = one->next)
		if (read_pid(one, &pids[count++], err) < 0)
			return -1;
	*ret_pids = pids;
	*ret_count = count;
	return 0;
}

static int read_words(const struct json *one, struct process_words *ret, struct error *err)
{
	const struct json *pid = json_member(one, "pid");

	if (!pid)
		return json_fail(err, one, "expected a process");
	ret->parent = json_member_text(one, "parent");
	ret->user = json_member_text(one, "user");
	ret->command = json_member_text(one, "command");
	if (!ret->parent || !ret->user || !ret->command)
		return json_fail(err, one, "expected a process's words");
	return read_pid(pid, &ret->pid, err);
}

int microvm_describe(struct container *c, struct process_words **ret_words, size_t *ret_count,
                     struct error *err)
{
	const struct json *top;
	struct process_words *words;
	size_t count = 0;

	if (ask_list(c, true, &top, err) < 0)
		return -1;
	words = arena_alloc(c->arena, top->count + 1, sizeof(*words));
	if (!words)
		return arena_check(c->arena, err);
	for (const struct json *one = top->first; one; one = one->next)
		if (read_words(one, &words[count++], err) < 0)
			return -1;
	*ret_words = words;
	*ret_count = count;
	return 0;
}
