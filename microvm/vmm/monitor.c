/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor: told its machine, it makes the devices, gives up what it does not need, and runs. For the container's
 * first process it stands in itself, from the moment the agent says that there is one. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/process.h"
#include "base/table.h"
#include "microvm/wire/wire.h"

#include "parts.h"
#include "program.h"

enum {
	GUEST_CID = 3,
	PORT = 1,
	VSOCK_LIMIT_MS = 10000,
	FS_LIMIT_MS = 10000,
	BOOT_S = 60, /* until the agent must be up; a second where the processor is not emulated */
	LAST_WORDS_S = 5,
	STATUS_FAILED = 255,
};

/* What the kernel would look for in vain takes most of its time. */
static const char usual_parameters[] =
	"earlyprintk=ttyS0,115200,keep panic=-1 reboot=t pci=off i8042.noaux i8042.nomux "
	"i8042.nopnp i8042.dumbkbd "
	"8250.nr_uarts=0 no_timer_check tsc=reliable cryptomgr.notests rcupdate.rcu_expedited=1 "
	"random.trust_cpu=on";

/* A panic and the words of a machine that ends are of level 0; each byte of what lies above is two exits. */
static const char quiet_parameters[] = "loglevel=1", console_parameters[] = "console=hvc0";

struct monitor {
	struct order order;
	int channel; /* to whoever creates the container; owned */
	struct loop *loop;
	struct virtio_device *device[MACHINE_DEVICES], *vsock, *console;
	size_t devices;
	struct machine *machine;
	struct control control;
	struct stand_in stand_in;
	struct loop_source agent;      /* its first connection, until there is a process */
	struct loop_source fileserver; /* pidfd */
	struct loop_source silence;    /* timer: until the agent is up, and once it has gone */
	struct wire_inbox inbox;
	bool up;   /* the agent was */
	bool made; /* the container is there: who creates it knows */
	int status;
};

/* Why it ends: who creates the container waits for that, later the container's stderr is the place. */
static void tell(struct monitor *m, const struct error *why)
{
	const struct wire_message message = wire_failed(why);
	struct error ignored;

	if (m->made)
		log_error("%s: %s: %s", m->order.name, why->object, why->reason);
	else if (wire_send(m->channel, &message, &ignored) < 0)
		log_debug("%s: %s", ignored.object, ignored.reason);
}

static void give_up(struct monitor *m, const struct error *why)
{
	tell(m, why);
	m->status = STATUS_FAILED;
	loop_stop(m->loop);
}

static void machine_ended(void *data, enum machine_end end, const char *why)
{
	struct monitor *m = data;
	struct error err;

	(void)end;
	if (m->stand_in.told && !m->stand_in.gone)
		return;
	(void)fail(&err, ERROR_SYSTEM, "virtual machine", "%s", why);
	give_up(m, &err);
}

static int fileserver_ended(struct loop_source *source, uint32_t events, struct error *err)
{
	struct monitor *m = source->data;
	struct error why;

	(void)events;
	if (loop_remove(m->loop, source, err) < 0)
		return -1;
	(void)fail(&why, ERROR_SYSTEM, "virtual machine", "its file server has ended");
	give_up(m, &why);
	return 0;
}

static int silence_lasted(struct loop_source *source, uint32_t events, struct error *err)
{
	struct monitor *m = source->data;
	const char *words = machine_words(m->machine);
	uint64_t times;
	struct error why;

	(void)events;
	(void)err;
	if (read(source->fd, &times, sizeof(times)) < 0)
		return 0; /* the agent came in the same round */
	if (m->up)
		(void)fail(&why, ERROR_SYSTEM, "virtual machine", "its agent has gone");
	else
		(void)fail(&why, ERROR_SYSTEM, "virtual machine", "is not up after %d seconds%s%s",
		           BOOT_S, *words ? "; its kernel said: " : "", words);
	give_up(m, &why);
	return 0;
}

static int prepare_silence(struct monitor *m, struct error *err)
{
	m->silence.ready = silence_lasted;
	m->silence.data = m;
	m->silence.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (m->silence.fd < 0)
		return fail_errno(err, "virtual machine", "timerfd");
	return loop_add(m->loop, &m->silence, EPOLLIN, err);
}

/* From now on; 0: any silence will do. */
static int limit_silence(const struct monitor *m, int seconds, struct error *err)
{
	const struct itimerspec limit = {.it_value.tv_sec = seconds};

	if (timerfd_settime(m->silence.fd, 0, &limit, NULL) < 0)
		return fail_errno(err, "virtual machine", "timerfd");
	return 0;
}

