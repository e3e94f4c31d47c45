"""LLaVA-1.5 and LLaVA-NeXT folders of many spellings: sft_main trains them and writes them again, transformers loads
what it wrote without a missing or unexpected key, and both give the same losses and logits before and after."""
import json
import random

import peft
import safetensors.torch
import torch
import transformers
from PIL import Image

import interop
import model_folders
import small_folders
import torch_models

IMAGE = model_folders.SPECIAL["<image>"]
GRIDS = [[(1, 2), (2, 1), (2, 2), (3, 1), (1, 3)], [(2, 3)], [(1, 4), (2, 2)]]

# How a folder is spelt: names of tensors by module; `vision_model.` in the tower's; keys of transformers 4, silent
# where a value is the default; the image processor in processor_config.json only; LLaVA-NeXT.
SPELLINGS = {
    "as transformers 5 writes it": {},
    "tensors by module": {"by_module": True},
    "keys of transformers 4": {"version_4": True, "vision_model": True},
    "tensors by module, one processor file": {"by_module": True, "vision_model": True, "one_file": True},
    "NeXT, as transformers 5 writes it": {"next": True},
    "NeXT, tensors by module": {"next": True, "by_module": True, "one_file": True},
    "NeXT, keys of transformers 4": {"next": True, "version_4": True, "vision_model": True},
}


def renamed(name, by_module=False, vision_model=False):
    """The name that transformers 5 gives to a tensor, in another form."""
    if vision_model and name.startswith("vision_tower."):
        name = name.replace("vision_tower.", "vision_tower.vision_model.", 1)
    if not by_module:
        return name
    if name.startswith("language_model.model."):
        return "model.language_model." + name.removeprefix("language_model.model.")
    return name.removeprefix("language_model.") if "lm_head" in name else "model." + name


def spell_as_version_4(folder):
    config = json.loads((folder / "config.json").read_text())
    config["torch_dtype"] = config.pop("dtype")
    text = config["text_config"]
    rope = text.pop("rope_parameters")
    text["rope_theta"] = rope["rope_theta"]
    assumed = transformers.AutoConfig.for_model(text["model_type"]).to_dict()
    config["text_config"] = {k: v for k, v in text.items() if k == "model_type" or assumed.get(k) != v}
    assumed = transformers.CLIPVisionConfig().to_dict()
    config["vision_config"] = {k: v for k, v in config["vision_config"].items()
                               if k == "model_type" or assumed.get(k) != v}
    model_folders.write_json(folder / "config.json", config)


def write_folder(folder, rng, generator, number, spelling):
    """A random LLaVA in this spelling."""
    language = model_folders.language_sizes(rng, model_folders.rope_parameters("default", rng.choice([1e4, 5e5])))
    language[1].update(max_position_embeddings=rng.choice([2048, 512]), num_hidden_layers=2)
    vision = model_folders.vision_sizes(rng)
    side = vision["image_size"]
    grid = [[h * side, w * side] for h, w in rng.choice(GRIDS)] if spelling.get("next") else None
    select = "full" if number == 1 else "default"
    bias, layer = number % 3 != 1, rng.choice([-2, -1, 1])
    model_folders.write_llava(folder, language, vision, generator, grid, bias, layer, select)
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    form = {k: spelling.get(k, False) for k in ("by_module", "vision_model")}
    safetensors.torch.save_file({renamed(n, **form): t for n, t in tensors.items()}, folder / "model.safetensors",
                                metadata={"format": "pt"})
    if spelling.get("version_4"):
        spell_as_version_4(folder)
    if spelling.get("one_file"):
        processor = json.loads((folder / "preprocessor_config.json").read_text())
        (folder / "preprocessor_config.json").unlink()
        model_folders.write_json(folder / "processor_config.json", {"image_processor": processor})


