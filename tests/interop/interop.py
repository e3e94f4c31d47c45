"""What the comparisons share: counting checks against the allowed errors, running programs, seeds, scratch folders."""
import json
import pathlib
import subprocess
import sys
import tempfile

here = pathlib.Path(__file__).resolve().parent
_tolerances = json.loads((here.parent / "tolerances.json").read_text())


def tolerance(name):
    """The allowed error of a check; tests/tolerances.json gives the reason."""
    return _tolerances[name]["value"]


class Checks:
    """Counts what was compared, and prints each with its largest error."""

    def __init__(self):
        self.passed = self.failed = 0

    def error(self, name, measured, allowed):
        """measured: the largest error seen; allowed: a name in tests/tolerances.json. NaN fails."""
        good = measured <= tolerance(allowed)
        return self._say(good, f"{name}: max error {measured:.3g}, allowed {tolerance(allowed):.3g} ({allowed})")

    def equal(self, name, ours, theirs):
        good = ours == theirs
        return self._say(good, name if good else f"{name}: ours {_short(ours)}, theirs {_short(theirs)}")

    def true(self, name, good):
        return self._say(bool(good), name)

    def done(self):
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(self.failed > 0)

    def _say(self, good, text):
        self.passed += good
        self.failed += not good
        print(("ok    " if good else "WRONG ") + text, flush=True)
        return good


def _short(value):
    text = repr(value)
    return text if len(text) < 300 else text[:300] + "..."


class Programs:
    """The folder of the built programs."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def run(self, name, *arguments, expect=0, text=None):
        """Runs a program and returns its completed process; another exit code than `expect` ends the test."""
        command = [str(self.folder / name), *map(str, arguments)]
        done = subprocess.run(command, input=text, capture_output=True, text=True)
        if expect is not None and done.returncode != expect:
            print("$", " ".join(command))
            print(done.stdout[-4000:], done.stderr[-4000:], sep="\n")
            raise SystemExit(f"{name} ended with {done.returncode}, not {expect}")
        return done


def start():
    """(programs, seed, checks, scratch folder) of a comparison that was called as FAMILY.py FOLDER SEED."""
    programs, seed = Programs(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    global _scratch
    _scratch = tempfile.TemporaryDirectory(prefix="vlt-interop-")
    print(f"seed {seed}", flush=True)
    return programs, seed, Checks(), pathlib.Path(_scratch.name)


def relative(ours, theirs, floor=0.0):
    """|ours - theirs| / max(|theirs|, floor) in the 2-norm, of tensors or arrays."""
    import numpy
    a, b = (numpy.asarray(x, dtype=numpy.float64) for x in (ours, theirs))
    if a.shape != b.shape:
        return float("inf")
    return float(numpy.linalg.norm(a - b) / max(numpy.linalg.norm(b), floor, 1e-300))
