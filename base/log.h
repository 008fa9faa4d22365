/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "error.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG, LOG_LEVELS };
enum log_format { LOG_TEXT, LOG_JSON };

/* Where messages go: one per process, set once by main() before anything else runs.
 *
 * Text lines on stderr look like "cella: OBJECT: reason"; in a file
 * `time="2026-01-02T15:04:05Z" level=error msg="…"` as runc and crun write; JSON lines are
 * `{"level":"error","msg":"…","time":"2026-01-02T15:04:05.123456789Z"}`. Each line is one write(2)
 * to a descriptor opened with O_APPEND.
 *
 * path     file to append to (made with mode 0644 where missing), with or without "file:" before it;
 *          "journald:NAME" or "syslog:NAME", where NAME says whose message it is; or NULL for stderr.
 * level    what is more talkative than this is dropped.
 * Returns  0, or -1 and *err when the file can't be opened. */
int log_open(const char *path, enum log_format format, enum log_level level,
             struct error *err) FALLIBLE;

/* The log file, or the socket of who collects messages; -1 when they go to stderr. Borrowed. */
int log_file(void);

/* Whether a debug message would be written: the question to ask before costly preparations. */
bool log_is_debug(void);

/* Write the time of now as RFC 3339 has it, in UTC, with or without its nanoseconds. Touches no time zone, which
 * gmtime_r(3) would read from a file. Context: any, the child too. */
void log_time(char *text, size_t size, bool nanoseconds);

void log_error(const char *format, ...) PRINTF(1, 2);
void log_warning(const char *format, ...) PRINTF(1, 2);
void log_info(const char *format, ...) PRINTF(1, 2);
void log_debug(const char *format, ...) PRINTF(1, 2);

/* An error that is not returned to anybody, and during what: "after a failed create: OBJECT:
 * reason", as a warning. */
void log_dropped(const char *during, const struct error *err);

#endif
