"""Schedules against transformers.get_scheduler; AdamW and clipping against torch."""
import numpy as np
import torch
from safetensors.numpy import load_file, save_file

import interop
from torch_optim import SCHEDULES, drawn_case, factors, trajectory

LENGTHS, CASES = 200, 40


def compare_schedules(rng, programs, checks):
    """Each kind over drawn lengths and warm-ups (none, all, more than all), some updates beyond the end."""
    for kind in SCHEDULES:
        runs = []
        for _ in range(LENGTHS):
            steps = int(rng.integers(1, 400))
            warmup = int(rng.choice([0, rng.integers(2, 20), rng.integers(2, steps + 12)]))
            beyond = 0 if warmup == steps else 5  # transformers' polynomial would divide by 0
            runs.append((kind, steps, warmup, float(10 ** rng.uniform(-6, 0)), steps + beyond))
        lines = "\n".join(f"{kind} {steps} {warmup} {rate!r} {count}" for kind, steps, warmup, rate, count in runs)
        answers = programs.run("probe_optim", text=lines + "\n").stdout.splitlines()
        worst = 0.0
        for run, answer in zip(runs, answers, strict=True):
            ours, theirs = np.array(answer.split(), float), np.array(factors(*run))
            worst = max(worst, np.abs(ours - theirs).max())
        checks.error(f"{kind}, {LENGTHS} lengths and warm-ups", worst, "optim.schedule")


def trained(programs, scratch, case):
    """(norms, weights after each step) of the library."""
    tensors = {"rates": case["rates"]}
    for i, (start, gradients) in enumerate(zip(case["start"], case["gradients"])):
        tensors |= {f"start.{i}": start, f"gradient.{i}": gradients}
    save_file(tensors, scratch / "in.safetensors", {name: repr(value) for name, value in case["settings"].items()})
    programs.run("probe_optim", scratch / "in.safetensors", scratch / "out.safetensors")
    out = load_file(scratch / "out.safetensors")
    return out["norms"], [out[f"weights.{i}"] for i in range(len(case["start"]))]


def compare_adamw(rng, programs, checks, scratch):
    """Norms and weights of every step, and both in fp32 against torch in double: no worse than torch itself."""
    worst_norm = worst_weight = 0.0
    ours_off, theirs_off = [], []
    for _ in range(CASES):
        shapes = [(1, int(rng.integers(1, 90))), *rng.integers(2, 40, (2, 2)).tolist(), (3, 1)]
        case = drawn_case(rng, [tuple(s) for s in shapes], steps=int(rng.integers(2, 60)))
        (norms, weights), (their_norms, theirs) = trained(programs, scratch, case), trajectory(case)
        _, exact = trajectory(case, torch.float64)
        worst_norm = max(worst_norm, float((np.abs(norms - their_norms) / np.maximum(their_norms, 1e-30)).max()))
        for a, b, x in zip(weights, theirs, exact):
            worst_weight = max(worst_weight, max(interop.relative(*pair, floor=1e-9) for pair in zip(a, b)))
            ours_off.append(interop.relative(a, x, floor=1e-9))
            theirs_off.append(interop.relative(b, x, floor=1e-9))
    checks.error(f"gradient norms before clipping, {CASES} runs", worst_norm, "optim.norm")
    checks.error(f"AdamW in fp32, weights after each step, {CASES} runs", worst_weight, "optim.weights")
    print(f"      from torch in double: ours {max(ours_off):.3g}, torch in fp32 {max(theirs_off):.3g}")
    checks.error("AdamW against torch in double, over what torch in fp32 is off", np.mean(ours_off) /
                 np.mean(theirs_off), "optim.weights_over_torch")


def main():
    programs, seed, checks, scratch = interop.start()
    rng = np.random.default_rng(seed)
    compare_schedules(rng, programs, checks)
    compare_adamw(rng, programs, checks, scratch)
    checks.done()


if __name__ == "__main__":
    main()
