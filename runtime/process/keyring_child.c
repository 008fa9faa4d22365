/* SPDX-License-Identifier: Apache-2.0 */
/* The session keyring of a container: one by name, which further processes of it join. A name may be anybody's: so
 * whose keyring it is, is looked at; what belongs to somebody else would give him the container's keys.
 * Spec: session-keyring(7), keyctl(2). */
#include <errno.h>
#include <linux/keyctl.h>
#include <string.h>
#include <unistd.h>

#include "base/syscalls.h"

#include "parts.h"

enum {
	POSSESSOR_ALL = 0x3f000000,
	OWNER_ALL_BUT_WRITE =
		0x001b0000, /* view, read, search (so that it is found by name), link */
	OWNER_FIELD = 1,    /* "keyring;UID;GID;PERM;NAME" */
};

/* The number in a field of a description; -1: there is none. */
static long number_in(const char *text, unsigned int field)
{
	long number = 0;

	while (field > 0) {
		text = strchr(text, ';');
		if (!text)
			return -1;
		text++;
		field--;
	}
	if (*text < '0' || *text > '9')
		return -1;
	for (; *text >= '0' && *text <= '9'; text++)
		number = number * 10 + (*text - '0');
	return number;
}

static bool is_ours(long keyring, uid_t owner)
{
	char text[512];
	long length = sys_keyctl(KEYCTL_DESCRIBE, (unsigned long)keyring, (unsigned long)text,
	                         sizeof(text), 0);

	if (length <= 0 || (size_t)length > sizeof(text))
		return false;
	text[length - 1] = '\0';
	return number_in(text, OWNER_FIELD) == (long)owner;
}

int process_apply_keyring(const struct process_plan *plan, struct error *err)
{
	long keyring;

	if (!plan->keyring)
		return 0;
	keyring = sys_keyctl(KEYCTL_JOIN_SESSION_KEYRING, (unsigned long)plan->keyring, 0, 0, 0);
	if (keyring < 0 && errno == ENOSYS) /* a kernel without keyrings has none to share */
		return 0;
	if (keyring >= 0 && !is_ours(keyring, plan->owner))
		keyring = sys_keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0);
	if (keyring < 0)
		return fail_errno(err, "--no-new-keyring", "can't make a session keyring");
	if (sys_keyctl(KEYCTL_SETPERM, (unsigned long)keyring, POSSESSOR_ALL | OWNER_ALL_BUT_WRITE,
	               0, 0) < 0)
		return fail_errno(err, "--no-new-keyring", "can't set a keyring's rights");
	return 0;
}
