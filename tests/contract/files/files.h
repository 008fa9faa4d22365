/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_CONTRACT_FILES_H
#define TESTS_CONTRACT_FILES_H

/* An exerciser of file systems, to be run in a container: `files DIRECTORY` tries what programs expect of one, each
 * check in an empty directory and a process of its own; `files DIRECTORY SEED OPERATIONS` does random things to a
 * file and compares it with what it must be; `files lock FILE` takes its locks and ends, `files hold FILE` keeps them;
 * `files swap A B` has two names change places without an end.
 * Prints TAP; wants to be root with the capabilities that files take. */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A check that fails ends its process. */
#define MUST(what) must(what, __FILE__, __LINE__, #what)
#define FAILS(number, what)                                                                        \
	must((errno = 0, (what) < 0) && errno == (number), __FILE__, __LINE__, #number " " #what)
void must(bool right, const char *file, int line, const char *what);
/* This file system can't: the check ends here, and that is counted. */
void skip(const char *why) __attribute__((noreturn));

struct check {
	const char *name;
	void (*run)(void);
};
/* Each ends with {NULL}. */
extern const struct check name_checks[], owner_checks[], data_checks[], lock_checks[],
	listing_checks[];

/* Act as a user of that number, in his group and one more, until back(). */
enum { SAILOR = 1000, OTHER = 1001, CREW = 2000 };
void become(uid_t user, gid_t more);
void back(void);

/* A file with these bytes, however it was before; and whether it has just them. */
void put(const char *name, const char *text, mode_t mode);
bool has(const char *name, const char *text);
mode_t mode_of(const char *name);
bool there(const char *name);

/* Another process does that; it must end with 0. */
pid_t begin(void (*work)(void));
void end(pid_t pid);

/* fsx.c: returns the exit status. */
int fsx(unsigned long seed, unsigned long operations);

#endif
