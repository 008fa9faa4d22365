/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stdbool.h>
#include <termios.h>

#include "base/error.h"
#include "base/text.h"

/* The whole terminal as a picture that is drawn again and again. */
struct screen {
	int signals; /* those that end it are read, not obeyed: the terminal is put right first */
	bool keys;   /* stdin is a terminal whose modes we changed */
	bool drawn;
	struct termios modes; /* as they were */
};
#define SCREEN_NONE                                                                                \
	{                                                                                          \
		.signals = -1                                                                      \
	}

/* Take the terminal: stdout must be one; keys are read where stdin is one too. screen_close() puts it
 * back, after a failure too.
 * Returns  0, or -1 and *err. */
int screen_open(struct screen *screen, struct error *err) FALLIBLE;
void screen_close(struct screen *screen);
#define owned_screen __attribute__((cleanup(screen_close)))

/* Draw a text anew from the first line; what does not fit is cut off. */
int screen_draw(const struct text *picture, struct error *err) FALLIBLE;

/* Wait, until the user has enough of it or time is over.
 * Returns  1 for q, ^C or a signal that ends; 0 when the time is over or the size has changed; -1 and
 *          *err. */
int screen_wait(struct screen *screen, int timeout_ms, struct error *err) FALLIBLE;

#endif
