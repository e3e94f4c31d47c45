#!/usr/bin/env python3
"""Every header must compile alone and included twice, without a warning.

Usage: headers.py [--jobs N] [--part K/N] [compiler [flags...]]. --part: every N-th header, from the K-th (0 is the first).
"""
import argparse
import concurrent.futures
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLAGS = ['-std=c++20', '-Wall', '-Wextra', '-Werror', '-fsyntax-only', '-Iinclude', '-Iexamples',
         '-isystem', '/usr/include/eigen3', '-isystem', '/usr/include/stb', '-x', 'c++', '-']


def compile_alone(header, compiler):
    text = f'#include <{header}>\n' * 2
    run = subprocess.run([*compiler, *FLAGS], input=text, capture_output=True, text=True, cwd=ROOT)
    return header, run.returncode, run.stderr


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--part', default='0/1')
    parser.add_argument('compiler', nargs=argparse.REMAINDER)
    options = parser.parse_args()
    first, step = map(int, options.part.split('/'))
    headers = sorted(str(h.relative_to(ROOT / 'include')) for h in (ROOT / 'include').rglob('*.hpp'))
    headers += sorted(str(h.relative_to(ROOT / 'examples')) for h in (ROOT / 'examples/shapes').glob('*.hpp'))
    headers = headers[first % step::step]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for header, status, message in pool.map(lambda h: compile_alone(h, options.compiler or ['g++']), headers):
            print('ok' if status == 0 else 'FAIL', header)
            if status:
                failed += 1
                print('\n'.join(message.split('\n')[:8]))
    print(f'{len(headers) - failed} passed, {failed} failed')
    sys.exit(failed > 0)


if __name__ == '__main__':
    main()
