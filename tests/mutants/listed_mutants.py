#!/usr/bin/env python3
"""Breaks one thing at a time (mutants.txt) and sees whether a test fails.

Usage: listed_mutants.py [--jobs J] [--part K/N] [--work DIR] [pattern]
--part takes every N-th line, from the K-th (0 is the first); pattern: lines that match. The last line counts.
"""
import argparse
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

import bench
import include_graph

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def listed(part, pattern):
    """(header, sed expression, tests) of the lines of a part of the list."""
    lines = [line for line in (HERE / 'mutants.txt').read_text().split('\n') if line and not line.startswith('#')]
    first, step = map(int, part.split('/'))
    for line in lines[first % step::step]:
        if re.search(pattern, line):
            header, edit, tests = line.split(' @ ')
            yield header, edit, tests.split()


def verdict(the_bench, graph, mutant):
    """(caught or not, what to print)"""
    header, edit, tests = mutant
    source = ROOT / 'include/vlt' / header
    with tempfile.TemporaryDirectory(dir=the_bench.work) as folder:
        changed = pathlib.Path(folder) / 'vlt' / header
        changed.parent.mkdir(parents=True)
        changed.write_bytes(subprocess.run(['sed', edit, source], capture_output=True, check=True).stdout)
        if changed.read_bytes() == source.read_bytes():
            return False, f'STALE    {header}  {edit}'
        for test in tests:
            said, log = the_bench.judge(test, graph, pathlib.Path(folder))
            if said == 'fails':
                return True, f'caught   {header}  {edit}  [{test}]'
            if said == 'compiler':
                return False, f'COMPILER {header}  {edit}  [{test}]\n{log}'
        return False, f'SURVIVED {header}  {edit}  [{" ".join(tests)}]'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--part', default='0/1')
    parser.add_argument('--work', type=pathlib.Path, default=ROOT / 'build/mutants')
    parser.add_argument('pattern', nargs='?', default='.')
    options = parser.parse_args()
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    mutants, caught = list(listed(options.part, options.pattern)), 0
    try:
        the_bench, graph = bench.Bench(ROOT, work, *bench.house_flags(ROOT, work)), include_graph.IncludeGraph(ROOT)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for good, text in pool.map(lambda m: verdict(the_bench, graph, m), mutants):
                caught += good
                print(text, flush=True)
    except (bench.Unfit, KeyError) as problem:  # KeyError: a test that is not there
        print(problem, '0 passed, 1 failed', sep='\n')
        return 2
    print(f'{caught} passed, {len(mutants) - caught} failed')
    return caught != len(mutants)


if __name__ == '__main__':
    sys.exit(main())
