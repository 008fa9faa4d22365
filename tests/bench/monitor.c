/* SPDX-License-Identifier: Apache-2.0 */
/* From exec to the first exit of a trivial guest, and back: a hard-coded user of /dev/kvm (the floor), cella-vmm in a
 * room as cella makes it, QEMU's microvm. All with 128 MiB, one processor and the same image, in turn, many times.
 *
 * usage: monitor ROUNDS CELLA-VMM [QEMU]
 *
 * The guest writes to a port of QEMU's debug console, to the one that resets cella's machine, to QEMU's isa-debug-exit.
 * That the first exit has come the floor and QEMU say by a byte on stdout, cella's monitor over its channel; then they
 * end, and how long all of it took is told too: most of that is the kernel that takes a machine apart. */
#include <elf.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "microvm/wire/wire.h"

enum { MEMORY = 128 << 20, ENTRY = 0x100000, ROUNDS_MOST = 10000, KINDS = 3 };

/* mov dx, 0x602; mov al, 1; out dx, al; hlt, of 16 bits */
static const uint8_t code16[] = {0xba, 0x02, 0x06, 0xb0, 0x01, 0xee, 0xf4};
/* mov al, 1; out 0xe9, al; mov dx, 0x602; out dx, al; mov dx, 0xf4; out dx, al; hlt, of 32 bits */
static const uint8_t code32[] = {0xb0, 0x01, 0xe6, 0xe9, 0xba, 0x02, 0x06, 0,   0,
                                 0xee, 0xba, 0xf4, 0,    0,    0,    0xee, 0xf4};

static void must(int result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	_exit(2);
}

/* ---- the floor ---- */

static _Noreturn void floor_main(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm = ioctl(kvm, KVM_CREATE_VM, 0), vcpu;
	uint8_t *memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
	                       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct kvm_userspace_memory_region region = {.memory_size = MEMORY,
	                                             .userspace_addr = (uintptr_t)memory};
	struct kvm_regs registers = {.rip = 0x1000, .rflags = 2};
	struct kvm_sregs special;
	struct kvm_run *run;

	must(vm, "KVM_CREATE_VM");
	must(ioctl(vm, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
	must(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "memory");
	memcpy(memory + 0x1000, code16, sizeof(code16));
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	must(vcpu, "KVM_CREATE_VCPU");
	run = mmap(NULL, (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE,
	           MAP_SHARED, vcpu, 0);
	must(ioctl(vcpu, KVM_GET_SREGS, &special), "KVM_GET_SREGS");
	special.cs.base = special.cs.selector = 0;
	must(ioctl(vcpu, KVM_SET_SREGS, &special), "KVM_SET_SREGS");
	must(ioctl(vcpu, KVM_SET_REGS, &registers), "KVM_SET_REGS");
	must(ioctl(vcpu, KVM_RUN, 0), "KVM_RUN");
	must((int)write(STDOUT_FILENO, "x", 1), "stdout");
	_exit(run->exit_reason == KVM_EXIT_IO ? 0 : 1);
}

/* ---- cella's monitor ---- */

static void write_image(const char *path)
{
	struct {
		Elf64_Ehdr elf;
		Elf64_Phdr load, note;
		uint32_t pvh[3];
		char name[4];
		uint32_t entry;
		uint8_t code[64];
	} image = {
		.elf = {.e_type = ET_EXEC,
	                .e_machine = EM_X86_64,
	                .e_version = EV_CURRENT,
	                .e_ehsize = sizeof(Elf64_Ehdr),
	                .e_entry = ENTRY,
	                .e_phoff = sizeof(Elf64_Ehdr),
	                .e_phentsize = sizeof(Elf64_Phdr),
	                .e_phnum = 2},
		.pvh = {4,  4, 18},
		.name = "Xen",
		.entry = ENTRY
        };
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	memcpy(image.elf.e_ident, ELFMAG "\2\1\1", 7);
	image.load = (Elf64_Phdr){.p_type = PT_LOAD,
	                          .p_flags = PF_R | PF_W | PF_X,
	                          .p_offset = offsetof(typeof(image), code),
	                          .p_vaddr = ENTRY,
	                          .p_paddr = ENTRY,
	                          .p_filesz = sizeof(image.code),
	                          .p_memsz = 4096};
	image.note = (Elf64_Phdr){.p_type = PT_NOTE,
	                          .p_offset = offsetof(typeof(image), pvh),
	                          .p_filesz = 20,
	                          .p_memsz = 20,
	                          .p_align = 4};
	memcpy(image.code, code32, sizeof(code32));
	must(write(fd, &image, sizeof(image)) == sizeof(image) ? 0 : -1, path);
	(void)close(fd);
}

static int listening(void)
{
	const struct sockaddr_un nameless = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(bind(fd, (const struct sockaddr *)&nameless, sizeof(sa_family_t)), "bind");
	must(listen(fd, 1), "listen");
	return fd;
}

/* What the executor says: all of it lies in the socket before the monitor begins. Returns the monitor's end. */
static int give_order(int *ret_ours)
{
	const struct wire_message m = {
		.kind = WIRE_MACHINE,
		.number = {MEMORY,        1                 },
		.blob = {wire_text(""), wire_text("bench")}
        };
	const int fds[] = {open("/dev/kvm", O_RDWR | O_CLOEXEC),
	                   open("image", O_RDONLY | O_CLOEXEC),
	                   open("initramfs", O_RDONLY | O_CLOEXEC), listening(), listening()};
	struct error err;
	int ends[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
	must(wire_send(ends[1], &m, &err), "order");
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		must(fdpass_send(ends[1], "x", 1, fds[i], &err), "descriptor");
		(void)close(fds[i]);
	}
	*ret_ours = ends[1];
	return ends[0];
}

static int give_pipe(int *ret_ours)
{
	int ends[2];

	must(pipe2(ends, O_CLOEXEC), "pipe");
	*ret_ours = ends[0];
	return ends[1];
}

static _Noreturn void be_monitor(int channel)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", channel);
	must(fcntl(channel, F_SETFD, 0), "channel");
	must(chroot("room"), "chroot");
	must(chdir("/"), "chdir");
	(void)execl("/cella-vmm", "/cella-vmm", number, NULL);
	_exit(127);
}

/* An empty root with proc and one share. */
static void make_room(const char *vmm)
{
	must(unshare(CLONE_NEWNS), "unshare");
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mount");
	must(mkdir("room", 0755), "mkdir");
	must(mount("tmpfs", "room", "tmpfs", 0, "mode=755"), "tmpfs");
	must(mkdir("room/proc", 0755) | mkdir("room/shares", 0755) | mkdir("room/shares/0", 0755),
	     "mkdir");
	must(mount("proc", "room/proc", "proc", 0, NULL), "proc");
	must(close(open("room/cella-vmm", O_CREAT | O_WRONLY | O_CLOEXEC, 0755)), "cella-vmm");
	must(mount(vmm, "room/cella-vmm", NULL, MS_BIND, NULL), vmm);
}

/* ---- the measure ---- */

static double now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static _Noreturn void be(int kind, int report, const char *qemu)
{
	static const char self[] = "/proc/self/exe";

	if (kind == 1)
		be_monitor(report);
	must(dup2(report, STDOUT_FILENO), "stdout");
	if (kind == 0)
		(void)execl(self, self, "floor", NULL);
	else
		(void)execl(qemu, qemu, "-M", "microvm", "-accel", "kvm", "-cpu",
		            "host,-arch-capabilities", "-m", "128", "-nodefaults",
		            "-no-user-config", "-display", "none", "-no-reboot", "-debugcon",
		            "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-kernel",
		            "image", NULL);
	_exit(127);
}

/* How long something took: to the first exit, and in all. */
struct times {
	double *first, *all;
};

/* Each says in its own way that the guest came so far: 0, 255 of a machine without a container, 3 of the debug exit. */
static void measure(int kind, const char *qemu, size_t round, const struct times *times)
{
	static const int right[KINDS] = {0, 255, 3};
	int ours, report = kind == 1 ? give_order(&ours) : give_pipe(&ours), status;
	double before = now_ms();
	pid_t pid = fork();
	char byte;

	must(pid, "fork");
	if (pid == 0)
		be(kind, report, qemu);
	(void)close(report);
	if (read(ours, &byte, 1) != 1)
		(void)fprintf(stderr, "monitor: kind %d: nothing came\n", kind);
	times->first[round] = now_ms() - before;
	must(waitpid(pid, &status, 0), "wait");
	times->all[round] = now_ms() - before;
	(void)close(ours);
	if (WIFEXITED(status) && WEXITSTATUS(status) == right[kind])
		return;
	(void)fprintf(stderr, "monitor: kind %d ended with status %#x\n", kind,
	              (unsigned int)status);
	exit(1);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), by_size);
	return values[count / 2];
}

