"""Malformed model folders: S of safetensors files, C of configurations, indices and weights, T of tokenizers."""
import json
import math
import os
import struct

ROOT, CASES, LANGUAGE, VISION = None, None, None, None


def copy_of(source, name, **files):
    """A folder that has a model's files, with some of them written anew (bytes, or what becomes JSON) or left out."""
    folder = ROOT / f'model-{name}'
    folder.mkdir()
    for path in source.iterdir():
        if path.name not in files:
            os.link(path, folder / path.name)
    for file, content in files.items():
        if content is not None:
            (folder / file).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return folder


def language(name, kind, says, options='', task='audit', **files):
    CASES.add(name, kind, says, options, task, lm_model_name_or_path=copy_of(LANGUAGE, name, **files))


def config(name, kind, says, task='audit', source=None, without=(), **keys):
    source = source or LANGUAGE
    content = {**json.loads((source / 'config.json').read_text()), **keys}
    for key in without:
        del content[key]
    option = 'lm_model_name_or_path' if source == LANGUAGE else 'vision_model_name_or_path'
    CASES.add(name, kind, says, '', task, **{option: copy_of(source, name, **{'config.json': content})})


# safetensors

def st(header, data=b'', length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack('<Q', len(text) if length is None else length) + text + data


def tensor(begin, end, dtype='F32', shape=(2,)):
    return {'dtype': dtype, 'shape': list(shape), 'data_offsets': [begin, end]}


def weights(name, kind, content, says, options=''):
    language(name, kind, says, options, 'train', **{'model.safetensors': content})


def changed(name, kind, says, options='', **members):
    """A file of one tensor with something else in its entry; None leaves a key out."""
    entry = {k: v for k, v in {**tensor(0, 8), **members}.items() if v is not None}
    weights(name, kind, st({'a': entry}, bytes(8)), says, options)


def safetensors():
    weights('S01', '4 MODEL-ST-001', b'', '0 bytes|file has 0')
    weights('S02', '4 MODEL-ST-001', bytes(7), 'header length needs 8 bytes & 7')
    weights('S03', '4 MODEL-ST-003', bytes(8), 'header')
    weights('S04', '4 MODEL-ST-006', st(b'{}', length=(1 << 64) - 1), '18446744073709551615')
    weights('S05', '4 MODEL-ST-005', st(b'{}', length=100), 'header')
    weights('S06', '4 MODEL-ST-006', st(b'{}', length=100000001), '100000001')
    weights('S07', '4 MODEL-ST-007', st(b' {}'), 'begin')
    weights('S08', '4 MODEL-ST-009', st(b'{"\xff": 1}'), 'UTF-8|malformed|JSON')
    weights('S09', '4 MODEL-ST-009', st(b'{not json}'), r':1:\d+|byte')
    weights('S10', '4 MODEL-ST-007', st(b'[]'), 'begin')
    weights('S11', '4 MODEL-ST-028', st(b'{"a":' * 1000 + b'1' + b'}' * 1000), 'deep|nest|malformed|value')
    one = json.dumps(tensor(0, 8))
    weights('S12', '4 MODEL-ST-012', st(f'{{"a": {one}, "a": {one}}}'.encode(), bytes(8)), '"a"')
    weights('S13', '4 MODEL-ST-013', st({'a': tensor(0, 8), 'b': tensor(4, 12)}, bytes(12)), '"a" & "b"')
    weights('S14', '4 MODEL-ST-014', st({'a': tensor(0, 8), 'b': tensor(12, 20)}, bytes(20)), '8 & 12')
    weights('S15', '4 MODEL-ST-015', st({'a': tensor(0, 8)}, bytes(9)), '1')
    changed('S16', '4 MODEL-ST-016', '"a"', data_offsets=[8, 0])
    changed('S17', '4 MODEL-ST-017', '-', data_offsets=[-8, 0])
    changed('S18', '4 MODEL-ST-018', 'integer', data_offsets=[0, 8.5])
    weights('S18-exponent', '4 MODEL-ST-018', st(b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8e0]}}', bytes(8)), 'integer')
    changed('S19', '4 MODEL-ST-019', '9223372036854775808', data_offsets=[0, 1 << 63])
    changed('S19-more', '4 MODEL-ST-018', 'integer', data_offsets=[0, 1 << 64])
    changed('S20-one', '4 MODEL-ST-015', 'data_offsets', data_offsets=[0])
    changed('S20-three', '4 MODEL-ST-015', 'data_offsets', data_offsets=[0, 8, 8])
    changed('S21', '4 MODEL-ST-021', 'overflow|too', shape=[1 << 32, 1 << 32, 2])
    changed('S22-negative', '4 MODEL-ST-017', 'shape holds a negative number', shape=[-1])
    changed('S22-fraction', '4 MODEL-ST-018', 'shape holds', shape=[1.5])
    changed('S22-text', '4 MODEL-ST-028', '"shape" has the wrong type', shape=['2'])
    changed('S22-rank', '4 MODEL-ST-022', 'limit_tensor_rank', shape=[1] * 9)
    changed('S23', '4 MODEL-ST-023', '12 bytes & 8', shape=[3])
    changed('S24', '4 MODEL-ST-024', 'X9', dtype='X9')
    changed('S24-f8', '4 MODEL-ST-024', 'F8_E4M3', dtype='F8_E4M3')
    weights('S25', '4 MODEL-ST-025', st({'__metadata__': {'a': 1}, 'a': tensor(0, 8)}, bytes(8)), 'metadata')
    weights('S26', '4 MODEL-ST-026', st({'__metadata__': [], 'a': tensor(0, 8)}, bytes(8)), 'metadata')
    weights('S27', '4 MODEL-ST-027', st({'a\0b': tensor(0, 8)}, bytes(8)), 'NUL')
    weights('S27-long', '4 MODEL-ST-027', st({'a' * 2048: tensor(0, 8)}, bytes(8)), 'limit_tensor_name_bytes')
    for key in ('dtype', 'shape', 'data_offsets'):
        changed(f'S28-{key}', '4 MODEL-ST-028', key, **{key: None})
    many = {str(i): tensor(8 * i, 8 * i + 8) for i in range(11)}
    weights('S29', '4 MODEL-ST-029', st(many, bytes(88)), 'limit_tensors', '--limit_tensors 10')
    # Accepted as a file: what is wrong with these is that the model has no such tensor.
    weights('S30-scalar', '4 MODEL-WEIGHTS-003', st({'a': tensor(0, 4, shape=())}, bytes(4)), 'unexpected  "a"')
    weights('S30-empty', '4 MODEL-WEIGHTS-003', st({'a': tensor(0, 0, shape=(0, 3))}), 'unexpected  "a"')
    raw = (LANGUAGE / 'model.safetensors').read_bytes()
    end = 8 + struct.unpack('<Q', raw[:8])[0]
    weights('S30-padding', 'ok', st(raw[8:end] + b' ' * 100000, raw[end:]), '')
    weights('S31', '4 MODEL-ST-031', raw[:-10], f'{len(raw) - end} bytes of tensors & {len(raw) - end - 10}')
    weights('S32', '4 MODEL-ST-032', b'PK\3\4' + bytes(100), 'pickle')
    weights('S32-pickle', '4 MODEL-ST-032', b'\x80\2' + bytes(100), 'pickle')
    weights('S33', '4 MODEL-ST-033', b'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n', 'git lfs pull')
    weights('S34', '4 MODEL-ST-034', b'<!DOCTYPE html><html><body>404</body></html>', 'download')


