/* SPDX-License-Identifier: Apache-2.0 */
/* The half of the fs device that is a process of its own.
 *
 * Actors: the thread that called virtio_fs_serve() talks with the monitor and does nothing else; one worker for each
 * request queue, the first of which has the queue of high priority too. Between START and STOP the rings are the
 * workers', each queue one worker's. STOP raises a flag and wakes them; each comes to rest between two requests, and
 * only when all do is STOP answered: from then on nothing of the guest is read or written. Then, unless it is a
 * pause, the files are forgotten and the memory is unmapped; requests that wait for a lock go with them.
 *
 * The state is under a mutex; workers wait for it with one condition, the talker for them with the other. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/log.h"
#include "base/own.h"

#include "fs.h"
#include "fs_wire.h"

enum { TURN = 16 }; /* requests of a queue before the other has its turn */

enum state { IDLE, RUNNING, ENDING };

struct service;

struct worker {
	struct service *service;
	pthread_t thread;
	struct fuse_thread *fuse;
	int wake; /* owned */
	unsigned int queue[2], queues;
	struct virtio_chain chain;
};

/* A queue, and the descriptors it came with. */
struct line {
	struct virtio_queue queue;
	int kick, call; /* owned */
	bool reported;  /* as broken */
};

struct service {
	const struct virtio_fs_service *given;
	struct fuse_server *fuse;
	struct guest_memory memory;
	unsigned int lines;
	struct line line[VIRTIO_QUEUES_MAX];
	unsigned int workers; /* that were started */
	struct worker *worker;
	pthread_mutex_t mutex;
	pthread_cond_t told, done;
	enum state state;
	unsigned int turn;    /* how often it was started */
	unsigned int at_work; /* workers not at rest */
	struct error failure; /* of a worker at its start */
	bool failed;
	atomic_bool stop;
};

static void report_broken(struct service *s, struct line *line)
{
	const struct fs_message message = {.kind = FS_BROKEN};
	struct error err;

	if (line->reported)
		return;
	line->reported = true;
	if (fdpass_send(s->given->socket, &message, sizeof(message), -1, &err) < 0)
		log_debug("%s: %s", err.object, err.reason);
}

/* Handle some requests of a queue. Returns whether there may be more. */
static bool serve_queue(struct worker *w, unsigned int index)
{
	struct service *s = w->service;
	struct line *line = &s->line[index];
	struct virtio_chain *chain = &w->chain;
	int popped = 1;

	for (int i = 0; i < TURN && !atomic_load(&s->stop); i++) {
		struct fuse_request request;
		size_t written;

		popped = queue_pop(&line->queue, chain);
		if (popped <= 0)
			break;
		request = (struct fuse_request){.in = chain->buffer,
		                                .in_count = chain->readable,
		                                .out = chain->buffer + chain->readable,
		                                .out_count = chain->writable,
		                                .tag = (uint64_t)index << 16 | chain->head};
		written = fuse_handle(w->fuse, &request);
		if (written == FUSE_LATER)
			continue;
		queue_push(&line->queue, chain->head, (uint32_t)written);
		queue_announce(&line->queue);
	}
	if (popped < 0)
		report_broken(s, line);
	return popped > 0;
}

/* Give back what was put off and can be answered now. */
static void serve_late(struct worker *w)
{
	uint64_t tag;
	size_t written;

	while (!atomic_load(&w->service->stop) && fuse_late(w->fuse, &tag, &written)) {
		struct virtio_queue *q = &w->service->line[tag >> 16].queue;

		queue_push(q, (uint16_t)tag, (uint32_t)written);
		queue_announce(q);
	}
}

static void drain(int fd)
{
	uint64_t count;

	/* what was there was seen: it only counts */
	if (read(fd, &count, sizeof(count)) < 0)
		return;
}

static void sleep_until_kicked(const struct worker *w)
{
	struct pollfd fds[3] = {
		{.fd = w->wake, .events = POLLIN}
        };

	for (unsigned int i = 0; i < w->queues; i++) {
		const struct line *line = &w->service->line[w->queue[i]];

		/* -1 is left out by poll(2) */
		fds[1 + i] = (struct pollfd){
			.fd = line->queue.ready && !line->queue.broken ? line->kick : -1,
			.events = POLLIN};
	}
	if (poll(fds, 1 + w->queues, fuse_patience(w->fuse)) <= 0)
		return;
	for (unsigned int i = 0; i <= w->queues; i++)
		if (fds[i].revents & POLLIN)
			drain(fds[i].fd);
}

static void run(struct worker *w)
{
	while (!atomic_load(&w->service->stop)) {
		bool more = false;

		for (unsigned int i = 0; i < w->queues; i++) {
			struct virtio_queue *q = &w->service->line[w->queue[i]].queue;

			queue_busy(q);
			more |= serve_queue(w, w->queue[i]);
		}
		serve_late(w);
		for (unsigned int i = 0; i < w->queues && !more; i++)
			more = queue_wait(&w->service->line[w->queue[i]].queue);
		if (!more)
			sleep_until_kicked(w);
	}
}

