"""SentencePiece BPE models of many settings, trained on the spot or altered afterwards, and what they make of a text."""
import bisect
import io
import random
import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as proto


def train(lines, size=1200, **settings):
    out = io.BytesIO()
    chosen = dict(model_type="bpe", vocab_size=size, minloglevel=2, num_threads=1, **settings)
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=out, **chosen)
    return out.getvalue()


def altered(model, change):
    m = proto.ModelProto.FromString(model)
    change(m)
    return m.SerializeToString()


def unused(m, r):
    """Every fifth longer piece falls apart again when it is met."""
    for p in m.pieces:
        if p.type == 1 and len(p.piece) > 1 and r.random() < 0.2:
            p.type = 5


def shuffled(m, r):
    """Scores in no order, many of them equal."""
    for p in m.pieces:
        p.score = r.choice((-1.0, -2.5, -2.5, -7.0, 0.0, -r.random()))


def missing_characters(m, r):
    """Single characters turn into others, so that longer pieces begin or end with unknown ones."""
    for k, p in enumerate(m.pieces):
        if p.type == 1 and len(p.piece) == 1 and r.random() < 0.2:
            p.piece = chr(0x10C80 + k)


def unescaped(m, r):
    m.normalizer_spec.escape_whitespaces = False


def models(lines, seed):
    """(name, bytes, does a tokenizer.json say exactly the same? Not with rules for characters.)"""
    r = random.Random(seed)
    plain = dict(normalization_rule_name="identity", remove_extra_whitespaces=False)
    symbols = ["<sep>", "ab", "abc", "▁the", "<image>", "é", "don"]
    llama = train(lines, byte_fallback=True, split_digits=True, **plain)
    yield "llama2", llama, True
    yield "no bytes", train(lines, character_coverage=0.98, **plain), True
    yield "blanks collapsed", train(lines, byte_fallback=True, normalization_rule_name="identity"), True
    yield "no blank first", train(lines, byte_fallback=True, add_dummy_prefix=False, **plain), True
    yield "nmt_nfkc", train(lines), False
    yield "nmt_nfkc_cf, bytes", train(lines, byte_fallback=True, normalization_rule_name="nmt_nfkc_cf"), False
    yield "nfkc, symbols", train(lines, normalization_rule_name="nfkc", user_defined_symbols=symbols,
                                 split_by_whitespace=False), False
    for change in (unused, shuffled, missing_characters, unescaped):
        yield change.__name__, altered(llama, lambda m, c=change: c(m, r)), True


def whole_characters(sp, text):
    """sentencepiece's ids, and the bytes of the text that each stands for: from where it begins to where the first
    character behind it was made. (The library's own end lies within a character whose parts went to several tokens.)"""
    _, origins = sp.normalize(text.encode(), with_offsets=True)
    ids, offsets, at = [], [], 0
    for p in sp.encode(text.encode(), return_type="proto").pieces:
        at += 1 if sp.is_byte(p.id) else len(p.piece.encode())
        last = origins[at - 1]
        behind = bisect.bisect_right(origins, last)
        end = origins[behind] if behind < len(origins) else None
        ids.append(p.id)
        offsets += [p.begin, end]
    return ids, None if None in offsets else offsets
