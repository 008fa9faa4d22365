#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Each system call fails once, with each error that it can have (errors.tsv): tests/fault/try says what must hold then.
load helpers

@test "run: a system call that fails is one clear line, or did not matter; nothing is left" { try_each_call run errors; }
@test "create: a system call that fails is one clear line, or did not matter; nothing is left" { try_each_call create errors; }
@test "start: a system call that fails is one clear line, or did not matter; nothing is left" { try_each_call start errors; }
@test "exec: a system call that fails is one clear line, or did not matter; nothing is left" { try_each_call exec errors; }
@test "delete: a system call that fails is one clear line, or did not matter; nothing is left" { try_each_call delete errors; }
@test "run with ids of its own and hooks: a system call that fails is one clear line, or did not matter; nothing is left" { try_each_call mapped errors; }
@test "run in namespaces of another: a system call that fails is one clear line, or did not matter; nothing is left" { try_each_call joined errors; }
@test "run of a plain user: a system call that fails is one clear line, or did not matter; nothing is left" { try_each_call plain errors; }
@test "mounts add: a system call that fails is one clear line, or did not matter; nothing is left" { try_each_call mounts errors; }
@test "create with the host's devices: a system call that fails is one clear line, or did not matter; they are back" { with_host try_each_call devices errors; }
@test "create with the host's devices, to be returned: a system call that fails is one clear line, or did not matter; they are back" { with_host try_each_call returned errors; }
@test "delete that returns the host's devices: a system call that fails is one clear line, or did not matter; they are back" { with_host try_each_call returning errors; }
