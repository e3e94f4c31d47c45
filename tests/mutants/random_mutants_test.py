#!/usr/bin/env python3
"""Tests of the draws: which mistakes are made and which not, that a seed is a list, and that a weak test is found out."""
import contextlib
import io
import itertools
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import mutation
import random_mutants

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
failures = 0

CASES = [  # code, what it must become among others, what it must never become
    ('int f(int a, int b) { return a + b * 2; }', ['return a - b * 2;', 'return a + b / 2;', 'return a + b * 3;'], []),
    ('bool f(int a) { return a < 3 && a != 1; }', ['a <= 3 &&', 'a < 3 || a', 'a == 1', 'a < 4'], []),
    ('void f(int a) { if (a) g(a, 4); }', ['if (!(a)) g(a, 4);', 'g(4, a);', 'g(a + 1, 4);'], ['void f(int a, ']),
    ('void f() {\n  g();\n  x = 5;\n  x += 2;\n}', ['{\n  ;\n  x = 5;', 'g();\n  ;', 'x = 2;', 'x += 3;'], []),
    ('void f() {\n  for (int i = 0; i < n; ++i) g(i);\n}', ['i <= n', 'int i = 1', 'i - 1', '{\n  ;\n}'], ['--i']),
    ('auto f() { return std::find(a.begin(), a.end(), x); }', ['find(a.end(), a.end()', 'a.begin(), a.begin()'], []),
    ('int f() { return a ? b : c; }', ['a ? c : b'], []),
    ('int f(int a, int b) { return a[i] + std::min(a, b); }', ['a[(i) + 1]', 'std::max(a, b)'], ['min(b, a)', 'int b, int a']),
    ('void f(const std::string& s, int n, Frame& h) {\n  g(s, n);\n  k(h, m);\n}', ['g(s, n + 1)', 'k(h, m - 1)'],
     ['s + 1', 'h + 1']),
    ('void f() {\n  char c[size];\n  c[at] = a[at];\n}', ['c[(at) + 1]', 'a[(at) + 1]'], ['(size) + 1']),
    ('bool f() { return !done; }', ['return done;'], []),
    ('double f() { return 0.5; }', ['(2 * 0.5)'], []),
    ('// a + b\nstatic_assert(1 + 1 == 2);\n#define F(a) a + 1\nauto s = "a + b";', [], ['-', '3', '0']),
    ('template <int n = 4> void f(const T* a, T& b);\nT* const p;', [], ['5', '3', '/', '|']),
    ('void f() {\n  fail("no, " + name, "1");\n}', ['{\n  ;\n}'], ['"2"', '"no- "']),
]


def check(good, what):
    global failures
    if not good:
        failures += 1
        print('FAIL', what)


def test_kinds():
    for code, wanted, unwanted in CASES:
        made = [m.applied(code) for m in mutation.mutants_of('vlt/a.hpp', code)]
        for text in wanted:
            check(any(text in m for m in made), f'{code!r} must become {text!r}; it becomes {made}')
        for text in unwanted:
            bad = [m for m in made if m.count(text) > code.count(text)]
            check(not bad, f'{code!r} must not become {bad[:1]}')
    left_out = [re.compile(r'\[arithmetic\] return a')]
    kinds = {m.kind for m in mutation.mutants_of('vlt/a.hpp', 'int f() {\n  return a + 1;\n}', left_out)}
    check(kinds == {'constant', 'shifted'} or kinds == {'constant'}, f'an equivalent is left out; {kinds} are drawn')


def test_draws():
    def draws(seed, count=300):
        draw = mutation.Draw(ROOT / 'include', random.Random(seed))
        return [m.described(draw.texts[m.header]) for m in itertools.islice(draw, count)]
    first = draws(3)
    check(first == draws(3), 'the same seed draws the same list')
    check(first != draws(4), 'another seed draws another')
    check(len(set(first)) == len(first), 'no mutant is drawn twice')
    rooms = {line.split('/')[1] for line in first}
    check(len(rooms) >= 15, f'300 draws reach most rooms: {sorted(rooms)}')
    check(not any('unicode/unicode_' in line for line in first), 'tables are left out')


def test_bar():
    def share(caught, survived):
        entries = [(i, {'verdict': 'caught', 'mutant': '', 'by': ''}) for i in range(caught)]
        entries += [(i, {'verdict': 'survived', 'mutant': '', 'by': ''}) for i in range(survived)]
        with contextlib.redirect_stdout(io.StringIO()):
            return random_mutants.report(entries)
    check(share(85, 15) and not share(84, 16), 'of a hundred 85 must be caught')
    check(share(10, 39) and not share(10, 40), 'a small sample is reported only')
    check(not share(0, 0), 'nothing judged is no success')


def planted(folder, test):
    """A repository of one header and one test."""
    for path, text in (('include/vlt/nn/line.hpp', '#pragma once\ninline int line(int x) { return 2 * x + 1; }\n'
                        'inline int above(int x) { return x > 0 ? x : 0; }\n'),
                       ('tests/unit/nn/line.cpp', '#include <catch2/catch.hpp>\n#include <vlt/nn/line.hpp>\n'
                        f'TEST_CASE("line") {{ {test} }}\n')):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def test_weak_test():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        command = [sys.executable, HERE / 'random_mutants.py', '--seed', '1', '--count', '99', '--root', folder, '--work',
                   folder / 'work', '--flags', f'-std=c++20 -I{folder}/include']
        planted(folder, 'CHECK(line(0) == 1);')
        weak = subprocess.run(command, capture_output=True, text=True)
        check('SURVIVED' in weak.stdout and '[nn/line]' in weak.stdout and weak.returncode == 0, f'weak: {weak}')
        check('vlt/nn/line.hpp:2: [constant] inline int line(int x) { return 2 * x + 1; }' in weak.stdout,
              f'a survivor has its line and its change: {weak.stdout}')
        log = folder / 'work/seed-1.jsonl'
        judged = log.read_text()
        again = subprocess.run(command, capture_output=True, text=True)
        check(again.stdout == weak.stdout and log.read_text() == judged, 'what was judged is not judged again')
        planted(folder, 'CHECK(line(3) == 7);\nCHECK(line(-5) == -9);\nCHECK(above(0) == 0);\nCHECK(above(1) == 1);')
        strong = subprocess.run(command, capture_output=True, text=True)
        check('SURVIVED' not in strong.stdout and 'caught: 100.0 %' in strong.stdout, f'strong: {strong}')
        check('1 change nothing' in strong.stdout and 'x >= 0 ? x : 0' in strong.stdout, f'x >= 0 is no change: {strong}')
        planted(folder, 'CHECK(line(0) == 2);')
        wrong = subprocess.run(command, capture_output=True, text=True)
        check(wrong.returncode == 2 and 'fails as it stands' in wrong.stdout, f'a test that fails anyway: {wrong}')


def main():
    tests = [test_kinds, test_draws, test_bar, test_weak_test]
    for test in tests:
        test()
    print(f'{len(tests)} tests, {failures} failures')
    sys.exit(failures > 0)


if __name__ == '__main__':
    main()