static void rest(struct service *s)
{
	s->at_work--;
	(void)pthread_cond_signal(&s->done);
}

static void *worker_main(void *data)
{
	struct worker *w = data;
	struct service *s = w->service;
	unsigned int turn = 0;
	struct error err;

	/* whose permissions it has is looked up by the thread itself */
	w->fuse = fuse_thread_new(s->fuse, w->wake, &err);
	(void)pthread_mutex_lock(&s->mutex);
	if (!w->fuse) {
		s->failed = true;
		s->failure = err;
	}
	rest(s);
	/* each turn is taken, also one that is over before it was noticed: who stops it waits for everybody */
	while (s->state != ENDING || s->turn != turn) {
		if (s->turn == turn) {
			(void)pthread_cond_wait(&s->told, &s->mutex);
			continue;
		}
		turn = s->turn;
		(void)pthread_mutex_unlock(&s->mutex);
		run(w);
		(void)pthread_mutex_lock(&s->mutex);
		rest(s);
	}
	(void)pthread_mutex_unlock(&s->mutex);
	fuse_thread_free(w->fuse);
	return NULL;
}

/* Tell the workers, and wait until those who were at work are at rest. */
static void tell(struct service *s, enum state state)
{
	const uint64_t one = 1;

	(void)pthread_mutex_lock(&s->mutex);
	atomic_store(&s->stop, state != RUNNING);
	s->state = state;
	if (state == RUNNING) {
		s->turn++;
		s->at_work = s->workers;
	}
	(void)pthread_cond_broadcast(&s->told);
	for (unsigned int i = 0; i < s->workers && state != RUNNING; i++)
		if (write(s->worker[i].wake, &one, sizeof(one)) < 0)
			log_debug("file server: eventfd: %s", strerrordesc_np(errno));
	while (state != RUNNING && s->at_work > 0)
		(void)pthread_cond_wait(&s->done, &s->mutex);
	(void)pthread_mutex_unlock(&s->mutex);
}

static void line_release(struct line *line)
{
	fd_release(&line->kick);
	fd_release(&line->call);
	*line = (struct line){.kick = -1, .call = -1};
}

/* At rest: nothing of the guest is left. */
static void forget(struct service *s)
{
	fuse_reset(s->fuse);
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++)
		line_release(&s->line[i]);
	memory_release(&s->memory);
}

static int take_memory(struct service *s, const struct fs_message *message, int *fd,
                       struct error *err)
{
	(void)message;
	if (*fd < 0)
		return fail(err, ERROR_SYSTEM, "monitor", "memory without a file");
	forget(s);
	return memory_map(take_fd(fd), &s->memory, err);
}

static int take_queue(struct service *s, const struct fs_message *m, int *fd, struct error *err)
{
	struct line *line = &s->line[m->queue < s->lines ? m->queue : 0];

	if (m->queue >= s->lines || m->size > QUEUE_SIZE_MAX || *fd < 0)
		return fail(err, ERROR_SYSTEM, "monitor", "a queue that can't be");
	fd_release(&line->kick);
	line->kick = take_fd(fd);
	line->queue = (struct virtio_queue){.memory = &s->memory,
	                                    .kick = line->kick,
	                                    .call = line->call,
	                                    .size_max = QUEUE_SIZE_MAX,
	                                    .size = (uint16_t)m->size,
	                                    .descriptors = m->descriptors,
	                                    .available = m->available,
	                                    .used = m->used,
	                                    .event_idx = m->event_idx,
	                                    .indirect = m->indirect};
	return 0;
}

static int take_call(struct service *s, const struct fs_message *m, int *fd, struct error *err)
{
	if (m->queue >= s->lines || *fd < 0)
		return fail(err, ERROR_SYSTEM, "monitor", "an interrupt that can't be");
	fd_release(&s->line[m->queue].call);
	s->line[m->queue].call = take_fd(fd);
	s->line[m->queue].queue.call = s->line[m->queue].call;
	return 0;
}

static int answer(struct service *s, enum fs_kind kind, struct error *err)
{
	struct fs_message message = {.kind = kind};

	/* while the workers run, the places are theirs */
	for (unsigned int i = 0; i < s->lines && kind == FS_STOPPED; i++) {
		const struct virtio_queue *q = &s->line[i].queue;

		message.place[i] = (struct fs_place){q->next_available, q->next_used, q->announced};
	}
	return fdpass_send(s->given->socket, &message, sizeof(message), -1, err);
}

/* Look a queue up in memory, and go on where it was left. One that was never set up gives nothing. */
static int enable(struct line *line, const struct fs_place *place, struct error *err)
{
	if (line->kick < 0)
		return 0;
	if (line->call < 0)
		return fail(err, ERROR_SYSTEM, "monitor", "a queue without an interrupt");
	if (queue_enable(&line->queue, err) < 0)
		return -1;
	line->queue.next_available = place->next_available;
	line->queue.next_used = place->next_used;
	line->queue.announced = place->announced;
	line->reported = false;
	return 0;
}

