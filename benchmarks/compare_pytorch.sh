#!/usr/bin/env bash
# Our step beside PyTorch's, alternating in one run, as ratios: CPU time (torch / ours) and peak RSS (ours / torch).
# Usage: benchmarks/compare_pytorch.sh [build folder] [rounds]
# Makes a virtual environment in the build folder on first use (torch 2.13.0, CPU; about 1 GB).
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
rounds=${2:-3}
ours=$build/bin/bench_step
venv=$build/torch-venv
if [ ! -x "$ours" ]; then
  echo "there is no $ours: build the benchmarks first (cmake --build $build --target bench_step)" >&2
  exit 2
fi
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  # the CPU build where its index can be reached, else what the default index has
  "$venv/bin/pip" install -q --retries 1 --extra-index-url https://download.pytorch.org/whl/cpu \
    torch==2.13.0 transformers peft
fi
export OMP_WAIT_POLICY=passive

# "CPU seconds, MiB" of a line that one of the two programs printed.
numbers() { sed -nE 's/.* ([0-9.]+) CPU s,.*/\1/p; s/.*peak RSS ([0-9]+) MiB.*/\1/p' | tr '\n' ' '; }

for mode in full lora; do
  supervised=1
  [ $mode = lora ] && supervised=0.25
  for round in $(seq "$rounds"); do
    ours_line=$("$ours" $mode 512 2 $supervised 4)
    torch_line=$("$venv/bin/python" benchmarks/torch_step.py --mode $mode --precision autocast --supervised $supervised)
    echo "$ours_line"
    echo "$torch_line"
    echo "$(echo "$ours_line" | numbers) $(echo "$torch_line" | numbers)" |
      awk -v what="$mode, round $round" \
        '{ printf "%s: CPU time torch / ours %.2f, peak RSS ours / torch %.2f\n", what, $3 / $1, $2 / $4 }'
  done
done
