#!/usr/bin/env bash
# Our step beside PyTorch's, alternating, five rounds: CPU time (torch / ours), time by the clock and peak RSS
# (ours / torch) as ratios of neighbours; their median, least and most.
# Usage: benchmarks/compare_pytorch.sh [build folder] [rounds]
# Makes a virtual environment in the build folder on first use (torch 2.13.0, CPU; about 1 GB).
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/benchmarks}
rounds=${2:-5}
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
export OMP_WAIT_POLICY=passive  # a thread that spins while it waits would be billed as CPU time

# "CPU seconds, seconds by the clock, MiB" of what one of the two programs printed.
numbers() { tr '\n' ' ' | sed -nE 's/.* ([0-9.]+) CPU s [^,]*, ([0-9.]+) s wall.*peak RSS ([0-9]+) MiB.*/\1 \2 \3/p'; }

# The median of the numbers in a column, least and most.
spread() { # column of the file `ratios`
  cut -d ' ' -f "$1" "$ratios" | sort -g | awk '{ v[NR] = $1 }
    END { m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2; printf "%.2f (%.2f to %.2f)", m, v[1], v[NR] }'
}

ratios=$(mktemp)
trap 'rm -f "$ratios"' EXIT
for mode in full lora; do
  supervised=1
  [ $mode = lora ] && supervised=0.25
  : >"$ratios"
  for round in $(seq "$rounds"); do
    ours_text=$("$ours" $mode 512 2 $supervised)
    torch_text=$("$venv/bin/python" benchmarks/torch_step.py --mode $mode --precision autocast --supervised $supervised)
    printf '%s\n' "$ours_text" "$torch_text"
    echo "$(echo "$ours_text" | numbers) $(echo "$torch_text" | numbers)" |
      awk '{ printf "%.4f %.4f %.4f\n", $4 / $1, $5 / $2, $3 / $6 }' | tee -a "$ratios" |
      awk -v what="$mode, round $round" \
        '{ printf "%s: CPU time torch / ours %.2f, by the clock %.2f, peak RSS ours / torch %.2f\n", what, $1, $2, $3 }'
  done
  echo "$mode, $rounds rounds: CPU time torch / ours $(spread 1), by the clock $(spread 2), peak RSS ours / torch $(spread 3)"
done
