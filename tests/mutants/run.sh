#!/bin/sh
# Breaks one thing at a time (mutants.txt) and sees whether a test fails.
# Usage: run.sh [compilers side by side] [pattern of lines] [part of the list: K/N]
exec python3 "$(dirname "$0")/listed_mutants.py" --jobs "${1:-2}" --part "${3:-0/1}" -- "${2:-.}"
