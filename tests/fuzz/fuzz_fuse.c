/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/path.h"
#include "microvm/fuse/fuse.h"

#include "must.h"

/* A hostile guest: any requests, in any pieces, with the numbers that it was given, or others, on a directory made for
 * it. What lies beside the directory must stay as it is, no descriptor may be left open, and nothing may be written
 * beyond a reply. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KNOWN = 8, ROOM = 80 << 10, BODY = 4096, FENCE = 64 };

static const struct fuse_options options = {.posix_locks = true,
                                            .flocks = true,
                                            .absent_ms = 1,
                                            .nodes_max = 48,
                                            .handles_max = 24};

static const char *const names[] = {"0",
                                    "a",
                                    "b",
                                    "folder",
                                    "link",
                                    "up",
                                    "fifo",
                                    "long",
                                    "..",
                                    ".",
                                    "",
                                    "a/b",
                                    "new",
                                    "new2",
                                    "new3",
                                    "user.x",
                                    "security.capability"};

/* How the requests that have more than a number begin; the fuzzer finds the rest. */
static const struct {
	uint32_t opcode, head;
	unsigned int names;
} shapes[] = {
	{FUSE_LOOKUP,          0,  1},
	{FUSE_FORGET,          8,  0},
	{FUSE_GETATTR,         16, 0},
	{FUSE_SETATTR,         88, 0},
	{FUSE_READLINK,        0,  0},
	{FUSE_SYMLINK,         0,  2},
	{FUSE_MKNOD,           16, 1},
	{FUSE_MKDIR,           8,  1},
	{FUSE_UNLINK,          0,  1},
	{FUSE_RMDIR,           0,  1},
	{FUSE_RENAME,          8,  2},
	{FUSE_LINK,            8,  1},
	{FUSE_OPEN,            8,  0},
	{FUSE_READ,            40, 0},
	{FUSE_WRITE,           40, 1},
	{FUSE_STATFS,          0,  0},
	{FUSE_RELEASE,         24, 0},
	{FUSE_FSYNC,           16, 0},
	{FUSE_SETXATTR,        16, 2},
	{FUSE_GETXATTR,        8,  1},
	{FUSE_LISTXATTR,       8,  0},
	{FUSE_REMOVEXATTR,     0,  1},
	{FUSE_FLUSH,           24, 0},
	{FUSE_INIT,            64, 0},
	{FUSE_OPENDIR,         8,  0},
	{FUSE_READDIR,         40, 0},
	{FUSE_RELEASEDIR,      24, 0},
	{FUSE_FSYNCDIR,        16, 0},
	{FUSE_GETLK,           48, 0},
	{FUSE_SETLK,           48, 0},
	{FUSE_SETLKW,          48, 0},
	{FUSE_ACCESS,          8,  0},
	{FUSE_CREATE,          16, 1},
	{FUSE_INTERRUPT,       8,  0},
	{FUSE_DESTROY,         0,  0},
	{FUSE_BATCH_FORGET,    24, 0},
	{FUSE_FALLOCATE,       32, 0},
	{FUSE_READDIRPLUS,     40, 0},
	{FUSE_RENAME2,         16, 2},
	{FUSE_LSEEK,           24, 0},
	{FUSE_COPY_FILE_RANGE, 56, 0},
	{FUSE_SYNCFS,          8,  0},
	{FUSE_TMPFILE,         16, 1},
	{FUSE_IOCTL,           32, 0},
};

/* The fuzzer's guest, for the length of one input. */
struct guest {
	struct reader in;
	uint64_t node[KNOWN], handle[KNOWN];
	unsigned int nodes, handles;
	uint64_t unique;
};

static char scratch[64];
static int memory = -1, outside = -1, root = -1;
static struct fuse_server *server;
static struct fuse_thread *thread;
static uint8_t reply[ROOM + FENCE];

static void clean_up(void)
{
	struct error err;

	fuse_thread_free(thread);
	fuse_free(server);
	if (file_remove_tree(memory, scratch + sizeof("/dev/shm"), &err) < 0)
		(void)fprintf(stderr, "%s: %s\n", err.object, err.reason);
}

