#!/usr/bin/env python3
"""Runs a compiler and notes what it used: "object, peak KB, CPU seconds" in a log. Usage: measure.py LOG COMPILER..."""
import resource
import subprocess
import sys

log, command = sys.argv[1], sys.argv[2:]
status = subprocess.run(command).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
if '-o' in command:
    with open(log, 'a') as out:
        out.write(f'{command[command.index("-o") + 1]}\t{used.ru_maxrss}\t{used.ru_utime + used.ru_stime:.1f}\n')
sys.exit(status)
