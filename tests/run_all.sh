#!/bin/bash
# Every test, from a clean clone on a fresh Debian 12. Usage: bash tests/run_all.sh [part ...]
#   VLT_INSTALL=OFF   look for what is missing, install nothing      VLT_JOBS=N    compilers side by side
#   VLT_BUILD=DIR     where to build (build)
#   VLT_FULL=ON       also clang++ over all headers, every unit test without sanitizers, clang-tidy, the long comparisons
# Parts: hygiene format headers programs sizes demo cli interop compile_fail consumer mutants unit asan tsan tidy digits.
# The last line counts.
set -u
cd "$(dirname "$0")/.." || exit 2
root=$PWD build=${VLT_BUILD:-$PWD/build} passed=0 failed=0 started=$SECONDS
parts=${*:-hygiene format headers programs sizes demo cli interop compile_fail consumer mutants unit asan tsan}
[ "${VLT_FULL:-OFF}" = OFF ] || [ $# -gt 0 ] || parts="$parts tidy digits"
mkdir -p "$build"

cmake_arguments=$(bash tests/install.sh tests) || { echo "0 passed, 1 failed"; exit 2; }
cmake_arguments="$cmake_arguments ${VLT_CMAKE_ARGUMENTS:-}"
jobs=$(sh tests/jobs.sh)

tally() {  # name, passed, failed
  passed=$((passed + $2)) failed=$((failed + $3))
  echo "== $1: $2 passed, $3 failed ($((SECONDS - started)) s since the start)"
}

# Runs a command whose last line may be "N passed, N failed"; without such a line it counts as one test.
check() {  # name, command...
  local name=$1 status counts log
  log=$build/$(echo "$name" | tr ' /' '__').log
  shift
  echo "== $name"
  "$@" >"$log" 2>&1
  status=$?
  [ $status != 77 ] || { grep skipped: "$log"; tally "$name: skipped" 0 0; return; }
  counts=$(tail -n 1 "$log" | sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p')
  [ $status = 0 ] || { grep -vE '^(ok|caught) ' "$log" | tail -n 60; }
  if [ -n "$counts" ] && { [ $status = 0 ] || [ "${counts#* }" != 0 ]; }; then tally "$name" $counts
  elif [ $status = 0 ]; then tally "$name" 1 0
  else tally "$name" 0 1; fi
}

configure() {  # preset, further arguments...
  cmake --preset "$1" -B "$build/$1" -DCMAKE_C_COMPILER_LAUNCHER= $cmake_arguments "${@:2}"
}
compile() {  # preset, further arguments of cmake...
  local preset=$1
  configure "$@" && cmake --build "$build/$preset" -j "$jobs"
}

# Builds and runs the unit tests of a preset; every test case counts.
unit() {  # preset, folders of tests/unit ("": all), ctest arguments...
  local preset=$1 folders=$2 log=$build/ctest_$1.log
  shift 2
  check "build $preset" compile "$preset" "-DVLT_TEST_FOLDERS=$folders"
  ctest --test-dir "$build/$preset" -j "$jobs" --output-on-failure "$@" >"$log" 2>&1
  local counts
  counts=$(sed -n 's/^[0-9]*% tests passed, \([0-9]*\) tests failed out of \([0-9]*\)$/\2 \1/p' "$log")
  if [ -z "$counts" ]; then tail -n 20 "$log"; tally "unit tests, $preset" 0 1; return; fi
  grep -E '^ *[0-9]+ - .*\((Failed|Timeout|Not Run|SEGFAULT|ILLEGAL|Subprocess aborted)' "$log"
  [ "${counts#* }" = 0 ] || grep -B 2 -A 12 -E 'FAILED:|ERROR: |WARNING: ThreadSanitizer|runtime error' "$log" | head -n 120
  tally "unit tests, $preset" $((${counts% *} - ${counts#* })) "${counts#* }"
}

part() {
  case $1 in
    hygiene)
      check "rules are checked" python3 tests/hygiene/rules_test.py
      check "rules" python3 tests/hygiene/rules.py
      check "snippets of the documents" python3 tests/hygiene/snippets.py ;;
    format) check "clang-format" sh tests/hygiene/format.sh ;;
    headers)
      check "headers alone and twice" python3 tests/hygiene/headers.py "$jobs" g++
      [ "${VLT_FULL:-OFF}" = OFF ] || check "headers with clang++" python3 tests/hygiene/headers.py "$jobs" clang++ ;;
    programs)
      : >"$build/compilers.log"
      check "build programs" compile programs -DVLT_INTEROP=ON \
        "-DCMAKE_CXX_COMPILER_LAUNCHER=python3;$root/tests/hygiene/measure.py;$build/compilers.log"
      for tutorial in custom_layer train_step; do check "$tutorial" "$build/programs/bin/$tutorial"; done ;;
    sizes) check "sizes and instances" python3 tests/hygiene/sizes.py "$build/programs" "$build/compilers.log" ;;
    demo)
      check "the demo" env VLT_BIN="$build/programs/bin" bash examples/shapes_demo.sh "$build/shapes"
      grep -E '^(exact match|exactly right)' "$build/the_demo.log" ;;
    cli)
      check "the shapes data set" python3 tests/cli/shapes_dataset.py "$build/programs/bin"
      check "command lines" bash tests/cli/run.sh "$build/programs/bin" ;;
    interop)
      check "comparisons" bash tests/interop/run.sh "$build/programs/bin"
      grep -E '^(ok|WRONG) .*max error' "$build/comparisons.log" ;;
    digits) check "a pre-trained decoder" bash tests/interop/run.sh "$build/programs/bin" digits ;;
    compile_fail) check "messages of the compiler" sh tests/compile_fail/run.sh ;;
    mutants) check "mutants" sh tests/mutants/run.sh "$jobs" ;;
    consumer) check "a project that uses the package" sh tests/consumer/run.sh "$build/consumer" ;;
    # The sanitizers' build runs every test; without them only what measures memory.
    unit) if [ "${VLT_FULL:-OFF}" = OFF ]; then unit tests train; else unit tests ""; fi ;;
    asan) unit asan "" ;;
    tsan) unit tsan "$(grep -rl '\[threads\]' tests/unit | cut -d/ -f3 | sort -u | paste -sd ';')" -L threads ;;
    tidy) check "clang-tidy" sh -c "clang-tidy -p $build/programs examples/*.cpp" ;;
    *) echo "run_all: there is no part \"$1\""; failed=$((failed + 1)) ;;
  esac
}

for p in $parts; do part "$p"; done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
