"""Ids and byte offsets against the tokenizers and sentencepiece libraries and AutoTokenizer, on texts that break
tokenizers. Usage: texts.py FOLDER_OF_PROGRAMS SEED"""
import itertools
import json
import pathlib
import random
import sys
import unicodedata
import interop

sys.path.insert(0, str(interop.here.parent / "golden" / "text"))
import hostile  # noqa: E402
import sentencepiece  # noqa: E402
import sentencepiece_models  # noqa: E402
import styles  # noqa: E402
from tokenizers import Tokenizer, processors  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

MANY, FEW = 10000, 600
LISTED = ("gpt2", "smollm2", "llama3", "qwen2", "llama2")


def prose():
    """The project's own documents, and words of many scripts."""
    root = interop.here.parents[1]
    pages = "".join(p.read_text() for p in [root / "README.md", *sorted((root / "docs").glob("*.md"))])
    words = " ".join(p for pool in hostile.POOLS.values() if pool for p in pool if p.isprintable())
    return pages[:200000] + "\n" + (words + "\n") * 4


def untrimmed(d):
    """Offsets with their blanks: labels need them whole."""
    if isinstance(d, dict):
        return {k: False if k == "trim_offsets" else untrimmed(v) for k, v in d.items()}
    return [untrimmed(x) for x in d] if isinstance(d, list) else d


def in_bytes(text, offsets):
    at = [0, *itertools.accumulate(len(c.encode()) for c in text)]
    return [x for a, b in offsets for x in (at[a], at[b])]


def missing_bytes(d):
    """Of a byte-level vocabulary: behind a byte that the library drops its offsets slip."""
    if '"ByteLevel"' not in json.dumps(d["pre_tokenizer"]):
        return set()
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {b: chr(b) for b in printable}
    letters.update(zip((b for b in range(256) if b not in letters), map(chr, range(256, 512))))
    return {b for b, c in letters.items() if c not in d["model"]["vocab"]}


def ours(programs, folder, texts, *flags):
    lines = programs.run("probe_texts", folder, *flags, text="".join(json.dumps(t) + "\n" for t in texts)).stdout
    return [json.loads(line) for line in lines.split("\n")[:-1]]


def put(folder, config, **files):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    for name, content in files.items():
        path = folder / name.replace("_json", ".json").replace("_model", ".model")
        path.write_bytes(content) if isinstance(content, bytes) else path.write_text(content)
    return folder


def count_wrong(name, checks, texts, got, want, offsets=True):
    """got, want: (ids, offsets) of each text; want's offsets are None where they mean nothing."""
    wrong = [t for t, g, w in zip(texts, got, want) if g[0] != w[0]]
    slipped = [t for t, g, w in zip(texts, got, want) if offsets and w[1] is not None and g[1] != w[1]]
    for text in (wrong + slipped)[:2]:
        print("      " + ascii(text)[:300])
    what = "ids and offsets" if offsets else "ids"
    checks.error(f"{name}: {what} of {len(texts)} texts, wrong", len(wrong) + len(slipped), "texts.different")


def auto_equal(name, programs, checks, folder, texts, wanted=lambda text: True):
    """The folder that the library writes gives AutoTokenizer the ids that it gives the library."""
    written = folder.parent / (folder.name + "-written")
    programs.run("probe_texts", folder, "--write", written, text="")
    kind = "qwen2" if name == "qwen2" else "llama"  # the first has a class of its own, whatever its files say
    (written / "config.json").write_text(json.dumps({"model_type": kind}))
    texts = [t for t in texts if len(t) < 3000]
    theirs = AutoTokenizer.from_pretrained(written)(texts)["input_ids"]
    again = [g[0] for g in ours(programs, written, texts)]
    chosen = [k for k, t in enumerate(texts) if wanted(t)]
    count_wrong(f"{name}, written, in AutoTokenizer", checks, [texts[k] for k in chosen],
                [[again[k]] for k in chosen], [[theirs[k]] for k in chosen], offsets=False)
    others = [k for k in range(len(texts)) if not wanted(texts[k])]
    if others:
        print(f"      of {len(others)} others {sum(again[k] != theirs[k] for k in others)} differ")


# What a model's tokenizer_config.json says: classes for which transformers 5 would replace parts of tokenizer.json.
CONFIGS = {"llama2": dict(tokenizer_class="LlamaTokenizer", add_bos_token=True, bos_token="<s>", eos_token="</s>"),
           "smollm2": dict(tokenizer_class="GPT2Tokenizer", bos_token="<|im_start|>", eos_token="<|im_end|>"),
           "llama3": dict(tokenizer_class="PreTrainedTokenizerFast", bos_token="<|begin_of_text|>"),
           "qwen2": dict(tokenizer_class="Qwen2Tokenizer", add_bos_token=False, eos_token="<|im_end|>"),
           "metaspace-nfc": dict(tokenizer_class="LlamaTokenizerFast", add_bos_token=False, bos_token="<s>")}


def compare_json(name, tokenizer, programs, checks, place, texts):
    d = untrimmed(json.loads(tokenizer.to_str()))
    config = CONFIGS.get(name, {})
    folder = put(place / name, config, tokenizer_json=json.dumps(d))
    if config.get("add_bos_token") is False:
        tokenizer.post_processor = processors.TemplateProcessing(single="$A", pair="$A $B", special_tokens=[])
        d = untrimmed(json.loads(tokenizer.to_str()))
    tokenizer, missing = Tokenizer.from_str(json.dumps(d)), missing_bytes(d)
    for flags in ([], ["--plain"]):
        tokenizer.encode_special_tokens = bool(flags)
        want = [(e.ids, None if missing & set(t.encode()) else in_bytes(t, e.offsets))
                for t, e in zip(texts, tokenizer.encode_batch(texts))]
        count_wrong(" ".join([name, *flags]), checks, texts, ours(programs, folder, texts, *flags), want)
    auto_equal(name, programs, checks, folder, texts[:FEW])


