/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "../../base/scratch.h"
#include "base/own.h"
#include "microvm/image/facts.h"
#include "tests/unit/cmocka.h"

/* What a distribution without anything built in has, in an order that no line follows. */
static const char dep[] =
	"kernel/drivers/net/virtio_net.ko.xz: kernel/v/virtio.ko kernel/v/virtio_ring.ko "
	"kernel/net/net_failover.ko kernel/net/failover.ko\n"
	"kernel/net/net_failover.ko: kernel/net/failover.ko\n"
	"kernel/net/failover.ko:\n"
	"kernel/v/virtio_mmio.ko: kernel/v/virtio.ko kernel/v/virtio_ring.ko\n"
	"kernel/v/virtio.ko: kernel/v/virtio_ring.ko\n"
	"kernel/v/virtio_ring.ko:\n"
	"kernel/fs/virtiofs.ko: kernel/fs/fuse.ko kernel/v/virtio.ko\n"
	"kernel/fs/fuse.ko:\n"
	"kernel/net/vmw-vsock-virtio-transport.ko: kernel/v/virtio.ko kernel/net/common.ko\n"
	"kernel/net/common.ko: kernel/net/failover.ko\n"
	"kernel/fs/notoverlay.ko:\n"
	"kernel/x/virtio-rng.ko.zst: kernel/v/virtio.ko\n"
	"kernel/x/virtio_console.ko: kernel/x/shared.ko\n"
	"kernel/x/virtio_blk.ko: kernel/x/shared.ko\n"
	"kernel/x/shared.ko:\n"
	"kernel/x/unasked.ko: kernel/x/gone.ko\n";

static void order_of(const char *dep_text, const char *builtin, const char *expected)
{
	owned_arena struct arena *arena = arena_new(8 << 20);
	owned_text struct text out = {0};
	struct modules modules;
	struct error err = {0};

	assert_int_equal(modules_resolve(dep_text, builtin, arena, &modules, &err), 0);
	facts_write_order(&modules, &out);
	assert_string_equal(out.bytes ? out.bytes : "", expected);
}

static void what_is_needed_comes_first_and_groups_are_whole(void **state)
{
	(void)state;
	order_of(dep, "kernel/fs/overlayfs/overlay.ko\n",
	         "boot 000-virtio_ring.ko\n"
	         "boot 001-virtio.ko\n"
	         "boot 002-virtio_mmio.ko\n"
	         "boot 003-fuse.ko\n"
	         "boot 004-virtiofs.ko\n"
	         "boot 005-failover.ko\n"
	         "boot 006-common.ko\n"
	         "boot 007-vmw-vsock-virtio-transport.ko\n"
	         "console 008-shared.ko\n"
	         "console 009-virtio_console.ko\n"
	         "net 010-net_failover.ko\n"
	         "net 011-virtio_net.ko\n"
	         "blk 008-shared.ko\n"
	         "blk 012-virtio_blk.ko\n"
	         "rng 013-virtio-rng.ko\n");
}

static const char all_builtin[] = "kernel/a/virtio_mmio.ko\n"
				  "kernel/a/virtiofs.ko\n"
				  "kernel/a/vmw_vsock_virtio_transport.ko\n"
				  "kernel/a/virtio_console.ko\n"
				  "kernel/a/virtio_net.ko\n"
				  "kernel/a/virtio_blk.ko\n"
				  "kernel/a/virtio-rng.ko";

static void what_is_built_in_is_left_out_and_what_is_missing_is_told(void **state)
{
	owned_arena struct arena *arena = arena_new(8 << 20);
	struct modules modules;
	struct error err = {0};

	(void)state;
	order_of("", all_builtin, "");
	assert_int_equal(modules_resolve("", all_builtin, arena, &modules, &err), 0);
	assert_int_equal(modules.count, 0);
	assert_int_equal(modules.missing_count, 5);
	assert_string_equal(modules.missing[0], "virtio_balloon");
	assert_string_equal(modules.missing[1], "overlay");
	assert_string_equal(modules.missing[2], "ext4");
	assert_null(modules.missing[5]);
}

static void refused(const char *dep_text, const char *builtin, const char *words)
{
	owned_arena struct arena *arena = arena_new(8 << 20);
	struct modules modules;
	struct error err = {0};

	assert_int_equal(modules_resolve(dep_text, builtin, arena, &modules, &err), -1);
	if (!strstr(err.reason, words) && !strstr(err.object, words))
		assert_string_equal(err.reason, words);
}

static void a_kernel_without_what_each_guest_needs_is_refused(void **state)
{
	(void)state;
	refused("", "", "virtio_mmio");
	refused("kernel/virtio_mmio.ko:\n", "kernel/virtiofs.ko\n", "vmw_vsock_virtio_transport");
	/* parts of names are no names */
	refused("kernel/my_virtio_mmio.ko:\nkernel/virtio_mmio2.ko:\nkernel/virtio_mmio.kox:\n", "",
	        "virtio_mmio");
}

static void what_is_no_modules_dep_is_refused(void **state)
{
	(void)state;
	refused("kernel/virtio_mmio.ko\n", "", "line 1");
	refused("a.ko:\n: b.ko\n", "", "line 2");
	refused("/etc/virtio_mmio.ko:\n", "", "line 1");
	refused("../../virtio_mmio.ko:\n", "", "line 1");
	refused("k/virtio_mmio.ko: k/gone.ko\n", "", "has no line for 'k/gone.ko'");
	refused("k/virtio_mmio.ko: k/a.ko\nk/a.ko: k/b.ko\nk/b.ko: k/a.ko\n", "", "needs itself");
	refused("k/virtio_mmio.ko: k/virtio_mmio.ko\n", "", "needs itself");
	refused("k/virtio_mmio.ko: k/odd\nk/odd:\n", "", "is no module");
}

static void more_modules_than_an_image_holds_are_refused(void **state)
{
	owned_text struct text text = {0};

	(void)state;
	text_append(&text, "k/virtio_mmio.ko:");
	for (int i = 0; i < 200; i++)
		text_format(&text, " k/m%d.ko", i);
	for (int i = 0; i < 200; i++)
		text_format(&text, "\nk/m%d.ko:", i);
	refused(text.bytes, all_builtin, "more than");
}

static void the_files_of_a_directory_are_noted(void **state)
{
	const struct scratch *scratch = *state;
	owned_arena struct arena *arena = arena_new(8 << 20);
	struct sources sources = {.arena = arena};
	struct modules modules;
	struct error err = {0};

	assert_int_equal(modules_read(scratch->path, &sources, &modules, &err), -1);
	assert_int_equal(err.errnum, ENOENT);
	assert_int_equal(sources.list[0].size, -1);
	scratch_file(scratch, "modules.dep", "");
	scratch_file(scratch, "modules.builtin", all_builtin);
	assert_false(source_holds(&sources.list[0]));
	assert_int_equal(modules_read(scratch->path, &sources, &modules, &err), 0);
	assert_int_equal(sources.count, 3);
	assert_true(source_holds(&sources.list[1]));
	assert_true(source_holds(&sources.list[2]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_needed_comes_first_and_groups_are_whole),
		cmocka_unit_test(what_is_built_in_is_left_out_and_what_is_missing_is_told),
		cmocka_unit_test(a_kernel_without_what_each_guest_needs_is_refused),
		cmocka_unit_test(what_is_no_modules_dep_is_refused),
		cmocka_unit_test(more_modules_than_an_image_holds_are_refused),
		SCRATCH_TEST(the_files_of_a_directory_are_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