static void process_ended(struct stand_in *self, int status)
{
	struct monitor *m = self->data;
	struct error err;

	m->status = status;
	if (!self->gone)
		loop_stop(m->loop);
	/* a kernel that goes down resets its devices, and with them the agent's connections, before it tells how */
	else if (limit_silence(m, LAST_WORDS_S, &err) < 0)
		give_up(m, &err);
}

/* ---- the agent ---- */

/* A connection to the agent, of which the device has the other end. Returns it, or -1 and *err. */
static int connect_agent(struct monitor *m, struct error *err)
{
	owned_fd ours = -1;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return fail_errno(err, "vsock", "socketpair");
	ours = ends[0];
	return vsock_connect(m->vsock, ends[1], err) < 0 ? -1 : take_fd(&ours);
}

static int stand_in(struct monitor *m, bool terminal, struct error *err)
{
	struct stand_in_connections connections = STAND_IN_NO_CONNECTIONS;

	if (loop_remove(m->loop, &m->agent, err) < 0)
		return -1;
	connections.control = take_fd(&m->agent.fd);
	for (size_t i = 0; i < (terminal ? 1 : STAND_IN_STREAMS); i++) {
		connections.stream[i] = connect_agent(m, err);
		if (connections.stream[i] < 0)
			return -1;
	}
	return stand_in_start(&m->stand_in, &connections, 0, terminal, err);
}

/* The first message says that the container is there. */
static int hear_agent(struct loop_source *source, uint32_t events, struct error *err)
{
	struct monitor *m = source->data;
	struct wire_message message;
	struct error why;
	int got = wire_collect(&m->inbox, source->fd, WIRE_GUEST_LIMIT, &message, &why);

	(void)events;
	if (got == 0)
		return 0;
	if (got > 0 && message.kind == WIRE_DONE) {
		m->made = true;
		return stand_in(m, message.blob[0].length > 0, err);
	}
	if (got > 0)
		(void)fail(&why, ERROR_SYSTEM, "agent", "began with a message of kind %d",
		           message.kind);
	if (loop_remove(m->loop, source, err) < 0)
		return -1;
	give_up(m, &why);
	return 0;
}

static void agent_up(void *data, int fd)
{
	struct monitor *m = data;
	struct error err;

	/* a guest that has reset the device may have another one: what its container is was said already */
	if (m->up) {
		(void)close(fd);
		return;
	}
	m->up = true;
	machine_mark(m->machine, "agent");
	m->agent = (struct loop_source){.fd = fd, .ready = hear_agent, .data = m};
	if (limit_silence(m, 0, &err) < 0 || loop_add(m->loop, &m->agent, EPOLLIN, &err) < 0)
		give_up(m, &err);
}

/* ---- the machine ---- */

static int add(struct monitor *m, struct virtio_device *device)
{
	if (!device)
		return -1;
	m->device[m->devices++] = device;
	return 0;
}

static int add_fs(struct monitor *m, struct error *err)
{
	unsigned int processors = m->order.processors;
	/* a queue each processor: Linux uses them from 6.12 on, before that the first one */
	struct virtio_fs_options options = {
		.tag = "shares",
		.request_queues = processors < FILESERVER_QUEUES ? processors : FILESERVER_QUEUES,
		.limit_ms = FS_LIMIT_MS};
	int pidfd;

	if (fileserver_start(options.request_queues, &options.server, &pidfd, err) < 0)
		return -1;
	m->fileserver = (struct loop_source){.fd = pidfd, .ready = fileserver_ended, .data = m};
	if (loop_add(m->loop, &m->fileserver, EPOLLIN, err) < 0)
		return -1;
	return add(m, virtio_fs_new(m->loop, &options, err));
}

static int add_vsock(struct monitor *m, struct error *err)
{
	const struct vsock_options options = {
		.guest_cid = GUEST_CID,
		.host_port = PORT,
		.guest_port = PORT,
		.limit_ms = VSOCK_LIMIT_MS,
		.listener = m->order.listener,
		.agent_up = agent_up,
		.data = m,
	};

	if (fcntl(m->order.listener, F_SETFL, O_NONBLOCK) < 0)
		return fail_errno(err, "vsock", "fcntl");
	m->vsock = vsock_new(m->loop, &options, err);
	return add(m, m->vsock);
}

static int add_balloon(struct monitor *m, struct error *err)
{
	m->control.balloon = virtio_balloon_new(err);
	if (add(m, m->control.balloon) < 0)
		return -1;
	m->control.loop = m->loop;
	m->control.memory_bytes = m->order.memory_bytes;
	return control_start(&m->control, m->order.control, err);
}

