"""Mutations of C++ headers: the places where one small mistake can be made, and draws among them."""
import dataclasses
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'hygiene'))
from rules import GENERATED, without_comments

CLOSING = {'(': ')', '[': ']', '{': '}'}
# Binary operators stand between blanks: clang-format sees to it. That tells them from pointers and template brackets.
OPERATORS = {
    'arithmetic': {'+': '-', '-': '+', '*': '/', '/': '*', '%': '/'},
    'comparison': {'<': '<=', '<=': '<', '>': '>=', '>=': '>', '==': '!=', '!=': '=='},
    'logic': {'&&': '||', '||': '&&'},
    'bits': {'&': '|', '|': '&', '<<': '>>', '>>': '<<'},
    'compound': {'+=': '=', '-=': '+=', '*=': '=', '/=': '*=', '|=': '=', '&=': '|='},
}
NAMES = {'begin': 'end', 'end': 'begin', 'front': 'back', 'back': 'front', 'first': 'last', 'last': 'first',
         'min': 'max', 'max': 'min', 'lower_bound': 'upper_bound', 'upper_bound': 'lower_bound', 'floor': 'ceil',
         'ceil': 'floor', 'find_first_of': 'find_last_of', 'find_first_not_of': 'find_first_of'}
KERNELS = re.compile(r'vlt/(simt|ops/kernel)/')  # no unit test runs them, those of tests/simt do
NOT_CALLS = {'if', 'for', 'while', 'switch', 'return', 'catch', 'sizeof', 'alignof', 'decltype', 'requires', 'noexcept',
             'alignas', 'constexpr', 'throw'}