# configurations, indices, weights

def tensors_of(folder):
    raw = (folder / 'model.safetensors').read_bytes()
    end = 8 + struct.unpack('<Q', raw[:8])[0]
    entries = {k: v for k, v in json.loads(raw[8:end]).items() if k != '__metadata__'}
    return {k: (v['dtype'], v['shape'], raw[end + v['data_offsets'][0]:end + v['data_offsets'][1]]) for k, v in entries.items()}


def st_of(tensors):
    header, data = {}, b''
    for name, (dtype, shape, content) in tensors.items():
        header[name] = tensor(len(data), len(data) + len(content), dtype, shape)
        data += content
    return st(header, data)


def shards(name, kind, says, change):
    """The language model in two files and an index; change(files, index) edits them."""
    tensors = tensors_of(LANGUAGE)
    names = list(tensors)
    files = {f'{i}.safetensors': {n: tensors[n] for n in names[i::2]} for i in (0, 1)}
    index = {'metadata': {'total_size': sum(len(t[2]) for t in tensors.values())},
             'weight_map': {n: file for file, part in files.items() for n in part}}
    change(files, index)
    content = {file: part if isinstance(part, bytes) else st_of(part) for file, part in files.items()}
    language(name, kind, says, task='train', **{'model.safetensors': None, 'model.safetensors.index.json': index, **content})


