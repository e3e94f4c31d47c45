#!/bin/bash
# The programs from outside: options, models, answers, malformed input. The last line says how many scripts passed.
# Usage: run.sh FOLDER_OF_PROGRAMS [quick]   quick: what programs compiled for fp32 alone can do, in a minute
set -u
bin=$(cd "$1" && pwd) quick=${2:-} here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
passed=0 failed=0
run() {
  echo "== $1"
  shift
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

skippable() {  # command: 77 says that it cannot be run here, and why
  "$@"
  local status=$?
  [ $status = 77 ] || return $status
}

"$bin/make_shapes_dataset" --output_dir "$folder/data" --records 24 --test_records 4 >/dev/null || exit 1
language=$folder/data/language_model vision=$folder/data/vision_model
run "programs together" python3 "$here/programs.py" "$bin"
run "malformed input" python3 "$here/malformed.py" "$bin/sft_main" "$language" "$vision"
run "faults outside" python3 "$here/outside_faults.py" "$bin"
run "runs that go on" python3 "$here/resuming.py" "$bin" $quick
run "a run that is long" python3 "$here/soak.py" "$bin"
run "memory of the audit" python3 "$here/data_memory.py" "$bin/sft_main" "$language" "$vision"
run "several processes" skippable python3 "$here/ranks.py" "$bin"
if [ "$quick" != quick ]; then
  run "memory of several processes" skippable python3 "$here/ranks_memory.py" "$bin"
  run "every option" python3 "$here/options.py" "$bin" "$here/../../docs/options.md"
  run "merging adapters" python3 "$here/merging.py" "$bin"
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
