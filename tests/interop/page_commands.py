"""The commands of a page of docs/, run as they stand. A block of sh or python below the line <!-- run: FAMILY --> is
part of that comparison; one below <!-- not run: REASON --> is not run; one without such a line is a mistake.
"""
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
_block = re.compile(r"(?:<!-- (?P<mark>[^\n]*) -->\n)?```(?P<language>sh|python)\n(?P<text>.*?)```", re.S)


class Block:
    """One command of a page, or a few that belong together."""

    def __init__(self, page, text, match):
        self.where = f"{page}:{text.count(chr(10), 0, match.start('text'))}"
        self.mark, self.language, self.text = match["mark"] or "", match["language"], match["text"]


def blocks(page, family):
    """The blocks of docs/PAGE that belong to a family, in order."""
    text = (ROOT / "docs" / page).read_text()
    found = [Block(page, text, match) for match in _block.finditer(text)]
    for block in found:
        if not re.match(r"(not )?run: .", block.mark):
            raise SystemExit(f"{block.where}: a block that does not say whether it is run")
    return [b for b in found if b.mark == f"run: {family}"]


def reasons(page):
    """(place, reason) of every block that is not run."""
    text = (ROOT / "docs" / page).read_text()
    found = [Block(page, text, match) for match in _block.finditer(text)]
    return [(b.where, b.mark.removeprefix("not run: ")) for b in found if b.mark.startswith("not run: ")]


def look_like_the_repository(folder, programs):
    """Makes a folder in which the commands find what they name: tests/ and build/programs/bin."""
    (folder / "build/programs").mkdir(parents=True)
    (folder / "build/programs/bin").symlink_to(programs.folder.resolve())
    (folder / "tests").symlink_to(ROOT / "tests")


def run(language, text, folder, **variables):
    """Runs commands in a folder, by the programs below it and the Python that runs this; returns the process."""
    command = ["bash", "-euo", "pipefail", "-c"] if language == "sh" else [sys.executable, "-c"]
    path = f"{folder / 'build/programs/bin'}:{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run([*command, text], cwd=folder, capture_output=True, encoding="utf-8", errors="replace",
                          env={**os.environ, "PATH": path, **variables})
