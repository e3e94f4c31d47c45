#!/bin/bash
# Finds, or fetches, a CUDA compiler, and prints its path. Usage: toolkit.sh FOLDER. No GPU is needed, nor a driver.
#   VLT_NVCC=PATH   take this one        VLT_NVCC=wheels   fetch one even where there is one
# Otherwise: the nvcc of PATH, that of /usr/local/cuda, or NVIDIA's packages from PyPI (105 MB, 280 on disk) in a virtual
# environment in FOLDER, unless VLT_INSTALL=OFF. They are proprietary: installed, never shipped. Exits with 77 and a
# sentence where there is none to be had.
set -u
folder=$1
found=${VLT_NVCC:-$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null)}
if [ -n "$found" ] && [ "$found" != wheels ]; then
  echo "$found"
  exit 0
fi
skip() {
  echo "kernels: skipped: $1" >&2
  exit 77
}
[ "${VLT_INSTALL:-ON}" != OFF ] || skip "there is no nvcc, and VLT_INSTALL=OFF fetches none"
[ "$(uname -m)" = x86_64 ] || skip "there is no nvcc, and its packages are fetched for x86-64 only"

# crt and nvvm are named because nvcc's own package does not say which versions it needs; newer ones do not fit.
wanted="cuda-toolkit[nvcc,crt,nvvm,cudart,cccl]==13.0.2"
if [ "$(cat "$folder/wanted" 2>/dev/null)" != "$wanted" ]; then
  python3 -m venv "$folder" >&2 || skip "python3 -m venv does not work (apt-get install python3-venv)"
  "$folder/bin/python" -m pip install -q --retries 2 --disable-pip-version-check "$wanted" >&2 || skip "pip cannot install $wanted"
  echo "$wanted" >"$folder/wanted"
fi
toolkit=$(ls -d "$folder"/lib/python3*/site-packages/nvidia/cu13) || skip "the packages lie elsewhere than expected"
[ -e "$toolkit/lib64" ] || ln -s lib "$toolkit/lib64"  # where nvcc looks
echo "$toolkit/bin/nvcc"
