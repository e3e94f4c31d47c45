"""Malformed data sets: D of the data file and its records, P of names, I of images."""
import json
import os
import pathlib
import socket
import struct
import zlib

GOLDEN = pathlib.Path(__file__).parent.parent / 'golden/images'


def turns(*values):
    return [{'from': ('human', 'gpt')[i % 2], 'value': v} for i, v in enumerate(values)]


def record(**members):
    return {'id': 'x', 'image': None, 'conversations': turns('What?', 'This.'), **members}


GOOD = record(id='good', image='good.png', conversations=turns('<image>\nWhat?', 'This.'))
ROOT, CASES = None, None


def good_data():
    return json.dumps([dict(GOOD, id=str(i)) for i in range(10)])


def case(name, kind, data, says='', options=''):
    """data: bytes, a string, a record that is put behind a good one, or None if there is no file."""
    if isinstance(data, dict):
        data = json.dumps([GOOD, data], ensure_ascii=False)
    if isinstance(data, str):
        data = data.encode()
    if data is not None:
        (ROOT / f'{name}.json').write_bytes(data)
    CASES.add(name, kind, says, options, data_path=ROOT / f'{name}.json')


def bad(name, code, says, options='', **members):
    case(name, f'bad {code}', record(**members), says, options)


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
    case('D01', '3 DATA-PATH-001', None, r'PATH-001 & No such file or directory \(2\) & --data_path')
    case('D02', '3 DATA-PATH-004', None, 'a directory & --data_path')
    (ROOT / 'D02.json').mkdir()
    if os.getuid() != 0:  # root may read everything
        case('D03', 3, '[]', r'denied \(13\) & --data_path')
        (ROOT / 'D03.json').chmod(0)
    case('D04', '3 DATA-FILE-004', '', 'empty file')
    case('D05', '3 DATA-FILE-004', ' \n\t ', 'empty file')
    case('D06', '3 DATA-FILE-006', '{}', 'expected a list, found object')
    case('D07', '3 DATA-FILE-007', '[]', '0 records')
    whole = json.dumps([GOOD, GOOD], indent=1)
    for i in range(0, 20):
        case(f'D08-{i}', '3 DATA-JSON-008', whole[:1 + i * (len(whole) - 2) // 20], r':\d+:\d+ & the file ended (inside|where)')
    case('D09', '3 DATA-JSON-009', f'[{good}] x', r':1:\d+ & "x"')
    case('D10', '3 DATA-JSON-010', f'[{good},]', r':1:\d+ & remove the comma')
    case('D11', '3 DATA-JSON-011', f'[{good}, // more\n]', r':1:\d+ & comment')
    case('D12', 'ok', b'\xef\xbb\xbf' + f'[{good}]'.encode())
    case('D13', '3 DATA-FILE-013', f'[{good}]'.encode('utf-16'), 'UTF-16 & convert')
    case('D14', '3 DATA-JSON-014', f'[{good}]'.replace('What', 'Wh\udcff').encode(errors='surrogateescape'), r':1:\d+ & invalid UTF-8')
    case('D15', '3 DATA-JSON-015', f'[{good}]'.replace('What', '\\ud800'), r':1:\d+ & invalid UTF-16')
    case('D17', '3 DATA-JSON-017', '[' * 17, 'nesting deeper than 16')
    case('D17-deep', '3 DATA-JSON-017', '[' * 100000, 'nesting deeper than 16')
    case('D18', '3 DATA-JSON-018', '[{"id": NaN}]', r':1:9 & NaN')
    case('D18-infinity', '3 DATA-JSON-018', '[{"id": -Infinity}]', r':1:10 & Infinity')
    case('D19', 'ok', good + '\n' + good.replace('"good"', '"other"') + '\n')
    case('D19-mixed', '3 DATA-JSON-019', good + f'\n[{good}]', ':2:1 & changes between')
    case('D19-mixed-list', '3 DATA-JSON-019', f'[{good}]\n{good}', ':2:1 & changes between')
    case('D20', '3 DATA-JSON-020', str([GOOD]), 'strings need double quotes')


def records():
    bad('D16', 'DATA-RECORD-016', 'NUL in file name', image='a.png\0.jpg')
    twice = json.dumps([GOOD, record()])[:-2] + ', "i\\u0064": "y"}]'
    case('D21', 'bad DATA-RECORD-021', twice, r'"id" & byte \d+ and at byte \d+')
    case('D22', 'ok', json.dumps([GOOD, GOOD, GOOD]), r'2 records have the id & D22.json:1:\d+ & D22.json:1:\d+')
    for i, value in enumerate(['null', '"x"', '5', '[]']):
        case(f'D23-{i}', 'bad DATA-RECORD-023', f'[{json.dumps(GOOD)}, {value}]', r'\$\[1\] & expected object, found')
    case('D24', 'ok', without('id'))
    message = {'messages': [{'role': 'user', 'content': '<image>?'}, {'role': 'assistant', 'content': 'x'}],
               'images': ['good.png']}
    case('D24-messages', 'ok', json.dumps([message, message]), 'read as `messages`')
    case('D24-lines', 'ok', json.dumps(message) + '\n' + json.dumps(message) + '\n', 'read as `messages`')
    case('D24-alpaca', 'ok', json.dumps([{'instruction': '?', 'input': '', 'output': 'x'}]), 'read as `alpaca`')
    case('D24-mixed', '3 DATA-FILE-014', json.dumps([GOOD, message]), r':1:\d+ & as at .*:1:2')
    bad('D25', 'DATA-RECORD-025', r'\$\[1\]\.id', id={})
    case('D26', 'ok', without('image'))
    near = without('image', images=['good.png'])
    case('D26-near', 'bad DATA-RECORD-026', near, 'missing `image` & null for text-only & did you mean')
    case('D26-mark', 'bad DATA-RECORD-026', without('image', conversations=turns('<image>?', 'x')), 'missing `image` & text-only')
    for i, value in enumerate([5, {}, '', []]):
        bad(f'D27-{i}', 'DATA-RECORD-027', 'file name', image=value)
    case('D28', 'ok', record(image=['good.png', 'good.png']))
    bad('D28-comma', 'DATA-PATH-001', 'use a list for several images', image='good.png,good.png')
    bad('D29', 'DATA-RECORD-029', r'at most 3 & 4 & --max_num_image_per_sample', '--max_num_image_per_sample 3', image=['good.png'] * 4)
    case('D30', 'bad DATA-RECORD-030', without('conversations'), r'\$\[1\]\.conversations')
    bad('D31', 'DATA-RECORD-031', r'\$\[1\]\.conversations', conversations=[])
    bad('D32', 'DATA-RECORD-032', 'turn 2 from human has no reply', conversations=turns('a', 'b', 'c'))
    bad('D33', 'DATA-RECORD-034', r'human & "gpt"', conversations=turns('a', 'b')[::-1])
    bad('D34', 'DATA-RECORD-034', r'conversations\[1\] & "tool"', conversations=[turns('a')[0], {'from': 'tool', 'value': 'b'}])
    case('D34-roles', 'ok', record(conversations=[{'from': 'user', 'value': 'a'}, {'from': 'assistant', 'value': 'b'}]))
    bad('D35', 'DATA-RECORD-035', r'\$\[1\]\.conversations\[1\]\.value', conversations=[turns('a')[0], {'from': 'gpt'}])
    bad('D35-number', 'DATA-RECORD-035', r'\$\[1\]\.conversations\[1\]\.value', conversations=[turns('a')[0], {'from': 'gpt', 'value': 5}])
    bad('D36', 'DATA-RECORD-036', 'no target tokens', conversations=turns('a', ''))
    bad('D37', 'DATA-RECORD-037', '8388609 bytes', conversations=turns('a' * ((8 << 20) + 1), 'b'))
    bad('D38', 'DATA-IMG-004', '1 mark & 2 marks', image='good.png', conversations=turns('<image><image>', 'a'))
    bad('D39', 'DATA-IMG-004', '0 marks & 1 mark', conversations=turns('<image>', 'a'))
    bad('D40', 'DATA-LENGTH-040', '0 supervised tokens after cut at 200', '--max_seq_len 200', conversations=turns('word ' * 3000, 'b'))
    case('D44', '3 DATA-RECORD-023', '[' + '0,' * 200000 + '0]', 'expected object, found number & 200001 of 200001', '')
    case('D45', 'bad DATA-RECORD-025', json.dumps([GOOD, record(id='N')]).replace('"N"', '1' * 1000000), '`id` is too long')


def options():
    two = json.dumps([record(id='1'), record(id='2')])
    for value in ('0', '-1', 'ten'):
        case(f'D42-{value.strip("-")}', '2 OPT-VALUE-004', two, '--dataset_samples', f'--dataset_samples {value}')
    case('D42-large', 'ok', two, 'at most 2 & 9', '--dataset_samples 9')
    CASES.add('D41-train', '2 OPT-DATA-041', '0 training records', task='train', data_train_split_ratio=0)
    CASES.add('D41-eval', 'ok', 'evaluation is off', task='train', data_train_split_ratio=1)


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
        bad('P14', 'DATA-PATH-004', 'not-regular', image='socket')
    bad('P01', 'DATA-PATH-002', r'\$\[1\]\.image & escapes', image='../../etc/passwd')
    bad('P02', 'DATA-PATH-003', 'absolute', image='/etc/passwd')
    bad('P03', 'DATA-PATH-002', 'escapes', image='sub/../../outside.png')
    bad('P04', 'DATA-PATH-002', 'escapes', image='escape.png')
    bad('P05', 'DATA-PATH-004', 'not-regular', image='loop.png')
    case('P06', 'ok', record(image='link.png'))
    bad('P07', 'DATA-RECORD-016', 'NUL in file name', image='a.png\0')
    bad('P08', 'DATA-PATH-007', 'URLs are not fetched', image='http://example.com/a.png')
    bad('P08-file', 'DATA-PATH-007', 'URLs are not fetched', image='file:///etc/passwd')
    bad('P09', 'DATA-PATH-001', 'missing', image='..\\..\\x')
    bad('P10', 'DATA-PATH-006', 'too-long', image='a' * 256)
    bad('P11', 'DATA-PATH-004', 'not-regular', image='sub')
    bad('P12', 'DATA-PATH-004', 'not-regular', image='pipe')
    bad('P15', 'DATA-PATH-001', 'missing & did you mean "good.png"', image='goot.png')
    if os.getuid() != 0:
        (images / 'secret.png').write_bytes(png())
        (images / 'secret.png').chmod(0)
        bad('P16', 'denied', image='secret.png')
    bad('P17', 'DATA-PATH-001', 'differ in case', image='case.png')
    bad('P18', 'DATA-RECORD-027', 'file name', image='')
    bad('P19', 'DATA-PATH-004', 'not-regular', image='.')
    bad('P13', 'DATA-PATH-003', 'absolute', image='/dev/null')  # beneath the folder only root can make a device
    bad('P20', 'DATA-PATH-001', 'missing', image='%2e%2e/outside.png')


def picture(name, kind, content, says=''):
    (ROOT / 'images' / name).write_bytes(content)
    case(name.rsplit('.', 1)[0], kind, record(image=name), says)


def chunk(kind, body):
    return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))


