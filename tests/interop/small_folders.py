"""Small random folders as users of transformers have them: a CLIP tower, a decoder with its tokenizer, records and
their pictures; and what a record is to a model, written without the library: template, ids, labels, pixels."""
import json

import numpy
import tokenizers
import torch
import transformers
from PIL import Image
from transformers import CLIPImageProcessorPil, CLIPVisionConfig, CLIPVisionModel, PreTrainedTokenizerFast

WORDS = ("the a red green blue small large cat dog house tree river on under behind near sees holds wants finds what "
         "where which how many is are there color shape number left right Käse 猫 дом 3 17 2026 — yes no, (maybe) "
         "it's don't \n ! 🧀").split(" ")
USER_CHAT = ("A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, "
             "detailed, and polite answers to the user's questions.")
HUMAN_CHAT = USER_CHAT.replace(" user ", " human ").replace("user's", "human's")
HELPFUL = ("You are a helpful language and vision assistant. You are able to understand the visual content that the "
           "user provides, and assist the user with a variety of tasks using natural language.\n\n")
QWEN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
        r"\s+(?!\S)|\s+")
DECODERS = {"llama": (transformers.LlamaConfig, transformers.LlamaForCausalLM),
            "mistral": (transformers.MistralConfig, transformers.MistralForCausalLM),
            "qwen2": (transformers.Qwen2Config, transformers.Qwen2ForCausalLM)}


def sentence(rng, least=2, most=9):
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(least, most))).strip() or "yes"


def tokenizer(rng, kind="llama", size=330):
    """A byte-level BPE tokenizer in the style of this model_type, trained on sentences like those of the records."""
    level = tokenizers.pre_tokenizers.ByteLevel
    qwen, t = kind == "qwen2", tokenizers.Tokenizer(tokenizers.models.BPE())
    specials = ["<|endoftext|>" if qwen else "<s>", "</s>"]
    t.decoder = tokenizers.decoders.ByteLevel()
    if qwen:
        split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(QWEN), "isolated")
        t.normalizer = tokenizers.normalizers.NFC()
        t.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([split, level(add_prefix_space=False, use_regex=False)])
    else:
        t.pre_tokenizer = level(add_prefix_space=False)
        t.post_processor = tokenizers.processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    t.train_from_iterator((sentence(rng) for _ in range(200)), tokenizers.trainers.BpeTrainer(
        vocab_size=size, special_tokens=specials, initial_alphabet=level.alphabet(), show_progress=False))
    opening = {} if qwen else {"bos_token": "<s>"}
    return PreTrainedTokenizerFast(tokenizer_object=t, eos_token=specials[0] if qwen else "</s>", **opening)


def shake(model, rng):
    """No parameter keeps a neutral value: norms are not one, biases not zero."""
    generator = torch.Generator().manual_seed(rng.randrange(1 << 30))
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.randn(p.shape, generator=generator), alpha=0.1 if p.dim() == 1 else 0.05)
    return model


def vision_config(rng, **changes):
    patch, side, head = rng.choice([7, 8]), rng.choice([2, 3, 4]), rng.choice([8, 16])
    heads = rng.choice([2, 3])
    sizes = dict(hidden_size=heads * head, intermediate_size=rng.choice([40, 64]), num_attention_heads=heads,
                 num_hidden_layers=rng.choice([2, 3]), image_size=patch * side, patch_size=patch,
                 hidden_act=rng.choice(["quick_gelu", "gelu"]))
    return CLIPVisionConfig(**{**sizes, **changes})


def write_vision(folder, rng, dtype=torch.float32, **changes):
    torch.manual_seed(rng.randrange(1 << 30))
    config = vision_config(rng, **changes)
    shake(CLIPVisionModel(config), rng).to(dtype).save_pretrained(folder)
    write_processor(folder, rng, config)
    return config


def write_processor(folder, rng, config):
    side = config.image_size
    CLIPImageProcessorPil(size={"shortest_edge": side + rng.choice([0, 3])},
                          crop_size={"height": side, "width": side}).save_pretrained(folder)