static int take_start(struct service *s, const struct fs_message *m, int *fd, struct error *err)
{
	struct error why;

	(void)fd;
	for (unsigned int i = 0; i < s->lines; i++) {
		if (enable(&s->line[i], &m->place[i], &why) == 0)
			continue;
		log_warning("%s: %s", why.object, why.reason);
		return answer(s, FS_FAILED, err);
	}
	tell(s, RUNNING);
	return answer(s, FS_STARTED, err);
}

static int take_stop(struct service *s, const struct fs_message *m, int *fd, struct error *err)
{
	int result;

	(void)fd;
	tell(s, IDLE);
	result = answer(s, FS_STOPPED, err);
	if (m->forget)
		forget(s);
	return result;
}

static const struct {
	int (*take)(struct service *s, const struct fs_message *m, int *fd, struct error *err);
	bool running; /* may come while the workers run */
} messages[] = {
	{take_memory, false},
        {take_queue,  false},
        {take_call,   false},
	{take_start,  false},
        {take_stop,   true },
};
_Static_assert(sizeof(messages) / sizeof(messages[0]) == FS_KINDS, "a row for each kind");

/* Returns  1, 0 when the monitor has hung up, -1 and *err. */
static int listen_once(struct service *s, struct error *err)
{
	struct fs_message message;
	owned_fd fd = -1;
	ssize_t n = fdpass_receive(s->given->socket, &message, sizeof(message), &fd, err);

	if (n <= 0)
		return (int)n;
	if (n != sizeof(message) || message.kind >= FS_KINDS)
		return fail(err, ERROR_SYSTEM, "monitor", "it says what is not known");
	if (s->state == RUNNING && !messages[message.kind].running)
		return fail(err, ERROR_SYSTEM, "monitor", "it says this out of turn");
	return messages[message.kind].take(s, &message, &fd, err) < 0 ? -1 : 1;
}

static int start_worker(struct service *s, unsigned int index, struct error *err)
{
	struct worker *w = &s->worker[index];
	int result;

	*w = (struct worker){.service = s, .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	if (w->wake < 0)
		return fail_errno(err, "file server", "eventfd");
	if (index == 0)
		w->queue[w->queues++] = 0;
	w->queue[w->queues++] = 1 + index;
	result = pthread_create(&w->thread, NULL, worker_main, w);
	if (result == 0) {
		s->workers++;
		return 0;
	}
	fd_release(&w->wake);
	errno = result;
	return fail_errno(err, "file server", "thread");
}

/* Start all workers and wait until each is at rest. */
static int start_workers(struct service *s, struct error *err)
{
	unsigned int wanted = s->given->request_queues;
	sigset_t all, before;
	int result = 0;

	s->worker = calloc(wanted, sizeof(*s->worker));
	if (!s->worker)
		return fail_errno(err, "file server", "allocate");
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	(void)pthread_mutex_lock(&s->mutex);
	while (s->workers < wanted && result == 0)
		result = start_worker(s, s->workers, err);
	s->at_work += s->workers;
	while (s->at_work > 0)
		(void)pthread_cond_wait(&s->done, &s->mutex);
	(void)pthread_mutex_unlock(&s->mutex);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (result == 0 && s->failed) {
		*err = s->failure;
		result = -1;
	}
	return result;
}

static void service_release(struct service *s)
{
	tell(s, ENDING);
	for (unsigned int i = 0; i < s->workers; i++) {
		(void)pthread_join(s->worker[i].thread, NULL);
		fd_release(&s->worker[i].wake);
	}
	if (s->fuse)
		forget(s);
	fuse_free(s->fuse);
	free(s->worker);
	(void)pthread_cond_destroy(&s->done);
	(void)pthread_cond_destroy(&s->told);
	(void)pthread_mutex_destroy(&s->mutex);
}

int virtio_fs_serve(const struct virtio_fs_service *given, struct error *err)
{
	OWNED(service_release) struct service s = {.given = given, .memory = {.file = -1}};
	int result = 1;

	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++)
		s.line[i].kick = s.line[i].call = -1;
	(void)pthread_mutex_init(&s.mutex, NULL);
	(void)pthread_cond_init(&s.told, NULL);
	(void)pthread_cond_init(&s.done, NULL);
	if (given->request_queues == 0 || given->request_queues >= VIRTIO_QUEUES_MAX)
		return fail(err, ERROR_CONFIG, "file server", "%u request queues, not 1 to %u",
		            given->request_queues, VIRTIO_QUEUES_MAX - 1);
	s.lines = 1 + given->request_queues;
	s.fuse = fuse_new(given->root, given->proc, given->options, err);
	if (!s.fuse || start_workers(&s, err) < 0)
		return -1;
	while (result > 0)
		result = listen_once(&s, err);
	return result;
}
