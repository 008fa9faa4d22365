/* SPDX-License-Identifier: Apache-2.0 */
/* Guests of a few instructions on the real /dev/kvm. */
#include <fcntl.h>

#include "base/own.h"
#include "microvm/vmm/vmm.h"
#include "tests/unit/cmocka.h"

#include "image.h"

struct seen {
	struct loop *loop;
	int end; /* -1: not yet */
	unsigned int kicks;
	char why[256];
};

static struct seen seen;

static void ended(void *data, enum machine_end end, const char *why)
{
	struct seen *s = data;

	assert_true(strlen(why) < sizeof(s->why));
	memcpy(s->why, why, strlen(why) + 1);
	s->end = (int)end;
	loop_stop(s->loop);
}

static void kicked(struct virtio_device *device, unsigned int queue)
{
	assert_true(device->active);
	assert_int_equal(queue, 1);
	seen.kicks++;
	loop_stop(seen.loop);
}

static const struct virtio_type type = {.name = "test", .id = 42, .kicked = kicked};

static struct machine *make(const uint8_t *code, size_t length, unsigned int processors,
                            struct virtio_device *device)
{
	struct test_image image = image_of(code, length);
	owned_fd kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	owned_fd kernel = image_file(&image, sizeof(image));
	struct error err = {0};
	struct machine_config config = {
		.memory_bytes = 4 << 20,
		.processors = processors,
		.kvm = kvm,
		.kernel = kernel,
		.initramfs = -1,
		.command_line = "",
		.device = &device,
		.device_count = device ? 1 : 0,
		.ended = ended,
		.data = &seen,
	};
	struct machine *m;

	if (kvm < 0) {
		print_message("no /dev/kvm here\n");
		skip();
	}
	seen = (struct seen){.loop = loop_new(&err), .end = -1};
	assert_non_null(seen.loop);
	m = machine_new(&config, seen.loop, &err);
	if (!m)
		print_error("%s: %s\n", err.object, err.reason);
	assert_non_null(m);
	return m;
}

static void finish(struct machine *m)
{
	machine_free(m);
	loop_free(seen.loop);
}

static int run(const uint8_t *code, size_t length)
{
	struct machine *m = make(code, length, 1, NULL);
	struct error err;

	assert_int_equal(machine_start(m, &err), 0);
	assert_int_equal(loop_run(seen.loop, &err), 0);
	finish(m);
	return seen.end;
}

/* mov dx, 0x600; mov al, 5 << 2 | 0x20; out dx, al */
#define SWITCH_OFF 0x66, 0xba, 0x00, 0x06, 0xb0, 0x34, 0xee
/* mov dx, 0x602; mov al, 1; out dx, al */
#define RESET 0x66, 0xba, 0x02, 0x06, 0xb0, 0x01, 0xee

static void a_machine_is_switched_off(void **state)
{
	static const uint8_t code[] = {SWITCH_OFF};

	(void)state;
	assert_int_equal(run(code, sizeof(code)), MACHINE_OFF);
}

static void a_machine_is_reset(void **state)
{
	static const uint8_t code[] = {RESET};
	static const uint8_t fault[] = {0x0f, 0x0b}; /* ud2, and nobody to handle it */

	(void)state;
	assert_int_equal(run(code, sizeof(code)), MACHINE_RESET);
	assert_int_equal(run(fault, sizeof(fault)), MACHINE_RESET);
}

static void other_ports_read_as_nobody(void **state)
{
	/* mov dx, 0x2f8; in al, dx; cmp al, 0xff; jne +7 */
	static const uint8_t code[] = {0x66, 0xba, 0xf8, 0x02,       0xec, 0x3c,
	                               0xff, 0x75, 0x07, SWITCH_OFF, RESET};

	(void)state;
	assert_int_equal(run(code, sizeof(code)), MACHINE_OFF);
}

/* mov al, C; out dx, al */
#define SAY(c) 0xb0, c, 0xee