def decoder_config(rng, kind, vocabulary, **changes):
    heads, head = rng.choice([2, 4]), rng.choice([8, 16])
    sizes = dict(vocab_size=vocabulary, hidden_size=rng.choice([32, 48]), intermediate_size=rng.choice([56, 96]),
                 num_hidden_layers=rng.choice([2, 3]), num_attention_heads=heads,
                 num_key_value_heads=rng.choice([heads, heads // 2]), head_dim=head, max_position_embeddings=512,
                 rope_parameters={"rope_type": "default", "rope_theta": rng.choice([1e4, 5e5])},
                 tie_word_embeddings=rng.random() < 0.5, bos_token_id=0, eos_token_id=1, pad_token_id=None)
    if kind == "llama":
        sizes.update(attention_bias=rng.random() < 0.5, mlp_bias=rng.random() < 0.5)
    if kind == "mistral":
        sizes.update(sliding_window=None)
    if kind == "qwen2":
        sizes.update(hidden_size=heads * head)
    return DECODERS[kind][0](**{**sizes, **changes})


def write_language(folder, rng, kind="llama", dtype=torch.float32, spare_rows=None, **changes):
    """spare_rows: of the embedding, beyond what the tokenizer uses."""
    words = tokenizer(rng, kind)
    spare = rng.choice([0, 1, 6]) if spare_rows is None else spare_rows
    config = decoder_config(rng, kind, len(words) + spare, **changes)
    torch.manual_seed(rng.randrange(1 << 30))
    shake(DECODERS[kind][1](config), rng).to(dtype).save_pretrained(folder)
    words.save_pretrained(folder)
    return config


class Record:
    """A conversation: for every turn the number of its pictures, the question and the answer."""

    def __init__(self, turns, pictures):
        self.turns, self.pictures = turns, pictures  # pictures: paths

    def json(self, name):
        talk = []
        for images, question, answer in self.turns:
            talk.append({"from": "human", "value": "<image>\n" * images + question})
            talk.append({"from": "gpt", "value": answer})
        record = {"id": name, "conversations": talk}
        names = [p.name for p in self.pictures]
        if names:
            record["image"] = names[0] if len(names) == 1 else names
        return record


def write_records(folder, rng, count, pictures=True):
    """Writes folder/train.json and folder/images; one picture, several, or none, in one turn or several."""
    (folder / "images").mkdir(parents=True)
    noise = numpy.random.default_rng(rng.randrange(1 << 30))
    records = []
    for number in range(count):
        turns = [[0, sentence(rng), sentence(rng)] for _ in range(rng.choice([1, 1, 2, 3]))]
        paths = []
        for turn in turns:
            turn[0] = rng.choice([0, 1, 1, 2]) if pictures and len(paths) < 3 else 0
            for _ in range(turn[0]):
                paths.append(folder / "images" / f"{number}-{len(paths)}.png")
                size = rng.randint(9, 70), rng.randint(9, 70), 3
                Image.fromarray(noise.integers(0, 256, size, dtype=numpy.uint8)).save(paths[-1])
        records.append(Record(turns, paths))
    text = json.dumps([r.json(str(i)) for i, r in enumerate(records)], ensure_ascii=False)
    (folder / "train.json").write_text(text, encoding="utf-8")
    return records


def rendered(template, turns):
    """[(text, supervised)] of a conversation without a system turn, whose turns end with </s>."""
    block, parts = "### Image:\n<image>\n\n", []
    for number, (images, question, answer) in enumerate(turns):
        first = number == 0
        if template == "default":
            asked = HELPFUL * first + block * images + f"### Question:\n{question}\n\n### Answer:\n"
        elif template == "vicuna":
            asked = (USER_CHAT + " ") * first + block * images + f"USER: {question} ASSISTANT: "
        elif template == "llava":
            asked = (HUMAN_CHAT + " ") * first + "USER: " + "<image>\n" * images + f"{question} ASSISTANT: "
        elif template == "plain":
            asked = "\n" * (not first) + "<image>\n" * images + question + "\n"
        parts += [(asked, False), (answer + "</s>", True)]
    return parts


class Reader:
    """Turns records into what a model reads: ids with every picture's tokens in place, labels, pixels. model: has
    pictures(paths), which returns what it is given of them and how many tokens each becomes."""

    def __init__(self, language, model, template):
        words = PreTrainedTokenizerFast.from_pretrained(language)
        words.add_special_tokens({"additional_special_tokens": ["<image>"]})
        self.words, self.image_id = words, words.convert_tokens_to_ids("<image>")
        self.model, self.template = model, template

    def ids(self, record):
        """(ids before expansion, is each of them supervised)"""
        parts = rendered(self.template, record.turns)
        coding = self.words.backend_tokenizer.encode("".join(text for text, _ in parts))
        spans, at = [], 0
        for text, supervised in parts:
            if supervised:
                spans.append((at, at + len(text)))
            at += len(text)
        overlaps = [any(a < end and begin < b for begin, end in spans) for a, b in coding.offsets]
        return coding.ids, overlaps

    def __call__(self, record):
        """(ids, labels, what the model is given of the pictures), with labels -100 where nothing is learnt."""
        given, counts = self.model.pictures(record.pictures)
        ids, labels, counts = [], [], iter(counts)
        for number, supervised in zip(*self.ids(record)):
            repeat = next(counts) if number == self.image_id else 1
            ids += [number] * repeat
            labels += [number if supervised else -100] * repeat
        return torch.tensor([ids]), torch.tensor([labels]), given
