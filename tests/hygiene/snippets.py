#!/usr/bin/env python3
"""C++ in a document is a quotation of a file that is compiled. Usage: snippets.py [--write]

A document writes <!-- quote examples/train_step.cpp#step --> before a ```cpp block; the file marks the lines with
`// quote: step` and `// end of quote`. A block must say the same as its region; --write copies the region instead.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r'(?P<mark><!-- quote (?P<file>[^#\n]+)#(?P<region>\w+) -->\n)?```cpp\n(?P<text>.*?)```', re.S)


def region(file, name):
    text = (ROOT / file).read_text()
    match = re.search(rf'^[ \t]*// quote: {name}\n(.*?)^[ \t]*// end of quote\n', text, re.S | re.M)
    if not match:
        return None
    lines = match[1].rstrip('\n').split('\n')
    indent = min((len(l) - len(l.lstrip()) for l in lines if l.strip()), default=0)
    return '\n'.join(l[indent:] for l in lines) + '\n'


def compiled(file):
    """Programs, tests and benchmarks are compiled by CMake's globs; headers by headers.py."""
    return re.match(r'(include|examples|tests|benchmarks)/', file) and (ROOT / file).is_file()


def main():
    write, passed, failed = '--write' in sys.argv, 0, 0
    for document in [ROOT / 'README.md', *sorted((ROOT / 'docs').rglob('*.md'))]:
        text = document.read_text()

        def check(match):
            nonlocal passed, failed
            where = f'{document.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}'
            if not match['mark']:
                problem = 'a C++ block without <!-- quote file#region -->'
            elif not compiled(match['file']) or region(match['file'], match['region']) is None:
                problem = f'{match["file"]} has no region {match["region"]}'
            elif region(match['file'], match['region']) != match['text'] and not write:
                problem = f'differs from {match["file"]}#{match["region"]}'
            else:
                passed += 1
                return f'{match["mark"]}```cpp\n{region(match["file"], match["region"])}```'
            failed += 1
            print(f'FAIL {where}: {problem}')
            return match[0]

        quoted = BLOCK.sub(check, text)
        if write and quoted != text:
            document.write_text(quoted)
    print(f'{passed} passed, {failed} failed')
    sys.exit(failed > 0)


if __name__ == '__main__':
    main()
