/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/text.h"
#include "tests/unit/cmocka.h"
#include "tests/unit/spec/reading.h"

/* Every line of tests/configs/faults.tsv: base.json with one fault, made by jq. Run from the root of
 * the tree. */

static const char base_path[] = "tests/configs/base.json";
static const char faults_path[] = "tests/configs/faults.tsv";

struct fault {
	char *name, *filter, *object, *part;
};

static void read_all(FILE *file, struct text *out)
{
	char bytes[4096];
	size_t length;

	while ((length = fread(bytes, 1, sizeof(bytes), file)) > 0)
		text_append_n(out, bytes, length);
	assert_false(ferror(file));
}

/* The output of jq for this filter of base.json. The filter goes through a file: a shell would want
 * its quotes. */
static void apply_filter(const char *filter, struct text *out)
{
	char path[] = "/tmp/cella-fault-XXXXXX";
	char command[256];
	owned_fd fd = mkstemp(path);
	FILE *jq;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, filter, strlen(filter)), (ssize_t)strlen(filter));
	(void)snprintf(command, sizeof(command), "jq -c -f %s %s", path, base_path);
	jq = popen(command, "r");
	assert_non_null(jq);
	read_all(jq, out);
	assert_int_equal(pclose(jq), 0);
	assert_int_equal(unlink(path), 0);
}

/* Cut a line at its tabs. */
static struct fault cut(char *line)
{
	char *fields[4] = {NULL};
	size_t count = 0;

	line[strcspn(line, "\n")] = '\0';
	for (char *field; count < 4 && (field = strsep(&line, "\t")); count++)
		fields[count] = field;
	if (count < 4 || line || !*fields[3])
		FAIL("a line has other than four fields: %s", fields[0]);
	return (struct fault){fields[0], fields[1], fields[2], fields[3]};
}

static bool is_refused_as_said(const struct fault *fault)
{
	owned_arena struct arena *arena = new_arena();
	owned_text struct text config = {0};
	const struct spec *spec = NULL;
	struct error err = {0};

	apply_filter(fault->filter, &config);
	assert_true(config.length > 0);
	if (spec_read("config.json", config.bytes, config.length, arena, &spec, &err) == 0) {
		print_error("%s: taken\n", fault->name);
		return false;
	}
	if (err.kind == ERROR_CONFIG && text_begins(err.object, fault->object) &&
	    strstr(err.reason, fault->part))
		return true;
	print_error("%s: %s: %s\n", fault->name, err.object, err.reason);
	return false;
}

static void the_base_is_taken(void **state)
{
	owned_arena struct arena *arena = new_arena();
	owned_text struct text config = {0};
	FILE *file = fopen(base_path, "r");
	const struct spec *spec = NULL;
	struct error err = {0};

	(void)state;
	assert_non_null(file);
	read_all(file, &config);
	assert_int_equal(fclose(file), 0);
	read_well(spec_read("config.json", config.bytes, config.length, arena, &spec, &err), &err);
	assert_string_equal(spec->oci_version, "1.3.0");
	assert_int_equal(spec->mounts.count, 7);
	assert_false(spec->linux_.resources.set);
}

static void every_fault_is_refused_with_its_path_and_reason(void **state)
{
	FILE *file = fopen(faults_path, "r");
	owned_str line = NULL;
	size_t size = 0;
	size_t count = 0;
	size_t wrong = 0;

	(void)state;
	assert_non_null(file);
	/* no user's input: a fixed question to the shell */
	if (pclose(popen("command -v jq >/dev/null", "r")) != 0) {
		print_message("no jq: the faults are not tried\n");
		(void)fclose(file);
		skip();
	}
	while (getline(&line, &size, file) > 0) {
		struct fault fault;

		if (*line == '#' || *line == '\n')
			continue;
		fault = cut(line);
		wrong += !is_refused_as_said(&fault);
		count++;
	}
	(void)fclose(file);
	assert_true(count >= 100);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_base_is_taken),
		cmocka_unit_test(every_fault_is_refused_with_its_path_and_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
