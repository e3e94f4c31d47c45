#!/bin/bash
# Brings what a build needs onto a Debian 12 machine. Usage: install.sh [build|tests|benchmarks]
# Removes nothing that is installed. Without root, or with VLT_INSTALL=OFF, it only looks and says what is missing.
# Prints, as its last line on standard output, the arguments that cmake needs to find what it fetched (often none).
set -u
cd "$(dirname "$0")/.." || exit 2

packages="g++ cmake ninja-build libeigen3-dev libjpeg-dev libpng-dev libstb-dev libxxhash-dev"
case ${1:-build} in
  tests) packages="$packages libopenmpi-dev openmpi-bin catch2 clang-format python3 python3-venv git" ;;
  benchmarks) packages="$packages libbenchmark-dev python3 python3-venv" ;;
esac
say() { echo "install: $*" >&2; }

installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }
missing() { for p in "$@"; do installed "$p" || echo "$p"; done; }

# Boost.JSON came with Boost 1.75; Debian 12 has 1.74 and, beside it, 1.81.
boost_packages() {
  if apt-cache show libboost-json-dev >/dev/null 2>&1; then echo libboost-json-dev
  else echo libboost1.81-dev libboost-json1.81-dev; fi
}

# libboost1.81-dev cannot be installed beside libboost1.74-dev. The headers alone do: they are unpacked into build/.
fetch_boost() {
  say "libboost1.74-dev is installed and excludes libboost1.81-dev; yours stays, the headers of 1.81 go to build/boost"
  mkdir -p build/boost && (cd build/boost && apt-get download -q libboost1.81-dev >&2 && dpkg -x libboost1.81-dev_*.deb .)
}

if ! command -v dpkg-query >/dev/null; then
  say "this is no Debian: please see to g++ 12, CMake 3.24, Ninja, Eigen 3.4, Boost 1.75 with JSON, xxHash, stb,"
  say "libjpeg and libpng"
  exit 0
fi

boost=$(boost_packages)
cmake_arguments=
if [ -n "$(missing $boost)" ] && installed libboost1.74-dev; then
  [ -d build/boost/usr ] || fetch_boost || {
    say "that failed; remove libboost1.74-dev yourself (apt-get remove libboost1.74-dev) or give CMake the folder of"
    say "another Boost: VLT_CMAKE_ARGUMENTS=-DVLT_BOOST_INCLUDE_DIR=/path/to/include"
    exit 2
  }
  cmake_arguments=-DVLT_BOOST_INCLUDE_DIR=$PWD/build/boost/usr/include
else
  packages="$packages $boost"
fi

wanted=$(missing $packages)
if [ -n "$wanted" ]; then
  as_root=
  if [ "$(id -u)" != 0 ]; then as_root=sudo; fi
  if [ "${VLT_INSTALL:-ON}" = OFF ] || { [ -n "$as_root" ] && ! command -v sudo >/dev/null; }; then
    say "these packages are missing; ask whoever has root for them:"
    say "  apt-get install --no-remove" $wanted
    exit 2
  fi
  say "installing" $wanted
  export DEBIAN_FRONTEND=noninteractive
  $as_root apt-get update -q >&2 || say "apt-get update failed, going on with the lists that are there"
  $as_root apt-get install -y -q --no-remove --no-install-recommends $wanted >&2 || {
    say "apt-get did not install everything; its reason stands above. Nothing was removed."
    exit 2
  }
fi
echo "$cmake_arguments"
