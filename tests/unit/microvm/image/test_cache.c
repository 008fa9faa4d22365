/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/file.h>
#include <sys/wait.h>

#include "../../base/scratch.h"
#include "base/own.h"
#include "microvm/image/cache.h"
#include "tests/unit/cmocka.h"

static const char name_a[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

static struct bytes bytes_of(const char *text)
{
	return (struct bytes){(const uint8_t *)text, strlen(text)};
}

/* A cache in the scratch directory. */
static struct cache open_cache(const struct scratch *scratch, char path[128])
{
	struct cache cache;
	struct error err = {0};

	(void)umask(022);
	(void)snprintf(path, 128, "%s/a/cache", scratch->path);
	assert_int_equal(cache_open(path, &cache, &err), 0);
	return cache;
}

/* Fill a draft as a whole image whose kernel is this text. */
static void fill(const struct draft *draft, const char *kernel)
{
	const struct modules none = {0};
	struct facts facts = {
		.release = "6.1",
		.packing = "none",
		.made_from = {"/k", NULL, "/a"},
		.modules = &none
        };
	owned_text struct text out = {0};
	struct error err = {0};

	facts.kernel.size = strlen(kernel);
	facts.initramfs.size = 2;
	facts_write(&facts, &out);
	assert_int_equal(draft_write(draft, "kernel", bytes_of(kernel), &err), 0);
	assert_int_equal(draft_write(draft, "initramfs", bytes_of("fs"), &err), 0);
	assert_int_equal(draft_write(draft, "image.json", bytes_of(out.bytes), &err), 0);
}

static void make(const struct cache *cache, const char *kernel, bool force)
{
	owned_draft struct draft draft = {.cache = cache, .dir = -1};
	struct error err = {0};

	assert_int_equal(draft_begin(cache, &draft, &err), 0);
	fill(&draft, kernel);
	assert_int_equal(draft_keep(&draft, name_a, force, &err), 0);
}

static bool has(const struct cache *cache)
{
	owned_arena struct arena *arena = arena_new(1 << 20);

	return cache_has(cache, name_a, arena);
}

static const char *kernel_text(const struct scratch *scratch, char *text, size_t size)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "a/cache/%s/kernel", name_a);
	return scratch_text(scratch, path, text, size);
}

