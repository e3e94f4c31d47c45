#!/bin/sh
# Installs the package into a folder of its own, then builds and runs an outside project with it.
# Usage: run.sh [folder to build in]
cd "$(dirname "$0")" || exit 2
here=$PWD
root=$(cd ../.. && pwd)
build=${1:-$(mktemp -d)}
mkdir -p "$build" && build=$(cd "$build" && pwd) || exit 2
passed=0 failed=0
step() {  # what, command...
  what=$1
  shift
  if "$@" >"$build/log" 2>&1; then echo "ok   $what"; passed=$((passed + 1))
  else echo "FAIL $what"; tail -40 "$build/log"; failed=$((failed + 1)); fi
}
rm -rf "$build/installed here" "$build/project"
step "configure VLTune" cmake -S "$root" -B "$build/vltune" -DVLT_PROGRAMS=OFF -DVLT_TESTS=OFF -DCMAKE_BUILD_TYPE=Release
step "install it" cmake --install "$build/vltune" --prefix "$build/installed here"
step "configure the project" cmake -S "$here" -B "$build/project" -DCMAKE_PREFIX_PATH="$build/installed here" \
  -DCMAKE_BUILD_TYPE=Release
step "build the project" cmake --build "$build/project"
step "run it" "$build/project/consumer"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
