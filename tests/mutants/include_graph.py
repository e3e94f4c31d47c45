"""Which unit tests belong to a header: those that include it, by how many steps."""
import pathlib
import re

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+[<"]([^>"]+)[>"]', re.M)


class IncludeGraph:
    """The headers that every file of tests/unit reaches."""

    def __init__(self, root):
        self.root, self.headers = root, {}
        for path in (root / 'include').rglob('*.hpp'):
            self.headers[str(path.relative_to(root / 'include'))] = INCLUDE.findall(path.read_text())
        self.steps = {}  # test -> {header: steps}
        for path in sorted((root / 'tests/unit').rglob('*.cpp')):
            self.steps[str(path.relative_to(root / 'tests/unit').with_suffix(''))] = self._reached(path)

    def _reached(self, test):
        own, waiting, level = {test}, [test], set()
        while waiting:  # what lies beside the tests is a part of them
            file = waiting.pop()
            for name in INCLUDE.findall(file.read_text()):
                beside = [p for p in (file.parent / name, self.root / 'tests' / name) if p.is_file()]
                if name in self.headers:
                    level.add(name)
                elif beside and beside[0] not in own:
                    own.add(beside[0])
                    waiting.append(beside[0])
        steps, distance = {}, 0
        while level:
            distance += 1
            steps.update(dict.fromkeys(level, distance))
            level = {n for h in level for n in self.headers[h] if n in self.headers and n not in steps}
        return steps

    def files_of(self, test):
        """Everything of the repository that the test is compiled from, as text."""
        beside = (self.root / 'tests/unit' / test).parent
        own = [self.root / 'tests/unit' / f'{test}.cpp', *sorted((self.root / 'tests').glob('*.hpp')),
               *sorted(beside.rglob('*.hpp')), *sorted((self.root / 'tests/unit').glob('*/*.hpp'))]
        return [p.read_text() for p in own] + \
               [(self.root / 'include' / h).read_text() for h in sorted(self.steps[test])]

    def tests_of(self, header):
        """The tests that reach a header: those of its name first, then the nearest; its own room and small ones first."""
        room, stem = pathlib.PurePath(header.removeprefix('vlt/')).parent, pathlib.PurePath(header).stem
        mirror = f'{room}/{stem}'

        def rank(test):
            named = re.match(re.escape(mirror) + r'(_|$)', test) is not None
            return not named, self.steps[test][header], not test.startswith(f'{room}/'), len(self.steps[test]), test
        return sorted((t for t in self.steps if header in self.steps[t]), key=rank)

    def mirrored(self, header, test):
        return re.match(re.escape(header.removeprefix('vlt/').removesuffix('.hpp')) + r'(_|$)', test) is not None
