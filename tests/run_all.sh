#!/bin/bash
# The tests, from a clean clone on a fresh Debian 12. Usage: bash tests/run_all.sh [everything | part ...]
#   nothing         every kind of test, without sanitizers, on programs of one precision
#   everything      all of it; of single headers and listed mutants what the number of commits chooses
#   part ...        these, whole: hygiene format headers programs sizes demo cli interop compile_fail consumer mutants
#                   random_mutants unit simt asan tsan fuzz tidy digits
#   VLT_FULL=ON       with everything: all mutants, clang++ over all headers, every unit test without sanitizers,
#                     clang-tidy, the long comparisons
#   VLT_INSTALL=OFF   look for what is missing, install nothing      VLT_JOBS=N    compilers side by side
#   VLT_BUILD=DIR     where to build (build)                         VLT_CCACHE=OFF   no compiler cache where there is one
#   VLT_JOIN_TESTS=OFF   every file of unit tests a translation unit of its own
# The last line counts.
set -u
cd "$(dirname "$0")/.." || exit 2
root=$PWD build=${VLT_BUILD:-$PWD/build} passed=0 failed=0 full=${VLT_FULL:-OFF}
mkdir -p "$build" && build=$(cd "$build" && pwd) || exit 2

case ${*:-quick} in
  quick) size=quick parts="hygiene format headers programs demo cli+compile_fail+consumer interop+mutants unit simt" ;;
  everything)
    size=everything
    parts="hygiene format headers programs sizes demo cli+compile_fail+consumer interop+mutants random_mutants unit simt"
    parts="$parts asan tsan fuzz"
    [ "$full" = OFF ] || parts="$parts tidy digits" ;;
  *) size=whole parts=$* ;;
esac
VLT_CMAKE_ARGUMENTS="$(bash tests/install.sh tests) ${VLT_CMAKE_ARGUMENTS:-}" || { echo "0 passed, 1 failed"; exit 2; }
export VLT_CMAKE_ARGUMENTS
jobs=$(sh tests/jobs.sh)
commits=$(git rev-list --count HEAD 2>/dev/null || echo 0)
cache=
if [ "${VLT_CCACHE:-ON}" = ON ] && command -v ccache >/dev/null; then
  cache=ccache
  export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros}
fi

tally() {  # name, passed, failed
  passed=$((passed + $2)) failed=$((failed + $3))
  echo "== $1: $2 passed, $3 failed"
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
  cmake --preset "$1" -B "$build/$1" "-DCMAKE_CXX_COMPILER_LAUNCHER=$cache" $VLT_CMAKE_ARGUMENTS "${@:2}"
}
compile() {  # preset, further arguments of cmake...
  local preset=$1
  configure "$@" && cmake --build "$build/$preset" -j "$jobs"
}

build_target() {  # preset, target, further arguments of cmake...
  configure "$1" "${@:3}" && cmake --build "$build/$1" -j "$jobs" --target "$2"
}