def image_processor(folder, config):
    """transformers' processor, in its Pillow form."""
    kind = transformers.LlavaNextImageProcessorPil if config.model_type == "llava_next" else \
        transformers.CLIPImageProcessorPil
    file = folder / "preprocessor_config.json"
    keys = json.loads(file.read_text()) if file.exists() else \
        json.loads((folder / "processor_config.json").read_text())["image_processor"]
    return kind(**{k: v for k, v in keys.items() if k != "image_processor_type"})


class Torch:
    """A LLaVA folder in transformers."""

    def __init__(self, folder, checks=None, name=""):
        self.model, loaded = transformers.AutoModelForImageTextToText.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
        if checks:
            keys = {k: sorted(loaded[k]) for k in ("missing_keys", "unexpected_keys", "mismatched_keys")}
            checks.equal(f"{name}: transformers loads it, every key", keys, {k: [] for k in keys})
        self.config = self.model.config
        self.processor = image_processor(folder, self.config)

    def loss(self, samples, records):
        """Mean over all supervised tokens; samples: of samples.json, records by id."""
        total, supervised = 0.0, 0
        for sample in samples:
            given, counts = self.pictures(records[sample["id"]].pictures)
            labels = [i if on else -100 for i, on in zip(sample["ids"], sample["supervised"])]
            ids = [IMAGE if i < 0 else i for i in torch_models.expanded(sample["ids"], sample["ids"], counts)]
            targets = torch.tensor(torch_models.expanded(sample["ids"], labels, counts)[1:])
            targets[targets < 0] = -100
            with torch.no_grad():
                logits = self.model(input_ids=torch.tensor([ids]), **given).logits[0, :-1]
            total += float(torch.nn.functional.cross_entropy(logits.double(), targets, reduction="sum"))
            supervised += int((targets >= 0).sum())
        return total / supervised

    def pictures(self, paths):
        if not paths:
            return {}, []
        given = self.processor([Image.open(p).convert("RGB") for p in paths], return_tensors="pt")
        with torch.no_grad():
            features = self.model.get_image_features(**given).pooler_output
        return given, [len(f) for f in features]


