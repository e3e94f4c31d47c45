#!/bin/sh
# Prints how many compilers may run side by side: one a core, and 1.5 GB of free memory each. VLT_JOBS overrides it.
[ -n "$VLT_JOBS" ] && { echo "$VLT_JOBS"; exit; }
cores=$(nproc)
by_memory=$(awk '/MemAvailable/ { print int($2 / 1500000) }' /proc/meminfo)
[ "$by_memory" -lt 1 ] && by_memory=1
[ "$cores" -lt "$by_memory" ] && echo "$cores" || echo "$by_memory"
