#!/usr/bin/env python3
"""The rules of the house that a program can check. Usage: rules.py [repository]. Prints one line per broken rule."""
import pathlib
import re
import subprocess
import sys

# A header includes its own folder or one of a lower level. text/unicode is a room within text that text stands on, and
# so is ops/kernel within ops: kernels know pointers and sizes only.
LEVEL = {'base': 0, 'io': 1, 'device': 1, 'cpu': 1, 'simt': 1, 'text/unicode': 1, 'tensor': 2, 'text': 2, 'options': 2,
         'ops/kernel': 2, 'ops': 3, 'image': 3, 'nn': 4, 'models': 5, 'testing': 5, 'optim': 6, 'dist': 7, 'hub': 7, 'data': 7,
         'pretrained': 8, 'train': 9, 'report': 10, 'program': 11}
# What these rooms may reach of the rooms that compute, through any number of includes: descriptions, no layer or kernel.
COMPUTING = re.compile(r'(cpu|ops|nn|models)/')
REACH = {'data': set(), 'hub': {'nn/block_sizes.hpp', 'nn/component_kind.hpp', 'nn/fields.hpp', 'nn/param.hpp',
                                'nn/registry.hpp', 'models/sizes.hpp'}}
GENERATED = re.compile(r'include/vlt/text/unicode/unicode_\w+\.hpp$')  # tables
FOLDER_HEADERS = 30
LINES, COLUMNS, FUNCTION_LINES, TEMPLATE_PARAMETERS = 400, 120, 60, 5  # each must stay below, columns may reach
PLATFORM = re.compile(r'^\s*#\s*(if|ifdef|ifndef|elif)\b.*\b(__GNUC__|__clang__|_MSC_VER|_WIN32|__APPLE__|__linux__|'
                      r'__x86_64__|__aarch64__|__AVX\w*|__SSE\w*|__FMA__|__CUDACC__|__NVCC__)')
CUDA = re.compile(r'__global__|__device__|__shared__|__syncthreads|<<<|\bthreadIdx\b|\bcuda[A-Z]\w+\(')
CALLS = {'std::regex': re.compile(r'std::(w?regex|basic_regex)\b'),
         'system()': re.compile(r'(?<![\w.>])(std::)?system\s*\('),
         'popen()': re.compile(r'(?<![\w.>])popen\s*\('),
         'exit() in a header': re.compile(r'(?<![\w.>:])(std::|::)?(exit|_exit|quick_exit)\s*\([^)]')}
NAMES = {'fast', 'faster', 'optimized', 'optimised', 'v2', 'helper', 'helpers', 'util', 'utils', 'manager'}
TEXTS = [re.compile(p) for p in (r'\bTODO\b', r'\bFIXME\b', r'\bXXX\b', r'/wor[k]/', r'\bprototype/', r'\bChatGPT\b',
                                 r'\bClaude\b', r'\bissue #\d')]


