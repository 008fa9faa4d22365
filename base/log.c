/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "text.h"

/* A line is built in a buffer of the stack and leaves with one write(2): neither the heap nor stdio
 * nor the time zone (gmtime_r(3) locks and may read a file) is touched: the child may log too. */

struct collector;

enum { MESSAGE_MOST = 2048, LINE_MOST = 4096, LINE_END = 64, NAME_MOST = 64 };

/* The one place that a process logs to: every part of it may have something to say. */
static struct {
	int fd; /* -1: stderr */
	enum log_format format;
	enum log_level level;
	const struct collector *collector; /* NULL: a file */
	char name[NAME_MOST + 1];          /* whose messages, for a collector */
} log_to = {.fd = -1, .format = LOG_TEXT, .level = LOG_WARNING};

static const char *const level_words[] = {"error", "warning", "info", "debug"};
_Static_assert(sizeof(level_words) / sizeof(level_words[0]) == LOG_LEVELS, "one word a level");

struct line {
	char bytes[LINE_MOST];
	size_t length;
};

/* Append what leaves room for the end of the line, or nothing. */
static void put(struct line *line, const char *bytes, size_t length)
{
	if (length > sizeof(line->bytes) - LINE_END - line->length)
		return;
	memcpy(line->bytes + line->length, bytes, length);
	line->length += length;
}

static void put_end(struct line *line, const char *end)
{
	size_t length = strlen(end);

	memcpy(line->bytes + line->length, end, length);
	line->length += length;
}

/* Append a message as it may stand on a terminal: in one line, without control characters. */
static void put_plain(struct line *line, const char *message)
{
	size_t left = strlen(message), step;

	for (; left > 0; message += step, left -= step) {
		step = text_printable_step(message, left);
		if (step > 0) {
			put(line, message, step);
		} else {
			put(line, "?", 1);
			step = 1;
		}
	}
}

/* Append a message as it may stand between quotes, of JSON and of a log line alike. */
static void put_quoted(struct line *line, const char *message)
{
	size_t left = strlen(message);
	struct text_quoted next;

	for (; left > 0; message += next.step, left -= next.step) {
		text_quote(message, left, &next);
		if (next.instead)
			put(line, next.instead, strlen(next.instead));
		else
			put(line, message, next.step);
	}
}

void log_time(char *text, size_t size, bool nanoseconds)
{
	struct timespec now = {0};
	int64_t days, era, day, year_of_era, year, month;
	int seconds, n;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	days = now.tv_sec / 86400;
	seconds = (int)(now.tv_sec % 86400);
	/* days since 1 March 0000, in eras of 400 years of 146,097 days, in years that end with
	 * February: the leap day is the last of its year */
	days += 719468;
	era = days / 146097;
	day = days % 146097;
	year_of_era = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year_of_era + year_of_era / 4 - year_of_era / 100;
	month = (5 * day + 2) / 153;
	day -= (153 * month + 2) / 5;
	year = era * 400 + year_of_era + (month >= 10);
	month = month >= 10 ? month - 9 : month + 3;
	n = snprintf(text, size, "%04d-%02d-%02dT%02d:%02d:%02d", (int)year, (int)month,
	             (int)day + 1, seconds / 3600, seconds / 60 % 60, seconds % 60);
	if (n > 0 && (size_t)n < size && nanoseconds)
		(void)snprintf(text + n, size - (size_t)n, ".%09ldZ", now.tv_nsec);
	else if (n > 0 && (size_t)n < size)
		(void)snprintf(text + n, size - (size_t)n, "Z");
}

static void put_json(struct line *line, enum log_level level, const char *message)
{
	char time[64];
	char end[LINE_END];

	log_time(time, sizeof(time), true);
	put(line, "{\"level\":\"", 10);
	put(line, level_words[level], strlen(level_words[level]));
	put(line, "\",\"msg\":\"", 9);
	put_quoted(line, message);
	(void)snprintf(end, sizeof(end), "\",\"time\":\"%.40s\"}\n", time);
	put_end(line, end);
}

static void put_file(struct line *line, enum log_level level, const char *message)
{
	char time[64];
	char start[128];
	int n;

	log_time(time, sizeof(time), false);
	n = snprintf(start, sizeof(start), "time=\"%.40s\" level=%s msg=\"", time,
	             level_words[level]);
	put(line, start, n > 0 ? (size_t)n : 0);
	put_quoted(line, message);
	put_end(line, "\"\n");
}

