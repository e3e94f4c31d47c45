#!/usr/bin/env python3
"""What the programs cost to compile, against a budget and against the committed table sizes.txt.

Usage: sizes.py BUILD COMPILERS_LOG [--write]. The log is what measure.py wrote while BUILD was compiled. Seconds are
reported only. The table holds kilobytes of object code and of compiler memory; more than a quarter above it fails: make
it smaller, or write the table anew with --write and say why in the commit.
"""
import pathlib
import re
import subprocess
import sys

BLOCKS, COMPILER_KB, PROGRAM_BYTES, GROWTH = 27, 1.5e6, 10e6, 1.25
TABLE = pathlib.Path(__file__).with_name('sizes.txt')


def balanced(text, start):
    depth, at = 0, start
    while at < len(text):
        depth += (text[at] == '<') - (text[at] == '>')
        at += 1
        if depth == 0:
            return text[start:at]
    return ''


def blocks(objects):
    """Distinct transformer blocks that any object file holds code for."""
    names = subprocess.run(['nm', '-C', '--defined-only', *map(str, objects)], capture_output=True, text=True).stdout
    found = set()
    for match in re.finditer(r'vlt::PreNormBlock(?=<)', names):
        arguments = balanced(names, match.end())
        if names[match.end() + len(arguments):].startswith('::forward('):
            found.add(arguments)
    return found


def group(name):
    """decoder_bf16_causal_frozen.cpp.o and its siblings are one line of the table."""
    stem = pathlib.Path(name).name.split('.')[0]
    return stem.split('_')[0] + '_*' if '/instances/' in name else stem


def measured(build, log):
    rows, last = {}, {}
    for line in log.read_text().splitlines():
        last[line.split('\t')[0]] = line  # an object compiled again counts once
    for line in last.values():
        name, memory, seconds = line.split('\t')
        file = build / name
        if not name.endswith('.o') or not file.exists():
            continue
        size, peak, files, total = rows.get(group(name), (0, 0, 0, 0.0))
        rows[group(name)] = (max(size, file.stat().st_size // 1024), max(peak, int(memory)), files + 1,
                             total + float(seconds))
    return rows


def main():
    build, log = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    rows = measured(build, log)
    committed = {}
    if TABLE.exists():
        for line in TABLE.read_text().splitlines():
            if not line.startswith('#'):
                name, size, peak = line.split()
                committed[name] = (int(size), int(peak))
    failures, passes = [], 0

    def bar(ok, sentence):
        nonlocal passes
        passes += ok
        print(('ok ' if ok else 'FAIL ') + sentence)
        if not ok:
            failures.append(sentence)

    print(f'{"objects":24}{"files":>6}{"largest KB":>12}{"compiler MB":>13}{"CPU s, all":>12}')
    for name, (size, peak, files, seconds) in sorted(rows.items()):
        print(f'{name:24}{files:>6}{size:>12}{peak // 1024:>13}{seconds:>12.1f}')
    for name, (size, peak, _, _) in sorted(rows.items()):
        bar(peak <= COMPILER_KB, f'{name}: {peak} KB to compile, at most {COMPILER_KB:.0f}')
        if '--write' not in sys.argv:
            was = committed.get(name)
            bar(was is not None and size <= GROWTH * was[0] and peak <= GROWTH * was[1],
                f'{name}: object {size} KB, compiler {peak} KB; committed: {was or "nothing"}')
    found = blocks(build.rglob('vlt_instances.dir/**/*.o'))
    bar(0 < len(found) <= BLOCKS, f'{len(found)} transformer blocks in sft_main, at most {BLOCKS}')
    for program in sorted((build / 'bin').iterdir()):
        size = program.stat().st_size
        bar(size < PROGRAM_BYTES, f'{program.name}: {size / 1e6:.1f} MB, below {PROGRAM_BYTES / 1e6:.0f}')
    if '--write' in sys.argv:
        lines = [f'{name} {size} {peak}' for name, (size, peak, _, _) in sorted(rows.items())]
        TABLE.write_text('# objects, KB of the largest, KB of compiler memory\n' + '\n'.join(lines) + '\n')
    print(f'{passes} passed, {len(failures)} failed')
    sys.exit(bool(failures))


if __name__ == '__main__':
    main()