static void set_up(void)
{
	const struct rlimit small = {1 << 20, 1 << 20};
	struct error err;
	int proc = path_open_proc(&err), before = open(".", O_PATH | O_CLOEXEC);

	(void)snprintf(scratch, sizeof(scratch), "/dev/shm/fuzz-fuse-XXXXXX");
	must(proc >= 0 && before >= 0 && mkdtemp(scratch));
	(void)signal(SIGXFSZ, SIG_IGN);
	must(setrlimit(RLIMIT_FSIZE, &small) == 0);
	memory = open("/dev/shm", O_PATH | O_DIRECTORY | O_CLOEXEC);
	outside = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
	must(mkdirat(outside, "root", 0755) == 0);
	root = openat(outside, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(symlinkat("secret", outside, "sentinel") == 0);
	server = fuse_new(root, proc, &options, &err);
	must(server);
	thread = fuse_thread_new(server, -1, &err);
	must(thread && fchdir(before) == 0);
	(void)close(before);
	(void)close(proc);
	(void)atexit(clean_up);
}

/* The tree that each input begins with. */
static void plant(void)
{
	struct error err;
	int file;

	must(file_remove_tree(root, "0", &err) == 0);
	must(mkdirat(root, "0", 0755) == 0 && mkdirat(root, "0/folder", 0755) == 0);
	must(symlinkat("../../sentinel", root, "0/link") == 0);
	must(symlinkat("../..", root, "0/up") == 0 && mkfifoat(root, "0/fifo", 0600) == 0);
	file = openat(root, "0/a", O_CREAT | O_WRONLY | O_CLOEXEC, 06755);
	must(file >= 0 && write(file, "contents", 8) == 8);
	(void)close(file);
}

/* Only the directory that is served has changed. */
static void look_outside(void)
{
	char text[16];
	struct stat st;

	must(readlinkat(outside, "sentinel", text, sizeof(text)) == 6);
	must(fstatat(outside, "sentinel", &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_nlink == 1);
	must(fstatat(outside, "", &st, AT_EMPTY_PATH) == 0 && st.st_nlink == 3);
	must(fstatat(root, "", &st, AT_EMPTY_PATH) == 0 && st.st_nlink == 3);
}

/* A number that the guest was given, or any. */
static uint64_t choose(struct guest *g, const uint64_t *known)
{
	uint8_t which = read_u8(&g->in);

	return which < 4 * KNOWN ? known[which % KNOWN] : which == 255 ? read_u64(&g->in) : which;
}

static size_t put_name(struct guest *g, uint8_t *to, size_t room)
{
	uint8_t which = read_u8(&g->in);
	size_t length;

	if (which < 240) {
		const char *name = names[which % (sizeof(names) / sizeof(names[0]))];

		length = strlen(name) + 1;
		must(length <= room);
		memcpy(to, name, length);
		return length;
	}
	length = (size_t)read_u8(&g->in) * 8;
	length = length < room ? length : room;
	memset(to, which, length);
	to[length / 2] = (uint8_t)(which & 1 ? 0 : 'x');
	return length;
}

/* What a reply has told. */
static void learn(struct guest *g, uint32_t opcode, const uint8_t *body, size_t length)
{
	bool made = opcode == FUSE_CREATE || opcode == FUSE_TMPFILE;
	bool entry = made || opcode == FUSE_LOOKUP || opcode == FUSE_MKDIR ||
	             opcode == FUSE_MKNOD || opcode == FUSE_SYMLINK || opcode == FUSE_LINK;

	if (entry && length >= sizeof(struct fuse_entry_out))
		memcpy(&g->node[g->nodes++ % KNOWN], body, sizeof(uint64_t));
	if (made && length >= sizeof(struct fuse_entry_out) + sizeof(struct fuse_open_out))
		body += sizeof(struct fuse_entry_out);
	else if (opcode != FUSE_OPEN && opcode != FUSE_OPENDIR)
		return;
	if (length >= sizeof(struct fuse_open_out))
		memcpy(&g->handle[g->handles++ % KNOWN], body, sizeof(uint64_t));
}

/* Send bytes in pieces, and take the reply in pieces. */
static void ask(struct guest *g, uint32_t opcode, uint8_t *bytes, size_t length)
{
	static const size_t rooms[] = {0, 8, 15, 16, 17, 24, 40, 160, 300, 4096, ROOM, ROOM, ROOM};
	size_t room = rooms[read_u8(&g->in) % (sizeof(rooms) / sizeof(rooms[0]))];
	size_t cut = read_u8(&g->in), cut_out = read_u8(&g->in);
	struct iovec in[2], out[2];
	struct fuse_request request = {.in = in, .out = out, .in_count = 2, .out_count = 2};
	struct fuse_out_header header;
	uint64_t tag;
	size_t n, late;

	cut = cut < length ? cut : length;
	cut_out = cut_out < room ? cut_out : room;
	in[0] = (struct iovec){bytes, cut};
	in[1] = (struct iovec){bytes + cut, length - cut};
	out[0] = (struct iovec){reply, cut_out};
	out[1] = (struct iovec){reply + cut_out, room - cut_out};
	memset(reply + room, 0x5a, FENCE);
	n = fuse_handle(thread, &request);
	for (size_t i = 0; i < FENCE; i++)
		must(reply[room + i] == 0x5a);
	memcpy(&header, reply, sizeof(header)); /* a late reply may come to the same bytes */
	while (fuse_late(thread, &tag, &late))
		must(late == sizeof(header));
	if (n == 0 || n == FUSE_LATER)
		return;
	must(n >= sizeof(header) && n <= room && header.len == n);
	must(header.error <= 0 && header.error > -512);
	if (header.error == 0)
		learn(g, opcode, reply + sizeof(header), n - sizeof(header));
}

/* What is refused at once unless it is one of a few numbers among all. */
static void put_rare(struct guest *g, uint32_t opcode, uint8_t *body)
{
	struct fuse_copy_file_range_in copy;
	struct fuse_lseek_in seek;

	if (opcode == FUSE_LSEEK) {
		memcpy(&seek, body, sizeof(seek));
		seek.whence = read_u8(&g->in) & 1 ? SEEK_DATA : SEEK_HOLE;
		memcpy(body, &seek, sizeof(seek));
	} else if (opcode == FUSE_COPY_FILE_RANGE) {
		memcpy(&copy, body, sizeof(copy));
		copy.fh_out = choose(g, g->handle);
		copy.len = read_u8(&g->in);
		memcpy(body, &copy, sizeof(copy));
	}
}

static void one_request(struct guest *g)
{
	static const uint32_t ids[] = {0, 0, 1000, UINT32_MAX};
	static uint8_t bytes[BODY];
	size_t which = read_u8(&g->in) % (sizeof(shapes) / sizeof(shapes[0]));
	struct fuse_in_header header = {.opcode = shapes[which].opcode, .unique = ++g->unique};
	size_t at = sizeof(header), fill;
	uint64_t number;

	header.nodeid = choose(g, g->node);
	header.uid = ids[read_u8(&g->in) % 4];
	header.gid = header.uid;
	/* most that has a head begins with a handle or a node */
	memset(bytes + at, 0, shapes[which].head);
	number = choose(g, read_u8(&g->in) & 1 ? g->node : g->handle);
	if (shapes[which].head > 8 || header.opcode == FUSE_LINK || header.opcode == FUSE_RENAME)
		memcpy(bytes + at, &number, sizeof(number));
	put_rare(g, header.opcode, bytes + at);
	fill = read_u8(&g->in) % 32;
	for (size_t i = 0; i < fill; i++) {
		uint8_t place = read_u8(&g->in), value = read_u8(&g->in);

		if (place < shapes[which].head)
			bytes[at + place] = value;
	}
	at += shapes[which].head;
	for (unsigned int i = 0; i < shapes[which].names; i++)
		at += put_name(g, bytes + at, 1024);
	header.len = (uint32_t)at;
	if (read_u8(&g->in) == 255)
		header.len = read_u32(&g->in);
	memcpy(bytes, &header, sizeof(header));
	ask(g, header.opcode, bytes, at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct guest g = {.in = reader_of(data, size)};
	struct fuse_in_header header = {.len = sizeof(header) + sizeof(struct fuse_init_in),
	                                .opcode = FUSE_INIT};
	struct fuse_init_in init = {.major = 7, .minor = 38, .flags = UINT32_MAX};
	uint8_t bytes[sizeof(header) + sizeof(init)];
	struct iovec in = {bytes, sizeof(bytes)}, out = {reply, ROOM};
	struct fuse_request request = {&in, &out, 1, 1, 0};
	int before, lowest, descriptors;

	if (!server)
		set_up();
	plant();
	before = open(".", O_PATH | O_CLOEXEC);
	descriptors = open("/proc/self/fd", O_PATH | O_CLOEXEC);
	must(before >= 0 && descriptors >= 0 && fchdir(descriptors) == 0);
	(void)close(descriptors);
	lowest = fcntl(root, F_DUPFD_CLOEXEC, 0);
	(void)close(lowest);
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), &init, sizeof(init));
	must(fuse_handle(thread, &request) == 16 + sizeof(struct fuse_init_out));
	g.node[0] = FUSE_ROOT_ID;
	for (int i = 0; i < 64 && g.in.left > 0; i++)
		one_request(&g);
	fuse_reset(server);
	descriptors = fcntl(root, F_DUPFD_CLOEXEC, 0);
	must(descriptors == lowest);
	(void)close(descriptors);
	must(fchdir(before) == 0);
	(void)close(before);
	look_outside();
	return 0;
}