# Builds and runs the unit tests of a preset; every test case counts.
unit() {  # preset, folders of tests/unit ("": all), ctest arguments...
  local preset=$1 folders=$2 log=$build/ctest_$1.log
  shift 2
  check "build $preset" compile "$preset" "-DVLT_TEST_FOLDERS=$folders" "-DVLT_JOIN_TESTS=${VLT_JOIN_TESTS:-ON}"
  ctest --test-dir "$build/$preset" -j "$jobs" --output-on-failure "$@" >"$log" 2>&1
  local counts
  counts=$(sed -n 's/^[0-9]*% tests passed, \([0-9]*\) tests failed out of \([0-9]*\)$/\2 \1/p' "$log")
  if [ -z "$counts" ]; then tail -n 20 "$log"; tally "unit tests, $preset" 0 1; return; fi
  grep -E '^ *[0-9]+ - .*\((Failed|Timeout|Not Run|SEGFAULT|ILLEGAL|Subprocess aborted)' "$log"
  [ "${counts#* }" = 0 ] || grep -B 2 -A 12 -E 'FAILED:|ERROR: |WARNING: ThreadSanitizer|runtime error' "$log" | head -n 120
  tally "unit tests, $preset" $((${counts% *} - ${counts#* })) "${counts#* }"
}

# One of so many parts of a list: all of it where nothing may be left out.
part_of() {  # how many in the quick size, how many in everything
  local of=1
  [ $size != quick ] || of=$1
  [ $size != everything ] || [ "$full" != OFF ] || of=$2
  echo "$((commits % of))/$of"
}

quick_families() { sed -n 's/^\([a-z_]*\) .*quick.*/\1/p' tests/interop/families.txt; }

part() {
  case $1 in
    hygiene)
      check "rules are checked" python3 tests/hygiene/rules_test.py
      check "rules" python3 tests/hygiene/rules.py
      check "snippets of the documents" python3 tests/hygiene/snippets.py ;;
    format) check "clang-format" sh tests/hygiene/format.sh ;;
    headers)
      check "headers alone and twice" python3 tests/hygiene/headers.py --jobs "$jobs" --part "$(part_of 10 1)" g++
      [ "$full" = OFF ] || check "headers with clang++" python3 tests/hygiene/headers.py --jobs "$jobs" clang++ ;;
    programs)
      : >"$build/compilers.log"
      local precisions="fp32;bf16;fp16"
      [ $size != quick ] || precisions=fp32
      cache="python3;$root/tests/hygiene/measure.py;$build/compilers.log${cache:+;$cache}" \
        check "build programs" compile programs -DVLT_INTEROP=ON "-DVLT_SFT_PRECISIONS=$precisions"
      for tutorial in custom_layer train_step; do check "$tutorial" "$build/programs/bin/$tutorial"; done ;;
    sizes) check "sizes and instances" python3 tests/hygiene/sizes.py "$build/programs" "$build/compilers.log" ;;
    demo)
      local of_the_demo=
      [ $size != quick ] || of_the_demo="VLT_DEMO=short"
      check "the demo" env VLT_BIN="$build/programs/bin" $of_the_demo bash examples/shapes_demo.sh "$build/shapes"
      grep -E '^(exact match|exactly right)' "$build/the_demo.log" ;;
    cli)
      check "the shapes data set" python3 tests/cli/shapes_dataset.py "$build/programs/bin"
      if [ $size = quick ]; then check "command lines" bash tests/cli/run.sh "$build/programs/bin" quick
      else check "command lines" bash tests/cli/run.sh "$build/programs/bin"; fi
      [ "$full" = OFF ] || check "a run of ten minutes" python3 tests/cli/soak.py "$build/programs/bin" 600 ;;
    interop)
      check "comparisons" bash tests/interop/run.sh "$build/programs/bin" $([ $size != quick ] || quick_families)
      grep -E '^(ok|WRONG) .*max error' "$build/comparisons.log" ;;
    digits) check "a pre-trained decoder" bash tests/interop/run.sh "$build/programs/bin" digits ;;
    compile_fail) check "messages of the compiler" sh tests/compile_fail/run.sh ;;
    mutants) check "mutants" sh tests/mutants/run.sh "$jobs" . "$(part_of 48 4)" ;;
    random_mutants)
      check "random mutants are random" python3 tests/mutants/random_mutants_test.py
      check "random mutants" python3 tests/mutants/random_mutants.py --seed "$commits" --count 10 --jobs "$jobs" \
        --work "$build/mutants"
      grep -E '^SURVIVED|caught:' "$build/random_mutants.log" ;;
    consumer) check "a project that uses the package" sh tests/consumer/run.sh "$build/consumer" "$build/programs/bin" $size ;;
    # The sanitizers' build runs every test; without them, then, only what measures memory.
    unit) if [ $size = everything ] && [ "$full" = OFF ]; then unit tests train; else unit tests ""; fi ;;
    # Kernels on a machine without a GPU. The quick size runs them once, unwatched.
    simt)
      if [ $size = quick ]; then
        check "build kernels" build_target tests simt_emulated -DVLT_TEST_FOLDERS=simt
        check "kernels, emulated" "$build/tests/tests/simt/simt_emulated"
      else
        unit tests simt
        check "kernels, compiled by nvcc" bash tests/simt/compiled.sh "$build/tests" "$build/nvcc"
        local nvcc
        nvcc=$(bash tests/simt/toolkit.sh "$build/nvcc/toolkit") || nvcc=
        check "mistakes in kernels" python3 tests/simt/mutants.py "$build/tests" --jobs "$jobs" --part "$(part_of 1 8)" \
          ${nvcc:+--nvcc "$nvcc"}
      fi ;;
    asan) unit asan "" ;;
    tsan) unit tsan "$(grep -rl '\[threads\]' tests/unit | cut -d/ -f3 | sort -u | paste -sd ';')" -L threads ;;
    # The build with sanitizers, which everything has already.
    fuzz)
      check "build what reads damaged input" build_target asan fuzz "-DVLT_JOIN_TESTS=${VLT_JOIN_TESTS:-ON}"
      check "damaged input" sh -c "cd '$build' && asan/tests/fuzz '$root/tests' 5 $commits"
      [ "$full" = OFF ] || check "damaged input, by libFuzzer" bash tests/fuzz/libfuzzer.sh "$build/libfuzzer" 30 ;;
    tidy) check "clang-tidy" sh -c "clang-tidy -p $build/programs examples/*.cpp" ;;
    *) echo "run_all: there is no part \"$1\""; failed=$((failed + 1)) ;;
  esac
}

# Parts that keep one core busy each, side by side. What they print comes part by part, and so do their counts.
side_by_side() {  # part...
  local p
  for p in "$@"; do
    (passed=0 failed=0; part "$p"; echo "$passed $failed" >"$build/part_$p.counts") >"$build/part_$p.out" 2>&1 &
  done
  wait
  for p in "$@"; do
    cat "$build/part_$p.out"
    read -r p_passed p_failed <"$build/part_$p.counts"
    passed=$((passed + p_passed)) failed=$((failed + p_failed))
  done
}

note_cpu() {  # sets cpu_now: seconds of processors that this shell and everything it waited for have used
  times >"$build/times"  # not in a subshell: that would count from nothing
  cpu_now=$(awk '{ for (i = 1; i <= 2; ++i) { split($i, t, /[ms]/); s += 60 * t[1] + t[2] } } END { print int(s) }' \
    "$build/times")
}

for p in $parts; do
  note_cpu
  started=$SECONDS cpu_before=$cpu_now
  side_by_side_parts=${p//+/ }
  if [ "$p" = "$side_by_side_parts" ] || [ "$jobs" = 1 ]; then for one in $side_by_side_parts; do part "$one"; done
  else side_by_side $side_by_side_parts; fi
  note_cpu
  line="$p: $((SECONDS - started)) s, $((cpu_now - cpu_before)) s of processors"
  echo "== $line"
  summary="${summary:-}$line"$'\n'
done
printf '\n%s%s s in all\n' "$summary" "$SECONDS"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
