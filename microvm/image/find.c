/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/table.h"
#include "base/text.h"

#include "find.h"

enum { CANDIDATES_MOST = 256 };

static const char *const modules_places[] = {"/lib/modules", "/usr/lib/modules"};
static const char boot_place[] = "/boot", boot_prefix[] = "vmlinuz-";

/* --- versions --------------------------------------------------------------------------------- */

static int rank(char c)
{
	if (c == '~')
		return -1;
	if (c == '\0' || isdigit((unsigned char)c))
		return 0;
	return isalpha((unsigned char)c) ? c : c + 256;
}

static int compare_words(const char **a, const char **b)
{
	while ((**a && !isdigit((unsigned char)**a)) || (**b && !isdigit((unsigned char)**b))) {
		int difference = rank(**a) - rank(**b);

		if (difference)
			return difference;
		++*a;
		++*b;
	}
	return 0;
}

/* Zeros in front don't count; the longer number is the larger one. */
static int compare_numbers(const char **a, const char **b)
{
	size_t digits_a, digits_b;
	int difference;

	*a += strspn(*a, "0");
	*b += strspn(*b, "0");
	digits_a = strspn(*a, "0123456789");
	digits_b = strspn(*b, "0123456789");
	if (digits_a != digits_b)
		return digits_a < digits_b ? -1 : 1;
	difference = strncmp(*a, *b, digits_a);
	*a += digits_a;
	*b += digits_b;
	return difference;
}

int version_compare(const char *a, const char *b)
{
	int difference = 0;

	while (!difference && (*a || *b)) {
		difference = compare_words(&a, &b);
		if (!difference)
			difference = compare_numbers(&a, &b);
	}
	return difference;
}

static int better_first(const void *a, const void *b)
{
	const struct candidate *one = a, *other = b;
	bool cloud = text_ends(one->release, "-cloud-amd64");

	if (cloud != text_ends(other->release, "-cloud-amd64"))
		return cloud ? -1 : 1;
	return version_compare(other->release, one->release);
}

/* --- places ----------------------------------------------------------------------------------- */

int find_modules(const char *root, const char *release, struct sources *sources, const char **ret,
                 struct error *err)
{
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(modules_places); i++) {
		*ret = arena_format(sources->arena, "%s%s/%s", root, modules_places[i], release);
		if (!*ret)
			return arena_check(sources->arena, err);
		if (stat(*ret, &st) == 0 && S_ISDIR(st.st_mode))
			return 0;
		if (sources_note(sources, *ret, err) < 0)
			return -1;
	}
	*ret = NULL;
	return 0;
}

/* Note a kernel, if it is one and its modules are there. */
static int add(const char *root, const char *kernel, const char *release, struct sources *sources,
               struct candidates *all, struct error *err)
{
	struct candidate candidate = {.kernel = kernel};
	struct sources unused = {.arena = sources->arena};
	struct stat st;

	candidate.release = arena_text(sources->arena, release);
	if (!kernel || !candidate.release)
		return arena_check(sources->arena, err);
	if (stat(kernel, &st) < 0 || !S_ISREG(st.st_mode) || all->count == CANDIDATES_MOST)
		return 0;
	/* a directory of modules that comes is seen in the one above it */
	if (find_modules(root, release, &unused, &candidate.modules, err) < 0)
		return -1;
	if (candidate.modules)
		all->list[all->count++] = candidate;
	return 0;
}

/* What a directory's entry is a kernel of: "vmlinuz-6.1.0" in /boot, "6.1.0" in /lib/modules. */
static int add_entry(const char *root, const char *place, const char *entry,
                     struct sources *sources, struct candidates *all, struct error *err)
{
	const char *kernel;

	if (strcmp(place, boot_place) == 0) {
		kernel = arena_format(sources->arena, "%s%s/%s", root, place, entry);
		if (!text_begins(entry, boot_prefix))
			return 0;
		return add(root, kernel, entry + strlen(boot_prefix), sources, all, err);
	}
	kernel = arena_format(sources->arena, "%s%s/%s/vmlinuz", root, place, entry);
	return *entry == '.' ? 0 : add(root, kernel, entry, sources, all, err);
}

static void entries_release(DIR **entries)
{
	if (*entries)
		(void)closedir(*entries);
}

static int look_into(const char *root, const char *place, struct sources *sources,
                     struct candidates *all, struct error *err)
{
	__attribute__((cleanup(entries_release))) DIR *entries = NULL;
	const char *path = arena_format(sources->arena, "%s%s", root, place);
	const struct dirent *entry;

	if (!path)
		return arena_check(sources->arena, err);
	if (sources_note(sources, path, err) < 0)
		return -1;
	entries = opendir(path);
	if (!entries)
		return errno == ENOENT ? 0 : fail_errno(err, path, "open");
	while ((entry = readdir(entries)))
		if (add_entry(root, place, entry->d_name, sources, all, err) < 0)
			return -1;
	return 0;
}

int find_kernels(const char *root, struct sources *sources, struct candidates *ret,
                 struct error *err)
{
	const char *const places[] = {boot_place, modules_places[0], modules_places[1]};
	struct stat first, second;

	*ret = (struct candidates){
		.list = arena_alloc(sources->arena, CANDIDATES_MOST, sizeof(*ret->list))};
	if (!ret->list)
		return arena_check(sources->arena, err);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (look_into(root, places[i], sources, ret, err) < 0)
			return -1;
	if (ret->count > 0)
		qsort(ret->list, ret->count, sizeof(*ret->list), better_first);
	/* one file by two paths, as where /lib is a link to /usr/lib */
	for (size_t i = 1; i < ret->count;) {
		if (stat(ret->list[i - 1].kernel, &first) == 0 &&
		    stat(ret->list[i].kernel, &second) == 0 && first.st_ino == second.st_ino &&
		    first.st_dev == second.st_dev) {
			memmove(&ret->list[i], &ret->list[i + 1],
			        (ret->count - i - 1) * sizeof(*ret->list));
			ret->count--;
		} else {
			i++;
		}
	}
	return 0;
}
