/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_CMOCKA_H
#define TESTS_UNIT_CMOCKA_H

/* cmocka, as this tree has it: its header needs the four before it, and its fail() is not that of base/error.h. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#undef fail

#endif
