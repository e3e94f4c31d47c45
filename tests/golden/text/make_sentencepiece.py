"""Writes sentencepiece.json: small tokenizer.model files of three kinds, and the ids and byte offsets that sentencepiece
gives short hostile texts. Usage: make_sentencepiece.py TEXT_FILE OUT (sentencepiece 0.2.3)"""
import json
import pathlib
import random
import sys
import tempfile
import hostile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "interop"))
import sentencepiece  # noqa: E402
import sentencepiece_models as models  # noqa: E402

RULES = [("ﬁ", "fi"), ("e\u0301", "é"), ("\u1112\u1161\u11ab", "한"), ("Ａ", "A"), ("\t", " "), ("\u00a0", " "),
         ("\u0001", ""), ("…", "..."), ("\u00a8", " \u0308"), ("ß", "ss"), ("a\u0308\u0300", "ä")]

prose = open(sys.argv[1], encoding="utf-8").read()[:60000]
lines, r = prose.splitlines(), random.Random(1)
with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
    for old, new in RULES:
        rules.write(" ".join("%X" % ord(c) for c in old) + "\t" + " ".join("%X" % ord(c) for c in new) + "\n")
    rules.flush()
    ruled = models.train(lines, normalization_rule_tsv=rules.name, user_defined_symbols=["<sep>", "ab", "é"], size=300)
llama = models.train(lines, byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False,
                     size=420)
odd = models.altered(llama, lambda m: (models.unused(m, r), models.shuffled(m, r), models.missing_characters(m, r)))
texts = [s for s in hostile.texts(5, 3000, prose) if 0 < len(s) < 40][:70]
texts += ["  a  b  ", "ﬁne ﬁ  ", "e\u0301e\u0301", " \u0001 ", "a<sep>b ab é", "▁a▁ ▁", "漢 漢漢", "\u1112\u1161\u11ab"]
out = dict(texts=texts, models=[])
for name, model in ("llama", llama), ("rules, symbols", ruled), ("odd", odd):
    sp = sentencepiece.SentencePieceProcessor(model_proto=model)
    answers = [models.whole_characters(sp, s) for s in texts]
    out["models"].append(dict(name=name, model=model.hex(), ids=[a[0] for a in answers],
                              offsets=[a[1] for a in answers]))
json.dump(out, open(sys.argv[2], "w", encoding="utf-8"), separators=(",", ":"), ensure_ascii=False)
