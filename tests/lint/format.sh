#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# .clang-format decides; `make format` applies it.
cd "$(dirname "$0")/../.." || exit 2
find . \( -name .git -o -name 'build*' \) -prune -o -name '*.[ch]' -print | sort |
	xargs clang-format --dry-run --ferror-limit=1 -Werror
