"""Model folders in and out: what sft_main reads from transformers' folders, what transformers loads of those it writes,
and what is refused. Usage: folders.py FOLDER_OF_PROGRAMS SEED"""
import json
import random
import shutil

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import (AutoImageProcessor, AutoModelForCausalLM, AutoTokenizer, CLIPConfig, CLIPModel,
                          CLIPTextConfig, CLIPVisionModel)

import interop
from small_folders import Reader, sentence, shake, vision_config, write_language, write_processor, write_records, write_vision
from strict_folders import strict_checkpoint, strictness
from trained_models import Glued, tensors_of

torch.set_num_threads(1)
QUICK = ["--max_seq_len", 1024, "--num_threads", 1, "--num_workers", 1, "--template", "plain", "--is_sft_stage"]


class Work:
    """The programs, a scratch folder, and records to train on."""

    def __init__(self, programs, checks, scratch, rng):
        self.programs, self.checks, self.scratch, self.rng = programs, checks, scratch, rng
        self.records = write_records(scratch / "data", rng, 6)
        self.data = ["--data_path", scratch / "data" / "train.json", "--image_folder", scratch / "data" / "images"]
        self.count = 0

    def folder(self):
        self.count += 1
        return self.scratch / str(self.count)

    def train(self, language, vision, *options, precision="fp32"):
        """The folder that a short training writes."""
        out = self.folder()
        self.programs.run("sft_main", *self.data, *QUICK, "--lm_model_name_or_path", language,
                          "--vision_model_name_or_path", vision, "--output_dir", out, "--precision", precision,
                          "--num_train_epochs", 1, *options)
        return out / "epoch-0"

    def loss(self, folder):
        """Of all records, as sft_main reads the folder back."""
        done = self.programs.run("sft_main", *self.data, *QUICK[2:-3], "--from_checkpoint", folder, "--precision",
                                 "fp32", "--eval_only", "--data_train_split_ratio", 0)
        return json.loads(done.stdout.splitlines()[-1])["eval_loss"]

    def torch_loss(self, folder, language, vision):
        model = Glued(folder, language, vision, {})
        reader = Reader(folder / "language_model", model, "plain")
        total = tokens = 0
        with torch.no_grad():
            for ids, labels, given in map(reader, self.records):
                logits = model.logits(ids, given, reader.image_id)[0, :-1]
                total += float(torch.nn.functional.cross_entropy(logits, labels[0, 1:], reduction="sum"))
                tokens += int((labels != -100).sum())
        return total / tokens


def loads(checks, name, kind, folder):
    """transformers finds every tensor that it needs, and no other."""
    model, report = kind.from_pretrained(folder, output_loading_info=True, dtype="auto")
    wrong = {key: sorted(map(str, found)) for key, found in report.items() if found}
    checks.equal(f"{name}: no key is missing, unexpected or misshaped", wrong, {})
    return model


def same_config(checks, name, ours, theirs, changed):
    a, b = (json.loads((f / "config.json").read_text()) for f in (ours, theirs))
    different = {k for k in {*a, *b} if a.get(k, "none") != b.get(k, "none")}
    checks.equal(f"{name}: config.json differs in changed keys only", different - changed, set())


def same_words(work, name, folder, original):
    ours, theirs = AutoTokenizer.from_pretrained(folder), AutoTokenizer.from_pretrained(original)
    texts = [sentence(work.rng, 1, 30) for _ in range(200)]
    work.checks.equal(f"{name}: ids of AutoTokenizer", ours(texts)["input_ids"], theirs(texts)["input_ids"])
    work.checks.equal(f"{name}: <image> is one token", ours("<image>", add_special_tokens=False)["input_ids"],
                      [len(theirs)])
    work.checks.equal(f"{name}: what opens and ends a text", (ours.bos_token, ours.eos_token),
                      (theirs.bos_token, theirs.eos_token))


def same_processor(work, name, folder, original):
    ours, theirs = (AutoImageProcessor.from_pretrained(f).to_dict() for f in (folder, original))
    work.checks.equal(f"{name}: image processor", ours, theirs)


