/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <ctype.h>
#include <fcntl.h>
#include <string.h>

#include "base/log.h"
#include "base/table.h"

#include "steps.h"

/* What a word does. ATTRIBUTE: of the mount; BELOW: of all mounts that a bind takes along too; BIND: a
 * bind, `set` says whether recursive; PROPAGATION: `set` is the type; SUPER: for the file system, where
 * one is made; SUPER_BELOW: the same with an r in front, as a new file system has none below it; COPY_UP:
 * a tmpfs begins with the image's content; REMOUNT: what is mounted there already is changed; IDMAP: `set`
 * says whether of the mounts below too; LINK: what becomes of a symbolic link, `set` says how; NOTHING: the
 * default, or without meaning here (mand has gone from the kernel, i_version is kept by the file systems
 * that can, silent is for the kernel's log). */
enum action {
	NOTHING,
	ATTRIBUTE,
	BELOW,
	BIND,
	PROPAGATION,
	SUPER,
	SUPER_BELOW,
	COPY_UP,
	REMOUNT,
	IDMAP,
	LINK
};
enum link_word { KEEP, ONTO, COPY };

#define ATIME MOUNT_ATTR__ATIME

/* clang-format off */
#define WORDS(X) /* word, action, set, clear: a new option is a new row */ \
	X("acl", SUPER, 0, 0) \
	X("async", SUPER, 0, 0) \
	X("atime", ATTRIBUTE, 0, ATIME) \
	X("bind", BIND, 0, 0) \
	X("copy-symlink", LINK, COPY, 0) \
	X("defaults", NOTHING, 0, 0) \
	X("dest-nofollow", LINK, ONTO, 0) \
	X("dev", ATTRIBUTE, 0, MOUNT_ATTR_NODEV) \
	X("diratime", ATTRIBUTE, 0, MOUNT_ATTR_NODIRATIME) \
	X("dirsync", SUPER, 0, 0) \
	X("exec", ATTRIBUTE, 0, MOUNT_ATTR_NOEXEC) \
	X("idmap", IDMAP, 0, 0) \
	X("iversion", NOTHING, 0, 0) \
	X("lazytime", SUPER, 0, 0) \
	X("loud", NOTHING, 0, 0) \
	X("mand", NOTHING, 0, 0) \
	X("noacl", SUPER, 0, 0) \
	X("noatime", ATTRIBUTE, MOUNT_ATTR_NOATIME, ATIME) \
	X("nodev", ATTRIBUTE, MOUNT_ATTR_NODEV, 0) \
	X("nodiratime", ATTRIBUTE, MOUNT_ATTR_NODIRATIME, 0) \
	X("noexec", ATTRIBUTE, MOUNT_ATTR_NOEXEC, 0) \
	X("noiversion", NOTHING, 0, 0) \
	X("nolazytime", SUPER, 0, 0) \
	X("nomand", NOTHING, 0, 0) \
	X("norelatime", ATTRIBUTE, 0, ATIME) \
	X("nostrictatime", ATTRIBUTE, 0, ATIME) \
	X("nosuid", ATTRIBUTE, MOUNT_ATTR_NOSUID, 0) \
	X("nosymfollow", ATTRIBUTE, MOUNT_ATTR_NOSYMFOLLOW, 0) \
	X("private", PROPAGATION, MS_PRIVATE, 0) \
	X("rasync", SUPER_BELOW, 0, 0) \
	X("ratime", BELOW, 0, ATIME) \
	X("rbind", BIND, 1, 0) \
	X("rdev", BELOW, 0, MOUNT_ATTR_NODEV) \
	X("rdiratime", BELOW, 0, MOUNT_ATTR_NODIRATIME) \
	X("rdirsync", SUPER_BELOW, 0, 0) \
	X("relatime", ATTRIBUTE, 0, ATIME) \
	X("remount", REMOUNT, 0, 0) \
	X("rexec", BELOW, 0, MOUNT_ATTR_NOEXEC) \
	X("ridmap", IDMAP, 1, 0) \
	X("rmand", NOTHING, 0, 0) \
	X("rnoatime", BELOW, MOUNT_ATTR_NOATIME, ATIME) \
	X("rnodev", BELOW, MOUNT_ATTR_NODEV, 0) \
	X("rnodiratime", BELOW, MOUNT_ATTR_NODIRATIME, 0) \
	X("rnoexec", BELOW, MOUNT_ATTR_NOEXEC, 0) \
	X("rnomand", NOTHING, 0, 0) \
	X("rnorelatime", BELOW, 0, ATIME) \
	X("rnostrictatime", BELOW, 0, ATIME) \
	X("rnosuid", BELOW, MOUNT_ATTR_NOSUID, 0) \
	X("rnosymfollow", BELOW, MOUNT_ATTR_NOSYMFOLLOW, 0) \
	X("ro", ATTRIBUTE, MOUNT_ATTR_RDONLY, 0) \
	X("rprivate", PROPAGATION, MS_PRIVATE | MS_REC, 0) \
	X("rrelatime", BELOW, 0, ATIME) \
	X("rro", BELOW, MOUNT_ATTR_RDONLY, 0) \
	X("rrw", BELOW, 0, MOUNT_ATTR_RDONLY) \
	X("rshared", PROPAGATION, MS_SHARED | MS_REC, 0) \
	X("rslave", PROPAGATION, MS_SLAVE | MS_REC, 0) \
	X("rstrictatime", BELOW, MOUNT_ATTR_STRICTATIME, ATIME) \
	X("rsuid", BELOW, 0, MOUNT_ATTR_NOSUID) \
	X("rsymfollow", BELOW, 0, MOUNT_ATTR_NOSYMFOLLOW) \
	X("rsync", SUPER_BELOW, 0, 0) \
	X("runbindable", PROPAGATION, MS_UNBINDABLE | MS_REC, 0) \
	X("rw", ATTRIBUTE, 0, MOUNT_ATTR_RDONLY) \
	X("shared", PROPAGATION, MS_SHARED, 0) \
	X("silent", NOTHING, 0, 0) \
	X("slave", PROPAGATION, MS_SLAVE, 0) \
	X("src-nofollow", LINK, KEEP, 0) \
	X("strictatime", ATTRIBUTE, MOUNT_ATTR_STRICTATIME, ATIME) \
	X("suid", ATTRIBUTE, 0, MOUNT_ATTR_NOSUID) \
	X("symfollow", ATTRIBUTE, 0, MOUNT_ATTR_NOSYMFOLLOW) \
	X("sync", SUPER, 0, 0) \
	X("tmpcopyup", COPY_UP, 0, 0) \
	X("unbindable", PROPAGATION, MS_UNBINDABLE, 0)

