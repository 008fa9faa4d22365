# SPDX-License-Identifier: Apache-2.0
# `make help` lists the targets. A new .c file needs no line here: a program is a list of rooms.
#
# Variables: CC, CFLAGS, LDFLAGS, B (build folder), LINK=static|dynamic, SAN=address,undefined, NL_INCLUDE,
# WERROR=-Werror, V=1 (show commands), PREFIX, DESTDIR, FUZZ_SECONDS, CELLA_EXECUTOR (contract tests),
# TESTBED=boot|host (where the tests run that want a whole machine; machine, second-wall: a part of boot's).

VERSION := 0.1.0

PREFIX       ?= /usr/local
LIBEXECDIR   ?= $(PREFIX)/libexec/cella
SAN          ?=
B            ?= $(if $(SAN),build/san,build)
TESTBED      ?= boot
LINK         ?= $(if $(SAN),dynamic,static)
CFLAGS       ?= $(if $(SAN),-O1,-O2) -g
FUZZ_SECONDS ?= 20

# program = the rooms it is made of; a room that no program lists is not built
cella.rooms := base spec rootfs cgroups netns resctrl runtime/process runtime/plan runtime \
               runtime/namespace microvm/wire microvm cli
containerd-shim-cella-v2.rooms := base spec rootfs cgroups netns resctrl runtime/process runtime/plan runtime \
               runtime/namespace microvm/wire microvm shim
containerd-shim-cella-v2.libs  := -lprotobuf-c
cella-systemd.rooms := base cgroups/systemd
cella-agent.rooms := base spec rootfs cgroups netns resctrl runtime/process runtime/plan runtime \
               runtime/namespace microvm/wire microvm/agent
cella-network.rooms := base netns microvm/wire microvm/network
cella-vmm.rooms := base microvm/memory microvm/fuse microvm/virtio microvm/vmm microvm/wire
cella-image.rooms   := base microvm/image
# Its first instructions: runtime/namespace/entry.c, which runs before the C library has prepared anything.
cella.ldflags = $(if $(filter static,$(LINK)),$(if $(filter x86_64%,$(shell $(CC) -dumpmachine)),-Wl$(comma)-e$(comma)cella_entry -Wl$(comma)-u$(comma)cella_entry))
# Each guest has it in its memory, and nobody who could read its symbols.
cella-agent.ldflags = $(if $(filter static,$(LINK)),-s)
comma := ,
cella-criu.rooms    := base runtime/criu
PROGRAMS    := cella cella-agent cella-vmm cella-network containerd-shim-cella-v2
# What cella executes where it is asked for; dynamic, with libraries that it does not load itself.
HELPERS     := cella-systemd cella-image cella-criu
cella-systemd.libs  := -lsystemd -lyajl
cella-criu.libs     := -lcriu -lprotobuf-c
cella-image.libs    := -llz4 -lzstd -llzma -lz -lmd -lyajl_s -lm
LIBRARIES   := yajl seccomp
# Where the headers of libnl are that programs include as <netlink/…>.
NL_INCLUDE  ?= /usr/include/libnl3

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
        -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wimplicit-fallthrough -Wcast-qual \
        -Werror=unused-result

# A static program that is not position independent has nothing to relocate and no library to look
# for at each start: half of the time of a short command (ARCHITECTURE.md, "Cost").
ifeq ($(LINK),static)
  mode_cflags  := -fno-pie
  mode_ldflags := -static
  LDLIBS       := -lyajl_s -lseccomp -lnl-route-3 -lnl-3 -lm
  test_ldflags := -no-pie
else ifeq ($(LINK),dynamic)
  mode_cflags  := -fPIE
  # with sanitizers a tenth of each start goes into relocating what they note of the program
  mode_ldflags := $(if $(SAN),-no-pie,-pie)
  LDLIBS       := -lyajl -lseccomp -lnl-route-3 -lnl-3 -lm
  test_ldflags := $(mode_ldflags)
else
  $(error LINK is static or dynamic, not '$(LINK)')
