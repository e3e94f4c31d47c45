#!/bin/bash
# Kernels as nvcc compiles them, without a GPU. Usage: compiled.sh BUILD (where simt_checked is), FOLDER (for nvcc's files).
# Their PTX for each architecture is followed by an interpreter, through the same tests and under the same checks as their
# source; then ptxas makes machine code of them, in which nothing may spill or lie in local memory. The last line counts.
set -u
cd "$(dirname "$0")/../.." || exit 2
program=$1/tests/simt/simt_checked folder=$2 passed=0 failed=0
mkdir -p "$folder"
nvcc=$(bash tests/simt/toolkit.sh "$folder/toolkit") || exit $?
"$nvcc" --version | tail -n 2 | head -n 1
flags="-std=c++20 -Iinclude -Itests -Werror=all-warnings"

count() {  # name, status
  if [ "$2" = 0 ]; then passed=$((passed + 1)) && echo "ok     $1"; else failed=$((failed + 1)) && echo "FAIL   $1"; fi
}
run() {  # architecture, numerics
  VLT_TEST_PTX=$folder/kernels_$1.ptx VLT_TEST_NUMERICS=$2 "$program" "~the checker finds every planted defect and nothing else"
  count "compute_$1, numerics $2" $?
}
for arch in 80 90 100; do
  # shellcheck disable=SC2086
  "$nvcc" $flags -arch=compute_$arch -ptx tests/simt/instances.cu -o "$folder/kernels_$arch.ptx"
  count "PTX for compute_$arch" $?
  run $arch 0
done
for numerics in 1 2 3; do run 80 $numerics; done  # what a device may do otherwise: simt/ptx/machine.hpp
for arch in 80 90 100 120; do
  # shellcheck disable=SC2086
  "$nvcc" $flags -arch=sm_$arch -cubin -Xptxas --warn-on-spills,--warn-on-local-memory-usage,-Werror \
    tests/simt/instances.cu -o "$folder/kernels_$arch.cubin"
  count "machine code for sm_$arch, no spills" $?
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