def first_to(value):
    def change(files, index):
        index['weight_map'][next(iter(index['weight_map']))] = value
    return change


def edited(name, kind, says, change):
    tensors = tensors_of(LANGUAGE)
    change(tensors)
    weights(name, kind, st_of(tensors), says)


def configurations():
    language('C01', '4 MODEL-CONFIG-001', 'no config.json & tokenizer.json', **{'config.json': None})
    language('C02', '4 MODEL-JSON-001', r'config.json:1:\d+', **{'config.json': b'{"a": 1,}'})
    language('C02-list', '4 MODEL-JSON-002', 'an object', **{'config.json': b'[]'})
    config('C03', '4 MODEL-JSON-002', r'\$\.hidden_size & an integer & "64"', hidden_size='64')
    for key in ('hidden_size', 'intermediate_size', 'num_hidden_layers', 'num_attention_heads', 'vocab_size'):
        config(f'C04-{key}', '4 MODEL-JSON-003', f'"{key}" is missing', without=[key])
    config('C05', '4 MODEL-JSON-004', 'num_attention_heads', without=['head_dim'], num_attention_heads=3)
    config('C06', '4 MODEL-JSON-004', 'num_key_value_heads', num_key_value_heads=3)
    for value in (0, -1):
        config(f'C07-{-value}', '4 MODEL-JSON-004', 'hidden_size & positive', hidden_size=value)
    config('C08', '9 PLAN-SIZE-001', 'larger', num_hidden_layers=1 << 40, task='plan')
    config('C08-size', '4 MODEL-JSON-004', 'far too large', num_hidden_layers=1 << 62)
    config('C09', '4 MODEL-JSON-004', 'llama, mistral or qwen2', model_type='bert')
    config('C09-vision', '4 MODEL-JSON-004', 'clip', source=VISION, model_type='siglip')
    shards('C10', '4 MODEL-PATH-001', '9.safetensors', first_to('9.safetensors'))
    for i, value in enumerate(('../x.safetensors', '/etc/x.safetensors', 'a/x.safetensors', 'x.bin')):
        shards(f'C11-{i}', '4 MODEL-JSON-004', 'weight_map & leads somewhere else', first_to(value))
    shards('C11-number', '4 MODEL-JSON-002', 'weight_map & a string', first_to(5))
    outside = ROOT / 'outside.safetensors'
    outside.write_bytes(st_of({}))
    shards('C11-link', '4 MODEL-PATH-002', 'escapes', first_to('link.safetensors'))
    (ROOT / 'model-C11-link/link.safetensors').symlink_to(outside)
    edited('C12', '4 MODEL-WEIGHTS-003', '1 missing & model.norm.weight', lambda t: t.pop('model.norm.weight'))
    vector = ('F32', [4], bytes(16))
    edited('C13', '4 MODEL-WEIGHTS-003', '1 unexpected & model.more.weight', lambda t: t.update({'model.more.weight': vector}))
    edited('C13-known', 'ok', '', lambda t: t.update({'model.layers.0.self_attn.rotary_emb.inv_freq': vector}))
    config('C14', '4 MODEL-WEIGHTS-003', 'misshaped & intermediate_size & expected', task='train', intermediate_size=8)
    shards('C15', '4 MODEL-INDEX-003', 'two files', lambda files, index: files['1.safetensors'].update(
        {next(iter(files['0.safetensors'])): next(iter(files['0.safetensors'].values()))}))
    shards('C16', 'ok', 'total_size', lambda files, index: index['metadata'].update(total_size=5))
    language('C17', '4 MODEL-WEIGHTS-002', 'pickle & save_pretrained', task='train',
             **{'model.safetensors': None, 'pytorch_model.bin': b'\x80\2'})
    config('C18', '4 MODEL-TOK-019', r'vocab_size', vocab_size=300)
    config('C19', '4 MODEL-WEIGHTS-005', 'tie_word_embeddings', task='train', tie_word_embeddings=True)
    config('C20', '4 MODEL-JSON-004', 'quantization_config', quantization_config={'bits': 4})
    for i, value in enumerate((math.nan, math.inf, -math.inf)):
        number = struct.pack('<f', value)
        edited(f'C21-{i}', '7 MODEL-WEIGHTS-004', 'not finite & element 1 & model.norm.weight', lambda t: t.update(
            {'model.norm.weight': ('F32', t['model.norm.weight'][1], t['model.norm.weight'][2][:4] + number +
                                   t['model.norm.weight'][2][8:])}))
    edited('C22', 'ok', '', lambda t: t.update({'model.norm.weight': (
        'BF16', t['model.norm.weight'][1], b'\x80\x3f' * t['model.norm.weight'][1][0])}))


