/* SPDX-License-Identifier: Apache-2.0 */
/* process.apparmorProfile and process.selinuxLabel: refused where the kernel would not keep to them. */
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/own.h"
#include "base/path.h"

#include "parts.h"

bool process_has_apparmor(void)
{
	struct error ignored;
	char word[4];

	return fd_read_small(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", word,
	                     sizeof(word), &ignored) > 0 &&
	       word[0] == 'Y';
}

bool process_has_selinux(void)
{
	owned_fd fd = open("/sys/fs/selinux", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && path_is_on(fd, SELINUX_MAGIC);
}

/* A line break or a NUL would end what the kernel reads. */
static int check_words(const char *words, const char *path, struct error *err)
{
	if (words[strcspn(words, "\n")])
		return fail(err, ERROR_CONFIG, path, "has a line break");
	return 0;
}

int plan_labels(const struct spec_process *process, const struct host *host, struct arena *arena,
                struct process_plan *plan, struct error *err)
{
	const char *profile = process->apparmor_profile, *label = process->selinux_label;

	if (label && *label) {
		if (!host->made_up && !process_has_selinux())
			return fail(err, ERROR_UNSUPPORTED, "process.selinuxLabel",
			            "SELinux is not enabled in this kernel");
		if (check_words(label, "process.selinuxLabel", err) < 0)
			return -1;
		plan->selinux_label = label;
	}
	if (!profile || !*profile)
		return 0;
	if (!host->made_up && !process_has_apparmor()) {
		if (strcmp(profile, "unconfined") == 0) /* it is */
			return 0;
		return fail(err, ERROR_UNSUPPORTED, "process.apparmorProfile",
		            "AppArmor is not enabled in this kernel");
	}
	if (check_words(profile, "process.apparmorProfile", err) < 0)
		return -1;
	plan->apparmor_profile = profile;
	plan->apparmor_change = arena_format(arena, "exec %s", profile);
	return arena_check(arena, err);
}