def png_of(*chunks, depth=8, colour=2, interlace=0):
    header = chunk(b'IHDR', struct.pack('>IIBBBBB', 8, 8, depth, colour, 0, 0, interlace))
    return b'\x89PNG\r\n\x1a\n' + header + b''.join(chunks) + chunk(b'IEND', b'')


def pictures():
    good, rows = png(), zlib.compress(b''.join(b'\0' + bytes(24) for _ in range(8)))
    picture('I01.png', 'bad DATA-IMAGE-001', b'', 'not a PNG or JPEG')
    picture('I02.png', 'bad DATA-IMAGE-001', b'\x89', 'not a PNG or JPEG')
    picture('I03.png', 'bad DATA-IMAGE-001', b'hello, this is text', 'not a PNG or JPEG')
    picture('I04.jpg', 'ok', good)
    for name, content in (('GIF', b'GIF89a'), ('WebP', b'RIFF\x10\0\0\0WEBP'), ('BMP', b'BM'), ('TIFF', b'II*\0'),
                          ('AVIF', b'\0\0\0\x1cftypavif'), ('HEIC', b'\0\0\0\x18ftypheic'), ('SVG', b'<svg xmlns='),
                          ('TGA', b'\0\0\2' + bytes(13) + b'\x18\0'), ('PSD', b'8BPS'), ('HDR', b'#?RADIANCE\n'),
                          ('PNM', b'P6\n8 8\n255\n')):
        picture(f'I05-{name}.png', 'bad DATA-IMAGE-005', content + bytes(20), f'{name} & convert to PNG or JPEG')
    picture('I06.png', 'bad DATA-IMAGE-006', good[:20], r'truncated at byte \d+')
    picture('I07.png', 'bad DATA-IMAGE-006', good[:50], r'truncated at byte \d+')
    picture('I08.png', 'bad DATA-IMAGE-008', png(crc_error='IDAT'), 'IDAT')
    picture('I08-header.png', 'bad DATA-IMAGE-008', png(crc_error='IHDR'), 'IHDR')
    picture('I09.png', 'bad DATA-IMAGE-006', png(chunks=('IHDR', 'IDAT')), r'truncated at byte \d+')
    picture('I10.png', 'bad DATA-IMAGE-010', png(chunks=('IHDR', 'IEND')), 'no image data')
    picture('I11.png', 'bad DATA-IMAGE-011', png_of(chunk(b'IDAT', b''), chunk(b'IDAT', rows)), 'IDAT')
    picture('I12.png', 'bad DATA-IMAGE-012', png(width=0), '0 x 8')
    picture('I13.png', 'bad DATA-IMAGE-012', png(width=1 << 31), 'x 8')
    picture('I14.png', 'bad DATA-IMAGE-012', png(width=20000, height=20000), '20000 x 20000')
    indices = zlib.compress(b''.join(b'\0' + bytes(range(8)) for _ in range(8)))
    picture('I15.png', 'ok', png_of(chunk(b'PLTE', bytes(6)), chunk(b'IDAT', indices), colour=3))
    picture('I16.png', 'bad DATA-IMAGE-016', png_of(chunk(b'IDAT', zlib.compress(bytes(256 << 20)))), 'more data than')
    small = png_of(chunk(b'IDAT', zlib.compress(bytes(8 << 20))))  # within the slack of the audit: the decoder's to refuse
    picture('I16-decoded.png', 'ok', small)
    CASES.add('I16-trained', '3 DATA-IMAGE-016', 'more data than|cannot be decoded', task='train', data_path=ROOT / 'I16-decoded.json',
              data_train_split_ratio=1)
    picture('I17.png', 'bad DATA-IMAGE-017', b'\x89PNG\r\n\x1a\n' + chunk(b'CgBI', bytes(4)) + good[8:], 'CgBI')
    for path in sorted(GOLDEN.glob('*.png')):
        picture(f'I18-{path.name}', 'ok', path.read_bytes())
    jpegs()


