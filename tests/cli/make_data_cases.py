#!/usr/bin/env python3
"""Writes malformed data sets for data_cases.sh. Usage: make_data_cases.py FOLDER

FOLDER/images holds one good picture and everything a name can lead to; FOLDER/cases lists, with tabs between:
name, kind, data file, what the message must match (regular expressions with " & " between), further options. Kinds:
  ok      accepted
  bad     one bad record after a good one: exit 3, or exit 0 with one bad record counted under --on_bad_sample skip
  2, 3    the exit code, whatever the policy
"""
import json
import os
import pathlib
import socket
import struct
import sys
import zlib

ROOT = pathlib.Path(sys.argv[1])
CASES = []


def turns(*values):
    return [{'from': ('human', 'gpt')[i % 2], 'value': v} for i, v in enumerate(values)]


def record(**members):
    return {'id': 'x', 'image': None, 'conversations': turns('What?', 'This.'), **members}


GOOD = record(id='good', image='good.png', conversations=turns('<image>\nWhat?', 'This.'))


def case(name, kind, data, says='', options=''):
    """data: bytes, a string, a record that is put behind a good one, or None if there is no file."""
    if isinstance(data, dict):
        data = json.dumps([GOOD, data], ensure_ascii=False)
    if isinstance(data, str):
        data = data.encode()
    if data is not None:
        (ROOT / f'{name}.json').write_bytes(data)
    CASES.append((name, kind, str(ROOT / f'{name}.json'), says, options))


def bad(name, says, options='', **members):
    case(name, 'bad', record(**members), says, options)


def without(key, **members):
    r = record(**members)
    del r[key]
    return r


def png(width=8, height=8, data=None, crc_error=None, chunks=('IHDR', 'IDAT', 'IEND')):
    bodies = {'IHDR': struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0),
              'IDAT': zlib.compress(b''.join(b'\0' + bytes(24) for _ in range(8))) if data is None else data,
              'IEND': b''}
    out = b'\x89PNG\r\n\x1a\n'
    for kind in chunks:
        crc = zlib.crc32(kind.encode() + bodies[kind]) ^ (kind == crc_error)
        out += struct.pack('>I', len(bodies[kind])) + kind.encode() + bodies[kind] + struct.pack('>I', crc)
    return out


