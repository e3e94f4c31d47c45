#!/usr/bin/env python3
"""Every rule of rules.py must fire on a breach and stay silent on its twin."""
import rules

BREACHES = [  # path, text that breaks a rule, words of the complaint, the same without the breach
    ('include/vlt/nn/a.hpp', '#include <vlt/hub/hf_folder.hpp>', 'nn (4) includes hub (7)', '#include <vlt/ops/norm.hpp>'),
    ('include/vlt/models/a.hpp', '#include <vlt/testing/b.hpp>', 'includes testing', '#include <vlt/models/b.hpp>'),
    ('include/vlt/nn/a.hpp', '#include <vlt/vlt.hpp>', 'umbrella', '#include <vlt/nn/b.hpp>'),
    ('include/vlt/nn/a.hpp', '#include "b.hpp"', 'includes itself', '#include <b.hpp>'),
    ('include/vlt/cpu/a.hpp', '#ifdef __AVX512F__\n#endif', 'platform', '#if VLT_ISA_AVX512\n#endif'),
    ('include/vlt/ops/a.hpp', '__global__ void f();', 'CUDA', 'void global();'),
    ('include/vlt/ops/kernel/a.hpp', '#include <vlt/tensor/matrix.hpp>', 'ops/kernel (2) includes tensor (2)',
     '#include <vlt/simt/kernel.hpp>'),
    ('include/vlt/ops/kernel/a.hpp', 'int i() { return threadIdx.x; }', 'CUDA', 'int i() { return thread_index(); }'),
    ('include/vlt/ops/a.hpp', 'void f() { k<<<1, 2>>>(); }', 'CUDA', 'void f() { int a = 1 << 2; }'),
    ('include/vlt/io/a.hpp', 'std::regex r;', 'std::regex', '// std::regex'),
    ('include/vlt/io/a.hpp', 'int f() { return std::system("ls"); }', 'system()', 'int f() { return file_system(1); }'),
    ('include/vlt/io/a.hpp', 'void f() { std::exit(1); }', 'exit()', 'ExitCode exit() const;'),
    ('include/vlt/io/a.hpp', 'using namespace std;', 'opens no namespace', 'using std::string;'),
    ('include/vlt/io/a.hpp', 'template <int a, int b, int c, int d, int e> struct S;', '5 template parameters',
     'template <int a, int b, int c, class F = f<1, 2>> struct S;'),
    ('include/vlt/io/a.hpp', 'void f() {\n' + '  g();\n' * 58 + '}', '60 lines', 'void f() {\n' + '  g();\n' * 57 + '}'),
    ('include/vlt/io/a.hpp', 'struct S {\n' + '  int a;\n' * 80 + '  void f() {\n' + '    g();\n' * 60 + '  }\n};',
     '62 lines', 'struct S {\n' + '  int a;\n' * 80 + '};'),
    ('include/vlt/io/a.hpp', 'int x;  //' + ' x' * 60, 'columns', 'int x;  //' + ' x' * 55),
    ('include/vlt/io/a.hpp', 'struct FastReader;', 'does not say', 'struct BreakfastReader;'),
    ('include/vlt/io/string_utils.hpp', '', 'name of the file', ''),
    ('tests/unit/io/a.cpp', '// TO' + 'DO: more', 'does not belong', '// to do: more'),
    ('tests/run.sh', 'echo \n'.replace('\n', ' \necho'), 'blanks', 'echo\necho'),
    ('docs/a.md', 'x\n' * 401, '402 lines', 'x\n' * 390),
]
TREES = [  # files beside include/vlt/nn/a.hpp, words of the complaint, the same without the breach
    (['tests/unit/nn/b.cpp'], 'name of a header', ['tests/unit/nn/a_b.cpp', 'tests/unit/nn/a.cpp', 'tests/unit/nn/b.hpp']),
    (['tests/unit/nn/ab.cpp'], 'name of a header', ['tests/unit/tolerance.hpp']),
    (['tests/unit/layers/a.cpp'], 'no room include/vlt/layers', ['tests/unit/a/b/a.cpp', 'include/vlt/a/b/a.hpp']),
    ([f'include/vlt/nn/b{i}.hpp' for i in range(30)], '31 headers', [f'include/vlt/nn/b{i}.hpp' for i in range(29)]),
]


def complaints(path, text):
    if path.startswith('include/'):
        text = '#pragma once\n' + text
    return [what for _, what in rules.check_file(path, text)]


failures = 0
for path, breach, wanted, twin in BREACHES:
    found = complaints(path, breach)
    if not any(wanted in what for what in found):
        failures += 1
        print(f'{path}: {breach[:60]!r}: wanted a complaint with "{wanted}", found {found}')
    if 'name of the file' not in wanted and complaints(path, twin):
        failures += 1
        print(f'{path}: {twin[:60]!r}: no complaint wanted, found {complaints(path, twin)}')
for breach, wanted, twin in TREES:
    found = [list(rules.check_tree(['include/vlt/nn/a.hpp', *files])) for files in (breach, twin)]
    if not any(wanted in what for _, what in found[0]) or found[1]:
        failures += 1
        print(f'{breach}: wanted a complaint with "{wanted}" and none about {twin}, found {found}')
if complaints('include/vlt/io/a.hpp', 'int x;') or not list(rules.check_file('include/vlt/io/a.hpp', 'int x;')):
    failures += 1
    print('a header without #pragma once must be refused')
graph = {'data/a.hpp': ['tensor/b.hpp'], 'tensor/b.hpp': ['nn/c.hpp'], 'hub/a.hpp': ['models/sizes.hpp']}
if list(rules.check_reach(graph)) != [('data/a.hpp', 'data reaches nn/c.hpp')]:
    failures += 1
    print('data may reach no layer, hub may reach sizes')
graph = {'vlt.hpp': ['nn/a.hpp'], 'nn/a.hpp': [], 'nn/b.hpp': [], 'program/c.hpp': [], 'ops/kernel/d.hpp': []}
if list(rules.check_umbrella(graph)) != [('nn/b.hpp', 'the umbrella vlt.hpp does not include it')]:
    failures += 1
    print('the umbrella has every header of its rooms')
print(f'{len(BREACHES) + len(TREES) + 3} rules, {failures} failures')
raise SystemExit(failures > 0)
