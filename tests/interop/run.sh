#!/bin/bash
# Compares the programs with those that nobody here wrote: transformers, tokenizers, Pillow, torch, PEFT. Every line
# says what was compared, the largest error and how much is allowed. Usage: run.sh FOLDER_OF_PROGRAMS [family ...]
#   VLT_INTEROP_SEED=N      another seed for configurations and inputs (1)
#   VLT_INTEROP_PYTHON=...  a Python that has the packages of requirements*.txt
# Families: the Python files beside this one that have a line in families.txt. The last line counts; 77: skipped.
set -u
here=$(cd "$(dirname "$0")" && pwd) bin=$(cd "$1" && pwd)
shift
families=${*:-$(sed -n 's/^\([a-z_]*\) always.*/\1/p' "$here/families.txt")}
python=$(bash "$here/environment.sh" "$bin/../interop-venv" $families) || { echo "0 passed, 0 failed"; exit 77; }
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2} OMP_WAIT_POLICY=passive HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false
export PYTHONDONTWRITEBYTECODE=1
passed=0 failed=0 log=$(mktemp)
trap 'rm -f "$log"' EXIT
for family in $families; do
  echo "== $family, seed ${VLT_INTEROP_SEED:-1}"
  "$python" "$here/$family.py" "$bin" "${VLT_INTEROP_SEED:-1}" 2>&1 | tee "$log"
  counts=$(tail -n 1 "$log" | sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p')
  [ -n "$counts" ] || counts="0 1"
  passed=$((passed + ${counts% *})) failed=$((failed + ${counts#* }))
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
