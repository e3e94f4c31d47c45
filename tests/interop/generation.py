"""Answers of generate_main, token by token those of transformers' generate(do_sample=False), in every mode; and draws
that follow the seed.

Tokens are bytes, and a model's head is zero for every byte that does not print, so that a text is its tokens: equal
texts are equal tokens.
"""
import json
import random
import re

import safetensors.torch
import torch
import transformers
from PIL import Image

import interop
import model_folders
import models
import torch_models

LENGTH = 24  # tokens of an answer
FIXED = ["--max_new_tokens", LENGTH, "--precision", "fp32", "--max_seq_len", 4096]
IMAGE, END = model_folders.SPECIAL["<image>"], model_folders.SPECIAL["</s>"]
QUESTION = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ.,?0123456789"


def say_what_prints(folder, *stems):
    """Zeroes the head's rows of tokens that are no printing character; the end of an answer stays possible."""
    vocabulary = transformers.PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json")).get_vocab()
    keep = {i for t, i in vocabulary.items() if len(t) == 1 and "!" <= t <= "~"} | {END}
    path = folder / "model.safetensors"
    tensors = safetensors.torch.load_file(path)
    names = ["lm_head.weight", "language_model.lm_head.weight", *(f"{s}embed_tokens.weight" for s in stems)]
    head = next(tensors[n] for n in names if n in tensors)
    for i in range(len(head)):
        if i not in keep:
            head[i] = 0
    safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})


class Comparison:
    def __init__(self, programs, seed, checks, scratch):
        self.programs, self.checks, self.scratch = programs, checks, scratch
        self.rng, self.generator = random.Random(seed), torch.Generator().manual_seed(seed)
        self.pictures = scratch / "pictures"
        self.pictures.mkdir()
        for i in range(8):
            size = (self.rng.randint(15, 90), self.rng.randint(15, 90))
            colours = torch.randint(0, 256, (*size, 3), generator=self.generator, dtype=torch.uint8)
            Image.fromarray(colours.numpy()).save(self.pictures / f"{i}.png")

    def question(self):
        return "".join(self.rng.choice(QUESTION) for _ in range(self.rng.randint(3, 50))).strip() or "What?"

    def records(self, count):
        """Conversations of one turn about no, one or two pictures, each with a mark in front of the question."""
        names = [[f"{self.rng.randrange(8)}.png" for _ in range(i % 3)] for i in range(count)]
        return [{"id": str(i), "image": n or None, "conversations": [
            {"from": "human", "value": "<image>" * len(n) + self.question()}, {"from": "gpt", "value": "?"}]}
            for i, n in enumerate(names)]

    def answers(self, folder, records, *options):
        """Of a whole list."""
        model_folders.write_json(self.scratch / "list.json", records)
        out = self.scratch / "answers.jsonl"
        out.unlink(missing_ok=True)
        self.programs.run("generate_main", "--model", folder, "--data_path", self.scratch / "list.json",
                          "--image_folder", self.pictures, "--output", out, *FIXED, *options)
        return [json.loads(line)["answer"] for line in out.read_text().splitlines()]

    def ask(self, folder, question, images=(), *options, text=None):
        """One question, or with `text` what is typed into a dialogue."""
        pictures = ["--image", *(self.pictures / i for i in images)] if images else []
        prompt = [] if text else ["--prompt", question]
        return self.programs.run("generate_main", "--model", folder, *pictures, *prompt, *FIXED, *options,
                                 text=text).stdout


class Theirs:
    """transformers on the same folder. A subclass gives new_tokens(ids, images)."""

    def __init__(self, folder, pictures):
        self.pictures = pictures
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    def image(self, name):
        return Image.open(self.pictures / name).convert("RGB")

    def ids(self, text):
        """Marks of pictures are tokens; other special tokens do not occur."""
        parts = re.split("(<image>|</s>)", text)
        return [i for p in parts for i in (
            [model_folders.SPECIAL[p]] if p in model_folders.SPECIAL else
            self.tokenizer.encode(p, add_special_tokens=False))]

    def answer(self, text, images):
        """Without the token that ends it, which need not be a special one."""
        with torch.no_grad():
            tokens = self.new_tokens(self.ids(text), images).tolist()
        if tokens[-1] in self.ends():
            tokens.pop()
        return self.tokenizer.decode(tokens, skip_special_tokens=True)

    def ends(self):
        """Those of the model, and the end of turn of our template."""
        own = self.generator.generation_config.eos_token_id
        return [END] + (own if isinstance(own, list) else [own] if own is not None else [])

    def generate(self, **given):
        return self.generator.generate(**given, do_sample=False, max_new_tokens=LENGTH, eos_token_id=self.ends(),
                                       pad_token_id=model_folders.SPECIAL["<PAD>"])[0]


class Default(Theirs):
    def __init__(self, folder, pictures):
        super().__init__(folder / "language_model", pictures)
        self.reference = torch_models.Default(folder)
        self.generator = self.reference.language
        self.process = transformers.CLIPImageProcessorPil.from_pretrained(folder / "vision_model")

    def new_tokens(self, ids, images):
        r = self.reference
        torch_models.forget_longest(r.rotary)
        tiles = [self.process(self.image(i), return_tensors="pt").pixel_values for i in images]
        left = list(r.image_tokens(tiles)) if tiles else []
        x = torch.cat([left.pop(0) if i == IMAGE else r.embed(torch.tensor([i])) for i in ids])[None]
        return self.generate(inputs_embeds=x, attention_mask=torch.ones(x.shape[:2]))