endif
TEST_LDLIBS := -lyajl -lseccomp -lnl-route-3 -lnl-3 -lprotobuf-c -lm -lcmocka

ifneq ($(SAN),)
  harden := -fsanitize=$(SAN) -DSANITIZED -fno-sanitize-recover=all -fno-omit-frame-pointer
  # some two hundred programs, each in a third of the time
  linker := $(if $(filter clang,$(CC)),$(if $(shell command -v ld.lld),-fuse-ld=lld))
else
  harden := -fstack-protector-strong \
            $(if $(filter -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif

# What makes an object another object; WERROR only decides whether there is one.
COMPILE     = $(CC) -std=gnu17 -D_GNU_SOURCE -iquote . -isystem $(NL_INCLUDE) -isystem $(B)/generated -DLIBEXECDIR='"$(LIBEXECDIR)"' $(WARN) $(harden) $(mode_cflags) \
              -ffunction-sections -fdata-sections $(CPPFLAGS) $(CFLAGS)
LINK_FLAGS  = $(filter -fsanitize%,$(harden)) $(linker) -Wl,--gc-sections -Wl,-z,relro,-z,now $(LDFLAGS)

sources  = $(sort $(foreach room,$(1),$(wildcard $(room)/*.c)))
objects  = $(patsubst %.c,$(B)/%.o,$(call sources,$(1)))
ALL      := $(call objects,$(sort $(foreach p,$(PROGRAMS) $(HELPERS),$($(p).rooms))))
# All that a test may link: every room, without the mains.
LIBCELLA := $(B)/libcella.a
# Messages of the shim, that protobuf-c makes out of shim/proto.
PROTO    := $(patsubst shim/proto/%.proto,%,$(wildcard shim/proto/*.proto))
MESSAGES := $(PROTO:%=$(B)/shim/proto/%.pb-c.o)
MAINS    := $(filter %/main.o,$(ALL))

UNIT      := $(patsubst %.c,$(B)/%,$(sort $(wildcard tests/unit/*/test_*.c tests/unit/*/*/test_*.c)))
UNIT_MORE := $(filter-out $(UNIT:=.o),$(patsubst %.c,$(B)/%.o,$(wildcard tests/unit/*/*.c tests/unit/*/*/*.c)))
# One build for the tests under sanitizers, the fuzzers, and clang's warnings.
sanitized = CC=clang SAN=fuzzer-no-link,address,undefined B=$(B)/san WERROR=-Werror
FUZZ      := $(patsubst tests/fuzz/%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_MORE := $(filter-out $(B)/tests/fuzz/fuzz_%,$(patsubst %.c,$(B)/%.o,$(wildcard tests/fuzz/*.c)))
BENCH     := $(B)/tests/bench/measure $(B)/tests/bench/floor
FORMATTED  = $(sort $(shell find $(foreach p,$(PROGRAMS) $(HELPERS),$($(p).rooms)) tests -name '*.[ch]'))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
Q   := $(if $(V),,@)
say := $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),@:,@echo ' ')
.SECONDARY:

all: $(PROGRAMS:%=$(B)/%) $(HELPERS:%=$(B)/%) ## build every program

# Of its rooms a program gets the objects that it calls, and of libraries what these call: libnl prepares itself
# at each start of what it is linked into.
define program
$(B)/$(1): private LDFLAGS += $$($(1).ldflags)
$(B)/$(1): $(filter %/main.o,$(call objects,$($(1).rooms))) $(LIBCELLA) $(B)/.link
	$$(say) LINK $$@
	$$(Q)$$(COMPILE) $$(LINK_FLAGS) $$(mode_ldflags) -o $$@ $$(filter %.o,$$^) $(LIBCELLA) $$(LDLIBS) $$($(1).libs) $$(if $$(filter static,$$(LINK)),$(LIBCELLA))
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

# Of the rooms that a program of its own has, only what it needs is linked.
define helper
$(B)/$(1): $(call objects,$(filter-out base,$($(1).rooms))) $(LIBCELLA) $(B)/.link
	$$(say) LINK $$@
	$$(Q)$$(COMPILE) $$(LINK_FLAGS) $$(test_ldflags) -o $$@ $$(filter %.o,$$^) $(LIBCELLA) $$($(1).libs)
endef
$(foreach p,$(HELPERS),$(eval $(call helper,$(p))))

$(LIBCELLA): $(filter-out $(MAINS),$(ALL)) $(MESSAGES)
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/runtime/namespace/entry.o: private CFLAGS += -fno-stack-protector -fno-builtin -fno-sanitize=all

$(B)/%.o: %.c $(B)/.compile
	$(say) CC $<
	$(Q)mkdir -p $(@D) && $(COMPILE) $(WERROR) -MMD -MP -c -o $@ $<

$(B)/generated/%.pb-c.c: shim/proto/%.proto $(wildcard shim/proto/*.proto)
	$(say) PROTOC $<
	$(Q)mkdir -p $(@D) && protoc-c --proto_path=shim/proto --c_out=$(@D) $(<F) && \
	  sed -i 's/(char \*)protobuf_c_empty_string/(char *)(size_t)protobuf_c_empty_string/g' $(@:.c=.h) # clang: -Wcast-qual

$(B)/shim/proto/%.pb-c.o: $(B)/generated/%.pb-c.c $(B)/.compile
	$(say) CC $<
	$(Q)mkdir -p $(@D) && $(COMPILE) -w -c -o $@ $<

# Whoever includes a message's header needs them made first.
$(call objects,shim) $(patsubst %.c,$(B)/%.o,$(wildcard tests/unit/shim/*.c tests/fuzz/*.c)): | $(PROTO:%=$(B)/generated/%.pb-c.c)

# The commit is looked up at each build, and what carries it is compiled anew only when it changes.
VERSIONED := $(patsubst %.c,$(B)/%.o,$(shell grep -ls 'CELLA_COMMIT\|CELLA_VERSION' $(call sources,$(cella.rooms) shim)))
$(VERSIONED): $(B)/.version
$(VERSIONED): private CPPFLAGS += -DCELLA_VERSION='"$(VERSION)"' -DCELLA_COMMIT='"$(commit)"'
commit = $(or $(shell git rev-parse HEAD 2>/dev/null),unknown)

# Stamps: rewritten only when their words change, so that an object built by another compiler, with
# other flags or of another commit is not taken for one of this build.
stamp = @mkdir -p $(B); echo '$(subst ','\'',$(1))' | cmp -s - $@ || { $(2) echo '$(subst ','\'',$(1))' >$@; }

$(B)/.compile: FORCE
	$(call stamp,$(COMPILE),$(check_headers))
$(B)/.link: FORCE
	$(call stamp,$(LINK_FLAGS) $(mode_ldflags) $(LDLIBS),$(check_libraries))
$(B)/.version: FORCE
	$(call stamp,$(VERSION) $(commit),)

hint = run 'tests/setup build' (as root, or where sudo needs no password) to install what is missing
check_headers = printf '\#include <yajl/yajl_parse.h>\n\#include <seccomp.h>\n\#include <systemd/sd-bus.h>\n\#include <criu/rpc.pb-c.h>\n%b' \
	'\#include <netlink/route/route.h>\n\#include <lz4.h>\n\#include <protobuf-c/protobuf-c.h>\n\#include <zstd.h>\n\#include <lzma.h>\n\#include <zlib.h>\n\#include <sha2.h>\n' | \
	$(CC) -isystem $(NL_INCLUDE) -E - >/dev/null 2>&1 || { \
	echo "make: no compiler '$(CC)', or the headers of yajl, libseccomp, libsystemd, libcriu, libnl, protobuf-c, lz4, zstd, lzma, zlib and libmd are missing: $(hint)" >&2; exit 1; };
check_libraries = for l in $(patsubst -l%,lib%$(if $(filter static,$(LINK)),.a,.so),$(LDLIBS) $(containerd-shim-cella-v2.libs)); do \
	case $$($(CC) -print-file-name=$$l) in /*) ;; *) \
	echo "make: $$l is missing: $(hint)$(if $(filter static,$(LINK)),; LINK=dynamic does without static libraries)" >&2; \
	exit 1 ;; esac; done;

# A unit test is a program of its own; other .c files beside it are linked to it.
beside = $(filter $(@D)/%,$(UNIT_MORE))
.SECONDEXPANSION:
$(UNIT): $(B)/%: $(B)/%.o $$(beside) $(LIBCELLA)
	$(say) LINK $@
	$(Q)$(COMPILE) $(LINK_FLAGS) $(test_ldflags) -o $@ $^ $(TEST_LDLIBS) $(call helper_libs,$@)

# The libraries of a helper's room, for its tests.
helper_of      = $(foreach h,$(HELPERS),$(foreach r,$(filter-out base,$($(h).rooms)),$(if $(filter $(B)/tests/unit/$(r)/%,$(1)),$(h))))
helper_libs    = $(foreach h,$(call helper_of,$(1)),$($(h).libs))

$(B)/fuzz_kernel $(B)/fuzz_modules: TEST_LDLIBS += $(cella-image.libs)

# A program that lacks one defence (and begins at _start as any does): its objects, but those that a patch of tests/attack/weak touches. A patch that
# names a unit test makes that one.
WEAK := $(patsubst tests/attack/weak/%.patch,$(B)/weak/%,$(wildcard tests/attack/weak/*.patch))
weak: $(WEAK)
$(WEAK): $(B)/weak/%: tests/attack/weak/%.patch tests/attack/weaken $(B)/cella $(LIBCELLA)
	$(say) WEAK $@
	$(Q)COMPILE='$(COMPILE)' LINK='$(COMPILE) $(LINK_FLAGS)' PROGRAM='$(mode_ldflags) $(B)/cli/main.o $(LIBCELLA) $(LDLIBS) $(if $(filter static,$(LINK)),$(LIBCELLA))' \
	  TEST='$(test_ldflags) $(LIBCELLA) $(TEST_LDLIBS)' B='$(B)' tests/attack/weaken $< $@

$(B)/tests/fault/fault $(B)/tests/attack/attacker: %: %.o
	$(say) LINK $@
	$(Q)$(COMPILE) $(LINK_FLAGS) $(mode_ldflags) -o $@ $^ -lseccomp
-include $(B)/tests/fault/fault.d $(B)/tests/attack/attacker.d
.PHONY: attack fault weak

# --- for people -------------------------------------------------------------------------------

demo: ## build, make a small root file system, run a container in it that shows that it is one
	@tests/setup build
	@$(MAKE) --no-print-directory $(if $(findstring j,$(MAKEFLAGS)),,-j$(shell nproc)) all
	@tests/demo $(B)

check: ## all tests: unit, contract, sanitizers, clang, lint; ends with the count
	@tests/setup check
	@env -u MAKEFLAGS -u MFLAGS MAKE='$(MAKE)' B='$(B)' CC='$(CC)' TESTBED='$(TESTBED)' tests/check

setup: ## install what make, make demo and make check need (Debian; elsewhere: say what)
	@tests/setup check

unit: unit-programs ## unit tests, as TAP
	@tests/run-unit $(B)

# The fuzzers are compiled with them: several stand on what a file keeps to itself.
unit-programs: $(UNIT) $(B)/tests/contract/files/files $(FUZZ:%=$(B)/tests/fuzz/%.o) $(FUZZ_MORE)

# Runs in containers that have nothing else.
$(B)/tests/contract/files/files: $(wildcard tests/contract/files/*.[ch]) $(B)/.compile
	$(say) LINK $@
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu17 -D_GNU_SOURCE $(WARN) $(WERROR) -O1 -static -o $@ $(filter %.c,$^)

contract: all ## contract tests: what any executor must do (CELLA_EXECUTOR), as TAP
	@CELLA='$(abspath $(B))/cella' tests/run-contract

stress: all ## a thousand runs, fifty at once, kill -9 at 200 moments
	@RUNS=1000 AT_ONCE=50 MOMENTS=200 LIMIT_FILE=900 tests/run-contract $(B)/cella $(abspath tests/contract/stress.bats)

fault: all $(B)/tests/fault/fault ## each system call fails once, or is the last: FAULT_SECONDS (8) an operation, FULL=1 all
	@FAULT='$(abspath $(B))/tests/fault/fault' LIMIT_FILE='$(if $(FULL),3600,300)' tests/run-contract $(B)/cella $(abspath $(wildcard tests/fault/*.bats))

attack: all weak $(B)/tests/attack/attacker ## the old holes of runtimes, tried on this one and on builds that lack a defence each
	@WEAK='$(abspath $(B))/weak' ATTACKER='$(abspath $(B))/tests/attack/attacker' LIMIT_FILE=300 \
	  tests/run-contract $(B)/cella $(abspath $(wildcard tests/attack/*.bats))

image: all ## tests of cella-image, as TAP; KERNELS: a folder that a kernel package was unpacked into
	@tests/run-image $(B)

engines: all ## containerd with our shim, as TAP, where containerd is installed
	@tests/run-engines $(B)

engines-all: all ## the same, and those that take minutes: a Docker Swarm, a hundred containers at once
	@MACHINE=long LIMIT_FILE=600 tests/run-engines $(B)
	@MANY=100 LIMIT_FILE=900 tests/run-engines $(B)

testbed: all ## contract tests that want a whole machine: boot one, or TESTBED=host (root, systemd, all controllers)
	@tests/run-testbed $(B) $(TESTBED)

testbed-all: all ## every contract test in virtual machines of the test machine, those too that testbed leaves out: hours
	@tests/run-testbed $(B) all

testbed-shell: all ## a root shell in the test machine, with the current build in /cella; ^A x ends it
	@TESTBED_IMAGE=large tests/testbed/run --shell $(B)

asan: ## unit and contract tests under AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory $(sanitized) all unit-programs
	@tests/run-asan $(B)/san $(MAKE) --no-print-directory $(sanitized)

clang: ## compile everything with clang, warnings are errors
	@$(MAKE) --no-print-directory $(sanitized) objects

objects: $(ALL) $(MESSAGES) $(UNIT:=.o) $(UNIT_MORE) $(FUZZ:%=$(B)/tests/fuzz/%.o) $(FUZZ_MORE) $(BENCH:=.o)

lint: all ## format, layers, links, sizes, words, headers, clang-tidy (DEEP=1: all paths), manual, as TAP
	@tests/run-lint $(B)

format: ## let clang-format write all C files anew
	clang-format -i $(FORMATTED)

fuzz: ## each parser for FUZZ_SECONDS under libFuzzer, two at a time
	@$(MAKE) --no-print-directory $(sanitized) fuzz-programs
	@tests/run-fuzz $(B)/san $(FUZZ_SECONDS)

fuzz-coverage: ## what the inputs that are kept reach, by lines of each file
	@$(MAKE) --no-print-directory CC=clang SAN='fuzzer-no-link -fprofile-instr-generate -fcoverage-mapping' \
	  B=$(B)/coverage fuzz-programs
	@tests/run-fuzz --coverage $(B)/coverage

fuzz-keep: ## what these runs found is kept for the next ones, in tests/fuzz/corpora.tar.gz
	@tests/run-fuzz --keep $(B)/san

fuzz-programs: $(FUZZ:%=$(B)/%)
$(addprefix $(B)/fuzz_,devices disk exits vsock): $(B)/tests/unit/microvm/virtio/driver.o
$(addprefix $(B)/fuzz_,json_read plan spec state stats_pack ttrpc): $(FUZZ_MORE)
$(FUZZ:%=$(B)/%): $(B)/%: $(B)/tests/fuzz/%.o $(LIBCELLA)
	$(say) LINK $@
	$(Q)$(COMPILE) -fsanitize=fuzzer $(LINK_FLAGS) $(test_ldflags) -o $@ $(filter %.o,$^) $(LIBCELLA) $(filter-out -lcmocka,$(TEST_LDLIBS))

bench: all $(BENCH) ## beside the floor, crun, runc and others that are installed; SCENARIOS, ROUNDS, LONG=1
	@tests/bench/run $(B) $(SCENARIOS)

bench-docs: all $(BENCH) ## the same, into docs/bench: table, plots, a line of history
	@RESULTS=docs/bench tests/bench/run $(B) $(SCENARIOS)

bench-microvm: all ## `run`, files and network in a virtual machine beside QEMU's microvm, both in the test machine
	@TESTBED_IMAGE=large tests/testbed/run $(B) sh -c 'tests/bench/microvm-boot build; tests/bench/microvm-io build'

bench-memory: all ## the smallest limit of memory that a container starts in, beside crun's and runc's, in the test machine
	@TESTBED_IMAGE=large tests/testbed/run $(B) tests/bench/least-memory build

bench-testbed: all $(BENCH) ## `make bench` in the test machine, which has every controller
	@TESTBED_IMAGE=large tests/testbed/run $(B) env ROUNDS=$(or $(ROUNDS),20) tests/bench/run build $(SCENARIOS)

bench-engines: all $(BENCH) ## containers through containerd and podman, beside the same with runc and crun
	@tests/bench/engines $(B)

bench-monitor: all $(B)/tests/bench/monitor ## the monitor alone beside the least use of /dev/kvm, and QEMU
	@tests/bench/microvm-floor $(B)

$(B)/tests/bench/monitor: $(LIBCELLA)
$(BENCH) $(B)/tests/bench/monitor: $(B)/tests/bench/%: $(B)/tests/bench/%.o
	$(say) LINK $@
	$(Q)$(COMPILE) $(LINK_FLAGS) $(mode_ldflags) -o $@ $(filter %.o,$^) $(filter %.a,$^)

install: all ## into $(DESTDIR)$(PREFIX): program, manual, bash completion
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBEXECDIR)
	install -m 755 $(COMMANDS:%=$(B)/%) $(DESTDIR)$(PREFIX)/bin
	ln -sf cella $(DESTDIR)$(PREFIX)/bin/cella-microvm
	ln -sf containerd-shim-cella-v2 $(DESTDIR)$(PREFIX)/bin/containerd-shim-cella-microvm-v2
	install -m 755 $(INTERNAL:%=$(B)/%) $(DESTDIR)$(LIBEXECDIR)
	$(foreach m,$(MANUALS),install -D -m 644 $(m) \
	  $(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m))$(newline))
	$(foreach c,$(COMPLETIONS),install -D -m 644 $(c) \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions/cella$(newline))

uninstall: ## remove what install put there
	rm -f $(patsubst %,$(DESTDIR)$(PREFIX)/bin/%,$(COMMANDS) cella-microvm containerd-shim-cella-microvm-v2) $(INTERNAL:%=$(DESTDIR)$(LIBEXECDIR)/%)
	rm -f $(foreach m,$(MANUALS),$(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m)))
	rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/cella

# What people run, and what only programs of ours do.
COMMANDS    := cella cella-image containerd-shim-cella-v2
INTERNAL    := $(filter-out $(COMMANDS),$(PROGRAMS) $(HELPERS))
MANUALS     := $(wildcard man/*.[1-9])
COMPLETIONS := $(wildcard contrib/completion/cella.bash)
define newline


endef

clean: ## remove $(B)
	rm -rf $(B)

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo; sed -n '/^# Variables/,/^$$/s/^# //p' $(firstword $(MAKEFILE_LIST))

-include $(ALL:.o=.d) $(UNIT:=.d) $(UNIT_MORE:.o=.d) $(FUZZ:%=$(B)/tests/fuzz/%.d) $(FUZZ_MORE:.o=.d) $(BENCH:=.d)
FORCE:
.PHONY: all demo check image stress engines engines-all testbed testbed-all testbed-shell setup unit unit-programs contract asan clang lint format fuzz fuzz-coverage fuzz-keep fuzz-programs objects \
        bench bench-docs bench-engines bench-memory bench-microvm bench-monitor bench-testbed install uninstall clean help FORCE
