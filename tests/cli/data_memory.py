#!/usr/bin/env python3
"""Auditing a data set takes at most four times the file's size in memory, whatever is in it.
Usage: data_memory.py SFT_MAIN LANGUAGE_MODEL VISION_MODEL"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile


def turns(n):
    return [{'from': ('human', 'gpt')[i % 2], 'value': 'word'} for i in range(2 * n)]


def records(n, turns_each):
    return json.dumps([{'id': i, 'conversations': turns(turns_each)} for i in range(n)])


# name: the text and the exit code; the first is what the others are compared with
CASES = {
    'one record': (lambda: records(1, 1), 0),
    'ten million zeros': (lambda: '[' + '0,' * 9999999 + '0]', 3),
    'one long text': (lambda: json.dumps([{'id': 1, 'conversations': turns(1)}, 'x' * (32 << 20)]), 3),
    'many small records': (lambda: records(200000, 1), 0),
    'many turns': (lambda: records(400, 500), 0),
}


def peak_of(command):
    """Exit code and peak memory in bytes. A child starts with its parent's peak, so this process stays small."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024


def main(program, language, vision):
    passed = failed = least = 0
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / 'x.json'
        for name, (_, wanted) in CASES.items():
            subprocess.run([sys.executable, __file__, '--write', name, path], check=True)
            code, peak = peak_of([program, '--validate_only', '--precision', 'fp32', '--template', 'plain',
                                  '--data_path', path, '--lm_model_name_or_path', language,
                                  '--vision_model_name_or_path', vision])
            least = least or peak
            size = path.stat().st_size
            times = (peak - least) / size
            good = code == wanted and times <= 4
            passed, failed = passed + good, failed + (not good)
            print(f'{"ok  " if good else "FAIL"} {name}: exit {code}, {size / 1e6:.1f} MB file, '
                  f'{peak / 1e6:.1f} MB peak, {times:.2f} times the file')
    print(f'data memory: {passed} passed, {failed} failed')
    return failed > 0


if __name__ == '__main__':
    if sys.argv[1] == '--write':
        pathlib.Path(sys.argv[3]).write_text(CASES[sys.argv[2]][0]())
    else:
        sys.exit(main(*sys.argv[1:4]))
