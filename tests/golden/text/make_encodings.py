"""Writes encodings.json: small tokenizers of four styles, and the ids and byte offsets that the tokenizers library gives
short hostile texts. Usage: make_encodings.py TEXT_FILE OUT (tokenizers 0.23.3)"""
import itertools, json, sys
import hostile, styles
from tokenizers import Tokenizer


def untrimmed(d):  # the library can trim blanks off offsets; labels need them whole
    if isinstance(d, dict):
        return {k: False if k == "trim_offsets" else untrimmed(v) for k, v in d.items()}
    return [untrimmed(x) for x in d] if isinstance(d, list) else d


def in_bytes(text, offsets):
    at = [0, *itertools.accumulate(len(c.encode()) for c in text)]
    return [x for a, b in offsets for x in (at[a], at[b])]


prose = open(sys.argv[1], encoding="utf-8").read()[:60000]
train = styles.train
styles.train = lambda t, lines, size, special, alphabet, **more: train(t, lines, 370, special, alphabet, **more)
texts = [s for s in hostile.texts(5, 1200, prose) if 0 < len(s) < 40][:64]
out = dict(texts=texts, tokenizers=[])
for name, t in styles.all_styles(prose):
    if name in ("smollm2", "llama3", "qwen2", "llama2"):
        d = untrimmed(json.loads(t.to_str()))
        encodings = Tokenizer.from_str(json.dumps(d)).encode_batch(texts)
        out["tokenizers"].append(dict(name=name, tokenizer=d, ids=[e.ids for e in encodings],
                                      offsets=[in_bytes(s, e.offsets) for s, e in zip(texts, encodings)]))
json.dump(out, open(sys.argv[2], "w", encoding="utf-8"), separators=(",", ":"), ensure_ascii=False)
