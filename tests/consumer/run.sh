#!/bin/sh
# Installs the package into a folder of its own, then builds and runs an outside project with it.
# Usage: run.sh [folder to build in [folder of make_shapes_dataset: built where it is not given [quick]]]
#   quick: without the programs that have kinds of the project's own
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
rm -rf "$build/installed here" "$build/project" "$build/data"
step "configure VLTune" cmake -S "$root" -B "$build/vltune" -DVLT_PROGRAMS=OFF -DVLT_TESTS=OFF -DCMAKE_BUILD_TYPE=Release
step "install it" cmake --install "$build/vltune" --prefix "$build/installed here"
core() { cmake -S "$here/core" -B "$build/core" -DCMAKE_PREFIX_PATH="$build/installed here" "$@"; }
unknown_component() { core -DCOMPONENT=cuda 2>&1 | tee "$build/unknown" | grep -q 'no component "cuda"'; }
step "an unknown component is refused" unknown_component
rm -rf "$build/core"
step "configure a project of layers alone" core -DCMAKE_BUILD_TYPE=None
step "build it" cmake --build "$build/core"
step "run it" "$build/core/core"
step "configure the project" cmake -S "$here" -B "$build/project" -DCMAKE_PREFIX_PATH="$build/installed here" \
  -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS=-O1
step "build the project" cmake --build "$build/project" --parallel "$(sh "$root/tests/jobs.sh")" \
  --target consumer $([ "${3:-}" = quick ] || echo own_sft own_generate)
step "run it" "$build/project/consumer"

if [ "${3:-}" = quick ]; then
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
  exit
fi
programs=${2:-}
if [ -z "$programs" ]; then
  programs=$build/vltune/bin
  step "build the program that draws data" sh -c "cmake -S '$root' -B '$build/vltune' -DVLT_PROGRAMS=ON \
    -DVLT_INSTALL=OFF && cmake --build '$build/vltune' --target make_shapes_dataset"
fi
step "draw data" "$programs/make_shapes_dataset" --output_dir "$build/data" --records 400 --test_records 20
step "make a language model of the project's own family" python3 "$here/own_model.py" "$build/data/language_model"
step "train it, read it back, ask it" sh "$here/own_programs.sh" "$build/project" "$build"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