const struct word rootfs_propagations[ROOTFS_PROPAGATIONS] = {
	{"private",     MS_PRIVATE            },
	{"rprivate",    MS_PRIVATE | MS_REC   },
	{"slave",       MS_SLAVE              },
	{"rslave",      MS_SLAVE | MS_REC     },
	{"shared",      MS_SHARED             },
	{"rshared",     MS_SHARED | MS_REC    },
	{"unbindable",  MS_UNBINDABLE         },
	{"runbindable", MS_UNBINDABLE | MS_REC},
};

struct option {
	const char *word;
	enum action action;
	uint64_t set;
	uint64_t clear;
};

#define AS_OPTION(word, action, set, clear) {word, action, set, clear},
static const struct option options[] = {WORDS(AS_OPTION)};

#define AS_WORD(word, action, set, clear) word,
static const char *const words[] = {WORDS(AS_WORD)};
/* clang-format on */

static_assert(ARRAY_SIZE(options) == ARRAY_SIZE(words), "every option is told by features");

enum {
	FSCONFIG_TEXT_MOST = 255, /* fsconfig(2): EINVAL for more */
	MOUNT_DATA_MOST = 4095,   /* mount(2): a page */
};

const char *const *rootfs_option_words(size_t *ret_count)
{
	*ret_count = ARRAY_SIZE(words);
	return words;
}

/* Only idmap may have a value. */
static const struct option *find_option(const char *word)
{
	size_t length = strcspn(word, "=");

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (strlen(options[i].word) == length &&
		    strncmp(options[i].word, word, length) == 0 &&
		    (!word[length] || options[i].action == IDMAP))
			return &options[i];
	return NULL;
}

/* What mount(8) keeps for itself and for fstab(5): no file system has seen these. */
static bool is_for_mount_8(const char *word)
{
	static const char *const whole[] = {"_netdev", "auto",  "group", "noauto", "nofail",
	                                    "nouser",  "owner", "user",  "users"};
	static const char *const begin[] = {"X-", "comment=", "x-"};

	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		if (strcmp(word, whole[i]) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(begin); i++)
		if (strncmp(word, begin[i], strlen(begin[i])) == 0)
			return true;
	return false;
}

