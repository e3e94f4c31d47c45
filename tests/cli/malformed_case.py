"""What a malformed input is, and how it must be answered."""
import dataclasses
import shlex


@dataclasses.dataclass
class Case:
    name: str
    kind: object  # 'ok', 'bad' (a record: exit 3, or counted under --on_bad_sample skip), or the exit code
    code: str  # the error's, or the warning's of what is accepted; '': none
    says: list  # regular expressions that the messages match
    words: list  # of the command line, besides those of `changes`
    changes: dict  # of the usual command line: a value, or None for an option that is left out
    task: str  # 'audit', 'train', 'plan', 'usual' (no more than the usual options) or 'bare' (`words` alone)


class Cases(list):
    def add(self, name, kind, says='', options='', task='audit', **changes):
        """kind: 'ok', or 'bad' or an exit code with the error's code behind it; says: expressions with ' & ' between."""
        first, _, code = str(kind).partition(' ')
        self.append(Case(name, first if first in ('ok', 'bad') else int(first), code, says.split(' & ') if says else [],
                         shlex.split(options), {k: v if v is None else str(v) for k, v in changes.items()}, task))
