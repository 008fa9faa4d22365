/* SPDX-License-Identifier: Apache-2.0 */
#include "microvm/microvm.h"
#include "runtime/namespace/namespace.h"

#include "shim.h"

/* The only place of this program that names them; the first is the default. */
const struct executor *const shim_executors[] = {
	&namespace_executor,
	&microvm_executor,
	NULL,
};
