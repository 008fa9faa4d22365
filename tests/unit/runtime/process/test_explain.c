/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "runtime/process/process.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

enum { HEAD = 512 };

static void an_interpreter_of_a_script_is_its_first_word(void **state)
{
	char found[32];

	(void)state;
	assert_true(process_interpreter("#!  /bin/sh -e\n", 15, found, sizeof(found)));
	assert_string_equal(found, "/bin/sh");
	assert_true(process_interpreter("#!/bin/x", 8, found, sizeof(found)));
	assert_string_equal(found, "/bin/x");
	assert_true(process_interpreter("#!/a/very/long/one\n", 19, found, 5));
	assert_string_equal(found, "/a/v");
	assert_false(process_interpreter("#!\n/bin/sh", 10, found, sizeof(found)));
	assert_false(process_interpreter("#", 1, found, sizeof(found)));
	assert_false(process_interpreter("", 0, found, sizeof(found)));
}

static void make_elf(char *head, uint64_t offset, uint64_t size)
{
	Elf64_Ehdr header = {.e_phoff = 64, .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1};
	Elf64_Phdr part = {.p_type = PT_INTERP, .p_offset = offset, .p_filesz = size};

	memset(head, 0, HEAD);
	memcpy(header.e_ident, ELFMAG, SELFMAG);
	header.e_ident[EI_CLASS] = ELFCLASS64;
	memcpy(head, &header, sizeof(header));
	memcpy(head + 64, &part, sizeof(part));
	memcpy(head + 200, "/lib/ld.so", 11);
}

static void an_interpreter_of_elf_is_where_it_says(void **state)
{
	char head[HEAD], found[32];

	(void)state;
	make_elf(head, 200, 11);
	assert_true(process_interpreter(head, sizeof(head), found, sizeof(found)));
	assert_string_equal(found, "/lib/ld.so");
}

static void damaged_elf_has_none(void **state)
{
	static const uint64_t bad[][2] = {
		{200,            0         },
                {200,            1         },
                {200,            33        },
		{HEAD - 5,       11        },
                {UINT64_MAX,     11        },
                {UINT64_MAX - 4, 11        },
		{200,            313       },
                {200,            UINT64_MAX},
                {HEAD + 1,       11        }
        };
	char head[HEAD], found[32];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		make_elf(head, bad[i][0], bad[i][1]);
		assert_false(process_interpreter(head, sizeof(head), found, sizeof(found)));
	}
	make_elf(head, 200, 11);
	for (size_t length = 0; length < 120; length++)
		assert_false(process_interpreter(head, length, found, sizeof(found)));
}

static void explain(const struct scratch *scratch, const char *bytes, int errnum,
                    struct error *ret_err)
{
	char path[512];
	owned_fd file = -1;

	(void)snprintf(path, sizeof(path), "%s/program", scratch->path);
	file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	assert_true(file >= 0 && write(file, bytes, strlen(bytes)) == (ssize_t)strlen(bytes));
	process_explain_exec(path, errnum, ret_err);
	assert_string_equal(ret_err->object, path);
	assert_int_equal(ret_err->errnum, errnum);
}

static void what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *bytes;
		int errnum;
		const char *reason;
	} cases[] = {
		{"#!/no/such/one -x\n", ENOENT,
	         "exec: its interpreter /no/such/one: no such file or directory"                       },
		{"#!/etc/passwd\n",     EACCES,  "exec: its interpreter /etc/passwd: permission denied"},
		{"",                    ENOEXEC, "exec: Exec format error: the file is empty"          },
		{"echo hi\n",           ENOEXEC,
	         "exec: Exec format error: it is a text that does not begin with #! and an "
	         "interpreter"									 },
		{"\177ELFxx",           ENOEXEC,
	         "exec: Exec format error: is it of another processor than this machine's?"            },
		{"x",                   EPERM,   "exec: Operation not permitted"                       },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err;

		explain(*state, cases[i].bytes, cases[i].errnum, &err);
		assert_string_equal(err.reason, cases[i].reason);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interpreter_of_a_script_is_its_first_word),
		cmocka_unit_test(an_interpreter_of_elf_is_where_it_says),
		cmocka_unit_test(damaged_elf_has_none),
		cmocka_unit_test_setup_teardown(what_is_wrong_is_said, scratch_setup,
	                                        scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
