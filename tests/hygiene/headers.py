#!/usr/bin/env python3
"""Every header must compile alone and included twice, without a warning. Usage: headers.py [jobs] [compiler] [flags...]"""
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
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    compiler = sys.argv[2:] or ['g++']
    headers = sorted(str(h.relative_to(ROOT / 'include')) for h in (ROOT / 'include').rglob('*.hpp'))
    headers += sorted(str(h.relative_to(ROOT / 'examples')) for h in (ROOT / 'examples/shapes').glob('*.hpp'))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for header, status, message in pool.map(lambda h: compile_alone(h, compiler), headers):
            print('ok' if status == 0 else 'FAIL', header)
            if status:
                failed += 1
                print('\n'.join(message.split('\n')[:8]))
    print(f'{len(headers) - failed} passed, {failed} failed')
    sys.exit(failed > 0)


if __name__ == '__main__':
    main()
