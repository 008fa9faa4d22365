/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IMAGE_INITRAMFS_H
#define IMAGE_INITRAMFS_H

#include "base/text.h"

#include "modules.h"

enum { INITRAMFS_LIMIT = 256 << 20 };

/* Write the file system that a guest begins with, see image.h: the same bytes for the same input.
 *
 * contents  one a module, in the order of modules->list, ready for the kernel (not packed).
 * order     the text of /modules/order.
 * out       appended to; its limit is INITRAMFS_LIMIT.
 * Returns   0, or -1 and *err.
 * Spec      Documentation/driver-api/early-userspace/buffer-format.rst, "newc". */
int initramfs_write(struct bytes agent, const struct modules *modules, const struct bytes *contents,
                    struct bytes order, struct text *out, struct error *err) FALLIBLE;

#endif