class Llava(Theirs):
    """LlavaForConditionalGeneration or LlavaNextForConditionalGeneration; its own processor makes tiles."""

    def __init__(self, folder, pictures):
        super().__init__(folder, pictures)
        self.reference = torch_models.Llava(folder)
        self.generator = self.reference.model
        kind = json.loads((folder / "preprocessor_config.json").read_text())["image_processor_type"]
        self.process = getattr(transformers, kind + "Pil").from_pretrained(folder)

    def new_tokens(self, ids, images):
        torch_models.forget_longest(self.reference.rotary)
        given, counts = {}, []
        if images:
            given = dict(self.process([self.image(i) for i in images], return_tensors="pt"))
            counts = [len(f) for f in self.reference.inner.get_image_features(**given).pooler_output]
        rows = torch.tensor([[IMAGE if i < 0 else i for i in torch_models.expanded(ids, ids, counts)]])
        return self.generate(input_ids=rows, attention_mask=torch.ones_like(rows), **given)[rows.shape[1]:]


def compare_list(c, name, folder, theirs, count, *options):
    records = c.records(count)
    ours = c.answers(folder, records, *options)
    expected = [theirs.answer(r["conversations"][0]["value"], r["image"] or []).strip() for r in records]
    lengths = sorted(len(a) for a in expected)
    different = len(set(expected))
    c.checks.equal(f"{name}: {count} answers", ours, expected)
    c.checks.true(f"{name}: {different} different ones of {lengths[0]} to {lengths[-1]} tokens", different > 1)


def default_folder(c, number):
    folder = c.scratch / f"default-{number}"
    language, name = models.language_of(c.rng, number)
    vision, projector = model_folders.vision_sizes(c.rng), models.PROJECTORS[number % 4]
    layer, select = c.rng.choice([-1, -2]), c.rng.choice(["full", "patch"])
    model_folders.write_model(folder, language, vision, projector, c.generator, False, layer, select)
    say_what_prints(folder / "language_model", "model.")
    return folder, f"{name}, {projector}"


def llava_folder(c, number):
    """Odd numbers are LLaVA-NeXT."""
    folder = c.scratch / f"llava-{number}"
    language, name = models.language_of(c.rng, number)
    vision, grid = model_folders.vision_sizes(c.rng), None
    if number % 2:
        side = vision["image_size"]
        grid = [[h * side, w * side] for h, w in [(1, 2), (2, 1), (2, 2), (3, 1), (1, 3)]]
    model_folders.write_llava(folder, language, vision, c.generator, grid)
    say_what_prints(folder, "language_model.model.", "model.language_model.")
    return folder, f"LLaVA{'-NeXT' if grid else ''} {name}"


def single_questions_and_dialogues(c, folder, theirs):
    pictures = ["3.png", "4.png"]
    for images in ([], pictures[:1], pictures):
        question = c.question()
        expected = theirs.answer("<image>" * len(images) + question, images)
        c.checks.equal(f"one question about {len(images)} pictures", c.ask(folder, question, images), expected + "\n")
    first, second = c.question(), c.question()
    said = c.ask(folder, None, pictures, text=f"{first}\n{second}\n\n")
    begin = "<image><image>" + first
    one = theirs.answer(begin, pictures)
    two = theirs.answer(begin + one.strip() + "</s>" + second, pictures)
    c.checks.equal("a dialogue of two turns", said, f"> {one}\n> {two}\n> ")


def draws(c, folder):
    question = c.question()
    ask = lambda *options: c.ask(folder, question, ["1.png"], *options)
    hot = lambda seed: ask("--temperature", "1.5", "--top_p", "0.9", "--seed", seed)
    c.checks.equal("the same seed, the same draws", hot(1), hot(1))
    c.checks.true("another seed, other draws", hot(1) != hot(2))
    c.checks.equal("top_p that leaves one token", ask("--temperature", "1.5", "--top_p", "1e-9"), ask())
    records = c.records(6)
    drawn = lambda seed: c.answers(folder, records, "--temperature", "1", "--seed", seed)
    c.checks.equal("the same seed, the same list", drawn(5), drawn(5))
    c.checks.true("another seed, another list", drawn(5) != drawn(6))


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    comparison = Comparison(*interop.start())
    template = comparison.scratch / "template.json"
    model_folders.write_json(template, {"user": "{image}{text}", "end": "</s>", "image": "<image>"})
    for number in range(2):
        folder, name = llava_folder(comparison, number)
        compare_list(comparison, name, folder, Llava(folder, comparison.pictures), 10, "--template", template)
    for number in range(4):
        folder, name = default_folder(comparison, number)
        compare_list(comparison, name, folder, Default(folder, comparison.pictures), 10)
    single_questions_and_dialogues(comparison, folder, Default(folder, comparison.pictures))
    draws(comparison, folder)
    comparison.checks.done()
