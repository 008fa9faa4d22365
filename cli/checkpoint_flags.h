/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_CHECKPOINT_FLAGS_H
#define CLI_CHECKPOINT_FLAGS_H

#include "command.h"

/* What checkpoint and restore have in common. */
struct checkpoint_flags {
	const char *image_path, *work_path;
	int manage_cgroups_mode; /* enum checkpoint_cgroups */
	int empty_ns;            /* 1: of the network */
	int network_lock;        /* enum checkpoint_lock */
	bool tcp_established, ext_unix_sk, shell_job, file_locks, auto_dedup, lazy_pages;
	/* checkpoint only */
	const char *parent_path, *status_fd, *page_server;
	bool leave_running, pre_dump, tcp_skip_in_flight;
	bool link_remap;
	/* restore only */
	const char *bundle, *console_socket, *pid_file, *lsm_profile, *lsm_mount_context;
	bool detach, no_pivot, no_subreaper, tcp_close;
};

extern const struct word checkpoint_empty_words[1], checkpoint_lock_words[2];

#define CHECKPOINT_AT(kind, member)    kind(struct checkpoint_flags, member)
#define CHECKPOINT_WORD(member, words) WORD_AT(struct checkpoint_flags, member, words)
/* clang-format off */
#define CHECKPOINT_ROWS                                                                            \
	{"image-path", 0, "DIR", "folder of the images, instead of ./checkpoint",                  \
	 CHECKPOINT_AT(TEXT_AT, image_path)},                                                      \
	{"work-path", 0, "DIR", "folder for CRIU's log, instead of that",           \
	 CHECKPOINT_AT(TEXT_AT, work_path)},                                                       \
	{"tcp-established", 0, NULL, "with open TCP connections",                                  \
	 CHECKPOINT_AT(SWITCH_AT, tcp_established)},                                               \
	{"ext-unix-sk", 0, NULL, "with unix sockets whose other end is outside",                   \
	 CHECKPOINT_AT(SWITCH_AT, ext_unix_sk)},                                                   \
	{"shell-job", 0, NULL, "with a session and terminal of outside",                           \
	 CHECKPOINT_AT(SWITCH_AT, shell_job)},                                                     \
	{"file-locks", 0, NULL, "with locks of files",                                             \
	 CHECKPOINT_AT(SWITCH_AT, file_locks)},                                                    \
	{"link-remap", 0, NULL, "with open files that lost their names",         \
	 CHECKPOINT_AT(SWITCH_AT, link_remap)},                                                    \
	{"lazy-pages", 0, NULL, "memory is fetched when it is touched",                            \
	 CHECKPOINT_AT(SWITCH_AT, lazy_pages)},                                                    \
	{"auto-dedup", 0, NULL, "drop from images what a later one has",                           \
	 CHECKPOINT_AT(SWITCH_AT, auto_dedup)},                                                    \
	{"manage-cgroups-mode", 0, "MODE", "sub-cgroups: soft, full, strict or ignore",            \
	 CHECKPOINT_WORD(manage_cgroups_mode, checkpoint_cgroups_words)},                          \
	{"empty-ns", 0, "NAMESPACE", "without what is in it: network",                             \
	 CHECKPOINT_WORD(empty_ns, checkpoint_empty_words)},                                       \
	{"network-lock", 0, "METHOD", "hold packets back by iptables or nftables",                 \
	 CHECKPOINT_WORD(network_lock, checkpoint_lock_words)}
/* clang-format on */

/* The folders, open. */
struct checkpoint_folders {
	int images, work; /* -1 */
};
void checkpoint_folders_release(struct checkpoint_folders *folders);

/* Fill options in, and open the folders of images and logs.
 * make     the folder of images is made where it is missing.
 * Returns  0, or -1 and *err. ret_options borrows from the flags, the call and the folders. */
int checkpoint_read(const struct call *call, bool make, struct checkpoint_folders *ret_folders,
                    struct checkpoint_options *ret_options, struct error *err) FALLIBLE;

#endif
