#!/usr/bin/env python3
"""Runs sft_main on every malformed input of data_cases.py, model_cases.py, option_cases.py and checkpoint_cases.py: the
exit code, the error code and the sentence must be the listed ones, and every error must have the form that
docs/errors.md promises.

usage: malformed.py SFT_MAIN LANGUAGE_MODEL VISION_MODEL [EXPRESSION]   EXPRESSION: only cases whose names match it
"""
import collections
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import checkpoint_cases
import data_cases
import model_cases
import option_cases
from malformed_case import Cases

HEAD = re.compile(r'^sft_main: error\[([A-Z]+(?:-[A-Z]+)?-\d{3})\]: (.*)')
PARTS = {'  --> ': 'place', '  expected: ': 'expected', '  found:    ': 'found', '  help: ': 'help', '  note: ': 'note'}


def errors_of(text):
    """The errors that a program printed: dictionaries of code, what and parts."""
    found = []
    for line in text.splitlines():
        head = HEAD.match(line)
        if head:
            found.append({'code': head[1], 'what': head[2]})
        elif found and not line.startswith('  '):
            found.append({})  # something else: what follows belongs to it
        elif found and found[-1]:
            mark = next((m for m in PARTS if line.startswith(m.rstrip())), None)
            if mark:
                part = PARTS[mark]
                found[-1][part] = ''
            if len(found[-1]) > 2:
                found[-1][part] += line[len(mark or ''):]
    return [e for e in found if e]


def misshapen(error, out):
    """What an error lacks of the form that all have."""
    for part in ('what', 'place', 'expected', 'found', 'help'):
        if not error.get(part, '').strip():
            yield f'has no {part}'
    if error['what'].endswith('.') or len(HEAD.match(f'sft_main: error[{error["code"]}]: {error["what"]}')[0]) > 120:
        yield 'has a first line that ends in a point or is long'
    if re.search(r'[\x00-\x08\x0b-\x1f\x7f]', out):
        yield 'has control characters'


class Runner:
    def __init__(self, program, language, vision, folder):
        self.program, self.folder = program, folder
        self.usual = {'precision': 'fp32', 'template': 'plain', 'image_folder': f'{folder}/images', 'num_threads': '1',
                      'num_workers': '1', 'lm_model_name_or_path': language, 'vision_model_name_or_path': vision,
                      'data_path': f'{folder}/good.json'}

    def training(self, folder, words):
        options = [w for k, v in self.usual.items() for w in (f'--{k}', v)]
        return [self.program, *options, '--output_dir', str(folder), '--eval_step', '0', *words]

    def command(self, case, more):
        if case.task == 'bare':
            return [self.program, *case.words]
        options = {**self.usual, **case.changes}
        words = [w for k, v in options.items() if v is not None for w in (f'--{k}', v)]
        if case.task == 'train':
            words += ['--max_steps', '1', '--eval_step', '0']
            if 'output_dir' not in options:
                words += ['--output_dir', f'{self.folder}/out-{case.name}']
        elif case.task != 'usual':
            words.append({'audit': '--validate_only', 'plan': '--plan'}[case.task])
        return [self.program, *words, *case.words, *more]

    def answer(self, case, wanted, more=(), says=None):
        """What is wrong with the answer to a case; nothing if it is as listed."""
        done = subprocess.run(self.command(case, more), capture_output=True, timeout=60)
        out = (done.stdout + done.stderr).decode(errors='replace')
        problems = [] if done.returncode == wanted else [f'exit {done.returncode}, wanted {wanted}']
        errors = errors_of(out)
        if wanted and not more and (not errors or errors[0]['code'] != case.code):
            problems.append(f'code {errors[0]["code"] if errors else "none"}, wanted {case.code or "one"}')
        if not wanted and not more and case.code and f'[{case.code}]' not in out:
            problems.append(f'no {case.code}')
        problems += [f'lacks {s!r}' for s in (case.says if says is None else says) if not re.search(s, out)]
        problems += [f'{e["code"]} {p}' for e in errors for p in misshapen(e, out)]
        shutil.rmtree(f'{self.folder}/out-{case.name}', ignore_errors=True)
        return f'{case.name}: {"; ".join(problems)}\n{done.stderr.decode(errors="replace")[-1500:]}' if problems else None

    def answers(self, case):
        if case.kind != 'bad':
            return [self.answer(case, 0 if case.kind == 'ok' else case.kind)]
        skip = ('--on_bad_sample', 'skip', '--max_bad_fraction', '1')
        return [self.answer(case, 3), self.answer(case, 0, skip, [r'records = 1 used \+ 1 bad'])]


def main(program, language, vision, expression='.'):
    folder = pathlib.Path(tempfile.mkdtemp(prefix='vlt_malformed_'))
    cases = Cases()
    try:
        (folder / 'good.json').write_text(data_cases.good_data())
        data_cases.write(folder, cases)
        model_cases.write(folder, cases, pathlib.Path(language), pathlib.Path(vision))
        option_cases.write(folder, cases)
        runner = Runner(program, language, vision, folder)
        checkpoint_cases.write(folder, cases, runner.training)
        twice = [n for n, count in collections.Counter(c.name for c in cases).items() if count > 1]
        assert not twice, f'cases of one name: {twice}'
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            answers = [a for all in pool.map(runner.answers, [c for c in cases if re.search(expression, c.name)]) for a in all]
    finally:
        shutil.rmtree(folder)
    failed = [a for a in answers if a]
    for a in failed:
        print('FAIL', a)
    print(f'malformed input: {len(answers) - len(failed)} passed, {len(failed)} failed')
    return len(failed) > 0


sys.exit(main(*sys.argv[1:5]))