/* A later word takes back what an earlier one said. */
static void change(uint64_t *set, uint64_t *clear, const struct option *option)
{
	*set = (*set & ~option->clear) | option->set;
	*clear = (*clear | option->clear) & ~(option->set & ~(uint64_t)ATIME);
}

static int add_datum(struct rootfs_mount *mount, size_t option, const char *word,
                     struct arena *arena, struct error *err)
{
	struct rootfs_datum *datum = &mount->data[mount->data_count];
	const char *equals = strchr(word, '=');

	if (equals && strlen(equals + 1) > FSCONFIG_TEXT_MOST)
		mount->at_once = true;
	datum->option = option;
	datum->word = word;
	datum->key = equals ? arena_text_n(arena, word, (size_t)(equals - word)) : word;
	datum->value = equals ? equals + 1 : NULL;
	if (!datum->key)
		return arena_check(arena, err);
	mount->data_count++;
	return 0;
}

static void read_link_word(struct rootfs_mount *mount, enum link_word word)
{
	mount->keep_link = mount->keep_link || word == KEEP;
	mount->onto_link = mount->onto_link || word == ONTO;
	mount->copy_link = mount->copy_link || word == COPY;
}

static int read_word(struct rootfs_mount *mount, size_t index, const char *word,
                     struct arena *arena, struct error *err)
{
	const struct option *option = find_option(word);

	if (!option)
		return add_datum(mount, index, word, arena, err);
	switch (option->action) {
	case NOTHING:
		return 0;
	case BELOW:
		change(&mount->set_below, &mount->clear_below, option);
		change(&mount->set, &mount->clear, option);
		return 0;
	case ATTRIBUTE:
		change(&mount->set, &mount->clear, option);
		return 0;
	case BIND:
		mount->bind = true;
		mount->recursive = mount->recursive || option->set;
		return 0;
	case PROPAGATION:
		mount->propagation = option->set;
		return 0;
	case SUPER:
		return add_datum(mount, index, word, arena, err);
	case SUPER_BELOW:
		return add_datum(mount, index, word + 1, arena, err);
	case COPY_UP:
		mount->copy_up = true;
		return 0;
	case REMOUNT:
		mount->remount = true;
		return 0;
	case IDMAP:
		mount->ids = word + strcspn(word, "=");
		mount->ids += *mount->ids == '=';
		mount->ids_below = mount->ids_below || option->set;
		return 0;
	case LINK:
		read_link_word(mount, (enum link_word)option->set);
		return 0;
	}
	return 0;
}

static bool is_type(const struct spec_mount *asked, const char *type)
{
	return asked->type && strcmp(asked->type, type) == 0;
}

/* Where the kernel would end the first word of what it is handed as one text: at a comma. But an SELinux context may be
 * in quotes, an overlay has its "\,", and no option of a tmpfs begins with a digit, as the nodes of mpol= do. */
static size_t word_length(const struct spec_mount *asked, const char *text)
{
	const char *context = strstr(text, "context=");
	bool is_context = context && context == text + strcspn(text, "=,") - strlen("context");
	bool quoted = false;
	size_t i;

	for (i = 0; text[i]; i++) {
		if (text[i] == '"' && is_context)
			quoted = !quoted;
		else if (text[i] == '\\' && text[i + 1] && is_type(asked, "overlay"))
			i++;
		else if (text[i] == ',' && !quoted &&
		         !(is_type(asked, "tmpfs") && isdigit((unsigned char)text[i + 1])))
			break;
	}
	return i;
}

static int read_option(struct rootfs_mount *mount, const struct spec_mount *asked, size_t index,
                       struct arena *arena, struct error *err)
{
	const char *text = asked->options.item[index];
	size_t length = word_length(asked, text);

	if (!text[length])
		return !*text || is_for_mount_8(text) ? 0
		                                      : read_word(mount, index, text, arena, err);
	/* several, as for the kernel: words of ours are none among them, as with the peers */
	for (; *text; text += length + (text[length] == ',')) {
		const char *word;

		length = word_length(asked, text);
		word = arena_text_n(arena, text, length);
		if (!word)
			return arena_check(arena, err);
		if (*word && !is_for_mount_8(word) && add_datum(mount, index, word, arena, err) < 0)
			return -1;
	}
	return 0;
}