# tokenizers

def tokenizer(name, kind, says, options='', change=None, **members):
    content = json.loads((LANGUAGE / 'tokenizer.json').read_text())
    content.update({k: v for k, v in members.items() if k in content})
    content['model'].update({k: v for k, v in members.items() if k not in content})
    if change:
        change(content)
    language(name, kind, says, options, **{'tokenizer.json': content})


def vocabulary(**tokens):
    return lambda content: content['model']['vocab'].update(tokens)


def first_merge(value):
    def change(content):
        content['model']['merges'][0] = value
    return change


def split_by(expression):
    return {'type': 'Split', 'pattern': {'Regex': expression}, 'behavior': 'Isolated', 'invert': False}


def added(**members):
    def change(content):
        content['added_tokens'].append({'single_word': False, 'lstrip': False, 'rstrip': False, 'normalized': False,
                                        'special': True, **members})
    return change


def tokenizers():
    size = len(json.loads((LANGUAGE / 'tokenizer.json').read_text())['model']['vocab'])
    language('T01', '4 MODEL-TOK-001', 'tokenizer', **{'tokenizer.json': None})
    language('T02', '4 MODEL-JSON-001', r'tokenizer.json:1:\d+', **{'tokenizer.json': b'{"a" 1}'})
    for kind in ('Unigram', 'WordPiece', 'x'):
        tokenizer(f'T03-{kind}', '4 MODEL-TOK-003', kind, type=kind)
    tokenizer('T04', '4 MODEL-TOK-004', 'same id 5', change=vocabulary(another=5))
    config('T05', 'ok', '', vocab_size=size + 50)  # rows that no token has
    gap = json.loads((LANGUAGE / 'tokenizer.json').read_text())
    gap['model']['vocab']['another'] = size + 3
    wide = {**json.loads((LANGUAGE / 'config.json').read_text()), 'vocab_size': size + 4}
    language('T05-gap', 'ok MODEL-TOK-005', 'warning', **{'tokenizer.json': gap, 'config.json': wide})
    for i, value in enumerate((-1, 1 << 31, 1.5, '5')):
        tokenizer(f'T06-{i}', '4 MODEL-JSON-002', r'vocab\["another"\]', change=vocabulary(another=value))
    tokenizer('T06-limit', '4 MODEL-TOK-006', 'limit_vocabulary', '--limit_vocabulary 10')
    tokenizer('T07', '4 MODEL-TOK-007', 'vocabulary', change=first_merge(['zqx', 'e']))
    tokenizer('T08', '4 MODEL-TOK-008', 'two parts', change=first_merge('r e d'))
    tokenizer('T08-list', '4 MODEL-JSON-002', 'merges', change=first_merge(['r', 'e', 'd']))
    tokenizer('T09', 'ok', '', change=first_merge('r e'))
    tokenizer('T10', '4 MODEL-TOK-010', 'vocabulary', change=first_merge(['q', 'q']))
    for i, text in enumerate(('(a+)+$', '(', '(?R)', '(?<=a*)b', '(?C1)')):
        tokenizer(f'T{(11, 12, 13, 13, 13)[i]}-{i}', '4 MODEL-TOK-011', 'expression', pre_tokenizer=split_by(text))
    tokenizer('T11-long', '4 MODEL-TOK-011', 'limit_split_bytes', pre_tokenizer=split_by('a' * 5000))
    tokenizer('T14', '4 MODEL-TOK-014', 'wrong id', change=added(id=size + 7, content='<new>'))
    tokenizer('T14-twice', '4 MODEL-TOK-014', 'twice', change=added(id=0, content='<s>'))
    tokenizer('T14-empty', '4 MODEL-TOK-014', 'empty', change=added(id=size, content=''))
    for key in ('normalizer', 'pre_tokenizer', 'decoder', 'post_processor'):
        tokenizer(f'T15-{key}', '4 MODEL-TOK-015', 'Odd', **{key: {'type': 'Odd'}})
    tokenizer('T16', '4 MODEL-TOK-016', 'ByteLevel', byte_fallback=True)
    tokenizer('T16-bytes', '4 MODEL-TOK-016', '<0x', byte_fallback=True, pre_tokenizer=None, decoder=None)
    language('T17', '4 MODEL-TOK-017', 'im_end', **{'tokenizer.json': (LANGUAGE / 'tokenizer.json').read_bytes()})
    CASES[-1].changes['template'] = 'chatml'
    language('T22', '4 MODEL-JSON-001', 'nesting deeper than 32', **{'tokenizer.json': b'[' * 100 + b']' * 100})
    sentencepiece_files()