static void an_image_is_there_when_it_is_kept(void **state)
{
	const struct scratch *scratch = *state;
	char path[128], text[32];
	owned_cache struct cache cache = open_cache(scratch, path);
	struct stat st;

	assert_false(has(&cache));
	{
		owned_draft struct draft draft = {.cache = &cache, .dir = -1};
		struct error err = {0};

		assert_int_equal(draft_begin(&cache, &draft, &err), 0);
		fill(&draft, "kernel");
		assert_true(scratch_exists(scratch, "a/cache/.new-0/kernel"));
	}
	assert_false(has(&cache));
	assert_false(scratch_exists(scratch, "a/cache/.new-0"));
	(void)umask(0);
	make(&cache, "kernel", false);
	assert_true(has(&cache));
	assert_false(scratch_exists(scratch, "a/cache/.new-0"));
	assert_string_equal(kernel_text(scratch, text, sizeof(text)), "kernel");
	assert_int_equal(fstatat(cache.dir, name_a, &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
}

static void a_damaged_image_is_seen_and_made_anew(void **state)
{
	const struct scratch *scratch = *state;
	char path[128], text[32], kernel[128];
	owned_cache struct cache cache = open_cache(scratch, path);

	make(&cache, "kernel", false);
	(void)snprintf(kernel, sizeof(kernel), "a/cache/%s/kernel", name_a);
	scratch_file(scratch, kernel, "ker");
	assert_false(has(&cache));
	make(&cache, "again!", false);
	assert_true(has(&cache));
	assert_string_equal(kernel_text(scratch, text, sizeof(text)), "again!");
	assert_false(scratch_exists(scratch, "a/cache/.new-0"));
}

static void the_first_of_two_wins_unless_forced(void **state)
{
	const struct scratch *scratch = *state;
	char path[128], text[32];
	owned_cache struct cache cache = open_cache(scratch, path);
	owned_cache struct cache other = open_cache(scratch, path);
	struct error err = {0};

	{
		owned_draft struct draft one = {.cache = &cache, .dir = -1};
		owned_draft struct draft two = {.cache = &other, .dir = -1};

		assert_int_equal(draft_begin(&cache, &one, &err), 0);
		assert_int_equal(draft_begin(&other, &two, &err), 0);
		fill(&one, "first");
		fill(&two, "second");
		assert_int_equal(draft_keep(&one, name_a, false, &err), 0);
		assert_int_equal(draft_keep(&two, name_a, false, &err), 0);
	}
	assert_string_equal(kernel_text(scratch, text, sizeof(text)), "first");
	make(&cache, "third", true);
	assert_string_equal(kernel_text(scratch, text, sizeof(text)), "third");
	assert_false(scratch_exists(scratch, "a/cache/.new-0"));
	assert_false(scratch_exists(scratch, "a/cache/.new-1"));
}

static void a_name_that_became_free_is_the_next_ones(void **state)
{
	const struct scratch *scratch = *state;
	char path[128];
	owned_cache struct cache cache = open_cache(scratch, path);
	owned_draft struct draft next = {.cache = &cache, .dir = -1};
	struct error err = {0};

	make(&cache, "first", false);
	{
		owned_draft struct draft forced = {.cache = &cache, .dir = -1};

		assert_int_equal(draft_begin(&cache, &forced, &err), 0);
		fill(&forced, "second");
		assert_int_equal(draft_keep(&forced, name_a, true, &err), 0);
		assert_int_equal(draft_begin(&cache, &next, &err), 0);
		assert_string_equal(next.name, ".new-0");
	}
	assert_true(scratch_exists(scratch, "a/cache/.new-0"));
	fill(&next, "third");
}

/* Begin a draft and be killed. */
static void leave_one(const struct cache *cache)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct draft draft;
		struct error err;

		CHECK(draft_begin(cache, &draft, &err) == 0);
		CHECK(draft_write(&draft, "kernel", bytes_of("half"), &err) == 0);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void what_the_dead_left_goes_and_what_the_living_make_stays(void **state)
{
	const struct scratch *scratch = *state;
	char path[128];
	owned_cache struct cache cache = open_cache(scratch, path);
	owned_draft struct draft living = {.cache = &cache, .dir = -1};
	struct error err = {0};

	assert_int_equal(draft_begin(&cache, &living, &err), 0);
	leave_one(&cache);
	assert_true(scratch_exists(scratch, "a/cache/.new-1/kernel"));
	scratch_file(scratch, "a/cache/auto.json.new-1234abcd", "{");
	{
		owned_draft struct draft next = {.cache = &cache, .dir = -1};

		assert_int_equal(draft_begin(&cache, &next, &err), 0);
		assert_string_equal(next.name, ".new-1");
		assert_false(scratch_exists(scratch, "a/cache/.new-1/kernel"));
		assert_false(scratch_exists(scratch, "a/cache/auto.json.new-1234abcd"));
		assert_true(scratch_exists(scratch, "a/cache/.new-0"));
	}
}

static void a_cache_that_others_write_to_is_refused(void **state)
{
	const struct scratch *scratch = *state;
	char path[128];
	struct error err = {0};

	cache_close(&(struct cache){.dir = open_cache(scratch, path).dir});
	assert_int_equal(chmod(path, 0775), 0);
	{
		owned_cache struct cache cache = {.dir = -1};

		assert_int_equal(cache_open(path, &cache, &err), -1);
		assert_int_equal(err.kind, ERROR_UNSUPPORTED);
	}
	if (geteuid() != 0)
		return;
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(chown(path, 4321, 4321), 0);
	{
		owned_cache struct cache cache = {.dir = -1};

		assert_int_equal(cache_open(path, &cache, &err), -1);
	}
}

/* --- answers ---------------------------------------------------------------------------------- */

static const char *answer(const struct cache *cache, const char *kernel, const char *agent)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	const struct request request = {kernel, NULL, agent};

	return cache_answer(cache, &request, arena) ? "yes" : "no";
}

static void an_answer_holds_until_something_changes(void **state)
{
	const struct scratch *scratch = *state;
	char path[128], source[128], later[128];
	owned_cache struct cache cache = open_cache(scratch, path);
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct sources sources = {.arena = arena};
	const struct request request = {"/k/vmlinuz", NULL, "/agent"};
	struct error err = {0};

	(void)snprintf(source, sizeof(source), "%s/source", scratch->path);
	(void)snprintf(later, sizeof(later), "%s/later", scratch->path);
	scratch_file(scratch, "source", "1");
	assert_int_equal(sources_note(&sources, source, &err), 0);
	assert_int_equal(sources_note(&sources, later, &err), 0);
	assert_string_equal(answer(&cache, request.kernel, request.agent), "no");
	assert_int_equal(cache_remember(&cache, &request, name_a, &sources, &err), 0);
	assert_true(scratch_exists(scratch, "a/cache/for!k!vmlinuz.json"));
	assert_string_equal(answer(&cache, request.kernel, request.agent), "no");
	make(&cache, "kernel", false);
	assert_string_equal(answer(&cache, request.kernel, request.agent), "yes");
	assert_string_equal(answer(&cache, request.kernel, "/other"), "no");
	assert_string_equal(answer(&cache, NULL, request.agent), "no");
	scratch_file(scratch, "later", "");
	assert_string_equal(answer(&cache, request.kernel, request.agent), "no");
	assert_int_equal(unlinkat(scratch->dir, "later", 0), 0);
	assert_string_equal(answer(&cache, request.kernel, request.agent), "yes");
	scratch_file(scratch, "source", "22");
	assert_string_equal(answer(&cache, request.kernel, request.agent), "no");
}

static void what_is_no_answer_is_none(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{\"format\": 1}",
		"{\"format\":2,\"image\":\"x\",\"kernel\":null,\"modules\":null,\"agent\":\"/"
		"agent\"}",
		/* an image that is a path elsewhere; and one with nothing that it depends on */
		"{\"format\":1,\"image\":\"../../etc\",\"kernel\":null,\"modules\":null,"
		"\"agent\":\"/agent\",\"sources\":[{\"path\":\"/none\",\"size\":-1,\"inode\":0,"
		"\"mtime\":0,\"mtime_nsec\":0}]}",
		"{\"format\":1,\"image\":"
		"\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\","
		"\"kernel\":null,\"modules\":null,\"agent\":\"/agent\",\"sources\":[]}",
	};
	const struct scratch *scratch = *state;
	char path[128];
	owned_cache struct cache cache = open_cache(scratch, path);

	make(&cache, "kernel", false);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		scratch_file(scratch, "a/cache/auto.json", bad[i]);
		assert_string_equal(answer(&cache, NULL, "/agent"), "no");
	}
}

static void a_path_too_long_for_a_name_has_no_answer(void **state)
{
	const struct scratch *scratch = *state;
	char path[128], kernel[300];
	owned_cache struct cache cache = open_cache(scratch, path);
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct sources sources = {.arena = arena};
	const struct request request = {kernel, NULL, "/agent"};
	struct error err = {0};

	memset(kernel, 'k', sizeof(kernel));
	kernel[0] = '/';
	kernel[240] = '\0';
	assert_int_equal(cache_remember(&cache, &request, name_a, &sources, &err), 0);
	assert_null(cache_answer(&cache, &request, arena));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(an_image_is_there_when_it_is_kept),
		SCRATCH_TEST(a_damaged_image_is_seen_and_made_anew),
		SCRATCH_TEST(the_first_of_two_wins_unless_forced),
		SCRATCH_TEST(a_name_that_became_free_is_the_next_ones),
		SCRATCH_TEST(what_the_dead_left_goes_and_what_the_living_make_stays),
		SCRATCH_TEST(a_cache_that_others_write_to_is_refused),
		SCRATCH_TEST(an_answer_holds_until_something_changes),
		SCRATCH_TEST(what_is_no_answer_is_none),
		SCRATCH_TEST(a_path_too_long_for_a_name_has_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