SYMMETRIC = {'min', 'max', 'gcd', 'lcm', 'hypot'}


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One mistake: `before` at a place of a header becomes `after`."""
    header: str  # below include/
    at: int      # in the header's text
    kind: str
    before: str
    after: str

    def applied(self, text):
        assert text[self.at:self.at + len(self.before)] == self.before
        return text[:self.at] + self.after + text[self.at + len(self.before):]

    def line(self, text):
        return text.count('\n', 0, self.at) + 1

    def described(self, text):
        """The place and the changed lines, before and after."""
        first = text.rfind('\n', 0, self.at) + 1
        last = text.find('\n', self.at + len(self.before))
        changed = self.applied(text)
        whole = ' '.join(text[first:last].split())
        became = ' '.join(changed[first:last + len(self.after) - len(self.before)].split())
        return f'{self.header}:{self.line(text)}: [{self.kind}] {whole}  ->  {became}'


def end_of_bracket(code, at):
    """The place of the bracket that closes the one at `at`, or -1."""
    depth = 0
    for i in range(at, len(code)):
        depth += (code[i] in CLOSING) - (code[i] in CLOSING.values())
        if depth == 0:
            return i
    return -1


def elements(code, begin, end):
    """(begin, end) of what commas separate, between brackets that open before `begin` and close at `end`."""
    depth = angles = 0
    since, out = begin, []
    for i in range(begin, end):
        c = code[i]
        depth += (c in CLOSING) - (c in CLOSING.values())
        if c == '<' and re.match(r'\w', code[i - 1]):
            angles += 1
        elif c == '>' and angles and code[i - 1] not in '- ':
            angles -= 1
        elif c == ',' and depth == 0 and angles == 0:
            out.append((since, i))
            since = i + 1
    out.append((since, end))
    stripped = []
    for b, e in out:
        text = code[b:e]
        stripped.append((b + len(text) - len(text.lstrip()), e - len(text) + len(text.rstrip())))
    return stripped


def blanked(code, pattern, flags=re.M | re.S):
    return re.sub(pattern, lambda m: re.sub(r'[^\n]', ' ', m[0]), code, flags=flags)


def code_of(text):
    """The text without what is not mutated: comments, messages, directives, assertions, template heads, requirements."""
    code = without_comments(text)
    code = blanked(code, r'^[ \t]*#(?:\\\n|[^\n])*')
    code = blanked(code, r'\bstatic_assert\s*\([^;]*;')
    code = blanked(code, r'\btemplate\s*<[^;{}()]*?\bconcept\b[^;]*;')
    code = blanked(code, r'\btemplate\s*<(?:[^<>]|<[^<>]*>)*>')
    code = blanked(code, r'\brequires\s+[^;{]*(?=[;{])')
    return blanked(code, r'^\s*(?:namespace|using|friend|extern|public|private|protected)\b[^;{\n]*')


def operators(code):
    for kind, table in OPERATORS.items():
        for match in re.finditer(r'(?<=[\s])(\S{1,2})(?=\s)', code):
            if match[1] in table:
                yield match.start(), kind, match[1], table[match[1]]
    for match in re.finditer(r'(?<![\w+\-])(\+\+|--)(?=\w)', code):
        line = code[code.rfind('\n', 0, match.start()) + 1:match.start()]
        if not re.search(r'\bfor \([^()]*(?:\([^()]*\)[^()]*)*;[^;]*$', line):  # the step of a loop: it would not end
            yield match.start(), 'compound', match[1], '--' if match[1] == '++' else '++'


def constants(code):
    for match in re.finditer(r"(?<![\w.'])(\d[\d']*)([uUlL]*)(?![\w.'])", code):
        value = int(match[1].replace("'", ''), 8 if re.match(r'0\d', match[1]) else 10)
        for other in {value + 1, value - 1 if value else 1}:
            yield match.start(), 'constant', match[0], f'{other}{match[2]}'
    for match in re.finditer(r'(?<![\w.])(\d+\.\d*(?:e[+-]?\d+)?|\d+e[+-]?\d+)(?![\w.])', code):
        yield match.start(), 'constant', match[0], '1.0' if float(match[0]) == 0 else f'(2 * {match[0]})'
    for match in re.finditer(r'(?<![\w.])0x([0-9A-Fa-f\']+)([uUlL]*)\b', code):
        yield match.start(), 'constant', match[0], f"{int(match[1].replace(chr(39), ''), 16) ^ 1:#x}{match[2]}"
    for match in re.finditer(r'\b(true|false)\b', code):
        yield match.start(), 'constant', match[0], 'false' if match[0] == 'true' else 'true'


def conditions(code):
    for match in re.finditer(r'\b(?:if|while)(?: constexpr)? \(', code):
        end = end_of_bracket(code, match.end() - 1)
        condition = code[match.end():end]
        if end > 0 and ';' not in condition and not re.match(r'(const )?(auto|[\w:]+[&*]*) [&*]?\w+ = ', condition):
            yield match.end(), 'condition', condition, f'!({condition})'
    for match in re.finditer(r'(?<![\w)\]])!(?=[\w(])', code):
        yield match.start(), 'condition', '!', ''
    for match in re.finditer(r' \? ', code):
        branches = branches_of(code, match.end())
        if branches:
            (b0, e0), (b1, e1) = branches
            yield b0, 'branches', code[b0:e1], code[b1:e1] + code[e0:b1] + code[b0:e0]


def branches_of(code, begin):
    depth = nested = 0
    colon = None
    for i in range(begin, len(code)):
        c = code[i]
        if depth == 0 and c in ',;)]}':
            if colon is None:
                return None
            return (begin, colon), (colon + 3, i)
        depth += (c in CLOSING) - (c in CLOSING.values())
        if depth == 0 and code.startswith(' ? ', i):
            nested += 1
        elif depth == 0 and re.match(r'\s: ', code[i:i + 3]):
            if nested == 0 and colon is None:
                colon = i
            else:
                nested -= 1
    return None


def statements(code):
    """(place, text) of the statements that begin a line."""
    for match in re.finditer(r'(?:(?<=[;{}:])|(?<=else)|(?<=\)))\s*\n[ \t]*(?=\S)', code):
        begin, depth = match.end(), 0
        for i in range(begin, min(len(code), begin + 600)):
            depth += (code[i] in CLOSING) - (code[i] in CLOSING.values())
            if depth < 0:
                break
            if depth == 0 and code[i] == ';':
                yield begin, code[begin:i + 1]
                break
            if depth == 0 and code[i] == '}':
                break


CALL = re.compile(r'(?!(?:return|throw|using|typename|explicit|static|virtual|inline|constexpr|const|auto|delete|new|'
                  r'goto|case|default)\b)[:\w.\->\[\]*]+(?:<[^;()]*>)?\(.*\);$', re.S)
ASSIGNMENT = re.compile(r'[\w.\->*()]+(?:\[[^\]]*\])*[\w.\->]*(?:\[[^\]]*\])* (?:[+\-*/|&^%]|<<|>>)?= '
                        r'(?!(?:default|delete|0);).*;$', re.S)


def dropped(code):
    for at, statement in statements(code):
        if CALL.match(statement) or ASSIGNMENT.match(statement) or re.match(r'(\+\+|--)\w[^;]*;$', statement) \
                or re.match(r'(break|continue|return);$', statement) \
                or (re.match(r'(if|for) \(', statement) and not re.match(r'\s*else\b', code[at + len(statement):])):
            yield at, 'dropped', statement, ';'


NUMBER = re.compile(r'(std::)?(u?int\d*(_t)?|size_t|ptrdiff_t|Index|double|float|bool|char|unsigned|long|auto|'
                    r'[A-Z]\w?|Real|operand|accum)$')
DECLARED = re.compile(r'(?<![\w:.>])([A-Za-z_][\w:]*(?:<[^;(){}]*?>)?)(?:::\w+)?(?: const)?(?: ?[&*]+ ?| )(\w+)'
                      r'(?=[,;)({=\[]| =| :)')
NO_TYPE = {'return', 'case', 'else', 'throw', 'const', 'new', 'delete', 'goto', 'typename', 'using', 'namespace', 'in', 'and'}


def types_in(code):
    """{name: types} of what a text declares, as far as it can be read without a compiler."""
    types = {}
    for match in DECLARED.finditer(code):
        if match[1] not in NO_TYPE:
            types.setdefault(match[2], set()).add(match[1])
    return types


def may_be_number(expression, types):
    """Whether one can be added to it: not to what the text declares as a text, a list or an object and nothing else."""
    known = types.get(re.split(r'\W+', expression)[-1], set()) if re.fullmatch(r'[\w.]+', expression) else set()
    return not known or any(NUMBER.match(t) for t in known)


def arguments(code):
    types = types_in(code)
    for match in re.finditer(r'(?:(\w+)|[>\])])([({])(?=\S)', code):
        end = end_of_bracket(code, match.end() - 1)
        if match[1] in NOT_CALLS or end < 0 or ';' in code[match.end():end] or end - match.end() > 300:
            continue
        parts = elements(code, match.end(), end)
        texts = [code[b:e] for b, e in parts]
        if any(re.match(r'(const )?[\w:]+(<.*>)?[&*]* [&*]*\w+( = .*)?$', t) and ' ' in t or not t for t in texts):
            continue  # parameters of a declaration
        for (b0, e0), (b1, e1) in zip(parts, parts[1:]):
            if code[b0:e0] != code[b1:e1] and match[1] not in SYMMETRIC:
                yield b0, 'swapped', code[b0:e1], code[b1:e1] + code[e0:b1] + code[b0:e0]
        if match[2] == '(':
            for (b, e), text in zip(parts, texts):
                if re.match(r'[\w.]*[a-z]\w*(\(\))?( [+\-*/] [\w.]+(\(\))?)*$', text) and text not in ('true', 'false') \
                        and may_be_number(text, types):
                    for sign in '+-':
                        yield b, 'shifted', text, f'{text} {sign} 1'
    for match in re.finditer(r'(?<=[\w)\]])\[(?=[^\]\s])', code):
        end = end_of_bracket(code, match.start())
        size = re.search(r'(?:^|[\s(])([\w:]+(?:<[^;]*>)?) \w+$', code[code.rfind('\n', 0, match.start()) + 1:match.start()])
        if size and size[1] not in NO_TYPE:
            continue  # how large a list is, not a place in it
        if end > 0 and not re.match(r'[&=]|this\b', code[match.end():end]):
            yield match.end(), 'shifted', code[match.end():end], f'({code[match.end():end]}) + 1'


def ranges(code):
    for match in re.finditer(r'(?:(?<=[.:])|(?<=->))(' + '|'.join(NAMES) + r')(?=[(<])', code):
        yield match.start(), 'range', match[1], NAMES[match[1]]


def mutants_of(header, text, equivalents=()):
    """Every mutant of a header, in the order of its text. Literals come from the text, not from what was blanked."""
    code, out = code_of(text), []
    for rule in (operators, constants, conditions, dropped, arguments, ranges):
        for at, kind, before, after in rule(code):
            original = text[at:at + len(before)]
            if original != before:  # a literal or a comment within: only what leaves it whole can be written back
                if kind == 'dropped':
                    after = ';' + '\n' * original.count('\n')
                elif kind == 'condition' and after:
                    after = f'!({original})'
                else:
                    continue
            mutant = Mutant(header, at, kind, original, after)
            description = mutant.described(text)
            if not any(e.search(description) for e in equivalents):
                out.append(mutant)
    return sorted(out, key=lambda m: (m.at, m.kind, m.after))


def with_marker(text, at):
    """The text with an instruction in the body around a place: where its code is compiled, this changes it. Or None."""
    opens = [m.end() for m in re.finditer(r'(?:\)|\b(?:const|noexcept|override|else|try|mutable))\s*\{', code_of(text)[:at])]
    return text[:opens[-1]] + ' asm volatile("nop");' + text[opens[-1]:] if opens else None


def read_equivalents(path):
    """The expressions of a file of lines "expression @ reason"."""
    lines = [line for line in path.read_text().split('\n') if line and not line.startswith('#')]
    return [re.compile(line.rsplit(' @ ', 1)[0]) for line in lines]


class Draw:
    """Draws mutants without end: a room by its lines of code, a line of it, a kind of mistake, a place. No mutant twice."""

    def __init__(self, include, random, equivalents=()):
        self.random, self.texts, self.lines, weights = random, {}, {}, {}
        for path in sorted(include.rglob('*.hpp')):
            header = str(path.relative_to(include))
            if GENERATED.search('include/' + header) or KERNELS.match(header):
                continue
            self.texts[header] = text = path.read_text()
            room = header.rpartition('/')[0]
            weights[room] = weights.get(room, 0) + sum(bool(l.strip()) for l in code_of(text).split('\n'))
            places = self.lines.setdefault(room, {})
            for mutant in mutants_of(header, text, equivalents):
                places.setdefault((header, mutant.line(text)), []).append(mutant)
        self.rooms = sorted(room for room in self.lines if self.lines[room])
        self.weights = [weights[room] for room in self.rooms]
        self.keys = {room: sorted(self.lines[room]) for room in self.rooms}

    def __iter__(self):
        seen, left = set(), sum(len(ms) for places in self.lines.values() for ms in places.values())
        while len(seen) < left:
            room = self.random.choices(self.rooms, self.weights)[0]
            here = self.lines[room][self.random.choice(self.keys[room])]
            kind = self.random.choice(sorted({m.kind for m in here}))
            mutant = self.random.choice([m for m in here if m.kind == kind])
            if mutant not in seen:
                seen.add(mutant)
                yield mutant
