"""Compiles unit tests against headers of which some are changed, and runs them."""
import collections
import hashlib
import json
import os
import pathlib
import re
import resource
import shlex
import shutil
import subprocess
import tempfile
import threading
import time

MEMORY = 8 << 30  # bytes of address space that a broken test may take
SLOWEST = 100     # seconds that a broken test may run


class Unfit(Exception):
    """What ends the whole run: nothing compiles, or a test fails as it stands."""


def house_flags(root, work):
    """(flags of the compiler, libraries) of the unit tests, as CMake would have them, without warnings and optimisation."""
    folder = work / 'cmake'
    arguments = shlex.split(os.environ.get('VLT_CMAKE_ARGUMENTS', ''))
    configure = ['cmake', '--preset', 'tests', '-B', folder, '-DCMAKE_EXPORT_COMPILE_COMMANDS=ON', *arguments]
    done = subprocess.run(configure, cwd=root, capture_output=True, text=True)
    if done.returncode:
        raise Unfit(done.stdout + done.stderr)
    units = [c for c in json.loads((folder / 'compile_commands.json').read_text()) if '/tests/unit/' in c['file']]
    words, flags = shlex.split(units[0]['command'])[1:], []
    while words:
        word = words.pop(0)
        if word in ('-o', '-c', '-include'):
            words.pop(0)
        elif word == '-isystem':
            flags += [word, words.pop(0)]
        elif re.match(r'-(D|I|std|m|pthread|f)', word):
            flags.append(word)
    libraries = shlex.split(re.search(r'^  LINK_LIBRARIES = (.*)', (folder / 'build.ninja').read_text(), re.M)[1])
    made_here = [l for l in libraries if not l.startswith(('/', '-'))]
    if made_here:  # Boost.JSON from its headers
        subprocess.run(['cmake', '--build', folder, '--target', *made_here], check=True, capture_output=True)
    return flags, [str(folder / l) if l in made_here else l for l in libraries]


def common_includes(root):
    """Headers of other people that several of ours include: they are compiled once."""
    count = collections.Counter()
    for path in (root / 'include').rglob('*.hpp'):
        count.update(set(re.findall(r'^#include <((?:[a-z_]+|boost/[\w/.]+|immintrin\.h))>', path.read_text(), re.M)))
    return sorted(name for name, times in count.items() if times >= 3)


def first_error(log):
    return next((line for line in log.split('\n') if 'error' in line), log[:300])


class Bench:
    """A compiler, what every test shares compiled in advance, and how each test does without a mistake."""

    def __init__(self, root, work, flags, libraries):
        self.root, self.work, self.libraries = root, work, libraries
        self.compiler = shlex.split(os.environ.get('CXX', 'g++'))
        self.flags = ['-w', *flags, f'-I{root}/tests']
        self.lock, self.locks, self.sound = threading.Lock(), collections.defaultdict(threading.Lock), {}
        text = '#include <catch2/catch.hpp>\n' + ''.join(f'#include <{n}>\n' for n in common_includes(root))
        key = self._hash([text, *self.compiler, *self.flags])
        self.common, self.main = work / f'common-{key}.hpp', work / f'main-{key}.o'
        if not self.main.is_file():
            self._prepare(text)

    def _prepare(self, text):
        self.common.write_text(text)
        main = self.work / 'main.cpp'
        main.write_text('#define CATCH_CONFIG_MAIN\n#include <catch2/catch.hpp>\n')
        for command in ([*self.compiler, '-O0', *self.flags, '-x', 'c++-header', self.common, '-o', f'{self.common}.gch'],
                        [*self.compiler, '-O0', *self.flags, '-c', main, '-o', self.main]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise Unfit(done.stderr[-3000:])

    @staticmethod
    def _hash(texts):
        return hashlib.sha256('\0'.join(map(str, texts)).encode()).hexdigest()[:16]

    def compile(self, test, to, changed=None, level=('-O0',)):
        """Compiles a test into the folder `to`, headers of the folder `changed` first. Returns (object or None, log)."""
        out = to / 'test.o'
        first = [f'-I{changed}'] if changed else []
        early = ['-include', self.common] if level == ('-O0',) else []
        done = subprocess.run([*self.compiler, *level, *first, *self.flags, *early, '-c',
                               self.root / 'tests/unit' / f'{test}.cpp', '-o', out], capture_output=True, text=True)
        return (None if done.returncode else out), done.stderr

    def link(self, built, to):
        program = to / 'test'
        done = subprocess.run([*self.compiler, *self.flags, built, self.main, *self.libraries, '-o', program],
                              capture_output=True, text=True)
        return (None if done.returncode else program), done.stderr

    def run(self, program, seconds):
        """Whether the tests of a program pass, in time, and the end of what they print."""
        def limits():
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with tempfile.TemporaryDirectory(dir=self.work) as scratch, open(f'{scratch}/log', 'w+b') as log:
            child = subprocess.Popen([program, '--abort'], stdout=log, stderr=log, cwd=scratch, preexec_fn=limits,
                                     start_new_session=True, env={**os.environ, 'TMPDIR': scratch})
            try:
                passed = child.wait(seconds) == 0
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, 9)
                child.wait()
                passed = False
            log.seek(max(0, log.seek(0, 2) - 2000))
            return passed, log.read().decode(errors='replace')

    def as_it_stands(self, test, graph):
        """How a test does without a mistake: {object: hash of its object file, seconds}. It must pass."""
        with self.locks[test]:
            key = self._hash([*graph.files_of(test), *self.compiler, *self.flags, self.common.name])
            note = self.work / f'sound-{test.replace("/", "-")}.json'
            if test not in self.sound and note.is_file() and json.loads(note.read_text())['key'] == key:
                self.sound[test] = json.loads(note.read_text())
            if test not in self.sound:
                self.sound[test] = self._measure(test, key)
                note.write_text(json.dumps(self.sound[test]))
            return self.sound[test]

    def _measure(self, test, key):
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            folder = pathlib.Path(folder)
            built, log = self.compile(test, folder)
            program, log = self.link(built, folder) if built else (None, log)
            if not program:
                raise Unfit(f'{test} does not compile as it stands:\n{log[-3000:]}')
            digest, start = hashlib.sha256(built.read_bytes()).hexdigest(), time.monotonic()
            passed, log = self.run(program, SLOWEST)
            if not passed:
                raise Unfit(f'{test} fails as it stands:\n{log}')
            return {'key': key, 'object': digest, 'seconds': time.monotonic() - start}

    def refused(self, header, changed):
        """The first error in a changed header by itself: most of what does not compile is found before any test is."""
        done = subprocess.run([*self.compiler, '-O0', '-fsyntax-only', f'-I{changed}', *self.flags, '-include', self.common,
                               '-x', 'c++', changed / header], capture_output=True, text=True)
        return first_error(done.stderr) if done.returncode else None

    def judge(self, test, graph, changed):
        """What a test says of changed headers: 'compiler', 'same' (its object is the one without the change), 'passes'
        or 'fails'; and why. How it does without the change is asked only where that decides."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.work))
        try:
            built, log = self.compile(test, folder, changed)
            if not built:
                return 'compiler', first_error(log)
            sound = self.as_it_stands(test, graph)
            if hashlib.sha256(built.read_bytes()).hexdigest() == sound['object']:
                return 'same', ''
            program, log = self.link(built, folder)
            if not program:
                return 'compiler', first_error(log)
            passed, log = self.run(program, min(SLOWEST, 20 + 10 * sound['seconds']))
            return ('passes', '') if passed else ('fails', log)
        finally:
            shutil.rmtree(folder)