static void report(const char *what, double *values, size_t rounds, double *floor)
{
	double middle = median(values, rounds);

	if (*floor == 0)
		*floor = middle;
	printf("  %-14s %8.2f ms  (%.2f to %.2f)  %5.2f\n", what, middle, values[rounds / 10],
	       values[rounds - 1 - rounds / 10], middle / *floor);
}

int main(int argc, char **argv)
{
	static const char *const names[KINDS] = {"the floor", "cella-vmm", "qemu -M microvm"};
	static double values[2 * KINDS][ROUNDS_MOST];
	size_t rounds = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	int kinds = argc > 3 ? 3 : 2;
	char work[] = "/tmp/cella-bench-XXXXXX";
	double floor[2] = {0, 0};

	if (argc == 2 && strcmp(argv[1], "floor") == 0)
		floor_main();
	if (rounds == 0 || rounds > ROUNDS_MOST) {
		(void)fprintf(stderr, "usage: monitor ROUNDS CELLA-VMM [QEMU]\n");
		return 2;
	}
	must(mkdtemp(work) ? chdir(work) : -1, work);
	write_image("image");
	write_image("initramfs"); /* any bytes */
	make_room(argv[2]);
	for (size_t i = 0; i < rounds; i++)
		for (int kind = 0; kind < kinds; kind++)
			measure(kind, argv[kinds], i,
			        &(struct times){values[2 * kind], values[2 * kind + 1]});
	for (int kind = 0; kind < kinds; kind++) {
		puts(names[kind]);
		report("first exit", values[2 * kind], rounds, &floor[0]);
		report("end", values[2 * kind + 1], rounds, &floor[1]);
	}
	must(umount2("room", MNT_DETACH), "umount");
	return unlink("image") | unlink("initramfs") | rmdir("room") | chdir("/") | rmdir(work);
}
