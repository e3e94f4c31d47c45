"""Whole models against transformers: loss, logits of every row, the gradient of every parameter.

Random configurations of the default architecture, of LLaVA-1.5 and of LLaVA-NeXT. Ours runs four conversations with
their pictures as one packed batch, torch (torch_models.py) runs them one at a time. In bf16 both programs are compared
with torch in fp32, and ours must not be farther from it than torch's autocast: on folders whose weights are numbers of
bf16, and on others, where ours rounds embeddings too, which autocast leaves in fp32.
"""
import math
import random

import safetensors.torch
import torch
import transformers

import interop
import model_folders
import torch_models


class Comparison:
    """One model folder after another through probe_model and through torch."""

    def __init__(self, programs, seed, checks, scratch):
        self.programs, self.checks, self.scratch = programs, checks, scratch
        self.rng, self.generator = random.Random(seed), torch.Generator().manual_seed(seed)
        self.distances = {}  # from fp32, in bf16: by what and by the weights' type, those of (ours, torch)

    def conversations(self, reference, grid=None):
        given = torch_models.drawn_conversations(self.rng, self.generator, reference, grid)
        safetensors.torch.save_file(given.tensors(), self.scratch / "in.safetensors")
        return given

    def ours(self, folder, *options):
        out = self.scratch / "out.safetensors"
        self.programs.run("probe_model", folder, self.scratch / "in.safetensors", out, *options)
        return safetensors.torch.load_file(out)

    def compare(self, name, ours, theirs):
        self.checks.error(f"{name}: loss", interop.relative(ours["loss"], theirs["loss"]), "models.loss")
        self.checks.error(f"{name}: logits", interop.relative(ours["logits"], theirs["logits"]), "models.logits")
        names = gradients_of(theirs)
        if not self.checks.equal(f"{name}: {len(names)} parameters have a gradient", gradients_of(ours), names):
            return
        whole = norm_of_all(theirs)
        zero = [n for n in names if is_zero(n)]
        error, worst = max((interop.relative(ours[n], theirs[n], 1e-6 * whole), n) for n in names if n not in zero)
        self.checks.error(f"{name}: gradients (worst: {worst[5:]})", error, "models.gradient")
        rounding = max(float(ours[n].norm()) / whole for n in zero)
        self.checks.error(f"{name}: gradients that are zero, of the whole", rounding, "models.zero_gradient")

    def compare_bf16(self, folder, given, exact, reference, dtype):
        """Notes how far both programs are from fp32. dtype: the weights are numbers of it."""
        both = self.ours(folder, "--precision", "bf16"), reference.run(given, autocast=True)
        names = gradients_of(exact)
        flat = lambda r: torch.cat([r[n].flatten() for n in names])
        for what, part in [("loss", lambda r: r["loss"]), ("logits", lambda r: r["logits"]), ("gradient", flat)]:
            pairs = self.distances.setdefault((what, dtype), [])
            pairs.append([interop.relative(part(r), part(exact)) for r in both])

    def finish_bf16(self):
        for (what, dtype), pairs in self.distances.items():
            ours, theirs = (math.sqrt(sum(d * d for d in side) / len(pairs)) for side in zip(*pairs))
            name, weights = ("bf16", "of bf16") if dtype == torch.bfloat16 else ("bf16_rounded", "rounded")
            self.checks.error(f"bf16 with weights {weights}, {what}: {ours:.3g} from fp32, torch's autocast "
                              f"{theirs:.3g} ({len(pairs)} models); ratio", ours / theirs, f"models.{name}_{what}")


def gradients_of(result):
    return sorted(n for n in result if n.startswith("grad."))


def norm_of_all(result):
    return sum(float(result[n].double().norm()) ** 2 for n in gradients_of(result)) ** 0.5


def is_zero(name):
    """A key's bias without RoPE adds one number to all scores of a query: what a program finds there is rounding."""
    return name.endswith("k_proj.bias") and not name.startswith("grad.model.layers.")


