#!/usr/bin/env python3
"""What the shapes data set promises. Usage: shapes_dataset.py BIN"""
import collections
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

passed = failed = 0


def check(ok, what):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    print('ok' if ok else 'FAIL', what)


def draw(folder, seed):
    program = pathlib.Path(sys.argv[1]) / 'make_shapes_dataset'
    subprocess.run([program, '--output_dir', folder, '--records', '3000', '--test_records', '300', '--seed', str(seed)],
                   check=True, capture_output=True)
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest()
            for f in pathlib.Path(folder).rglob('*') if f.is_file()}


def refused(says, *arguments):
    program = pathlib.Path(sys.argv[1]) / 'make_shapes_dataset'
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    check(done.returncode == 2 and says in done.stderr, f'{" ".join(arguments) or "no option"} is refused: {says}')


def turns(records):
    for r in records:
        talk = r['conversations']
        for q, a in zip(talk[::2], talk[1::2]):
            yield r, q['value'].replace('<image>\n', ''), a['value']


page = subprocess.run([pathlib.Path(sys.argv[1]) / 'make_shapes_dataset', '--help'], capture_output=True, text=True)
check(page.returncode == 0 and all(text in page.stdout for text in ('--output_dir <text>  [required]',
      '--records <integer>  [20000]', '--test_records <integer>  [500]', '--seed <integer>  [1]')), '--help lists defaults')
refused('--output_dir')
refused('did you mean `--records`?', '--output_dir', '/nowhere', '--record', '5')
refused('an integer of at least 1', '--output_dir', '/nowhere', '--records', '0')
refused('needs a value', '--output_dir')

with tempfile.TemporaryDirectory() as work:
    first, again, other = draw(work + '/a', 7), draw(work + '/b', 7), draw(work + '/c', 8)
    check(first == again, 'the same seed draws the same files')
    check(first != other, 'another seed draws another data set')
    train, test = (json.loads((pathlib.Path(work) / 'a' / name).read_text()) for name in ('train.json', 'test.json'))
    pictures = collections.defaultdict(set)
    for name, records in ('train', train), ('test', test):
        for r in records:
            for image in [r['image']] if isinstance(r['image'], str) else r['image'] or []:
                pictures[name].add(first['images/' + image])
    check(pictures['test'] and not pictures['test'] & pictures['train'], 'no test picture has the bytes of a training one')
    check(not pictures['test'] & set(other.values()), 'nor of one of another seed')

    topics = {'colour': 'What colour is the', 'shape': 'What shape is the', 'count': 'How many', 'position': 'Where is the',
              'left of': 'What is left of the'}
    for name, beginning in topics.items():
        share = sum(beginning in q for r, q, _ in turns(test) if r['image']) / len(list(turns(test)))
        check(share > 0.02, f'{share:.0%} of the test questions ask about {name}')
    kinds = {'several turns': lambda r: len(r['conversations']) > 2, 'one turn': lambda r: len(r['conversations']) == 2,
             'two pictures': lambda r: isinstance(r['image'], list), 'text only': lambda r: r['image'] is None}
    for name, is_kind in kinds.items():
        check(any(map(is_kind, train)) and any(map(is_kind, test)), f'there are records with {name}')

    likeliest = collections.defaultdict(collections.Counter)
    for _, q, a in turns(train):
        likeliest[q][a] += 1
    right = [likeliest[q].most_common(1)[0][0] == a for _, q, a in turns(test) if q in likeliest]
    share = sum(right) / len(right)
    check(share < 0.45, f'who only reads the questions answers {share:.0%}')
print(f'{passed} passed, {failed} failed')
sys.exit(failed > 0)
