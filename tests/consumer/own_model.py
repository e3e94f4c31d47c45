#!/usr/bin/env python3
"""Turns a folder of a small LLaMA into one of our own family: another model_type, and no queries and keys.
Usage: own_model.py FOLDER
"""
import json
import pathlib
import struct
import sys

folder = pathlib.Path(sys.argv[1])
config = json.loads((folder / 'config.json').read_text())
(folder / 'config.json').write_text(json.dumps({**config, 'model_type': 'previous_token'}))

data = (folder / 'model.safetensors').read_bytes()
size = struct.unpack('<Q', data[:8])[0]
header, old = json.loads(data[8:8 + size]), data[8 + size:]
kept, values = {}, b''
for name, tensor in header.items():
    if name == '__metadata__' or '.q_proj.' in name or '.k_proj.' in name:
        continue
    begin, end = tensor['data_offsets']
    kept[name] = {**tensor, 'data_offsets': [len(values), len(values) + end - begin]}
    values += old[begin:end]
text = json.dumps(kept).encode()
(folder / 'model.safetensors').write_bytes(struct.pack('<Q', len(text)) + text + values)
