"""Twenty steps of sft_main in fp16 beside twenty of torch under autocast with GradScaler: the same steps are skipped, and
losses are no farther from those of fp32 than torch's are. Usage: half_precision.py FOLDER_OF_PROGRAMS SEED"""
import copy
import json
import math
import random

import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import nn

import interop
from small_folders import Reader
from torch_training import Training
from training import CASES, Case

torch.set_num_threads(1)
PLAIN = ["everything trains", "projector and embedding", "decoder, without pictures", "adapters alone",
         "LLaVA-1.5, projector"]


class HalfTraining(Training):
    """The same with products in fp16 and a loss scale."""

    def __init__(self, model, options, steps):
        super().__init__(model, options, steps)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16, growth_interval=100)

    def step(self, samples, image_id):
        """The token mean of the loss, the scale it was multiplied by, and whether the step was skipped."""
        tokens = sum(int((labels[:, 1:] != -100).sum()) for _, labels, _ in samples)
        total, scale = 0.0, self.scaler.get_scale()
        for ids, labels, given in samples:
            with torch.autocast("cpu", dtype=torch.float16):
                logits = self.model.logits(ids, given, image_id)[0, :-1]
            loss = nn.functional.cross_entropy(logits.float(), labels[0, 1:], ignore_index=-100,
                                               reduction="sum") / tokens
            if loss.requires_grad:
                self.scaler.scale(loss).backward()
            total += loss.item()
        for p in self.trained.values():
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        self.scaler.unscale_(self.optimizer)
        limit = self.options["max_grad_norm"]
        nn.utils.clip_grad_norm_(list(self.trained.values()), limit if limit > 0 else float("inf"))
        self.scaler.step(self.optimizer)
        self.scaler.update()
        skipped = self.scaler.get_scale() < scale
        if not skipped:
            self.schedule.step()
        self.optimizer.zero_grad()
        return total, scale, skipped


def widen(folder):
    """Gradients of the head's input leave the range of fp16, and no others do: a large head behind a norm of a large
    residual stream, which passes little on."""
    path = folder / "model.safetensors"
    weights = load_file(path)
    for name, tensor in weights.items():
        if name.endswith(("lm_head.weight", "embed_tokens.weight")):
            weights[name] = 300 * tensor
    save_file(weights, path, metadata={"format": "pt"})


def compare(checks, name, case, distances):
    model = case.start()
    reader = Reader(case.language, model, case.template)
    samples = [reader(r) for r in case.records]
    batches, all_steps = case.batches()
    case.paths["precision"] = "fp16"
    metrics, _ = case.train(batches)
    exact, half = Training(model, case.options, all_steps), HalfTraining(copy.deepcopy(model), case.options, all_steps)
    theirs = [half.step(samples, reader.image_id) for _ in metrics]
    skipped = [step for step, (_, _, was) in enumerate(theirs, 1) if was]
    before, ours = 0, []
    for m in metrics:
        ours += [m["step"]] * (m["skipped"] - before)
        before = m["skipped"]
    checks.equal(f"{name}: skipped steps {skipped}", ours, skipped)
    checks.equal(f"{name}: loss scales", [m["loss_scale"] for m in metrics], [scale for _, scale, _ in theirs])
    for m, (loss, _, was) in zip(metrics, theirs):
        if not was:
            truth, _ = exact.step(samples, reader.image_id)
            distances.append((m["loss"] / truth - 1, loss / truth - 1))


def main():
    programs, seed, checks, scratch = interop.start()
    transformers.utils.logging.disable_progress_bar()
    distances = []
    for number, name in enumerate([*PLAIN, "beyond the range of fp16"]):
        changes, kind, pictures = CASES.get(name, CASES["LLaVA-1.5, projector"])
        case = Case(programs, random.Random(f"{seed} {name}"), scratch / str(number), changes, kind, pictures)
        if name not in CASES:
            widen(case.language)
        compare(checks, name, case, distances)
    ours, theirs = (math.sqrt(sum(d * d for d in side) / len(distances)) for side in zip(*distances))
    checks.error(f"loss of {len(distances)} steps: {ours:.3g} from fp32, torch's autocast {theirs:.3g}; ratio",
                 ours / theirs, "training.fp16_loss")
    checks.done()


if __name__ == "__main__":
    main()
