/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include "runtime/process/parts.h"
#include "tests/unit/cmocka.h"

#include "machine.h"

enum { RULES = 3, ON = SECCOMP_RET_ALLOW, NEWER = SECCOMP_RET_ERRNO | ENOSYS };

/* Calls named by a rule each. */
struct profile {
	const char *names[RULES];
	struct spec_seccomp_rule rules[RULES];
	struct spec_seccomp asked;
};

static const struct spec_seccomp *naming(struct profile *p, const char *one, const char *two)
{
	*p = (struct profile){
		.names = {one, two, "no_such_call"}
        };
	for (size_t i = 0; i < RULES; i++) {
		p->rules[i].names.item = &p->names[i];
		p->rules[i].names.count = 1;
		p->rules[i].action = "SCMP_ACT_ERRNO"; /* whatever it is */
	}
	p->asked.syscalls.item = p->rules;
	p->asked.syscalls.count = RULES;
	return &p->asked;
}

/* What is said to a call; SECCOMP_RET_ALLOW: what stands behind says it. */
static uint32_t answer(const struct spec_seccomp *asked, uint32_t made_for, uint32_t architecture,
                       uint32_t number)
{
	struct seccomp_data data = {.nr = (int)number, .arch = architecture};
	struct sock_filter code[NEWER_MOST + 1];
	size_t length = filter_newer(asked, made_for, code);

	assert_true(length <= NEWER_MOST);
	code[length] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, ON);
	return machine_decide(code, length + 1, &data);
}

static void a_number_above_all_named_ones_is_newer(void **state)
{
	static const struct {
		const char *one, *two;
		uint32_t made_for, architecture, number, answer;
	} cases[] = {
		{"read",   "statx", SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64, 291,              ON   },
		{"statx",  "read",  SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64, 292,              NEWER},
		{"statx",  "read",  SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64, UINT32_MAX,       NEWER},
		{"statx",  "read",  SCMP_ARCH_AARCH64, AUDIT_ARCH_X86_64,  400,              ON   },
		{"stat64", "none",  SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64, 400,              ON   },
		{"read",   "read",  SCMP_ARCH_X86_64,  AUDIT_ARCH_X86_64,  0,                ON   },
		{"read",   "read",  SCMP_ARCH_X86_64,  AUDIT_ARCH_X86_64,  1,                NEWER},
		{"read",   "statx", SCMP_ARCH_X86_64,  AUDIT_ARCH_X86_64,  332,              ON   },
		{"read",   "statx", SCMP_ARCH_X86_64,  AUDIT_ARCH_X86_64,  333,              NEWER},
		{"read",   "statx", SCMP_ARCH_X86_64,  AUDIT_ARCH_X86_64,  0x3fffffffU,      NEWER},
		{"read",   "statx", SCMP_ARCH_X86_64,  AUDIT_ARCH_X86_64,  0x40000000U,      ON   },
		{"read",   "statx", SCMP_ARCH_X86_64,  AUDIT_ARCH_X86_64,  UINT32_MAX,       ON   },
		{"read",   "statx", SCMP_ARCH_X32,     AUDIT_ARCH_X86_64,  400,              ON   },
		{"read",   "statx", SCMP_ARCH_X32,     AUDIT_ARCH_X86_64,  0x40000000 | 332, ON   },
		{"read",   "statx", SCMP_ARCH_X32,     AUDIT_ARCH_X86_64,  0x40000000 | 333, NEWER},
		{"read",   "statx", SCMP_ARCH_X86,     AUDIT_ARCH_I386,    383,              ON   },
		{"read",   "statx", SCMP_ARCH_X86,     AUDIT_ARCH_I386,    384,              NEWER},
		{"read",   "statx", SCMP_ARCH_S390X,   AUDIT_ARCH_S390X,   0,                NEWER},
		{"read",   "statx", SCMP_ARCH_S390X,   AUDIT_ARCH_S390X,   1,                ON   },
		{"read",   "statx", SCMP_ARCH_S390X,   AUDIT_ARCH_S390X,   379,              ON   },
		{"read",   "statx", SCMP_ARCH_S390X,   AUDIT_ARCH_S390X,   380,              NEWER},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct profile p;
		const struct spec_seccomp *asked = naming(&p, cases[i].one, cases[i].two);

		assert_int_equal(
			answer(asked, cases[i].made_for, cases[i].architecture, cases[i].number),
			cases[i].answer);
	}
}

/* i386: socketcall is 102, socket 359, accept4 364, shutdown 373; ipc is 117, shmctl 396, msgctl 402. */
static void a_multiplexed_call_has_its_own_number_too(void **state)
{
	static const struct {
		const char *one, *two;
		uint32_t largest;
	} cases[] = {
		{"read",   "socket",   359},
                {"socket", "accept4",  364},
                {"shmctl", "shutdown", 396},
		{"msgctl", "read",     402},
                {"socket", "clone3",   435},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct profile p;
		const struct spec_seccomp *asked = naming(&p, cases[i].one, cases[i].two);
		uint32_t largest = cases[i].largest;

		assert_int_equal(answer(asked, SCMP_ARCH_X86, AUDIT_ARCH_I386, largest), ON);
		assert_int_equal(answer(asked, SCMP_ARCH_X86, AUDIT_ARCH_I386, largest + 1), NEWER);
	}
}

static void where_no_call_is_named_nothing_is_newer(void **state)
{
	struct profile p;
	struct sock_filter code[NEWER_MOST];

	(void)state;
	assert_int_equal(filter_newer(naming(&p, "none", "stat64"), SCMP_ARCH_X86_64, code), 0);
	p.asked.syscalls.count = 0;
	assert_int_equal(filter_newer(&p.asked, SCMP_ARCH_S390X, code), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_above_all_named_ones_is_newer),
		cmocka_unit_test(a_multiplexed_call_has_its_own_number_too),
		cmocka_unit_test(where_no_call_is_named_nothing_is_newer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
