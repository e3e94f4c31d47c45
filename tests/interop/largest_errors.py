"""The largest error under each name of tests/tolerances.json, as a Markdown table.
Usage: run.sh FOLDER | tee LOG; python3 largest_errors.py LOG..."""
import fileinput
import re

LINE = re.compile(r"(?:ok|WRONG) .*max error (\S+), allowed (\S+) \(([\w.]+)\)$")


def main():
    found = {}
    for line in fileinput.input():
        if match := LINE.match(line.rstrip("\n")):
            measured, allowed, name = float(match[1]), match[2], match[3]
            checks, worst, _ = found.get(name, (0, 0.0, allowed))
            found[name] = checks + 1, max(worst, measured), allowed
    print("| name | checks | largest error | allowed |\n|---|---|---|---|")
    for name, (checks, worst, allowed) in sorted(found.items()):
        print(f"| `{name}` | {checks} | {worst:.2g} | {float(allowed):.2g} |")


if __name__ == "__main__":
    main()
