/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cmocka.h"

#include "scene.h"

/* HOME as a child in this root gives it to this user. */
static const char *wanted;

static void check_home(struct scene *s)
{
	const char *home = NULL;
	size_t count = 0;

	CHECK(fchdir(s->scratch->dir) == 0 && chroot(".") == 0);
	environment_home(s->a->plan);
	for (char **v = s->a->plan->env; *v; v++, count++)
		if (strncmp(*v, "HOME=", 5) == 0)
			home = *v + 5;
	CHECK(home != NULL && count <= s->a->plan->env_count + 1);
	if (strcmp(home, wanted) != 0) {
		(void)dprintf(2, "'%s' is not '%s'\n", home, wanted);
		_exit(1);
	}
}

static void home_is(struct scene *s, uid_t uid, const char *home)
{
	s->a->spec.process.user.uid = uid;
	(void)scene_plan(s);
	wanted = home;
	scene_child(s, check_home);
}

static void passwd(const struct scene *s, const char *text)
{
	(void)mkdirat(s->scratch->dir, "etc", 0755);
	scratch_file(s->scratch, "etc/passwd", text);
}

static void home_is_what_the_containers_passwd_says(void **state)
{
	struct scene *s = *state;

	scene_needs_root();
	passwd(s, "root:x:0:0:root:/root:/bin/sh\n"
	          "web:x:33:33::/var/www:/bin/sh\n"
	          "again:x:33:33::/other:/bin/sh\n"
	          "last:x:1000:1000::/home/last:");
	s->a->spec.process.env = TEXTS("A=1", "B=2");
	home_is(s, 0, "/root");
	home_is(s, 33, "/var/www");
	home_is(s, 1000, "/home/last");
	home_is(s, 3, "/");
}

static void a_home_of_the_config_stays(void **state)
{
	struct scene *s = *state;

	scene_needs_root();
	passwd(s, "root:x:0:0:root:/root:/bin/sh\n");
	s->a->spec.process.env = TEXTS("HOME=/mine", "A=1");
	home_is(s, 0, "/mine");
	s->a->spec.process.env = TEXTS("MYHOME=/mine");
	home_is(s, 0, "/root");
}

static void without_a_usable_line_home_is_the_root(void **state)
{
	struct scene *s = *state;

	scene_needs_root();
	home_is(s, 0, "/"); /* no file */
	passwd(s, "");
	home_is(s, 0, "/");
	passwd(s, "root:x:0:0\n:::::\nroot:x::0:root:/a:\nroot:x:00:0:root:/b:\nroot:x:0:0:root::\n"
	          "root:x:0:0:root:relative:/bin/sh\nroot:x:0x0:0:root:/c:\n\n");
	home_is(s, 0, "/");
	(void)unlinkat(s->scratch->dir, "etc/passwd", 0);
	scratch_folder(s->scratch, "etc/passwd");
	home_is(s, 0, "/");
	(void)unlinkat(s->scratch->dir, "etc/passwd", AT_REMOVEDIR);
	assert_int_equal(mkfifoat(s->scratch->dir, "etc/passwd", 0644), 0); /* nobody writes */
	home_is(s, 0, "/");
}

/* Lines of each length around the window that they are read through. */
static void a_long_line_is_none_and_hides_no_other(void **state)
{
	struct scene *s = *state;
	char text[4096], home[16];

	scene_needs_root();
	for (size_t length = 1000; length < 1050; length++) {
		size_t n = (size_t)snprintf(text, sizeof(text), "long:x:5:5:");

		memset(text + n, 'g', length - n);
		(void)snprintf(text + length, sizeof(text) - length,
		               ":/five:\nroot:x:0:0::/r%zu:\n", length);
		passwd(s, text);
		(void)snprintf(home, sizeof(home), "/r%zu", length);
		home_is(s, 0, home);
		home_is(s, 5, length + strlen(":/five:\n") <= 1024 ? "/five" : "/");
	}
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text + 3000, "\nroot:x:0:0::/found:\n", strlen("\nroot:x:0:0::/found:\n"));
	/* what looks like a line in the middle of one that is too long */
	memcpy(text + 2048, "web:x:33:33::/wrong:", strlen("web:x:33:33::/wrong:"));
	passwd(s, text);
	home_is(s, 0, "/found");
	home_is(s, 33, "/");
}

static void a_home_that_does_not_fit_is_none(void **state)
{
	struct scene *s = *state;
	char text[1024];
	size_t n = (size_t)snprintf(text, sizeof(text), "root:x:0:0::/");

	scene_needs_root();
	memset(text + n, 'h', 600);
	memcpy(text + n + 600, ":\n", 3);
	passwd(s, text);
	home_is(s, 0, "/");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(home_is_what_the_containers_passwd_says),
		SCENE_TEST(a_home_of_the_config_stays),
		SCENE_TEST(without_a_usable_line_home_is_the_root),
		SCENE_TEST(a_long_line_is_none_and_hides_no_other),
		SCENE_TEST(a_home_that_does_not_fit_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