def segment(marker, body):
    return bytes([255, marker]) + struct.pack('>H', len(body) + 2) + body


def after_start(jpeg, inserted):
    return jpeg[:2] + inserted + jpeg[2:]


def jpegs():
    good = (GOLDEN / 'baseline_420.jpg').read_bytes()
    scan = good.index(b'\xff\xda')
    frame = good.index(b'\xff\xc0')
    picture('I19.jpg', 'bad DATA-IMAGE-019', good[:len(good) // 2], 'truncated')
    picture('I20.jpg', 'bad DATA-IMAGE-019', good[:-2], 'truncated')
    picture('I21.jpg', 'bad DATA-IMAGE-021', after_start(good, segment(0xc4, b'\0' + b'\xff' * 16 + bytes(255))), 'Huffman table')
    picture('I22.jpg', 'bad DATA-IMAGE-022', good[:scan + 6] + b'\x33' + good[scan + 7:], 'table')
    picture('I23.jpg', 'bad DATA-IMAGE-023', good[:frame + 5] + b'\0\0' + good[frame + 7:], 'DNL|height')
    picture('I23-dnl.jpg', 'bad DATA-IMAGE-023', good[:-2] + segment(0xdc, b'\0\x08') + good[-2:], 'DNL')
    picture('I24-arithmetic.jpg', 'bad DATA-IMAGE-024', good.replace(b'\xff\xc0', b'\xff\xc9', 1), 'arithmetic')
    picture('I24-lossless.jpg', 'bad DATA-IMAGE-024', good.replace(b'\xff\xc0', b'\xff\xc3', 1), 'lossless')
    picture('I24-bits.jpg', 'bad DATA-IMAGE-024', good[:frame + 4] + b'\x0c' + good[frame + 5:], '12')
    for name in ('cmyk', 'ycck', 'grey', 'restarts', 'progressive_420'):
        picture(f'I25-{name}.jpg', 'ok', (GOLDEN / f'{name}.jpg').read_bytes())
    many = (GOLDEN / 'progressive_420.jpg').read_bytes()
    first = many.index(b'\xff\xda')
    second = many.index(b'\xff\xda', first + 2)
    picture('I26.jpg', 'bad DATA-IMAGE-026', many[:second] + many[first:second] * 200 + many[second:], '100')
    orientation = b'Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0' + bytes(4)
    picture('I27.jpg', 'ok', after_start(good, segment(0xe1, orientation)))
    picture('I28.jpg', 'bad DATA-IMAGE-012', bytes.fromhex('ffd8ffc0001108ffffffff03011100021101031101ffd9'), '65535 x 65535')
    for length in (0, 1):
        picture(f'I29-{length}.jpg', 'bad DATA-IMAGE-029', after_start(good, b'\xff\xe5' + bytes([0, length])), r'byte \d+')
    picture('I30.jpg', 'ok', after_start(good, b'\xff' * (1 << 20)))


def write(root, cases):
    """Writes the files below a folder and adds their cases. root/images receives the pictures."""
    global ROOT, CASES
    ROOT, CASES = root, cases
    for part in files, records, options, names, pictures:
        part()