def files():
    good = json.dumps(GOOD)
    case('D01', 3, None, r'PATH-001 & No such file or directory \(2\) & --data_path')
    case('D02', 3, None, 'a directory & --data_path')
    (ROOT / 'D02.json').mkdir()
    if os.getuid() != 0:  # root may read everything
        case('D03', 3, '[]', r'denied \(13\) & --data_path')
        (ROOT / 'D03.json').chmod(0)
    case('D04', 3, '', 'empty file')
    case('D05', 3, ' \n\t ', 'empty file')
    case('D06', 3, '{}', 'expected a list, found object')
    case('D07', 3, '[]', '0 records')
    whole = json.dumps([GOOD, GOOD], indent=1)
    for i in range(0, 20):
        case(f'D08-{i}', 3, whole[:1 + i * (len(whole) - 2) // 20], r':\d+:\d+ & the file ended (inside|where)')
    case('D09', 3, f'[{good}] x', r':1:\d+ & "x"')
    case('D10', 3, f'[{good},]', r':1:\d+ & remove the comma')
    case('D11', 3, f'[{good}, // more\n]', r':1:\d+ & comment')
    case('D12', 'ok', b'\xef\xbb\xbf' + f'[{good}]'.encode())
    case('D13', 3, f'[{good}]'.encode('utf-16'), 'UTF-16 & convert')
    case('D14', 3, f'[{good}]'.replace('What', 'Wh\udcff').encode(errors='surrogateescape'), r':1:\d+ & invalid UTF-8')
    case('D15', 3, f'[{good}]'.replace('What', '\\ud800'), r':1:\d+ & invalid UTF-16')
    case('D17', 3, '[' * 17, 'nesting deeper than 16')
    case('D17-deep', 3, '[' * 100000, 'nesting deeper than 16')
    case('D18', 3, '[{"id": NaN}]', r':1:9 & NaN')
    case('D18-infinity', 3, '[{"id": -Infinity}]', r':1:10 & Infinity')
    case('D19', 'ok', good + '\n' + good.replace('"good"', '"other"') + '\n')
    case('D19-mixed', 3, good + f'\n[{good}]', ':2:1 & changes between')
    case('D19-mixed-list', 3, f'[{good}]\n{good}', ':2:1 & changes between')
    case('D20', 3, str([GOOD]), 'strings need double quotes')


def records():
    bad('D16', 'NUL in file name', image='a.png\0.jpg')
    twice = json.dumps([GOOD, record()])[:-2] + ', "i\\u0064": "y"}]'
    case('D21', 'bad', twice, r'"id" & byte \d+ and at byte \d+')
    case('D22', 'ok', json.dumps([GOOD, GOOD, GOOD]), r'2 records have the id & D22.json:1:\d+ & D22.json:1:\d+')
    for i, value in enumerate(['null', '"x"', '5', '[]']):
        case(f'D23-{i}', 'bad', f'[{json.dumps(GOOD)}, {value}]', r'\$\[1\] & expected object, found')
    case('D24', 'bad', without('id'), r'\$\[1\]\.id')
    bad('D25', r'\$\[1\]\.id', id={})
    case('D26', 'ok', without('image'))
    near = without('image', images=['good.png'])
    case('D26-near', 'bad', near, 'missing `image` & null for text-only & did you mean')
    case('D26-mark', 'bad', without('image', conversations=turns('<image>?', 'x')), 'missing `image` & text-only')
    for i, value in enumerate([5, {}, '', []]):
        bad(f'D27-{i}', 'file name', image=value)
    case('D28', 'ok', record(image=['good.png', 'good.png']))
    bad('D28-comma', 'use a list for several images', image='good.png,good.png')
    bad('D29', r'at most 3 & 4 & --max_num_image_per_sample', '--max_num_image_per_sample 3', image=['good.png'] * 4)
    case('D30', 'bad', without('conversations'), r'\$\[1\]\.conversations')
    bad('D31', r'\$\[1\]\.conversations', conversations=[])
    bad('D32', 'turn 2 from human has no reply', conversations=turns('a', 'b', 'c'))
    bad('D33', r'human & "gpt"', conversations=turns('a', 'b')[::-1])
    bad('D34', r'conversations\[1\] & "tool"', conversations=[turns('a')[0], {'from': 'tool', 'value': 'b'}])
    case('D34-roles', 'ok', record(conversations=[{'from': 'user', 'value': 'a'}, {'from': 'assistant', 'value': 'b'}]))
    bad('D35', r'\$\[1\]\.conversations\[1\]\.value', conversations=[turns('a')[0], {'from': 'gpt'}])
    bad('D35-number', r'\$\[1\]\.conversations\[1\]\.value', conversations=[turns('a')[0], {'from': 'gpt', 'value': 5}])
    bad('D36', 'no target tokens', conversations=turns('a', ''))
    bad('D37', '8388609 bytes', conversations=turns('a' * ((8 << 20) + 1), 'b'))
    bad('D38', '1 mark & 2 marks', image='good.png', conversations=turns('<image><image>', 'a'))
    bad('D39', '0 marks & 1 mark', conversations=turns('<image>', 'a'))
    bad('D40', '0 supervised tokens after cut at 200', '--max_seq_len 200', conversations=turns('word ' * 3000, 'b'))
    case('D44', 3, '[' + '0,' * 200000 + '0]', 'expected object, found number & 200001 of 200001', '')
    case('D45', 'bad', json.dumps([GOOD, record(id='N')]).replace('"N"', '1' * 1000000), '`id` is too long')


def options():
    two = json.dumps([record(id='1'), record(id='2')])
    for value in ('0', '-1', 'ten'):
        case(f'D42-{value.strip("-")}', 2, two, '--dataset_samples', f'--dataset_samples {value}')
    case('D42-large', 'ok', two, 'at most 2 & 9', '--dataset_samples 9')


def names():
    images = ROOT / 'images'
    (images / 'sub').mkdir(parents=True)
    (images / 'good.png').write_bytes(png())
    (images / 'Case.png').write_bytes(png())
    (images / 'sub/a.png').write_bytes(png())
    (ROOT / 'outside.png').write_bytes(png())
    (images / 'escape.png').symlink_to('../outside.png')
    (images / 'loop.png').symlink_to('loop.png')
    (images / 'link.png').symlink_to('sub/a.png')
    os.mkfifo(images / 'pipe')
    path = str(images / 'socket')
    if len(path) < 100:
        socket.socket(socket.AF_UNIX).bind(path)
        bad('P14', 'not-regular', image='socket')
    bad('P01', r'\$\[1\]\.image & escapes', image='../../etc/passwd')
    bad('P02', 'absolute', image='/etc/passwd')
    bad('P03', 'escapes', image='sub/../../outside.png')
    bad('P04', 'escapes', image='escape.png')
    bad('P05', 'not-regular', image='loop.png')
    case('P06', 'ok', record(image='link.png'))
    bad('P08', 'URLs are not fetched', image='http://example.com/a.png')
    bad('P08-file', 'URLs are not fetched', image='file:///etc/passwd')
    bad('P09', 'missing', image='..\\..\\x')
    bad('P10', 'too-long', image='a' * 256)
    bad('P11', 'not-regular', image='sub')
    bad('P12', 'not-regular', image='pipe')
    bad('P15', 'missing & did you mean "good.png"', image='goot.png')
    if os.getuid() != 0:
        (images / 'secret.png').write_bytes(png())
        (images / 'secret.png').chmod(0)
        bad('P16', 'denied', image='secret.png')
    bad('P17', 'differ in case', image='case.png')
    bad('P19', 'not-regular', image='.')
    bad('P20', 'missing', image='%2e%2e/outside.png')


def picture(name, content, says, kind='bad'):
    (ROOT / 'images' / name).write_bytes(content)
    case(name.split('.')[0], kind, record(image=name), says)


def pictures():
    good = png()
    picture('I01.png', b'', 'not a PNG or JPEG')
    picture('I02.png', b'\x89', 'not a PNG or JPEG')
    picture('I03.png', b'hello, this is text', 'not a PNG or JPEG')
    picture('I04.jpg', good, '', 'ok')
    picture('I05.gif', b'GIF89a' + bytes(20), 'GIF & convert to PNG or JPEG')
    picture('I06.png', good[:20], r'truncated at byte \d+')
    picture('I07.png', good[:50], r'truncated at byte \d+')
    picture('I08.png', png(crc_error='IDAT'), 'IDAT')
    picture('I09.png', png(chunks=('IHDR', 'IDAT')), r'truncated at byte \d+')
    picture('I12.png', png(width=0), '0 x 8')
    picture('I14.png', png(width=20000, height=20000), '20000 x 20000')
    picture('I28.jpg', bytes.fromhex('ffd8ffc0001108ffffffff03011100021101031101ffd9'), '65535 x 65535')


ROOT.mkdir(parents=True)
files()
records()
options()
names()
pictures()
(ROOT / 'cases').write_text(''.join('\t'.join(map(str, c)) + '\n' for c in CASES))