def without_comments(text):
    """Comments and the contents of literals blanked; lines and columns stay."""
    def blank(match):
        token = match.group(0)
        if token.startswith(('//', '/*')):
            return re.sub(r'[^\n]', ' ', token)
        return token[0] + re.sub(r'[^\n]', ' ', token[1:-1]) + token[-1]
    pattern = (r'R"(?P<mark>[^(\s]*)\((?:.|\n)*?\)(?P=mark)"|//[^\n]*|/\*(?:.|\n)*?\*/|'
               r'"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'')
    return re.sub(pattern, blank, text)


def functions(code):
    """(first line, length in lines) of every outermost function body."""
    depth_of_function, depth, start, since = None, 0, 0, 0
    for at, c in enumerate(code):
        if c == '{':
            head = code[since:at].strip()
            opens = '(' in head and not re.match(r'(namespace|enum|union)\b', head) \
                and not re.search(r'(^|\s)(struct|class)\s+\w+[^()]*$', head) and not head.endswith(('=', ','))
            if opens and depth_of_function is None:
                depth_of_function, start = depth, code.count('\n', 0, since + len(code[since:at]) -
                                                             len(code[since:at].lstrip())) + 1
            depth += 1
            since = at + 1
        elif c == '}':
            depth -= 1
            if depth_of_function == depth:
                depth_of_function = None
                yield start, code.count('\n', 0, at) + 2 - start
            since = at + 1
        elif c == ';' and depth_of_function is None:
            since = at + 1
        elif c == '\n' and code[since:at].lstrip().startswith('#') and not code[:at].endswith('\\'):
            since = at + 1


def template_parameters(code):
    """(line, number of parameters) of every template parameter list."""
    for match in re.finditer(r'\btemplate\s*<', code):
        depth, commas, at = 1, 0, match.end()
        while depth and at < len(code):
            c = code[at]
            depth += (c in '<({') - (c in ')}') - (c == '>' and code[at - 1] not in '-=')
            commas += c == ',' and depth == 1
            at += 1
        if code[match.end():at - 1].strip():
            yield code.count('\n', 0, match.start()) + 1, commas + 1


def words(name):
    return {w.lower() for part in name.split('_') for w in re.findall(r'[A-Z]?[a-z0-9]+|[A-Z]+', part)}


def check_includes(path, lines):
    folder = path.removeprefix('include/vlt/').rpartition('/')[0]
    if not folder:  # the umbrella
        return
    if folder not in LEVEL:
        yield 1, f'folder {folder} has no level'
        return
    for number, line in enumerate(lines, 1):
        match = re.match(r'#include <vlt/(?:([\w/]+)/)?\w+\.hpp>', line)
        if re.match(r'#include "', line):
            yield number, 'the library includes itself as <vlt/...>'
        if match and not match[1]:
            yield number, 'no header of the library includes the umbrella'
        elif match and match[1] != folder and LEVEL.get(match[1], 99) >= LEVEL[folder]:
            yield number, f'{folder} ({LEVEL[folder]}) includes {match[1]} ({LEVEL.get(match[1])})'
        if 'boost/json/src.hpp' in line:
            yield number, 'no header includes boost/json/src.hpp'


def check_reach(includes):
    """(header, complaint) of headers that reach more than REACH; includes: what each header of include/vlt/ names."""
    for start in includes:
        room = start.split('/')[0]
        if room not in REACH:
            continue
        seen, ahead = {start}, [start]
        while ahead:
            for header in includes.get(ahead.pop(), ()):
                if header not in seen:
                    seen.add(header)
                    ahead.append(header)
        for header in sorted(seen):
            if COMPUTING.match(header) and header not in REACH[room]:
                yield start, f'{room} reaches {header}'


def check_header(path, text, code):
    lines = code.split('\n')
    if not text.startswith('#pragma once'):
        yield 1, 'a header starts with #pragma once'
    yield from check_includes(path, text.split('\n'))
    for number, line in enumerate(lines, 1):
        if PLATFORM.search(line) and path != 'include/vlt/base/config.hpp':
            yield number, 'only base/config.hpp asks the compiler about its platform'
        if CUDA.search(line) and not re.match(r'include/vlt/(simt|device)/', path):
            yield number, 'CUDA syntax outside simt/ and device/'
        for what, pattern in CALLS.items():
            if pattern.search(line):
                yield number, f'{what} is not used'
        if re.match(r'using namespace', line):
            yield number, 'a header opens no namespace for its user'
        if '#pragma omp' in line:
            yield number, 'threads come from base/parallel.hpp'


def check_cpp(path, text):
    code = without_comments(text)
    for number, line in enumerate(text.split('\n'), 1):
        if len(line) > COLUMNS:
            yield number, f'{len(line)} columns, at most {COLUMNS}'
    for number, length in functions(code):
        if length >= FUNCTION_LINES:
            yield number, f'a function of {length} lines, fewer than {FUNCTION_LINES} wanted'
    for number, count in template_parameters(code):
        if count >= TEMPLATE_PARAMETERS:
            yield number, f'{count} template parameters, fewer than {TEMPLATE_PARAMETERS} wanted'
    for match in re.finditer(r'\b[A-Za-z_]\w*\b', code):
        bad = words(match[0]) & NAMES
        if bad:
            yield code.count('\n', 0, match.start()) + 1, f'"{match[0]}" does not say what it does ({bad.pop()})'
    if path.startswith('include/'):
        yield from check_header(path, text, code)


def check_file(path, text):
    lines = text.split('\n')
    if len(lines) > LINES and not GENERATED.search(path) and not path.endswith(('.json', '.jsonl', 'mutants.txt')):
        yield LINES, f'{len(lines)} lines, fewer than {LINES} wanted'
    bad = words(pathlib.Path(path).stem) & NAMES
    if bad:
        yield 1, f'the name of the file does not say what it does ({bad.pop()})'
    if path.endswith(('.hpp', '.cpp', '.in')) and not GENERATED.search(path):
        yield from check_cpp(path, text)
    if path == 'tests/hygiene/rules.py':
        return
    for number, line in enumerate(lines, 1):
        for pattern in TEXTS:
            if pattern.search(line):
                yield number, f'"{pattern.search(line)[0]}" does not belong into the repository'
        if re.search(r'[ \t]+$', line) and not path.endswith(('.json', '.md', '.txt')):
            yield number, 'blanks at the end of the line'


def check_tree(paths):
    """(path, complaint) about where files lie: rooms of at most 30 headers, and tests beside what they test."""
    rooms = {}
    for path in paths:
        match = re.match(r'include/vlt/(?:(.+)/)?(\w+)\.hpp$', path)
        if match:
            rooms.setdefault(match[1], []).append(match[2])
    for room, stems in rooms.items():
        if len(stems) > FOLDER_HEADERS:
            yield f'include/vlt/{room}', f'{len(stems)} headers, at most {FOLDER_HEADERS} wanted'
    for path in paths:
        match = re.match(r'tests/unit/(?:(.+)/)?(\w+)\.cpp$', path)
        if match and match[1] not in rooms:
            yield path, f'there is no room include/vlt/{match[1]}'
        elif match and not any(re.match(rf'{stem}(_|$)', match[2]) for stem in rooms[match[1]]):
            yield path, f'a test bears the name of a header of include/vlt/{match[1]}, or begins with it and "_"'


def check_umbrella(includes):
    """(header, complaint) for what vlt.hpp lacks: every room but those left out. Kernels are read where they are launched."""
    left_out = ('cpu/', 'simt/', 'ops/kernel/', 'options/', 'testing/', 'report/', 'program/', 'text/unicode/', 'vlt.hpp')
    for header in sorted(includes):
        if not header.startswith(left_out) and header not in includes.get('vlt.hpp', []):
            yield header, 'the umbrella vlt.hpp does not include it'


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else '.').resolve()
    listed = subprocess.run(['git', '-C', root, 'ls-files'], capture_output=True, text=True, check=True).stdout.split('\n')
    listed = [path for path in listed if path and (root / path).is_file()]
    broken = seen = 0
    includes = {}
    for path, complaint in check_tree(listed):
        print(f'{path}:1: {complaint}')
        broken += 1
    for path in listed:
        file = root / path
        if '/golden/' in path:
            continue
        try:
            text = file.read_text(encoding='utf-8')
        except UnicodeDecodeError:
            continue
        seen += 1
        if path.startswith('include/vlt/'):
            includes[path.removeprefix('include/vlt/')] = re.findall(r'#include <vlt/([\w/]+\.hpp)>', text)
        for line, complaint in check_file(path, text.removesuffix('\n')):
            print(f'{path}:{line}: {complaint}')
            broken += 1
    for header, complaint in [*check_reach(includes), *check_umbrella(includes)]:
        print(f'include/vlt/{header}:1: {complaint}')
        broken += 1
    print(f'{seen} files, {broken} rules broken')
    sys.exit(broken > 0)


if __name__ == '__main__':
    main()
