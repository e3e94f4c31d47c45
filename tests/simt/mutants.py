#!/usr/bin/env python3
"""Breaks one thing at a time in kernels or their vocabulary (mutants.txt) and sees whether a test fails.

Usage: mutants.py BUILD [--jobs J] [--part K/N] [--nvcc PATH] [pattern].
BUILD: a folder in which simt_checked has been built; its objects serve again, only kernels are compiled anew. --part
takes every N-th line, from the K-th (0 is the first); pattern: lines that match. Without --nvcc, lines that need it are
left out. The last line counts.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
KERNELS = 'tests/simt/CMakeFiles/simt_watched.dir/instances.cpp.o'


def commands(build):
    """(compiler and flags of the kernels, the command that links simt_checked), as ninja has them."""
    text = subprocess.run(['ninja', '-C', build, '-t', 'commands', 'simt_checked'], check=True, capture_output=True,
                          text=True).stdout.split('\n')
    kernels = next(c for c in text if ' -o ' + KERNELS + ' ' in c)
    link = next(c for c in text if KERNELS in c and ' -o tests/simt/simt_checked ' in c)
    link = re.sub(r'^: && ', '', link).split(' && ')[0]
    return shlex.split(kernels), shlex.split(link)


def fails(command, **environment):
    """Whether a test program finds something."""
    try:
        run = subprocess.run([*command, '--abort'], capture_output=True, timeout=300, env={**os.environ, **environment})
    except subprocess.TimeoutExpired:
        return True
    return run.returncode != 0


def emulated(build, how, folder):
    """(compiler's complaint, whether the tests of the kernels' source fail)"""
    kernels, link = how
    built, program = f'{folder}/kernels.o', f'{folder}/program'
    command = [{'-Werror': '-w', KERNELS: built}.get(word, word) for word in kernels if word != '-MD']
    for option in ('-MF', '-MT'):
        at = command.index(option)
        del command[at:at + 2]
    first = next(i for i, word in enumerate(command) if word.startswith('-I'))
    done = subprocess.run(command[:first] + [f'-I{folder}'] + command[first:], cwd=build, capture_output=True, text=True)
    if done.returncode:
        return done.stderr[:500], False
    command = [{KERNELS: built, 'tests/simt/simt_checked': program}.get(word, word) for word in link]
    subprocess.run(command, cwd=build, check=True, capture_output=True)
    return '', fails([program])


def compiled(build, nvcc, folder):
    """The same of nvcc's PTX."""
    done = subprocess.run([nvcc, '-std=c++20', f'-I{folder}', '-Iinclude', '-Itests', '-w', '-arch=compute_80', '-ptx',
                           'tests/simt/instances.cu', '-o', f'{folder}/kernels.ptx'], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        return done.stderr[:500], False
    tests = [build / 'tests/simt/simt_checked', '~the checker finds every planted defect and nothing else']
    return '', fails(tests, VLT_TEST_PTX=f'{folder}/kernels.ptx')


def verdict(build, how, nvcc, mutant):
    """(noticed or not, what to print)"""
    header, edit = mutant[:2]
    source = ROOT / 'include/vlt' / header
    with tempfile.TemporaryDirectory() as folder:
        changed = pathlib.Path(folder) / 'vlt' / header
        changed.parent.mkdir(parents=True)
        changed.write_bytes(subprocess.run(['sed', edit, source], capture_output=True, check=True).stdout)
        if changed.read_bytes() == source.read_bytes():
            return False, f'STALE    {header}  {edit}'
        complaint, noticed = compiled(build, nvcc, folder) if mutant[2:] else emulated(build, how, folder)
        said = 'COMPILER' if complaint else 'caught  ' if noticed else 'SURVIVED'
        return noticed, f'{said} {header}  {edit}\n{complaint}'.rstrip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build', type=pathlib.Path)
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--part', default='0/1')
    parser.add_argument('--nvcc')
    parser.add_argument('pattern', nargs='?', default='.')
    options = parser.parse_args()
    lines = [line for line in (HERE / 'mutants.txt').read_text().split('\n') if line and not line.startswith('#')]
    first, step = map(int, options.part.split('/'))
    mutants = [line.split(' @ ') for line in lines[first % step::step] if re.search(options.pattern, line)]
    mutants = [m for m in mutants if options.nvcc or not m[2:]]
    build = options.build.resolve()
    how, caught = commands(build), 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for good, text in pool.map(lambda m: verdict(build, how, options.nvcc, m), mutants):
            caught += good
            print(text, flush=True)
    print(f'{caught} passed, {len(mutants) - caught} failed')
    return caught != len(mutants)


if __name__ == '__main__':
    sys.exit(main())