static void put_stderr(struct line *line, enum log_level level, const char *message)
{
	put(line, "cella: ", 7);
	if (level != LOG_ERROR) {
		put(line, level_words[level], strlen(level_words[level]));
		put(line, ": ", 2);
	}
	put_plain(line, message);
	put_end(line, "\n");
}

/* ---- who collects messages: a datagram each ---- */

/* Of syslog(3): LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG; of the facility for programs of users. */
static const int priorities[LOG_LEVELS] = {3, 4, 6, 7};
enum { FACILITY_USER = 1 << 3 };

/* Spec: systemd's "Native Journal Protocol". */
static void put_journal(struct line *line, enum log_level level, const char *message)
{
	char fields[NAME_MOST + 64];
	int n = snprintf(fields, sizeof(fields),
	                 "PRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nMESSAGE=", priorities[level],
	                 log_to.name);

	put(line, fields, n > 0 ? (size_t)n : 0);
	put_plain(line, message);
	put_end(line, "\n");
}

/* As syslog(3) writes it. */
static void put_syslog(struct line *line, enum log_level level, const char *message)
{
	char start[NAME_MOST + 64];
	int n = snprintf(start, sizeof(start), "<%d>%s[%d]: ", FACILITY_USER | priorities[level],
	                 log_to.name, (int)getpid());

	put(line, start, n > 0 ? (size_t)n : 0);
	put_plain(line, message);
}

struct collector {
	const char *word, *socket;
	void (*put)(struct line *line, enum log_level level, const char *message);
};

static const struct collector collectors[] = {
	{"journald:", "/run/systemd/journal/socket", put_journal},
	{"syslog:",   "/dev/log",                    put_syslog },
};

static const struct collector *find_collector(const char *path)
{
	for (size_t i = 0; i < sizeof(collectors) / sizeof(collectors[0]); i++)
		if (text_begins(path, collectors[i].word))
			return &collectors[i];
	return NULL;
}

static int open_collector(const struct collector *collector, const char *name, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(name);
	int fd;

	if (length == 0 || length > NAME_MOST || name[strcspn(name, "\n=")])
		return fail(err, ERROR_USAGE, collector->word,
		            "expected a name of at most %d characters behind it", NAME_MOST);
	memcpy(address.sun_path, collector->socket, strlen(collector->socket) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail_errno(err, collector->socket, "socket");
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		(void)fail_errno(err, collector->socket, "connect");
		(void)close(fd);
		return -1;
	}
	memcpy(log_to.name, name, length + 1);
	return fd;
}

static void write_line(enum log_level level, const char *message)
{
	struct line line = {.length = 0};
	int errnum = errno;
	ssize_t n;

	if (log_to.collector)
		log_to.collector->put(&line, level, message);
	else if (log_to.format == LOG_JSON)
		put_json(&line, level, message);
	else if (log_to.fd >= 0)
		put_file(&line, level, message);
	else
		put_stderr(&line, level, message);
	do /* a log that can't be written has nobody to tell it to */
		n = write(log_to.fd >= 0 ? log_to.fd : STDERR_FILENO, line.bytes, line.length);
	while (n < 0 && errno == EINTR);
	errno = errnum;
}

static void PRINTF(2, 0) log_va(enum log_level level, const char *format, va_list args)
{
	char message[MESSAGE_MOST];
	int errnum = errno;

	if (level > log_to.level)
		return;
	if (vsnprintf(message, sizeof(message), format, args) < 0)
		message[0] = '\0';
	errno = errnum;
	write_line(level, message);
}

int log_open(const char *path, enum log_format format, enum log_level level, struct error *err)
{
	const struct collector *collector = path ? find_collector(path) : NULL;
	int fd = -1;

	if (collector) {
		fd = open_collector(collector, path + strlen(collector->word), err);
		if (fd < 0)
			return -1;
	} else if (path) {
		path += text_begins(path, "file:") ? strlen("file:") : 0;
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
		if (fd < 0)
			return fail_errno(err, path, "open");
	}
	if (log_to.fd >= 0)
		(void)close(log_to.fd);
	log_to.fd = fd;
	log_to.collector = collector;
	log_to.format = format;
	log_to.level = level;
	return 0;
}

int log_file(void)
{
	return log_to.fd;
}

bool log_is_debug(void)
{
	return log_to.level >= LOG_DEBUG;
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_va(LOG_ERROR, format, args);
	va_end(args);
}

void log_warning(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_va(LOG_WARNING, format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_va(LOG_INFO, format, args);
	va_end(args);
}

void log_debug(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_va(LOG_DEBUG, format, args);
	va_end(args);
}

void log_dropped(const char *during, const struct error *err)
{
	log_warning("%s: %s: %s", during, err->object, err->reason);
}
