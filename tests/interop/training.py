"""Twenty steps of sft_main against twenty of torch, transformers and PEFT: what is learnt from, loss, gradient norm,
rates, and every weight at the end. Usage: training.py FOLDER_OF_PROGRAMS SEED"""
import itertools
import json
import random

import torch
import transformers

import interop
from small_folders import Reader, write_language, write_records, write_vision
from torch_training import Glued, Training, part, written

torch.set_num_threads(1)
STEPS = 20
DEFAULTS = dict(learning_rate=1e-3, learning_rate_pretraining_components=0, weight_decay=0, max_grad_norm=1.0,
                adam_beta1=0.9, adam_beta2=0.95, adam_epsilon=1e-8, lr_scheduler_type="cosine", num_warmup_steps=0,
                vis_proj="baseline")
LORA = dict(lang_lora_dim=4, vis_lora_dim=3)
FULL = dict(vis_encoder_update=True, lang_decoder_update=True)
# name: (what differs from the defaults, model_type of the decoder, are there pictures?)
CASES = {
    "everything trains": (dict(FULL, lr_scheduler_type="cosine", num_warmup_steps=3, weight_decay=0.1,
                               vision_learning_rate=3e-4, projector_learning_rate=2e-3, language_learning_rate=5e-4),
                          "llama", True),
    "projector and embedding": (dict(lr_scheduler_type="linear", num_warmup_steps=0.2, vis_proj="mlp",
                                     learning_rate_pretraining_components=2e-4, weight_decay=0.05), "qwen2", True),
    "decoder, without pictures": (dict(lang_decoder_update=True, lr_scheduler_type="cosine_with_restarts",
                                       num_warmup_steps=2, max_grad_norm=0.3), "mistral", False),
    "tower behind a frozen decoder": (dict(vis_encoder_update=True, lr_scheduler_type="constant", max_grad_norm=0,
                                           vis_proj="vit", vision_feature_layer=-2, vision_feature_select="patch",
                                           adam_beta1=0.8, adam_beta2=0.99), "llama", True),
    "adapters alone": (dict(LORA, only_optimize_lora=True, lr_scheduler_type="polynomial", num_warmup_steps=2,
                            weight_decay=0.1, lora_alpha=5), "llama", True),
    "adapters on some layers, the rest trains": (
        dict(LORA, **FULL, lang_lora_module_name="q_proj,v_proj", vis_lora_module_name="fc1,layers.1.self_attn",
             learning_rate_pretraining_components=3e-4, lr_scheduler_type="constant_with_warmup", num_warmup_steps=4,
             vis_proj="mlp"), "qwen2", True),
    "adapters of the decoder, embedding, without pictures": (
        dict(lang_lora_dim=8, lr_scheduler_type="wsd", num_warmup_steps=2, adam_epsilon=1e-5), "llama", False),
}


def command(options):
    words = []
    for name, value in options.items():
        words += [f"--{name}"] if value is True else [f"--{name}", value]
    return words


def steps_by_counts(metrics, counts, per_step):
    """Which records were in each step, from its numbers of tokens: {(tokens, supervised): records} must tell."""
    found = {}
    for chosen in itertools.combinations(range(len(counts)), per_step):
        key = tuple(sum(counts[i][k] for i in chosen) for k in (0, 1))
        found.setdefault(key, []).append(chosen)
    return [found[m["tokens"], m["supervised_tokens"]] for m in metrics]