def written_folders(work, name, kind, precision, **changes):
    """Trains a little; everything that was written loads elsewhere and means the same there."""
    checks, base = work.checks, work.folder()
    language, vision = base / "language", base / "vision"
    dtype = dict(fp32=torch.float32, bf16=torch.bfloat16)[precision]
    config = write_language(language, work.rng, kind, dtype, **changes)
    write_vision(vision, work.rng, dtype)
    folder = work.train(language, vision, "--lang_decoder_update", "--vis_encoder_update", precision=precision)
    decoder = loads(checks, f"{name}: language_model", AutoModelForCausalLM, folder / "language_model")
    tower = loads(checks, f"{name}: vision_model", CLIPVisionModel, folder / "vision_model")
    checks.equal(f"{name}: types", (decoder.dtype, tower.dtype), (dtype, dtype))
    words = AutoTokenizer.from_pretrained(language)
    rows = max(config.vocab_size, len(words) + 2)
    checks.equal(f"{name}: rows of the embedding", (decoder.config.vocab_size, *decoder.lm_head.weight.shape[:1]),
                 (rows, rows))
    tied = decoder.lm_head.weight is decoder.model.embed_tokens.weight
    checks.equal(f"{name}: the head is tied", tied, config.tie_word_embeddings)
    same_config(checks, name, folder / "language_model", language, {"vocab_size"})
    same_config(checks, name, folder / "vision_model", vision, set())
    same_words(work, name, folder / "language_model", language)
    same_processor(work, name, folder / "vision_model", vision)
    ours, theirs = work.loss(folder), work.torch_loss(folder, language, vision)
    checks.error(f"{name}: loss", abs(ours - theirs) / theirs, "models.loss")
    again = work.train(folder / "language_model", folder / "vision_model", "--learning_rate", 0, precision=precision)
    for part in ("language_model", "vision_model"):
        a, b = load_file(folder / part / "model.safetensors"), load_file(again / part / "model.safetensors")
        checks.true(f"{name}: {part} read and written again is the same",
                    a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a))


def old_config(folder):
    """Rewrites config.json as transformers 4 would have written it."""
    config = json.loads((folder / "config.json").read_text())
    config["torch_dtype"] = config.pop("dtype")
    if "rope_parameters" in config:
        rope = config.pop("rope_parameters")
        config["rope_theta"] = rope.pop("rope_theta")
        config["rope_scaling"] = None if rope["rope_type"] == "default" else {**rope, "type": rope["rope_type"]}
    config["transformers_version"] = "4.40.0"
    (folder / "config.json").write_text(json.dumps(config))


def edit(folder, change):
    """Rewrites the tensors of a folder."""
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def prefixed(tensors):
    """The names of CLIPVisionModel in transformers 4, with the buffer of positions that older ones saved."""
    for name in list(tensors):
        if not name.startswith("vision_model."):
            tensors["vision_model." + name] = tensors.pop(name)
    count = tensors["vision_model.embeddings.position_embedding.weight"].shape[0]
    tensors["vision_model.embeddings.position_ids"] = torch.arange(count)[None]


def bare(tensors):
    for name in list(tensors):
        tensors[name.removeprefix("vision_model.")] = tensors.pop(name)


def with_copies(tensors):
    """A head that is stored although it is tied, and the rotary buffers of early versions."""
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(4)


def write_whole_clip(folder, rng):
    """A folder with both halves of a CLIP."""
    text = CLIPTextConfig(vocab_size=60, hidden_size=16, intermediate_size=24, num_hidden_layers=1,
                          num_attention_heads=2)
    tower = vision_config(rng)
    config = CLIPConfig(text_config=text.to_dict(), vision_config=tower.to_dict(), projection_dim=8)
    shake(CLIPModel(config), rng).save_pretrained(folder)
    write_processor(folder, rng, tower)


