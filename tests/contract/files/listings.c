/* SPDX-License-Identifier: Apache-2.0 */
/* Directories: that a listing has each name once, however large it is and whatever happens meanwhile. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

enum { MANY = 2000, OPEN = 900, WORKERS = 4, ROUNDS = 150 };

static void make_many(unsigned int count)
{
	char name[64];

	for (unsigned int i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "file-of-a-longer-name-%u", i);
		MUST(mknod(name, S_IFREG | 0644, 0) == 0);
	}
}

/* The number of an entry's name, or -1 for the two that each directory has. */
static int number_of(const struct dirent *entry)
{
	const char *at = strrchr(entry->d_name, '-');

	return at ? atoi(at + 1) : -1; /* NOLINT(cert-err34-c): names of our own */
}

static void count(DIR *dir, unsigned char *seen)
{
	const struct dirent *entry;
	unsigned int dots = 0;

	while ((entry = readdir(dir))) {
		int number = number_of(entry);

		if (number < 0) {
			dots++;
			continue;
		}
		MUST(number < MANY && seen[number]++ == 0);
		MUST(entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN);
	}
	MUST(dots == 2);
}

static void large(void)
{
	static unsigned char seen[MANY], again[MANY];
	DIR *dir;

	make_many(MANY);
	dir = opendir(".");
	MUST(dir);
	count(dir, seen);
	for (size_t i = 0; i < MANY; i++)
		MUST(seen[i] == 1);
	rewinddir(dir);
	count(dir, again);
	MUST(memcmp(seen, again, sizeof(seen)) == 0 && closedir(dir) == 0);
}

static void places(void)
{
	const struct dirent *entry;
	char name[300];
	DIR *dir;
	long at;

	make_many(600);
	dir = opendir(".");
	MUST(dir);
	for (int i = 0; i < 300; i++)
		MUST(readdir(dir));
	at = telldir(dir);
	entry = readdir(dir);
	MUST(entry);
	(void)snprintf(name, sizeof(name), "%s", entry->d_name);
	while (readdir(dir))
		;
	seekdir(dir, at);
	entry = readdir(dir);
	MUST(entry && strcmp(entry->d_name, name) == 0);
	MUST(closedir(dir) == 0);
}

/* rm -r: what is listed is removed while the listing goes on. */
static void removed_meanwhile(void)
{
	const struct dirent *entry;
	unsigned int removed = 0;
	DIR *dir;

	make_many(MANY / 2);
	dir = opendir(".");
	MUST(dir);
	while ((entry = readdir(dir)))
		if (number_of(entry) >= 0) {
			MUST(unlink(entry->d_name) == 0);
			removed++;
		}
	MUST(closedir(dir) == 0 && removed == MANY / 2);
	dir = opendir(".");
	MUST(dir && readdir(dir) && readdir(dir) && !readdir(dir) && closedir(dir) == 0);
}

static void changed_meanwhile(void)
{
	static unsigned char seen[MANY];
	const struct dirent *entry;
	DIR *dir;

	make_many(1000);
	dir = opendir(".");
	MUST(dir);
	for (int i = 0; i < 100; i++) {
		entry = readdir(dir);
		MUST(entry);
		if (number_of(entry) >= 0)
			seen[number_of(entry)]++;
	}
	put("one-more-5000", "", 0644);
	MUST(unlink("one-more-5000") == 0);
	while ((entry = readdir(dir)))
		if (number_of(entry) >= 0 && number_of(entry) < MANY)
			seen[number_of(entry)]++;
	/* what was there all the time is there once */
	for (size_t i = 0; i < 1000; i++)
		MUST(seen[i] == 1);
	MUST(closedir(dir) == 0);
}

static void many_open(void)
{
	int fd[OPEN];
	char name[64], text[8];

	for (int i = 0; i < OPEN; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		fd[i] = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0644);
		MUST(fd[i] >= 0 && pwrite(fd[i], name, 4, 0) == 4);
	}
	for (int i = 0; i < OPEN; i++) {
		MUST(pread(fd[i], text, sizeof(text), 0) == 4 && strtol(text, NULL, 10) == i);
		MUST(close(fd[i]) == 0);
	}
}

static void deep(void)
{
	enum { DEPTH = 300 };

	for (int i = 0; i < DEPTH; i++)
		MUST(mkdir("below", 0755) == 0 && chdir("below") == 0);
	put("file", "deep", 0644);
	for (int i = 0; i < DEPTH; i++)
		MUST(chdir("..") == 0);
	MUST(there("below/below/below") && !there("file"));
}

/* Make, rename and remove in a directory that others work in too. */
static void work(void)
{
	char from[64], to[64];

	for (int i = 0; i < ROUNDS; i++) {
		(void)snprintf(from, sizeof(from), "%d-%d", getpid(), i);
		(void)snprintf(to, sizeof(to), "%d-%d-moved", getpid(), i);
		put(from, from, 0644);
		MUST(rename(from, to) == 0 && has(to, from) && !there(from));
		MUST(link(to, from) == 0 && unlink(to) == 0 && has(from, from));
		MUST(i % 3 == 0 || unlink(from) == 0);
	}
}

static void at_once(void)
{
	pid_t pid[WORKERS];
	unsigned int left = 0;
	DIR *dir;

	for (int i = 0; i < WORKERS; i++)
		pid[i] = begin(work);
	for (int i = 0; i < WORKERS; i++)
		end(pid[i]);
	dir = opendir(".");
	MUST(dir);
	while (readdir(dir))
		left++;
	MUST(closedir(dir) == 0 && left == 2 + WORKERS * ROUNDS / 3);
}

const struct check listing_checks[] = {
	{"a large directory lists each name once",      large            },
	{"a place in a listing can be come back to",    places           },
	{"what is removed while it is listed",          removed_meanwhile},
	{"what comes and goes while others are listed", changed_meanwhile},
	{"many files can be open at once",              many_open        },
	{"directories can be deep",                     deep             },
	{"several work in one directory at once",       at_once          },
	{NULL,					  NULL             }
};