/* What the guest's kernel says goes where the container's own complaints go. */
static int add_console(struct monitor *m, struct error *err)
{
	int output;

	if (!m->order.debug)
		return 0;
	/* the stand-in watches the number 2 */
	output = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (output < 0)
		return 0; /* it is closed: nobody reads it */
	m->console = virtio_console_new(m->loop, output, m->order.name, err);
	return add(m, m->console);
}

static int add_disk(struct monitor *m, struct error *err)
{
	const struct virtio_blk_options options = {
		.file = m->order.disk,
		.overlay = m->order.overlay,
		.read_only = m->order.overlay < 0,
	};

	if (m->order.disk < 0)
		return 0;
	m->order.disk = m->order.overlay = -1;
	return add(m, virtio_blk_new(&options, err));
}

static int add_rng(struct monitor *m, struct error *err)
{
	return add(m, virtio_rng_new(err));
}

static int add_cards(struct monitor *m, struct error *err)
{
	for (unsigned int i = 0; i < m->order.cards; i++) {
		const struct virtio_net_options options = m->order.card[i];

		m->order.card[i].tap = -1;
		if (add(m, virtio_net_new(m->loop, &options, err)) < 0)
			return -1;
	}
	return 0;
}

/* In the order of their places on the bus. */
static int (*const devices[])(struct monitor *m, struct error *err) = {
	add_fs, add_vsock, add_balloon, add_rng, add_disk, add_console, add_cards,
};

static int make_devices(struct monitor *m, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (devices[i](m, err) < 0)
			return -1;
	return 0;
}

static int make_machine(struct monitor *m, struct error *err)
{
	char command_line[2 * ORDER_TEXT];
	struct machine_config config = {
		.memory_bytes = m->order.memory_bytes,
		.processors = m->order.processors,
		.kvm = m->order.kvm,
		.kernel = m->order.kernel,
		.initramfs = m->order.initramfs,
		.command_line = command_line,
		.device = m->device,
		.ended = machine_ended,
		.data = m,
	};

	/* the level before the early console, which begins with all that was said so far */
	(void)snprintf(command_line, sizeof(command_line), "%s %s %s",
	               m->order.debug ? console_parameters : quiet_parameters, usual_parameters,
	               m->order.parameters);
	if (make_devices(m, err) < 0)
		return -1;
	config.device_count = m->devices;
	m->machine = machine_new(&config, m->loop, err);
	fd_release(&m->order.kvm);
	fd_release(&m->order.kernel);
	fd_release(&m->order.initramfs);
	m->order.kvm = m->order.kernel = m->order.initramfs = -1;
	return m->machine ? 0 : -1;
}

/* What the guest's kernel said last is worth the most. */
static void flush_console(const struct monitor *m)
{
	if (m->console)
		virtio_console_flush(m->console);
}

static void print_stages(const struct monitor *m)
{
	const char *name;
	double ms;

	for (size_t i = 0; m->order.debug && machine_stage(m->machine, i, &name, &ms); i++)
		log_error("%9.2f ms  %s", ms, name);
}

static int run(struct monitor *m, struct error *err)
{
	if (order_receive(m->channel, &m->order, err) < 0 || process_take_processors(err) < 0)
		return -1;
	m->loop = loop_new(err);
	if (!m->loop || stand_in_prepare(&m->stand_in, err) < 0)
		return -1;
	m->stand_in.loop = m->loop;
	m->stand_in.data = m;
	m->stand_in.ended = process_ended;
	if (make_machine(m, err) < 0 || prepare_silence(m, err) < 0 ||
	    lockdown(LOCKDOWN_MONITOR, err) < 0 || limit_silence(m, BOOT_S, err) < 0 ||
	    machine_start(m->machine, err) < 0)
		return -1;
	if (loop_run(m->loop, err) < 0)
		return -1;
	print_stages(m);
	return m->status;
}

int monitor_main(int channel)
{
	struct monitor m = {.channel = channel, .agent.fd = -1, .silence.fd = -1};
	struct error err = {0};
	int status;

	if (fcntl(channel, F_SETFD, FD_CLOEXEC) < 0)
		return STATUS_FAILED;
	status = run(&m, &err);
	flush_console(&m);
	if (status < 0) {
		tell(&m, &err);
		status = STATUS_FAILED;
	}
	_exit(status); /* what it has is the kernel's to take back */
}
