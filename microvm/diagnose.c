/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/own.h"
#include "base/table.h"
#include "base/text.h"

#include "parts.h"

enum { CPUINFO_BYTES = 8192 };

static const char device[] = "/dev/kvm";

/* Without it: what the processor says tells which of the reasons it is. */
static const char *why_missing(void)
{
	static char text[CPUINFO_BYTES]; /* of one processor is enough */
	struct error ignored;

	if (fd_read_small(AT_FDCWD, "/proc/cpuinfo", text, sizeof(text), &ignored) < 0)
		return "is not there";
	if (strstr(text, " svm"))
		return "is not there: load it with 'modprobe kvm_amd'";
	if (strstr(text, " vmx"))
		return "is not there: load it with 'modprobe kvm_intel'";
	if (strstr(text, " hypervisor"))
		return "is not there: this is a virtual machine without nested virtualization, "
		       "which "
		       "its host has to switch on";
	return "is not there: the processor has no virtualization, or the firmware has switched it "
	       "off";
}

int kvm_open(struct error *err)
{
	owned_fd fd = open(device, O_RDWR | O_CLOEXEC);
	int version;

	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return fail(err, ERROR_SYSTEM, device,
		            "%s: who runs containers in virtual machines must be in the group kvm, "
		            "or root",
		            strerrordesc_np(errno));
	if (fd < 0 && errno == ENODEV)
		return fail(err, ERROR_UNSUPPORTED, device,
		            "has no hardware behind it: virtualization is off in the firmware, or "
		            "another program has taken it");
	if (fd < 0 && errno == ENOENT)
		return fail(err, ERROR_UNSUPPORTED, device, "%s", why_missing());
	if (fd < 0)
		return fail_errno(err, device, "open");
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION)
		return fail(err, ERROR_UNSUPPORTED, device, "speaks version %d, not %d", version,
		            KVM_API_VERSION);
	return take_fd(&fd);
}
