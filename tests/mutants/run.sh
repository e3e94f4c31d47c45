#!/bin/sh
# Breaks one thing at a time (mutants.txt) and sees whether a test fails. Usage: run.sh [compilers side by side] [pattern]
cd "$(dirname "$0")/../.." || exit 2
jobs=${1:-2} pattern=${2:-.}
cxx="${CXX:-g++} -std=c++20 -O0 -march=native -w -pthread -isystem /usr/include/stb -isystem /usr/include/eigen3 -DVLT_HAVE_STB=1 -DVLT_TEST_DIR=\"$PWD/tests\""
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Catch takes longer to compile than most of what is tested here: its header is compiled once, and so is its main().
mkdir -p "$work/first/catch2"
echo '#include_next <catch2/catch.hpp>' >"$work/first/catch2/catch.hpp"
$cxx -x c++-header -I"$work/first" "$work/first/catch2/catch.hpp" -o "$work/first/catch2/catch.hpp.gch" || exit 2
printf '#define CATCH_CONFIG_MAIN\n#include <catch2/catch.hpp>\n' >"$work/main.cpp"
$cxx -c "$work/main.cpp" -o "$work/main.o" || exit 2
cxx="$cxx -include $work/first/catch2/catch.hpp"

build_and_run() {  # include folder with the mutant, test, where to build
  $cxx -I"$work/first" -I"$1" -Iinclude -Itests "tests/unit/$2.cpp" "$work/main.o" -lboost_json -o "$3/test" \
    >"$3/log" 2>&1 || return 2
  timeout 100 "$3/test" >"$3/log" 2>&1 && return 0
  return 1
}

one() {  # number, line of mutants.txt
  header=$(echo "$2" | awk -F ' @ ' '{print $1}') edit=$(echo "$2" | awk -F ' @ ' '{print $2}')
  tests=$(echo "$2" | awk -F ' @ ' '{print $3}')
  dir=$work/$1
  mkdir -p "$dir/include/vlt/$(dirname "$header")"
  sed "$edit" "include/vlt/$header" >"$dir/include/vlt/$header"
  if cmp -s "include/vlt/$header" "$dir/include/vlt/$header"; then echo "STALE    $header  $edit"; return; fi
  verdict=SURVIVED
  for test in $tests; do
    build_and_run "$dir/include" "$test" "$dir"
    case $? in
      1) verdict="caught  "; break ;;
      2) verdict=COMPILER; break ;;
    esac
  done
  echo "$verdict $header  $edit  [$tests]"
  [ $verdict = COMPILER ] && grep -m 2 error "$dir/log"
  rm -rf "$dir"
}

# A test that fails without a mutant would catch everything.
grep -v '^#' tests/mutants/mutants.txt | grep -E "$pattern" >"$work/list"
sed 's/.* @ //' "$work/list" | tr ' ' '\n' | sort -u >"$work/tests"
worker() {  # worker, of
  dir=$work/worker$1
  mkdir -p "$dir"
  n=0
  while IFS= read -r test; do
    n=$((n + 1))
    [ $((n % $2)) -eq "$1" ] || continue
    build_and_run include "$test" "$dir" || echo "FAILS    $test without a mutant"
  done <"$work/tests"
  n=0
  while IFS= read -r line; do
    n=$((n + 1))
    [ $((n % $2)) -eq "$1" ] && one "$n" "$line"
  done <"$work/list"
}
for w in $(seq 0 $((jobs - 1))); do worker "$w" "$jobs" >"$work/report$w" & done
wait
cat "$work"/report* | sort >"$work/report"
cat "$work/report"
caught=$(grep -c '^caught' "$work/report") all=$(wc -l <"$work/list")
broken=$(grep -c '^FAILS' "$work/report")
echo "$caught passed, $((all - caught + broken)) failed"
[ "$caught" = "$all" ] && [ "$broken" = 0 ]
