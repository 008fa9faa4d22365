/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>
#include <sys/types.h>

/* Room for what so many characters say. */
#define BASE64_ROOM(length) ((length) / 4 * 3 + 3)

/* The bytes that a text says in base64, with its padding, and nothing else.
 *
 * ret      room for BASE64_ROOM(strlen(text)).
 * Returns  how many, or -1: that is no base64. Context: any; nothing is allocated. Spec: RFC 4648, section 4. */
ssize_t base64_decode(const char *text, unsigned char *ret);

#endif