class Comparison:
    def __init__(self, programs, seed, checks, scratch):
        self.programs, self.checks, self.scratch = programs, checks, scratch
        self.rng, self.generator = random.Random(seed), torch.Generator().manual_seed(seed)
        self.data = scratch / "data"
        self.records = {str(i): r for i, r in enumerate(small_folders.write_records(self.data, self.rng, 8))}

    def sft(self, folder, architecture, *more):
        return self.programs.run("sft_main", "--model_architecture", architecture, "--from_checkpoint", folder,
                                 "--data_path", self.data / "train.json", "--image_folder", self.data / "images",
                                 "--precision", "fp32", "--num_threads", 1, "--num_workers", 1, *more)

    def trained(self, folder, architecture, out, *more):
        """One optimiser step sees every record; its loss is the mean over all of them."""
        self.sft(folder, architecture, "--output_dir", out, "--template", "llava", "--data_debug_path", out + "-debug",
                 "--data_train_split_ratio", 1, "--per_device_train_batch_size", 8, "--max_steps", 3, "--eval_step", 0,
                 "--num_train_epochs", 3, *more)
        first = json.loads(open(out + "/metrics.jsonl").readline())
        return first["loss"], json.load(open(out + "-debug/samples.json"))

    def evaluated(self, folder, architecture):
        done = self.sft(folder, architecture, "--eval_only", "--data_train_split_ratio", 0)
        return json.loads(done.stdout.splitlines()[-1])["eval_loss"]

    def near(self, name, ours, theirs):
        self.checks.error(f"{name}: {ours:.6f}", interop.relative(ours, theirs), "models.loss")

    def logits(self, folder, name, grid):
        """Logits of every row of random conversations."""
        reference = torch_models.Llava(folder)
        given = torch_models.drawn_conversations(self.rng, self.generator, reference, grid)
        safetensors.torch.save_file(given.tensors(), self.scratch / "in.safetensors")
        self.programs.run("probe_model", folder, self.scratch / "in.safetensors", self.scratch / "out.safetensors")
        ours = safetensors.torch.load_file(self.scratch / "out.safetensors")
        self.checks.error(f"{name}: logits", interop.relative(ours["logits"], reference.run(given)["logits"]),
                          "models.logits")

    def folder(self, number, name, spelling):
        folder, architecture = self.scratch / f"model-{number}", "llava_next" if spelling.get("next") else "llava"
        write_folder(folder, self.rng, self.generator, number, spelling)
        before = Torch(folder)
        update = ["--lang_decoder_update", "--vis_encoder_update"] if number % 2 else []
        loss, samples = self.trained(folder, architecture, str(self.scratch / f"run-{number}"), *update)
        self.near(f"{name}: loss as it was read", loss, before.loss(samples, self.records))
        written = self.scratch / f"run-{number}" / "epoch-2"
        names = [set(safetensors.torch.load_file(f / "model.safetensors")) for f in (folder, written)]
        self.checks.equal(f"{name}: tensors are called as they were", names[1], names[0])
        configs = [json.loads((f / "config.json").read_text()) for f in (folder, written)]
        self.checks.equal(f"{name}: config.json says what it said", configs[1], configs[0])
        after = Torch(written, self.checks, name)
        ours = self.evaluated(written, architecture)
        self.checks.true(f"{name}: training lowered the loss", ours < loss)
        self.near(f"{name}: loss as it was written", ours, after.loss(samples, self.records))
        self.logits(written, name, getattr(after.config, "image_grid_pinpoints", None))
        return folder, architecture

    def grown(self):
        """A tokenizer that has no <image> and no pad token yet: the embedding grows by both."""
        folder, name = self.scratch / "grown", "tokenizer without <image>"
        language = model_folders.language_sizes(self.rng, model_folders.rope_parameters("default", 1e4))
        language[1].update(vocab_size=IMAGE)
        model_folders.write_llava(folder, language, model_folders.vision_sizes(self.rng), self.generator)
        words, settings = (json.loads((folder / f).read_text()) for f in ("tokenizer.json", "tokenizer_config.json"))
        words["added_tokens"] = [t for t in words["added_tokens"] if t["id"] < IMAGE]
        del settings["pad_token"]
        model_folders.write_json(folder / "tokenizer.json", words)
        model_folders.write_json(folder / "tokenizer_config.json", settings)
        _, samples = self.trained(folder, "llava", str(self.scratch / "run-grown"))
        written = self.scratch / "run-grown" / "epoch-2"
        after = Torch(written, self.checks, name)
        self.checks.equal(f"{name}: rows of the embedding", after.config.text_config.vocab_size, IMAGE + 2)
        self.near(f"{name}: loss", self.evaluated(written, "llava"), after.loss(samples, self.records))

    def adapters(self, folder, architecture, name):
        """LoRA on decoder and tower: PEFT puts both into the LLaVA that lies around them."""
        out = str(self.scratch / f"lora-{architecture}")
        _, samples = self.trained(folder, architecture, out, "--lang_lora_dim", 3, "--vis_lora_dim", 2,
                                  "--lang_lora_module_name", "q_proj,v_proj,up_proj", "--learning_rate", 0.02)
        written = self.scratch / f"lora-{architecture}" / "epoch-2"
        ours, theirs = self.evaluated(written, architecture), Torch(written, self.checks, name)
        self.checks.true(f"{name}: adapters matter", abs(ours - theirs.loss(samples, self.records)) > 1e-3)
        theirs.model = peft.PeftModel.from_pretrained(theirs.model, written / "language_adapter")
        theirs.model.load_adapter(written / "vision_adapter", "vision")
        theirs.model.base_model.set_adapter(["default", "vision"])
        self.near(f"{name}: loss with adapters in PEFT", ours, theirs.loss(samples, self.records))


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    comparison = Comparison(*interop.start())
    for number, (name, spelling) in enumerate(SPELLINGS.items()):
        made = comparison.folder(number, name, spelling)
        if number in (0, 4):
            comparison.adapters(*made, f"{name}, LoRA")
    comparison.grown()
    comparison.checks.done()
