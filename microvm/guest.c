/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/fdpass.h"
#include "base/json_read.h"
#include "base/own.h"
#include "base/text.h"

#include "parts.h"

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

/* The numbers of a JSON array. */
static int read_pids(struct container *c, const char *text, pid_t **ret_pids, size_t *ret_count,
                     struct error *err)
{
	const struct json *top;
	pid_t *pids;
	size_t count = 0;

	if (json_read("processes", text, __builtin_strlen(text), c->arena, &top, err) < 0)
		return -1;
	if (top->type != JSON_ARRAY)
		return json_fail(err, top, "expected an array");
	pids = arena_alloc(c->arena, top->count + 1, sizeof(*pids));
	if (!pids)
		return arena_check(c->arena, err);
	for (const struct json *one = top->first; one; one = one->next) {
		int64_t pid;

		if (one->type != JSON_NUMBER || !json_to_i64(one, &pid) || pid < 1 ||
		    pid > INT32_MAX)
			return json_fail(err, one, "expected a pid");
		pids[count++] = (pid_t)pid;
	}
	*ret_pids = pids;
	*ret_count = count;
	return 0;
}

enum { ANSWER_MS = 10000 };

int microvm_processes(struct container *c, pid_t **ret_pids, size_t *ret_count, struct error *err)
{
	const struct wire_message question = {.kind = WIRE_PROCESSES};
	const char *text;

	if (guest_ask(c, &question, ANSWER_MS, NULL, &text, err) < 0)
		return -1;
	return read_pids(c, text, ret_pids, ret_count, err);
}