/* A bind makes no file system that could have options: mount(2) doesn't look at them. */
static void drop_data(struct rootfs_mount *mount, const struct spec_mount *asked)
{
	for (size_t i = 0; i < mount->data_count; i++)
		if (!find_option(asked->options.item[mount->data[i].option]))
			log_warning(
				"mounts[%zu].options[%zu]: '%.64s' means nothing for a bind mount",
				mount->index, mount->data[i].option, mount->data[i].word);
	mount->data_count = 0;
}

/* To mount(2) these are a flag, which file systems without a choice don't look at; as words they don't know them. */
static void drop_acl(struct rootfs_mount *mount, const struct spec_mount *asked)
{
	static const char *const without[] = {"none", "overlay", "ramfs", "tmpfs", "xfs"};
	bool drop = !asked->type || !rootfs_has_superblock_flag(asked->type);
	size_t kept = 0;

	for (size_t i = 0; i < ARRAY_SIZE(without); i++)
		drop = drop || is_type(asked, without[i]);
	for (size_t i = 0; drop && i < mount->data_count; i++)
		if (strcmp(mount->data[i].word, "acl") != 0 &&
		    strcmp(mount->data[i].word, "noacl") != 0)
			mount->data[kept++] = mount->data[i];
	if (drop)
		mount->data_count = kept;
}

/* What mount(2) would be handed: all of it in one page. */
static size_t data_bytes(const struct rootfs_mount *mount)
{
	size_t bytes = 0;

	for (size_t i = 0; i < mount->data_count; i++)
		bytes += strlen(mount->data[i].word) + 1;
	return bytes;
}

static int check_together(const struct rootfs_mount *mount, const struct spec_mount *asked,
                          struct error *err)
{
	bool is_tmpfs = !mount->bind && is_type(asked, "tmpfs");

	if (mount->remount && (mount->copy_up || mount->ids || mount->keep_link ||
	                       mount->onto_link || mount->copy_link))
		return fail(
			err, ERROR_CONFIG, "",
			"'remount' goes with none of 'tmpcopyup', 'idmap', 'ridmap' and the words "
			"for links");
	if (mount->copy_up && !is_tmpfs)
		return fail(err, ERROR_CONFIG, "", "'tmpcopyup' is for a tmpfs");
	if (mount->ids && !mount->bind)
		return fail(err, ERROR_UNSUPPORTED, "", "'idmap' is for a bind mount");
	if ((mount->keep_link || mount->copy_link) && !mount->bind)
		return fail(err, ERROR_CONFIG, "", "'%s' is for a bind mount",
		            mount->keep_link ? "src-nofollow" : "copy-symlink");
	if (mount->copy_link && (mount->keep_link || mount->onto_link))
		return fail(err, ERROR_CONFIG, "",
		            "'copy-symlink' goes with neither "
		            "'src-nofollow' nor 'dest-nofollow'");
	if (mount->at_once && data_bytes(mount) > MOUNT_DATA_MOST)
		return fail(err, ERROR_UNSUPPORTED, "",
		            "one of more than %d bytes, and more than %d in all",
		            FSCONFIG_TEXT_MOST, MOUNT_DATA_MOST);
	return 0;
}

/* Of the words in all options: so many at most, and one for add_labels(). */
static size_t data_most(const struct spec_mount *asked)
{
	size_t count = 1 + asked->options.count;

	for (size_t i = 0; i < asked->options.count; i++)
		for (const char *at = asked->options.item[i]; (at = strchr(at, ',')); at++)
			count++;
	return count;
}

int rootfs_read_options(const struct spec_mount *asked, struct arena *arena,
                        struct rootfs_mount *mount, struct error *err)
{
	mount->bind = is_type(asked, "bind");
	mount->data = arena_alloc(arena, data_most(asked), sizeof(struct rootfs_datum));
	if (!mount->data)
		return arena_check(arena, err);
	for (size_t i = 0; i < asked->options.count; i++)
		if (read_option(mount, asked, i, arena, err) < 0)
			return error_within(err, "mounts[%zu].options[%zu]", mount->index, i);
	if (mount->bind) {
		drop_data(mount, asked);
		mount->at_once = false;
	}
	drop_acl(mount, asked);
	if (check_together(mount, asked, err) < 0)
		return error_within(err, "mounts[%zu].options", mount->index);
	if (mount->remount) /* nothing is mounted anew */
		mount->bind = mount->recursive = false;
	return 0;
}