static void what_the_kernel_said_last_is_part_of_the_reason(void **state)
{
	static const uint8_t code[] = {
		0x66,     0xba,     0xf8,      0x03, /* mov dx, 0x3f8 */
		SAY('h'), SAY('i'), SAY(0x1b), SAY('\n'), SAY('n'), 0x0f, 0x0b,
	};

	(void)state;
	assert_int_equal(run(code, sizeof(code)), MACHINE_RESET);
	assert_non_null(strstr(seen.why, "its kernel said: hi?"));
}

/* What the kernel is told: the magic of start info at EBX, the root pointer of ACPI behind it. */
static void the_kernel_finds_what_it_is_told(void **state)
{
	static const uint8_t code[] = {
		0x81, 0x3b, 0x78,       0xc5,  0x6e, 0x33, /* cmp dword [ebx], 0x336ec578 */
		0x75, 0x12,                                /* jne */
		0x8b, 0x43, 0x20,                          /* mov eax, [ebx + 32] */
		0x81, 0x38, 0x52,       0x53,  0x44, 0x20, /* cmp dword [eax], "RSD " */
		0x75, 0x07, SWITCH_OFF, RESET,
	};

	(void)state;
	assert_int_equal(run(code, sizeof(code)), MACHINE_OFF);
}

static void the_registers_of_a_device_are_where_they_should_be(void **state)
{
	static const uint8_t code[] = {
		0xa1, 0x00, 0x00,       0x00,  0xd0, /* mov eax, [0xd0000000] */
		0x3d, 0x76, 0x69,       0x72,  0x74, /* cmp eax, "virt" */
		0x75, 0x07, SWITCH_OFF, RESET,
	};
	struct virtio_device device = {.type = &type, .queue_count = 2};
	struct machine *m = make(code, sizeof(code), 1, &device);
	struct error err;

	(void)state;
	assert_int_equal(machine_start(m, &err), 0);
	assert_int_equal(loop_run(seen.loop, &err), 0);
	finish(m);
	assert_int_equal(seen.end, MACHINE_OFF);
}

static void a_kick_comes_through(void **state)
{
	/* mov dword [0xd0000050], 1; hlt */
	static const uint8_t code[] = {0xc7, 0x05, 0x50, 0x00, 0x00, 0xd0, 1, 0, 0, 0, 0xf4};
	struct virtio_device device = {.type = &type, .queue_count = 2, .active = true};
	struct machine *m = make(code, sizeof(code), 1, &device);
	struct error err;

	(void)state;
	assert_int_equal(machine_start(m, &err), 0);
	assert_int_equal(loop_run(seen.loop, &err), 0);
	finish(m);
	assert_int_equal(seen.kicks, 1);
	assert_int_equal(seen.end, -1);
}

static void processors_stand_still_and_go_on(void **state)
{
	static const uint8_t code[] = {0xeb, 0xfe}; /* jmp here */
	struct machine *m = make(code, sizeof(code), 2, NULL);
	struct error err;

	(void)state;
	assert_int_equal(machine_start(m, &err), 0);
	for (int i = 0; i < 20; i++) {
		machine_pause(m);
		machine_resume(m);
	}
	machine_pause(m);
	finish(m);
	assert_int_equal(seen.end, -1);
}

static void stages_are_timed(void **state)
{
	static const uint8_t code[] = {0xf4};
	struct machine *m = make(code, sizeof(code), 1, NULL);
	const char *name;
	double ms, before = 0;
	size_t i = 0;

	(void)state;
	for (; machine_stage(m, i, &name, &ms); i++) {
		assert_true(ms >= before);
		before = ms;
	}
	assert_int_equal(i, 6);
	finish(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_machine_is_switched_off),
		cmocka_unit_test(a_machine_is_reset),
		cmocka_unit_test(other_ports_read_as_nobody),
		cmocka_unit_test(what_the_kernel_said_last_is_part_of_the_reason),
		cmocka_unit_test(the_kernel_finds_what_it_is_told),
		cmocka_unit_test(the_registers_of_a_device_are_where_they_should_be),
		cmocka_unit_test(a_kick_comes_through),
		cmocka_unit_test(processors_stand_still_and_go_on),
		cmocka_unit_test(stages_are_timed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
