#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The process is killed at each of its system calls: tests/fault/try says what must hold then.
load helpers

@test "run: killed at any system call, delete --force leaves nothing" { try_each_call run kills; }
@test "create: killed at any system call, delete --force leaves nothing" { try_each_call create kills; }
@test "start: killed at any system call, delete --force leaves nothing" { try_each_call start kills; }
@test "exec: killed at any system call, delete --force leaves nothing" { try_each_call exec kills; }
@test "delete: killed at any system call, delete --force leaves nothing" { try_each_call delete kills; }
@test "run with ids of its own and hooks: killed at any system call, delete --force leaves nothing" { try_each_call mapped kills; }
@test "run in namespaces of another: killed at any system call, delete --force leaves nothing" { try_each_call joined kills; }
@test "run of a plain user: killed at any system call, delete --force leaves nothing" { try_each_call plain kills; }
@test "mounts add: killed at any system call, delete --force leaves nothing" { try_each_call mounts kills; }
@test "create with the host's devices: killed at any system call, delete --force brings them back and leaves nothing" { with_host try_each_call devices kills; }
@test "create with the host's devices, to be returned: killed at any system call, delete --force brings them back and leaves nothing" { with_host try_each_call returned kills; }
@test "delete that returns the host's devices: killed at any system call, delete --force brings them back and leaves nothing" { with_host try_each_call returning kills; }
