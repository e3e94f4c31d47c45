#!/bin/sh
# Every C++ file must be as clang-format writes it. FIX=1 rewrites instead.
cd "$(dirname "$0")/../.." || exit 2
format=$(command -v clang-format-14 || command -v clang-format) || { echo "clang-format is missing"; exit 1; }
files=$(git ls-files '*.hpp' '*.cpp' | grep -v 'unicode/unicode_')
if [ "${FIX:-0}" = 1 ]; then "$format" -i $files; else "$format" --dry-run -Werror $files; fi
