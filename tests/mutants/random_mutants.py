#!/usr/bin/env python3
"""Draws small mistakes in the library's headers and sees whether the unit tests notice.

Usage: random_mutants.py --seed S --count N [--jobs J] [--work DIR] [--only NUMBER,...]
The same seed draws the same mutants from the same headers. Tests are those that include the header (include_graph.py).
A mutant that does not compile, or whose functions all compile to the same optimised code (it changes nothing), is
replaced by the next draw. Verdicts stand in DIR/seed-S.jsonl: a run that was interrupted goes on where it stopped.
--only runs single draws, by their numbers, again. Kinds of mistakes: mutation.py; what is left out: equivalent.txt.
Of 50 or more, 85 % must be caught; of fewer, survivors are only reported.
"""
import argparse
import concurrent.futures
import contextlib
import hashlib
import itertools
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

import bench
import include_graph
import mutation

SHARE, ENOUGH = 0.85, 50  # what must be caught, in a sample from that size on
NEAREST = 4               # tests that a mistake changes and that do not bear the header's name
COMPILED = 8              # tests compiled at most for one mistake
# Optimised within each function only: what a test passes to it must not decide whether its code is the same.
OPTIMISED = ('-O2', '-fno-inline', '-fno-ipa-cp', '-fno-ipa-sra', '-fno-ipa-vrp', '-fno-ipa-bit-cp', '-fno-ipa-modref',
             '-fno-ipa-pure-const', '-fno-ipa-reference', '-fno-ipa-ra', '-fno-ipa-icf')


def has_conditions(text):
    return re.search(r'^[ \t]*#[ \t]*if', text, re.M) is not None


class Judge:
    """Says of a mutant whether the tests of its header notice it."""

    def __init__(self, the_bench, graph):
        self.bench, self.graph = the_bench, graph

    def __call__(self, mutant, text):
        """{verdict: caught, survived, compiler, equivalent; by: test or reason}"""
        with self._changed(mutant.header, mutant.applied(text)) as changed:
            error = self.bench.refused(mutant.header, changed)
            if error:
                return {'verdict': 'compiler', 'by': error}
            if has_conditions(text) and self._same_text(mutant.header, changed):
                return {'verdict': 'equivalent', 'by': 'not compiled on this machine'}
            affected, unaffected = [], []
            for test in self._tests(mutant.header, affected, unaffected):
                said, log = self.bench.judge(test, self.graph, changed)
                if said == 'compiler':
                    return {'verdict': 'compiler', 'by': log}
                if said == 'fails':
                    return {'verdict': 'caught', 'by': test}
                (affected if said == 'passes' else unaffected).append(test)
            if affected and all(self._same_optimised(test, changed) for test in affected):
                return {'verdict': 'equivalent', 'by': 'the optimised code is the same'}
            if not affected and self._compiled(mutant, text, unaffected):
                return {'verdict': 'equivalent', 'by': 'the code is the same'}
            return {'verdict': 'survived', 'by': ', '.join(affected) or 'no test compiles the line'}

    @contextlib.contextmanager
    def _changed(self, header, text):
        """A folder that holds a header."""
        with tempfile.TemporaryDirectory(dir=self.bench.work) as folder:
            changed = pathlib.Path(folder)
            (changed / header).parent.mkdir(parents=True)
            (changed / header).write_text(text)
            yield changed

    def _tests(self, header, affected, unaffected):
        """Those of the header's name and the nearest others, while few are affected and not many were compiled."""
        for test in self.graph.tests_of(header):
            others = sum(not self.graph.mirrored(header, t) for t in affected)
            if not self.graph.mirrored(header, test) and (others == NEAREST or len(affected + unaffected) >= COMPILED):
                return
            yield test

    def _compiled(self, mutant, text, tests):
        """Whether one of the tests compiles the code around a mistake at all."""
        marked = mutation.with_marker(text, mutant.at)
        if not marked:
            return False
        with self._changed(mutant.header, marked) as changed:
            return any(self.bench.judge(test, self.graph, changed)[0] not in ('same', 'compiler') for test in tests)

    def _same_optimised(self, test, changed):
        hashes = []
        for headers in (None, changed):
            with tempfile.TemporaryDirectory(dir=self.bench.work) as folder:
                built, _ = self.bench.compile(test, pathlib.Path(folder), headers, OPTIMISED)
                hashes.append(hashlib.sha256(built.read_bytes()).digest() if built else None)
        return hashes[0] == hashes[1]

    def _same_text(self, header, changed):
        """Whether the preprocessor drops the mistake: code for another processor."""
        texts = []
        for include in (self.bench.root / 'include', changed):
            command = [*self.bench.compiler, *self.bench.flags, '-E', '-P', '-x', 'c++', include / header]
            texts.append(subprocess.run(command, capture_output=True).stdout)
        return texts[0] == texts[1]


