/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "base/log.h"
#include "base/own.h"
#include "base/syscalls.h"

#include "devices.h"

static const char object[] = "linux.resources.devices";
static const char name[] = "cella_devices";
static const char licence[] = "Apache-2.0";

enum { ATTACHED_MOST = 64, VERIFIER_SAYS = 4096 };

static uint64_t address(const void *at)
{
	return (uint64_t)(uintptr_t)at;
}

static int load(const struct device_program *program, struct error *err)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insns = address(program->insns),
		.insn_cnt = (uint32_t)program->count,
		.license = address(licence),
	};
	char says[VERIFIER_SAYS] = "";
	int fd;

	memcpy(attr.prog_name, name, sizeof(name));
	fd = sys_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd >= 0)
		return fd;
	(void)fail_errno(err, object, "load the eBPF program");
	attr.log_buf = address(says);
	attr.log_size = sizeof(says);
	attr.log_level = 1;
	fd = sys_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd >= 0)
		return fd;
	log_debug("the kernel's verifier: %s", says);
	return -1;
}

/* replaced  the program whose place it takes, or -1 */
static int attach(int dir, int fd, int replaced, struct error *err)
{
	union bpf_attr attr = {
		.target_fd = (uint32_t)dir,
		.attach_bpf_fd = (uint32_t)fd,
		.attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI,
	};

	if (replaced >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)replaced;
	}
	if (sys_bpf(BPF_PROG_ATTACH, &attr, sizeof(attr)) < 0)
		return fail_errno(err, object, "attach the eBPF program");
	return 0;
}

static int detach(int dir, int fd, struct error *err)
{
	union bpf_attr attr = {
		.target_fd = (uint32_t)dir,
		.attach_bpf_fd = (uint32_t)fd,
		.attach_type = BPF_CGROUP_DEVICE,
	};

	if (sys_bpf(BPF_PROG_DETACH, &attr, sizeof(attr)) < 0)
		return fail_errno(err, object, "detach the eBPF program");
	return 0;
}

static bool is_ours(int fd)
{
	struct bpf_prog_info info = {0};
	union bpf_attr attr = {
		.info = {.bpf_fd = (uint32_t)fd, .info_len = sizeof(info), .info = address(&info)}
        };

	return sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)) == 0 &&
	       strcmp(info.name, name) == 0;
}

/* Returns  1 and the descriptor of ours, 0 when there is none, -1 and *err. */
static int find(int dir, int *ret_fd, struct error *err)
{
	uint32_t ids[ATTACHED_MOST];
	union bpf_attr attr = {
		.query = {.target_fd = (uint32_t)dir,
	                  .attach_type = BPF_CGROUP_DEVICE,
	                  .prog_ids = address(ids),
	                  .prog_cnt = ATTACHED_MOST}
        };

	if (sys_bpf(BPF_PROG_QUERY, &attr, sizeof(attr)) < 0)
		return fail_errno(err, object, "look for eBPF programs");
	for (uint32_t i = 0; i < attr.query.prog_cnt; i++) {
		union bpf_attr by_id = {.prog_id = ids[i]};
		owned_fd fd = sys_bpf(BPF_PROG_GET_FD_BY_ID, &by_id, sizeof(by_id));

		if (fd >= 0 && is_ours(fd)) {
			*ret_fd = take_fd(&fd);
			return 1;
		}
	}
	return 0;
}

int devices_attach(int dir, const struct device_program *program, struct error *err)
{
	owned_fd fd = -1;

	if (!program->insns)
		return 0;
	fd = load(program, err);
	return fd < 0 ? -1 : attach(dir, fd, -1, err);
}

int devices_load(int dir, const struct device_program *program, struct device_change *ret,
                 struct error *err)
{
	if (find(dir, &ret->old, err) < 0)
		return -1;
	if (!program->insns)
		return 0;
	ret->loaded = load(program, err);
	return ret->loaded < 0 ? -1 : 0;
}

int devices_change(int dir, const struct device_change *change, struct error *err)
{
	if (change->loaded >= 0)
		return attach(dir, change->loaded, change->old, err);
	return change->old >= 0 ? detach(dir, change->old, err) : 0;
}

void device_change_release(struct device_change *change)
{
	fd_release(&change->old);
	fd_release(&change->loaded);
}
