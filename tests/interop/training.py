"""Twenty steps of sft_main against twenty of torch, transformers and PEFT: what is learnt from, loss, gradient norm,
rates, and every weight at the end. Usage: training.py FOLDER_OF_PROGRAMS SEED"""
import itertools
import json
import random
import shutil

import torch
import transformers

import interop
import model_folders
from small_folders import Reader, write_language, write_records, write_vision
from torch_training import Training
from trained_models import Glued, Llava

torch.set_num_threads(1)
STEPS = 20
DEFAULTS = dict(learning_rate=1e-3, learning_rate_pretraining_components=0, weight_decay=0, max_grad_norm=1.0,
                adam_beta1=0.9, adam_beta2=0.95, adam_epsilon=1e-8, lr_scheduler_type="cosine", num_warmup_steps=0,
                vis_proj="baseline")
LORA = dict(lang_lora_dim=4, vis_lora_dim=3)
FULL = dict(vis_encoder_update=True, lang_decoder_update=True)
# name: (what differs from the defaults, model_type of the decoder, are there pictures?)
CASES = {
    "everything trains": (dict(FULL, num_warmup_steps=3, weight_decay=0.1, vision_learning_rate=3e-4,
                               projector_learning_rate=2e-3, language_learning_rate=5e-4), "llama", True),
    "projector and embedding": (dict(lr_scheduler_type="linear", num_warmup_steps=0.2, vis_proj="mlp",
                                     learning_rate_pretraining_components=2e-4, weight_decay=0.05), "qwen2", True),
    "decoder, without pictures": (dict(lang_decoder_update=True, lr_scheduler_type="cosine_with_restarts",
                                       num_warmup_steps=2, max_grad_norm=0.3, weight_decay=0.1), "mistral", False),
    "tower behind a frozen decoder": (dict(vis_encoder_update=True, lr_scheduler_type="constant", max_grad_norm=0,
                                           vis_proj="vit", vision_feature_layer=-2, vision_feature_select="patch",
                                           adam_beta1=0.8, adam_beta2=0.99), "llama", True),
    "perceiver and MMCA": (dict(FULL, vis_proj="perceiver", enable_mmca_attention=True, learning_rate=5e-4,
                                weight_decay=0.02, num_warmup_steps=1), "llama", True),
    "adapters alone": (dict(LORA, only_optimize_lora=True, lr_scheduler_type="polynomial", num_warmup_steps=2,
                            weight_decay=0.1, lora_alpha=5), "llama", True),
    "adapters on some layers, the rest trains": (
        dict(LORA, **FULL, lang_lora_module_name="q_proj,v_proj", vis_lora_module_name="fc1,layers.1.self_attn",
             learning_rate_pretraining_components=3e-4, lr_scheduler_type="constant_with_warmup", num_warmup_steps=4,
             vis_proj="mlp", gradient_checkpointing=True), "qwen2", True),
    "adapters of the decoder, embedding, without pictures": (
        dict(lang_lora_dim=8, lr_scheduler_type="wsd", num_warmup_steps=2, adam_epsilon=1e-5), "llama", False),
    "two records a step, in their order": (dict(FULL, num_warmup_steps=0.1, weight_decay=0.1, records_per_step=2),
                                           "mistral", True),
    "LLaVA-1.5, projector": (dict(model_architecture="llava", num_warmup_steps=2, weight_decay=0.1), "llama", True),
    "LLaVA-1.5, everything": (dict(FULL, model_architecture="llava", lr_scheduler_type="linear",
                                   learning_rate_pretraining_components=3e-4), "qwen2", True),
    "LLaVA-NeXT, everything": (dict(FULL, model_architecture="llava_next", weight_decay=0.1), "llama", True),
    "LLaVA-NeXT, adapters of the decoder": (dict(lang_lora_dim=4, model_architecture="llava_next", weight_decay=0.1,
                                                 num_warmup_steps=2), "mistral", True),
}


def command(options):
    words = []
    for name, value in options.items():
        words += [f"--{name}"] if value is True else [f"--{name}", value]
    return words


def groups(counts, size):
    """Which records a step may hold, by its numbers of tokens and of supervised tokens."""
    found = {}
    for chosen in itertools.combinations_with_replacement(range(len(counts)), size):
        found.setdefault(tuple(sum(counts[i][k] for i in chosen) for k in (0, 1)), []).append(chosen)
    return found


