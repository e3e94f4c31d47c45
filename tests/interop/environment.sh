#!/bin/bash
# Makes, or finds, the Python that the comparisons run in, and prints its path. Usage: environment.sh FOLDER
#   VLT_INTEROP_PYTHON=PYTHON   take this one, install nothing
# Exits with 77 and a sentence where the packages cannot be had.
set -u
folder=$1 here=$(cd "$(dirname "$0")" && pwd)
if [ -n "${VLT_INTEROP_PYTHON:-}" ]; then
  echo "$VLT_INTEROP_PYTHON"
  exit 0
fi
python=$folder/bin/python wanted=$(sha256sum <"$here/requirements.txt")
if [ -x "$python" ] && [ "$(cat "$folder/requirements" 2>/dev/null)" = "$wanted" ]; then
  echo "$python"
  exit 0
fi
skip() {
  echo "interop: skipped: $1" >&2
  exit 77
}
python3 -m venv "$folder" >&2 || skip "python3 -m venv does not work (apt-get install python3-venv)"
# The build of torch for the CPU, where its index can be reached.
"$folder/bin/pip" install -q --retries 2 --disable-pip-version-check \
  --extra-index-url https://download.pytorch.org/whl/cpu -r "$here/requirements.txt" >&2 ||
  skip "pip cannot install $(tr '\n' ' ' <"$here/requirements.txt")"
echo "$wanted" >"$folder/requirements"
echo "$python"
