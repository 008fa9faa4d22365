/* SPDX-License-Identifier: Apache-2.0 */
/* For clang-tidy only, which looks at one file at a time: what these return, whatever happens. */
#ifndef TESTS_LINT_ANALYZER_H
#define TESTS_LINT_ANALYZER_H

#include "base/error.h"

#define fail(...)         (fail(__VA_ARGS__), -1)
#define fail_errno(...)   (fail_errno(__VA_ARGS__), -1)
#define error_within(...) (error_within(__VA_ARGS__), -1)

#endif
