/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include "life.h"
#include "worker.h"

/* What a worker has made becomes ours when the worker ends, and by then it has reported; so where a process is
 * unknown, its report has not been read yet, or it is nobody's: left by a container that has no pid namespace. */
void reap(struct shim *shim)
{
	struct process *p;
	int status;
	pid_t pid;

	while ((pid = process_reap(&status)) > 0) {
		if (work_reaped(shim, pid))
			continue;
		p = process_of(shim, pid);
		if (!p) {
			works_collect(shim);
			p = process_of(shim, pid);
		}
		if (p)
			life_ended(p, status);
	}
}
