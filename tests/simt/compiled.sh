#!/bin/bash
# Kernels as nvcc compiles them, without a GPU. Usage: compiled.sh BUILD (where simt_checked is), FOLDER (for nvcc's files).
# Their PTX for each architecture is followed by an interpreter, through the same tests and under the same checks as their
# source; then ptxas makes machine code of them, in which nothing may spill or lie in local memory. The last line counts.
set -u
cd "$(dirname "$0")/../.." || exit 2
program=$1/tests/simt/simt_checked folder=$2
mkdir -p "$folder"
nvcc=$(bash tests/simt/toolkit.sh "$folder/toolkit") || exit $?
"$nvcc" --version | tail -n 2 | head -n 1
flags="-std=c++20 -Iinclude -Itests -Werror=all-warnings"

count() {  # name, status
  if [ "$2" = 0 ]; then echo "ok     $1"; else echo "FAIL   $1"; fi
}
run() {  # architecture, numerics
  VLT_TEST_PTX=$folder/kernels_$1.ptx VLT_TEST_NUMERICS=$2 "$program" "~the checker finds every planted defect and nothing else"
  count "compute_$1, numerics $2" $?
}
assemble() {  # architecture of the PTX, and of the machine code
  "$(dirname "$nvcc")/ptxas" -arch=sm_$2 --warn-on-spills --warn-on-local-memory-usage -Werror "$folder/kernels_$1.ptx" \
    -o "$folder/kernels_$2.cubin"
  count "machine code for sm_$2, no spills" $?
}
architecture() {
  # shellcheck disable=SC2086
  "$nvcc" $flags -arch=compute_$1 -ptx tests/simt/instances.cu -o "$folder/kernels_$1.ptx"
  count "PTX for compute_$1" $?
  run "$1" 0
  assemble "$1" "$1"
}
architecture 80 >"$folder/80.log" 2>&1 &
architecture 90 >"$folder/90.log" 2>&1 &
wait
architecture 100 >"$folder/100.log" 2>&1 &
{
  for numerics in 1 2 3; do run 80 $numerics; done  # what a device may do otherwise: simt/ptx/machine.hpp
} >"$folder/numerics.log" 2>&1 &
wait
assemble 100 120 >"$folder/120.log" 2>&1
cat "$folder"/{80,90,100,120,numerics}.log
passed=$(cat "$folder"/{80,90,100,120,numerics}.log | grep -c '^ok  ') expected=13
echo "$passed passed, $((expected - passed)) failed"
[ "$passed" = $expected ]