def fingerprint(root):
    """Of everything that verdicts depend on."""
    digest = hashlib.sha256()
    for folder in ('include', 'tests/unit', 'tests/mutants'):
        for path in sorted((root / folder).rglob('*')):
            if path.is_file() and '__pycache__' not in path.parts:
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


class Log:
    """Verdicts by the number of the draw, kept in a file."""

    def __init__(self, path, state):
        self.path, self.state, self.known = path, state, {}
        if path.is_file():
            for line in path.read_text().split('\n'):
                entry = json.loads(line) if line.endswith('}') else {}
                if entry.get('state') == state:
                    self.known[entry['number']] = entry

    def add(self, number, entry):
        self.known[number] = {**entry, 'number': number, 'state': self.state}
        with open(self.path, 'a') as out:
            out.write(json.dumps(self.known[number]) + '\n')


def verdicts(draws, judge, log, options, texts):
    """(number, entry) in the order of the draws, `jobs` judged side by side, until `count` of them count."""
    numbered, waiting, counted = iter(enumerate(draws)), {}, 0

    def verdict(number, mutant):
        entry, start = log.known.get(number), time.monotonic()
        if not entry:
            entry = {'mutant': mutant.described(texts[mutant.header]), **judge(mutant, texts[mutant.header])}
            entry['seconds'] = round(time.monotonic() - start, 1)
            log.add(number, entry)
        return entry

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        while counted < options.count:
            for number, mutant in itertools.islice(numbered, options.jobs - len(waiting)):
                waiting[number] = pool.submit(verdict, number, mutant)
            if not waiting:
                return
            number = min(waiting)
            entry = waiting.pop(number).result()
            counted += entry['verdict'] in ('caught', 'survived')
            yield number, entry


def report(entries):
    """Prints the counts and the survivors; returns whether enough were caught."""
    count = {v: sum(e['verdict'] == v for _, e in entries) for v in ('caught', 'survived', 'compiler', 'equivalent')}
    all_ = count['caught'] + count['survived']
    share = count['caught'] / all_ if all_ else 0
    print(f'\n{count["compiler"]} did not compile, {count["equivalent"]} change nothing: not counted')
    for number, entry in entries:
        if entry['verdict'] == 'survived':
            print(f'SURVIVED {number}: {entry["mutant"]}  [{entry["by"]}]')
    print(f'{count["caught"]} of {all_} caught: {100 * share:.1f} %')
    return all_ > 0 and (all_ < ENOUGH or share >= SHARE)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seed', type=int, required=True)
    parser.add_argument('--count', type=int, default=200)
    parser.add_argument('--jobs', type=int, default=1)
    parser.add_argument('--root', type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument('--work', type=pathlib.Path)
    parser.add_argument('--only', default='')
    parser.add_argument('--flags', help="flags of the compiler; else the unit tests'")
    parser.add_argument('--list', action='store_true', help='print the draws, judge none')
    options = parser.parse_args()
    root, work = options.root.resolve(), (options.work or options.root / 'build/random_mutants').resolve()
    equivalents = mutation.read_equivalents(pathlib.Path(__file__).resolve().parent / 'equivalent.txt')
    draws = mutation.Draw(root / 'include', random.Random(options.seed), equivalents)
    if options.list:
        for mutant in itertools.islice(draws, options.count):
            print(mutant.described(draws.texts[mutant.header]))
        return 0
    work.mkdir(parents=True, exist_ok=True)
    try:
        flags = (options.flags.split(), []) if options.flags else bench.house_flags(root, work)
        judge = Judge(bench.Bench(root, work, *flags), include_graph.IncludeGraph(root))
        if options.only:
            for number in map(int, options.only.split(',')):
                mutant = next(itertools.islice(draws, number, None))
                print(number, mutant.described(draws.texts[mutant.header]), judge(mutant, draws.texts[mutant.header]))
            return 0
        log = Log(work / f'seed-{options.seed}.jsonl', fingerprint(root))
        entries = []
        for number, entry in verdicts(draws, judge, log, options, draws.texts):
            entries.append((number, entry))
            print(f'{entry["verdict"]:10} {number}: {entry["mutant"]}  [{entry["by"]}]', flush=True)
    except bench.Unfit as problem:
        print(problem, '0 passed, 1 failed', sep='\n')
        return 2
    return 0 if report(entries) else 1


if __name__ == '__main__':
    sys.exit(main())
