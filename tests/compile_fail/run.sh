#!/bin/sh
# What the compiler says about wrong layers, and what it generates for frozen ones. Usage: [CXX=clang++] run.sh
# Every file must compile; with -DMISTAKE it must not, and the message must be the one of its first line, short enough.
cd "$(dirname "$0")" || exit 2
cxx=${CXX:-g++}
case $cxx in *clang*) most=31 ;; *) most=17 ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
ok() { echo "ok   $*"; passed=$((passed + 1)); }
fail() { echo "FAIL $*"; failed=$((failed + 1)); }
compile() { $cxx -std=c++20 -Wall -Wextra -I../../include -isystem /usr/include/eigen3 "$@" 2>"$work/log"; }

for file in *.cpp; do
  [ "$file" = block.cpp ] && continue
  expected=$(sed -n 's,^// expected: ,,p' "$file")
  if ! compile -fsyntax-only "$file"; then fail "$file: without its mistake it does not compile"; head -20 "$work/log"; continue; fi
  if compile -fsyntax-only -DMISTAKE "$file"; then fail "$file: its mistake is not noticed"; continue; fi
  lines=$(wc -l <"$work/log")
  if ! grep -qF "$expected" "$work/log"; then fail "$file: the message lacks: $expected"; head -20 "$work/log"
  elif [ "$lines" -gt "$most" ]; then fail "$file: $lines lines of messages, at most $most"; cat "$work/log"
  elif [ "$(grep -c 'error: ' "$work/log")" != 1 ]; then fail "$file: more than one error"; cat "$work/log"
  else ok "$file: $lines lines"; fi
done

# Weight gradients are products with the first factor transposed. Frozen blocks hold none; adapted ones hold those of
# their adapters only, whose two factors are never a block's weight.
for kind in frozen adapted trainable; do
  compile -O0 -DKIND=$kind -c block.cpp -o "$work/$kind.o" || { fail "block.cpp does not compile as $kind"; head "$work/log"; }
  nm -C "$work/$kind.o" | grep -oE 'ops::gemm<\(vlt::ops::Trans\)2[^>]*>' | sort -u >"$work/gradients.$kind"
done
count() { wc -l <"$work/gradients.$1"; }
if [ "$(count trainable)" -gt 0 ]; then ok "trainable block: $(count trainable) weight-gradient products"; else fail "the count of weight-gradient products does not work"; fi
if [ "$(count frozen)" = 0 ]; then ok "frozen block: no weight-gradient product"; else fail "a frozen block holds weight-gradient products"; cat "$work/gradients.frozen"; fi
if [ "$(count adapted)" = 1 ]; then ok "adapted block: one weight-gradient product, its adapters'"; else fail "an adapted block holds $(count adapted) weight-gradient products"; cat "$work/gradients.adapted"; fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