def read_folders(work):
    """Folders as other versions and other people wrote them."""
    checks, base = work.checks, work.folder()
    language, vision = base / "language", base / "vision"
    write_language(language, work.rng, "llama", tie_word_embeddings=True, rope_parameters={
        "rope_type": "linear", "factor": 2.0, "rope_theta": 2e4})
    write_vision(vision, work.rng)
    variants = {"as written": (lambda f: None, lambda f: None)}
    variants["configs of transformers 4"] = (old_config, old_config)
    variants["old names and copies"] = (lambda f: edit(f, with_copies), lambda f: edit(f, prefixed))
    variants["names without prefix"] = (lambda f: None, lambda f: edit(f, bare))
    variants["several files"] = (shards, shards)
    losses = {}
    for name, (change_language, change_vision) in variants.items():
        folder = work.folder()
        shutil.copytree(language, folder / "language")
        shutil.copytree(vision, folder / "vision")
        change_language(folder / "language"), change_vision(folder / "vision")
        written = work.train(folder / "language", folder / "vision", "--lang_decoder_update", "--vis_encoder_update",
                             "--seed", 3)
        losses[name] = work.loss(written)
        loads(checks, f"{name}: language_model", AutoModelForCausalLM, written / "language_model")
        loads(checks, f"{name}: vision_model", CLIPVisionModel, written / "vision_model")
        theirs = work.torch_loss(written, language, vision)
        checks.error(f"{name}: loss", abs(losses[name] - theirs) / theirs, "models.loss")
    checks.equal("every spelling of a folder gives the same training", set(losses.values()), {losses["as written"]})


def shards(folder):
    """One tensor a file, as save_pretrained writes large models."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    places = {name: f"model-{i + 1:05}-of-{len(tensors):05}.safetensors" for i, name in enumerate(sorted(tensors))}
    for name, file in places.items():
        save_file({name: tensors[name]}, folder / file, metadata={"format": "pt"})
    size = sum(t.numel() * t.element_size() for t in tensors.values())
    index = {"metadata": {"total_size": size}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def clip_of_both_halves(work):
    base = work.folder()
    write_language(base / "language", work.rng)
    write_whole_clip(base / "vision", work.rng)
    folder = work.train(base / "language", base / "vision", "--vis_encoder_update")
    loads(work.checks, "tower of a whole CLIP", CLIPVisionModel, folder / "vision_model")
    ours, theirs = work.loss(folder), work.torch_loss(folder, base / "language", base / "vision")
    work.checks.error("tower of a whole CLIP: loss", abs(ours - theirs) / theirs, "models.loss")


def new_rows(work):
    """The rows of <image> and <PAD> begin as the mean of the others; returns the folder that shows it."""
    base = work.folder()
    config = write_language(base / "language", work.rng, spare_rows=0, tie_word_embeddings=False)
    write_vision(base / "vision", work.rng)
    start = work.train(base / "language", base / "vision", "--learning_rate", 0)
    old, new = tensors_of(base / "language"), tensors_of(start / "language_model")
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        rows = config.vocab_size
        work.checks.equal(f"{name} keeps its rows", torch.equal(new[name][:rows], old[name]), True)
        error = max(interop.relative(row, old[name].double().mean(0)) for row in new[name][rows:])
        work.checks.error(f"new rows of {name}", error, "folders.mean_row")
    return start


def main():
    programs, seed, checks, scratch = interop.start()
    transformers.utils.logging.disable_progress_bar()
    work = Work(programs, checks, scratch, random.Random(seed))
    written_folders(work, "llama, tied, fp32", "llama", "fp32", tie_word_embeddings=True)
    written_folders(work, "llama, untied, bf16", "llama", "bf16", tie_word_embeddings=False, spare_rows=0)
    written_folders(work, "qwen2, tied, bf16", "qwen2", "bf16", tie_word_embeddings=True, spare_rows=9)
    written_folders(work, "mistral, untied, fp32", "mistral", "fp32", tie_word_embeddings=False)
    read_folders(work)
    clip_of_both_halves(work)
    start = new_rows(work)
    strictness(work)
    strict_checkpoint(work, start)
    checks.done()


main()