def composes(text):
    """The tokenizers library applies rules for characters to what it takes for whole ones."""
    return any(unicodedata.category(c) in ("Mn", "Mc", "Me", "Cf", "Lo", "Lm", "Cn") for c in text)


def compare_model(name, model, exact, programs, checks, place, texts):
    sp = sentencepiece.SentencePieceProcessor(model_proto=model)
    folder = put(place / ("model-" + name.replace(" ", "-")), {}, tokenizer_model=model)
    want = [sentencepiece_models.whole_characters(sp, t) for t in texts]
    count_wrong(f"tokenizer.model, {name}", checks, texts, ours(programs, folder, texts, "--plain"), want)
    auto_equal(name, programs, checks, folder, texts[:FEW], lambda t: exact or not composes(t))


def compare_llama_class(model, programs, checks, place, texts):
    """The class that transformers 5 gives such a folder: a blank first only where the text begins."""
    config = dict(tokenizer_class="LlamaTokenizer", add_bos_token=True, bos_token="<s>", eos_token="</s>",
                  added_tokens_decoder={"1200": dict(content="<extra>", special=True, normalized=False)})
    folder = put(place / "class", config, tokenizer_model=model)
    theirs = AutoTokenizer.from_pretrained(folder)(texts)["input_ids"]
    got = ours(programs, folder, texts)
    count_wrong("tokenizer.model as LlamaTokenizer", checks, texts, got, [[ids] for ids in theirs], offsets=False)
    auto_equal("class", programs, checks, folder, texts[:FEW])


def compare_invalid(programs, checks, place, texts, r):
    """Invalid UTF-8 is refused with the place of its first wrong byte."""
    damaged = []
    while len(damaged) < 2000:
        text = bytearray(r.choice(texts)[:60].encode())
        for _ in range(r.randrange(1, 4)):
            text.insert(r.randrange(len(text) + 1), r.choice((0x80, 0xBF, 0xC0, 0xC3, 0xE0, 0xED, 0xF0, 0xF5, 0xFF)))
        try:
            text.decode()
        except UnicodeDecodeError as e:
            damaged.append((bytes(text), e.start))
    lines = "".join(t.hex() + "\n" for t, _ in damaged)
    got = programs.run("probe_texts", place / "llama2", "--hex", text=lines).stdout.split("\n")[:-1]
    right = sum(json.loads(g)[0] == "DATA-TEXT-001" and f"byte {at}" in json.loads(g)[1]
                for g, (_, at) in zip(got, damaged))
    checks.equal(f"invalid UTF-8: {len(damaged)} texts refused with the place", right, len(damaged))


def compare_programs(programs, checks, place, seed):
    """sft_main and generate_main with a folder that has only tokenizer.model."""
    data, out = place / "shapes", place / "out"
    programs.run("make_shapes_dataset", "--output_dir", data, "--records", 20, "--seed", seed)
    language = data / "language_model"
    said = [turn["value"].replace("\n", " ") for record in json.loads((data / "train.json").read_text())
            for turn in record["conversations"]]
    (language / "tokenizer.json").unlink()
    (language / "tokenizer.model").write_bytes(sentencepiece_models.train(said, size=370, byte_fallback=True))
    config = dict(tokenizer_class="LlamaTokenizer", add_bos_token=True)
    (language / "tokenizer_config.json").write_text(json.dumps(config))
    programs.run("sft_main", "--data_path", data / "train.json", "--image_folder", data / "images", "--output_dir", out,
                 "--lm_model_name_or_path", language, "--vision_model_name_or_path", data / "vision_model",
                 "--max_steps", 1, "--precision", "fp32", "--template", "vicuna", "--num_threads", 1,
                 "--data_debug_path", place / "debug")
    samples = json.loads((place / "debug" / "samples.json").read_text())
    theirs = AutoTokenizer.from_pretrained(out / "epoch-0" / "language_model")
    checks.equal(f"epoch-0 of a tokenizer.model in AutoTokenizer: ids of {len(samples)} samples",
                 [s["ids"] for s in samples], theirs([s["text"] for s in samples])["input_ids"])
    programs.run("generate_main", "--model", out / "epoch-0", "--prompt", "What?", "--max_new_tokens", 2)


def main():
    programs, seed, checks, place = interop.start()
    r, text = random.Random(seed), prose()
    texts = hostile.texts(seed, MANY, text)
    for name, tokenizer in styles.all_styles(text):
        compare_json(name, tokenizer, programs, checks, place, texts if name in LISTED else r.sample(texts, FEW))
    lines = [line for line in text.split("\n") if line.strip()]
    for k, (name, model, exact) in enumerate(sentencepiece_models.models(lines, seed)):
        chosen = texts if k in (0, 4) else r.sample(texts, FEW)
        compare_model(name, model, exact, programs, checks, place, chosen)
        if k == 0:
            compare_llama_class(model, programs, checks, place, r.sample(texts, FEW))
    compare_invalid(programs, checks, place, texts, r)
    compare_programs(programs, checks, place, seed)
    checks.done()


if __name__ == "__main__":
    main()