def varint(value):
    out = b''
    while value >= 128:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack('<f', value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def sentencepiece(pieces=(), trainer=field(3, 2), normalizer=field(3, 1) + field(4, 0), last=b''):
    usual = [('<unk>', 0.0, 2), ('<s>', 0.0, 3), ('</s>', 0.0, 3), ('\u2581', -9.0, 1), ('a', -9.0, 1)]
    body = b''.join(field(1, field(1, text.encode()) + field(2, score) + field(3, kind)) for text, score, kind in [*usual, *pieces])
    return body + field(2, trainer) + field(3, normalizer) + last


def model_file(name, kind, content, says):
    language(name, kind, says, **{'tokenizer.json': None, 'tokenizer.model': content})


def sentencepiece_files():
    good = sentencepiece()
    for i in range(20):  # one cut falls between two fields: the file then lacks its trainer's
        code = 'MODEL-TOK-003' if i == 4 else 'MODEL-TOK-020'
        model_file(f'T18-{i}', f'4 {code}', good[:1 + i * (len(good) - 2) // 20], 'tokenizer.model')
    model_file('T18-whole', 'ok', good, '')
    model_file('T18-empty', '4 MODEL-TOK-020', b'', 'tokenizer.model')
    model_file('T19-varint', '4 MODEL-TOK-020', good + b'\x08' + b'\xff' * 10 + b'\x01', 'byte')
    model_file('T19-length', '4 MODEL-TOK-020', good + b'\x0a\x7f', 'byte')
    model_file('T19-group', '4 MODEL-TOK-020', good + b'\x0b', 'byte')
    model_file('T20-score', '4 MODEL-TOK-020', sentencepiece([('b', math.nan, 1)]), 'score')
    model_file('T20-twice', '4 MODEL-TOK-020', sentencepiece([('a', -1.0, 1)]), '"a"')
    model_file('T20-empty', '4 MODEL-TOK-020', sentencepiece([('', -1.0, 1)]), 'empty')
    model_file('T20-none', '4 MODEL-TOK-020', field(2, field(3, 2)), 'piece')
    model_file('T20-unigram', '4 MODEL-TOK-003', sentencepiece(trainer=field(3, 1)), 'BPE|byte-pair|unigram')
    trie = struct.pack('<II', 4, 0x7ffffc00) + b'a\0'
    model_file('T21', '4 MODEL-TOK-020', sentencepiece(normalizer=field(2, trie) + field(3, 1)), 'precompiled_charsmap|rules')


def write(root, cases, language_folder, vision_folder):
    """Writes model folders below a folder and adds their cases."""
    global ROOT, CASES, LANGUAGE, VISION
    ROOT, CASES, LANGUAGE, VISION = root, cases, language_folder, vision_folder
    for part in safetensors, configurations, tokenizers:
        part()
