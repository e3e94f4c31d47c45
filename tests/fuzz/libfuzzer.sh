#!/bin/bash
# The targets under clang's libFuzzer, which sees what an input reaches. Usage: libfuzzer.sh BUILD SECONDS [TARGET...]
# Each target gets its corpus first, then so many seconds. What is found lies in BUILD as finding-TARGET-... . Exit 77
# where there is no clang++ with libFuzzer.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
build=$1 seconds=$2
shift 2
mkdir -p "$build" || exit 2
echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' >"$build/try.cpp"
clang++ -fsanitize=fuzzer "$build/try.cpp" -o "$build/try" 2>/dev/null || { echo "skipped: there is no clang++ with libFuzzer"; exit 77; }

flags="-std=c++20 -march=native -O1 -g1 -DVLT_LIBFUZZER -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all"
includes="-I../include -I. -I/usr/include/stb"
libraries=-lboost_json
[ ! -e /usr/include/jpeglib.h ] || flags="$flags -DVLT_HAVE_JPEG" libraries="$libraries -ljpeg"
[ ! -e /usr/include/png.h ] || flags="$flags -DVLT_HAVE_PNG" libraries="$libraries -lpng"
sources=$(for f in fuzz/*.cpp; do echo "#include \"$PWD/$f\""; done)
clang++ $flags $includes -x c++ - -x none $libraries -o "$build/fuzz" <<<"$sources" || exit 1
passed=0 failed=0
for target in ${*:-$(sed -n 's/^    {"\([a-z_]*\)".*/\1/p' fuzz/targets.hpp)}; do
  found="$build/corpus-$target"
  mkdir -p "$found"
  seeds="fuzz/corpus/$target"
  [ "$target" != picture ] || seeds=golden/images
  if VLT_FUZZ_TARGET=$target "$build/fuzz" -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$build/finding-$target-" "$found" "$seeds" 2>&1 | tail -n 40; then
    passed=$((passed + 1))
  else failed=$((failed + 1)); fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
