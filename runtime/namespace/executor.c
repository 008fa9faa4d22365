/* SPDX-License-Identifier: Apache-2.0 */
#include "launch.h"

const struct executor namespace_executor = {
	.name = "namespace",
	.protect = namespace_protect,
	.create = namespace_create,
	.start = namespace_start,
	.exec = namespace_exec,
	.signal = namespace_signal,
	.pause = namespace_pause,
	.resume = namespace_resume,
	.update = namespace_update,
	.processes = namespace_processes,
	.stats = namespace_stats,
	.watch = namespace_watch,
	.mounts = namespace_mounts,
	.checkpoint = namespace_checkpoint,
	.restore = namespace_restore,
	.look = namespace_look,
	.destroy = namespace_destroy,
};