ROPES = ["default", "linear", "dynamic", "llama3"]
TYPES = [torch.bfloat16, torch.float32]
PROJECTORS = ["baseline", "vit", "mlp", "perceiver"]


def language_of(rng, number, wide=False):
    """A random decoder with the number's rope type, and a name for it. wide: a perceiver has two heads."""
    kind_of_rope = ROPES[(number + number // 4) % 4]
    rope = model_folders.rope_parameters(kind_of_rope, rng.choice([1e4, 1e5, 5e5]))
    kind, s = model_folders.language_sizes(rng, rope, wide)
    words = [kind, f"heads {s['num_attention_heads']}/{s['num_key_value_heads']}",
             f"head_dim {s.get('head_dim', 'hidden/heads')}", "tied" if s["tie_word_embeddings"] else "",
             "bias" if s.get("attention_bias") else "", "mlp bias" if s.get("mlp_bias") else "",
             f"{kind_of_rope} {rope['rope_theta']:.0f}"]
    return (kind, s), " ".join(w for w in words if w)


def compare_default(c, number):
    """The number walks through projectors, rope types and masks; the rest is random."""
    folder, projector, mmca = c.scratch / f"default-{number}", PROJECTORS[number % 4], number % 3 == 2
    language, name = language_of(c.rng, number, wide=number == 7)
    vision, version_4, whole_clip = model_folders.vision_sizes(c.rng), c.rng.random() < 0.5, number % 4 == 1
    features, dtype = (c.rng.choice([-1, -2]), c.rng.choice(["full", "patch"])), TYPES[number // 4 % 2]
    model_folders.write_model(folder, language, vision, projector, c.generator, mmca, *features, version_4,
                              whole_clip, dtype)
    name = f"{number} {name} config of transformers {4 if version_4 else 5}, {'whole ' if whole_clip else ''}CLIP " \
           f"{vision['hidden_act']} layer {features[0]} {features[1]}, {projector}{', mmca' if mmca else ''}"
    reference = torch_models.Default(folder)
    given = c.conversations(reference)
    theirs = reference.run(given)
    ours = c.ours(folder, *(["--gradient_checkpointing"] if number % 5 == 4 else []))
    c.compare(name, ours, theirs)
    if number < 4 and not mmca:
        plain = torch_models.Default(folder, plain=True).run(given)
        c.compare(f"{number} the decoder of plain_torch.py", ours, plain)
    if not mmca:
        c.compare_bf16(folder, given, theirs, torch_models.Default(folder), dtype)


def compare_llava(c, number):
    """Odd numbers are LLaVA-NeXT."""
    folder = c.scratch / f"llava-{number}"
    language, name = language_of(c.rng, number)
    vision = model_folders.vision_sizes(c.rng)
    side, grid = vision["image_size"], None
    if number % 2:
        grid = [[h * side, w * side] for h, w in c.rng.choice([[(1, 2), (2, 1), (2, 2), (3, 1), (1, 3)], [(2, 3)],
                                                              [(1, 4), (2, 2), (3, 2)]])]
    features = (c.rng.choice([-1, -2]), "default" if grid else c.rng.choice(["default", "full"]))
    bias, dtype = c.rng.random() < 0.6, TYPES[number // 2 % 2]
    model_folders.write_llava(folder, language, vision, c.generator, grid, bias, *features, dtype)
    name = f"{number} LLaVA{'-NeXT' if grid else ''} {name}, {vision['hidden_act']} layer {features[0]} " \
           f"{features[1]}, projector {'with' if bias else 'without'} bias"
    reference = torch_models.Llava(folder)
    given = c.conversations(reference, grid)
    theirs = reference.run(given)
    c.compare(name, c.ours(folder), theirs)
    c.compare_bf16(folder, given, theirs, torch_models.Llava(folder), dtype)


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    comparison = Comparison(*interop.start())
    for number in range(16):
        compare_default(comparison, number)
    for number in range(8):
        compare_llava(comparison, number)
    comparison.finish_bf16()
    comparison.checks.done()