class Case:
    """One training in both worlds, from the same start."""

    def __init__(self, programs, rng, folder, changes, kind, pictures):
        self.programs, self.rng, self.folder, self.pictures = programs, rng, folder, pictures
        changes = dict(changes)
        self.per_step = changes.pop("records_per_step", None)  # None: every record in every step
        self.options = {**DEFAULTS, **changes}
        self.llava = "model_architecture" in changes
        self.language, self.vision, self.data = folder / "language", folder / "vision", folder / "data"
        self.template = "llava" if self.llava else rng.choice(["default", "vicuna", "plain"])
        self.write_records()
        if self.llava:
            self.options.pop("vis_proj")
            self.language = write_llava(folder / "llava", rng, kind, changes["model_architecture"] == "llava_next")
            self.paths = dict(from_checkpoint=self.language)
        else:
            write_language(self.language, rng, kind)
            write_vision(self.vision, rng)
            self.paths = dict(lm_model_name_or_path=self.language, vision_model_name_or_path=self.vision,
                              max_seq_len=2048)
        self.paths.update(data_path=self.data / "train.json", image_folder=self.data / "images", eval_step=0,
                          template=self.template, precision="fp32", data_train_split_ratio=1, num_threads=1,
                          num_workers=1, seed=rng.randrange(1 << 30))

    def write_records(self):
        shutil.rmtree(self.data, ignore_errors=True)
        self.records = write_records(self.data, self.rng, self.rng.randint(5, 9), self.pictures)

    def start(self):
        """The model before the first step, as torch reads it: what a run writes whose rates are 0."""
        still = {**self.options, "learning_rate": 0, "lr_scheduler_type": "constant", "num_warmup_steps": 0}
        for name in [n for n in still if n.endswith("_learning_rate") or n == "learning_rate_pretraining_components"]:
            still.pop(name)
        self.programs.run("sft_main", *command({**self.paths, **still}), "--max_steps", 1, "--output_dir",
                          self.folder / "start")
        folder = self.folder / "start" / "epoch-0"
        return Llava(folder) if self.llava else Glued(folder, self.language, self.vision, self.options)

    def batches(self):
        """The options that make steps, and how many steps all epochs have."""
        count, batch = len(self.records), self.rng.choice([2, 3])
        if self.per_step:
            epochs = -(-STEPS * self.per_step // count) + 1
            return dict(per_device_train_batch_size=1, gradient_accumulation_steps=self.per_step, max_steps=STEPS,
                        num_train_epochs=epochs), -(-epochs * count // self.per_step)
        return dict(per_device_train_batch_size=batch, gradient_accumulation_steps=-(-count // batch),
                    num_train_epochs=STEPS), STEPS

    def train(self, batches):
        """The metrics of twenty steps, and the folder of the model behind them."""
        out = self.folder / "trained"
        self.programs.run("sft_main", *command({**self.paths, **self.options, **batches}), "--output_dir", out)
        last = max((f for f in out.glob("epoch-*")), key=lambda f: int(f.name[6:]))
        return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()], last

    def samples(self):
        """samples.json of the first records, in the order of the file."""
        self.programs.run("sft_main", *command(self.paths), "--validate_only", "--data_debug_path",
                          self.folder / "debug", *command({k: v for k, v in self.options.items() if "archi" in k}))
        return json.loads((self.folder / "debug" / "samples.json").read_text())


def write_llava(folder, rng, kind, several_tiles):
    """A random LLaVA; its tower is read at a random layer."""
    rope = model_folders.rope_parameters("default", rng.choice([1e4, 5e5]))
    _, sizes = model_folders.language_sizes(rng, rope)
    for name in ("sliding_window", "attention_bias", "mlp_bias", "head_dim"):
        sizes.pop(name, None)
    sizes.update(max_position_embeddings=2048, num_hidden_layers=2, hidden_size=sizes["num_attention_heads"] * 16)
    if kind == "mistral":
        sizes.update(sliding_window=None)
    vision = model_folders.vision_sizes(rng)
    grid = [[h * vision["image_size"], w * vision["image_size"]] for h, w in ((1, 2), (2, 1), (2, 2))]
    generator = torch.Generator().manual_seed(rng.randrange(1 << 30))
    model_folders.write_llava(folder, (kind, sizes), vision, generator, grid if several_tiles else None,
                              rng.random() < 0.5, rng.choice([-2, -1]))
    return folder


def compare_samples(checks, name, case, reader):
    theirs = [reader.ids(r) for r in case.records]
    ours = [(s["ids"], s["supervised"]) for s in case.samples()]
    checks.equal(f"{name}: ids", [i for i, _ in ours], [i for i, _ in theirs])
    checks.equal(f"{name}: what is learnt", [[bool(x) for x in s] for _, s in ours], [s for _, s in theirs])


def compare_steps(checks, name, metrics, steps):
    for key in ("loss", "grad_norm"):
        worst = max(abs(m[key] - s[key]) / abs(s[key]) for m, s in zip(metrics, steps))
        checks.error(f"{name}: {key}", worst, "training.step")
    for key in ("lr", "lr_vision", "lr_language"):
        if metrics[0].get(key) is None and key not in steps[0]:
            continue
        worst = max(abs(m[key] - s[key]) / max(s[key], 1e-12) for m, s in zip(metrics, steps))
        checks.error(f"{name}: {key}", worst, "training.rate")


def rates(training):
    """The largest rate of each component in the step to come, as metrics.jsonl calls them."""
    keys = dict(projector="lr", vision="lr_vision", language="lr_language")
    found = {}
    for name, group in zip(training.trained, training.optimizer.param_groups):
        key = keys[name.split(".", 1)[0]]
        found[key] = max(found.get(key, 0), group["lr"])
    return found


def with_gradient(name, tensor):
    """Without the key bias of an attention that has no rotary positions: softmax does not feel it, so that its
    gradient is nothing but rounding."""
    if name.startswith("language."):
        return tensor
    if name.endswith("attn.in_proj_bias"):
        q, _, v = tensor.chunk(3)
        return torch.cat([q, v])
    return tensor[:0] if name.endswith("k_proj.bias") else tensor


def compare_weights(checks, name, training, before, after):
    allowed = {"training.final_weights": [(0.0, "")], "training.final_key_bias": [(0.0, "")]}
    still = True
    for tensor, p in training.model.tensors():
        if tensor not in after:
            still &= tensor not in training.trained
            continue
        ours, theirs, start = (with_gradient(tensor, x.detach()).double() for x in (after[tensor], p, before[tensor]))
        if tensor not in training.trained:
            still &= bool((ours == start).all())
        elif len(ours):
            kind = "training.final_key_bias" if tensor.endswith("k_proj.bias") else "training.final_weights"
            allowed[kind].append((float((ours - theirs).norm() / (theirs - start).norm()), tensor))
    for tolerance, found in allowed.items():
        worst, where = max(found)
        if where:
            checks.error(f"{name}: {len(found) - 1} trained tensors, worst {where}", worst, tolerance)
    checks.true(f"{name}: what does not train stays, what trains is written", still)


def found_steps(case, samples, metrics):
    """The samples of every step."""
    if not case.per_step:
        return [samples] * len(metrics)
    known = groups(token_counts(samples), case.per_step)
    return [[samples[i] for i in known[m["tokens"], m["supervised_tokens"]][0]] for m in metrics]


def token_counts(samples):
    return [(ids.numel(), int((labels != -100).sum())) for ids, labels, _ in samples]


def compare(checks, name, case):
    model = case.start()
    before = model.written(case.folder / "start" / "epoch-0")
    reader = Reader(case.language, model, case.template)
    samples = [reader(r) for r in case.records]
    while case.per_step and any(len(g) > 1 for g in groups(token_counts(samples), case.per_step).values()):
        case.write_records()  # until the numbers of tokens of a step tell its records
        samples = [reader(r) for r in case.records]
    compare_samples(checks, name, case, reader)
    batches, all_steps = case.batches()
    metrics, folder = case.train(batches)
    training, steps = Training(model, case.options, all_steps), []
    for chosen in found_steps(case, samples, metrics):
        steps.append(rates(training))
        steps[-1]["loss"], steps[-1]["grad_norm"] = training.step(chosen, reader.image_id)
    if not case.per_step:
        tokens = sum(count for count, _ in token_counts(samples))
        checks.equal(f"{name}: tokens of a step", {m["tokens"] for m in metrics}, {tokens})
    checks.equal(f"{name}: twenty steps", len(steps), STEPS)
    compare_steps(checks, name, metrics, steps)
    compare_weights(checks, name, training, before, model.written(folder))


def main():
    programs, seed, checks, scratch = interop.start()
    transformers.utils.logging.disable_progress_bar()
    for number, (name, (changes, kind, pictures)) in enumerate(CASES.items()):
        case = Case(programs, random.Random(f"{seed} {name}"), scratch / str(number), changes, kind, pictures)
        compare(checks, name, case)
    checks.done()


if __name__ == "__main__":
    main()