class Case:
    """One training in both worlds, from the same start."""

    def __init__(self, programs, rng, folder, changes, kind, pictures):
        self.programs, self.folder, self.changes = programs, folder, changes
        self.options = {**DEFAULTS, **changes}
        self.language, self.vision, self.data = folder / "language", folder / "vision", folder / "data"
        write_language(self.language, rng, kind)
        write_vision(self.vision, rng)
        self.records = write_records(self.data, rng, rng.randint(5, 9), pictures)
        self.template = rng.choice(["default", "vicuna", "plain"])
        self.paths = dict(data_path=self.data / "train.json", lm_model_name_or_path=self.language,
                          vision_model_name_or_path=self.vision, template=self.template, precision="fp32",
                          image_folder=self.data / "images", data_train_split_ratio=1, eval_step=0, max_seq_len=1024,
                          num_threads=1, num_workers=1, seed=rng.randrange(1 << 30))
        batch = rng.choice([2, 3])
        self.batches = dict(per_device_train_batch_size=batch,
                            gradient_accumulation_steps=-(-len(self.records) // batch))

    def start(self):
        """The model before the first step: what a run writes whose rates are 0."""
        still = {**self.options, "learning_rate": 0, "lr_scheduler_type": "constant", "num_warmup_steps": 0}
        for name in [n for n in still if n.endswith("_learning_rate") or n == "learning_rate_pretraining_components"]:
            still.pop(name)
        self.programs.run("sft_main", *command({**self.paths, **still}), "--max_steps", 1, "--output_dir",
                          self.folder / "start")
        return self.folder / "start" / "epoch-0"

    def train(self):
        """The metrics of twenty steps in which every record takes part, and the model behind them."""
        out = self.folder / "trained"
        self.programs.run("sft_main", *command({**self.paths, **self.options, **self.batches}), "--num_train_epochs",
                          STEPS, "--output_dir", out)
        return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()], out / f"epoch-{STEPS - 1}"

    def samples(self):
        """samples.json of the first records, in the order of the file."""
        self.programs.run("sft_main", *command(self.paths), "--validate_only", "--data_debug_path",
                          self.folder / "debug")
        return json.loads((self.folder / "debug" / "samples.json").read_text())


def compare_samples(checks, name, case, reader):
    theirs = [reader.ids(r) for r in case.records]
    ours = [(s["ids"], s["supervised"]) for s in case.samples()]
    checks.equal(f"{name}: ids", [i for i, _ in ours], [i for i, _ in theirs])
    checks.equal(f"{name}: what is learnt", [[bool(x) for x in s] for _, s in ours], [s for _, s in theirs])


def compare_steps(checks, name, metrics, steps):
    checks.equal(f"{name}: number of steps", len(metrics), len(steps))
    for key in ("loss", "grad_norm"):
        worst = max(abs(m[key] - s[key]) / abs(s[key]) for m, s in zip(metrics, steps))
        checks.error(f"{name}: {key}", worst, "training.step")
    for key in ("lr", "lr_vision", "lr_language"):
        pairs = [(m[key], s[key]) for m, s in zip(metrics, steps) if key in s]
        checks.equal(f"{name}: is there {key}?", [m.get(key) is None for m in metrics], [key not in s for s in steps])
        checks.error(f"{name}: {key}", max((abs(a - b) / max(abs(b), 1e-12) for a, b in pairs), default=0),
                     "training.rate")


def rates(training):
    """The largest rate of each component in the step to come, as metrics.jsonl calls them."""
    keys = dict(projector="lr", vision="lr_vision", language="lr_language")
    found = {}
    for name, group in zip(training.trained, training.optimizer.param_groups):
        key = keys[name.split(".", 1)[0]]
        found[key] = max(found.get(key, 0), group["lr"])
    return found


def without_gradient(name):
    """The key bias of an attention without rotary positions: softmax does not feel it, so its gradient is rounding."""
    return name.endswith("k_proj.bias") and not name.startswith("language.")


def compare_weights(checks, name, training, before, after):
    worst, still = 0.0, True
    for tensor, p in training.model.tensors():
        if without_gradient(tensor) or tensor not in after:
            still &= tensor not in training.trained or without_gradient(tensor)
            continue
        ours, theirs, start = after[tensor].double(), p.detach().double(), before[tensor].double()
        update = (theirs - start).norm()
        if update == 0:
            still &= bool((ours == start).all())
        else:
            worst = max(worst, float((ours - theirs).norm() / update))
    checks.error(f"{name}: final weights of {len(training.trained)} tensors", worst, "training.final_weights")
    checks.true(f"{name}: what does not train stays, what trains is written", still)


def compare(checks, name, case):
    start = case.start()
    before = written(start)
    model = Glued(start, case.language, case.vision, case.options["vis_proj"],
                  case.options.get("vision_feature_layer", -1), case.options.get("vision_feature_select", "full"))
    reader = Reader(case.language, case.vision, model.tokens_per_image(), case.template)
    compare_samples(checks, name, case, reader)
    samples = [reader(r) for r in case.records]
    training = Training(model, case.options, STEPS)
    metrics, folder = case.train()
    steps = []
    for _ in range(STEPS):
        step = rates(training)
        step["loss"], step["grad_norm"] = training.step(samples, reader.image_id)
        steps.append(step)
    tokens = sum(ids.numel() for ids, _, _ in samples)
    checks.equal(f"{name}: tokens of a step", {m["tokens"] for m in metrics}, {tokens})
    compare_steps(checks, name, metrics, steps)
    compare_weights(checks, name, training, before, written(folder))


def main():
    programs, seed, checks, scratch = interop.start()
    transformers.utils.logging.disable_progress_bar()
    for number, (name, (changes, kind, pictures)) in enumerate(CASES.items()):
        rng = random.Random(f"{seed} {name}")
        case = Case(programs, rng, scratch / str(number), changes, kind, pictures)
        compare(checks, name, case)
    checks.done()


main()
