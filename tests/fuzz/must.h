/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_MUST_H
#define TESTS_FUZZ_MUST_H

#include <stdio.h>
#include <stdlib.h>

/* What holds for any input: where it does not, the fuzzer ends with these words in its log, by abort(3). */
#define must(what) ((what) ? (void)0 : must_not(#what, __FILE__, __LINE__))

_Noreturn static inline void must_not(const char *what, const char *file, int line)
{
	(void)fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

#endif
