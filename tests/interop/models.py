"""Whole models against transformers: loss, logits of every row and the gradient of every parameter.

The default architecture is CLIPVisionModel, a projector of plain_torch.py and a causal language model of transformers
(under MMCA, and once more without it, the decoder of plain_torch.py). Ours runs the conversations as one packed batch;
torch runs them one at a time.
"""
import json
import random
import sys

import safetensors.torch
import torch
import transformers

import interop
import model_folders
import plain_torch

IMAGE = model_folders.SPECIAL["<image>"]
NO_GRADIENT = ("vision_model.post_layernorm.",)  # the tower's output does not pass it


class Conversations:
    """Random ids with pictures among them, and which of them are supervised."""

    def __init__(self, rng, generator, vocabulary, side, lengths):
        self.samples, pictures = [], 0
        for n in lengths:
            ids = [rng.choice([i for i in range(vocabulary) if i != IMAGE]) for _ in range(n)]
            for at in rng.sample(range(n - 1), rng.choice([0, 1, 1, 2])):
                ids[at] = IMAGE
            labels = [i if i != IMAGE and rng.random() < 0.6 else -1 for i in ids]
            labels[-1] = ids[-1]
            self.samples.append((ids, labels))
            pictures += ids.count(IMAGE)
        self.pixels = torch.randn(pictures, 3, side, side, generator=generator)

    def save(self, path):
        flat = lambda which: torch.tensor([i for s in self.samples for i in s[which]])
        safetensors.torch.save_file({"ids": flat(0), "labels": flat(1), "pixels": self.pixels,
                                     "lengths": torch.tensor([len(s[0]) for s in self.samples])}, path)


def summed_loss(logits, labels):
    """Sum of the token losses; row r predicts label r + 1."""
    targets = torch.tensor(labels[1:] + [-1])
    return torch.nn.functional.cross_entropy(logits.float(), targets, ignore_index=-1, reduction="sum")


def forget_longest(rotary):
    """Dynamic RoPE remembers the longest sequence it has seen; ours goes by each sequence's own length."""
    rotary.inv_freq, rotary.max_seq_len_cached = rotary.original_inv_freq, rotary.original_max_seq_len


class Torch:
    """A folder's model in torch. plain: the decoder of plain_torch.py in place of transformers'."""

    def __init__(self, folder, plain=False):
        self.settings = json.loads((folder / "vltune.json").read_text())
        load = dict(dtype=torch.float32, attn_implementation="eager")
        self.language = transformers.AutoModelForCausalLM.from_pretrained(folder / "language_model", **load)
        self.vision = transformers.CLIPVisionModel.from_pretrained(folder / "vision_model", **load)
        stored = safetensors.torch.load_file(folder / "projector" / "model.safetensors")
        self.projector = {n.removeprefix("projection."): t.requires_grad_() for n, t in stored.items()}
        self.kind = json.loads((folder / "projector" / "config.json").read_text())["kind"]
        self.decoder = None
        if plain or self.settings["mmca"]:
            mask = plain_torch.mmca if self.settings["mmca"] else plain_torch.causal
            self.decoder = plain_torch.Decoder(dict(self.language.named_parameters()),
                                               self.language.config.to_dict(), mask)

    def project(self, x):
        c = self.vision.config
        if self.kind == "vit":
            activation = transformers.activations.ACT2FN[c.hidden_act]
            return plain_torch.vit(self.projector, x, c.num_attention_heads, c.layer_norm_eps, activation)
        return getattr(plain_torch, self.kind)(self.projector, x)

    def image_tokens(self, pixels):
        layer = self.settings["vision_feature_layer"]
        x = self.vision(pixels, output_hidden_states=True).hidden_states[layer]
        if self.settings["vision_feature_select"] == "patch" or self.kind == "perceiver":
            x = x[:, 1:]
        return self.project(x)

    def logits(self, ids, images):
        embed = self.language.get_input_embeddings()
        parts, image, left = [], [], list(images)
        for i in ids:
            parts.append(left.pop(0) if i == IMAGE else embed(torch.tensor([i])))
            image += [i == IMAGE] * len(parts[-1])
        x = torch.cat(parts)
        if self.decoder:
            return self.decoder(x, torch.tensor(image)), torch.tensor(image)
        forget_longest(self.language.model.rotary_emb)
        return self.language(inputs_embeds=x[None]).logits[0], torch.tensor(image)

    def run(self, conversations):
        """What probe_model writes: loss, logits, gradients by our names."""
        images = list(self.image_tokens(conversations.pixels)) if len(conversations.pixels) else []
        losses, all_logits, supervised = [], [], 0
        for ids, labels in conversations.samples:
            logits, image = self.logits(ids, images[:ids.count(IMAGE)])
            images = images[ids.count(IMAGE):]
            rows = spliced_labels(ids, labels, image)
            losses.append(summed_loss(logits, rows))
            supervised += sum(i >= 0 for i in rows[1:])
            all_logits.append(logits.detach().float())
        loss = sum(losses) / supervised
        loss.backward()
        return {"loss": loss.detach().reshape(1), "logits": torch.cat(all_logits)} | self.gradients()

    def gradients(self):
        named = {n: p for n, p in self.language.named_parameters()}
        named |= {"projection." + n: p for n, p in self.projector.items()}
        named |= {"vision_model." + n.removeprefix("vision_model."): p for n, p in self.vision.named_parameters()}
        return {"grad." + n: torch.zeros_like(p) if p.grad is None else p.grad for n, p in named.items()
                if not self.behind_features(n)}

    def behind_features(self, name):
        """post_layernorm and the layers behind the one whose output is read do not train."""
        layer, depth = self.settings["vision_feature_layer"], self.vision.config.num_hidden_layers
        run = depth + 1 + layer if layer < 0 else layer
        behind = [f"vision_model.encoder.layers.{i}." for i in range(run, depth)]
        return name.startswith((*NO_GRADIENT, *behind))


def spliced_labels(ids, labels, image):
    """Labels of the rows: none for the image tokens."""
    text = iter([label for i, label in zip(ids, labels) if i != IMAGE])
    return [-1 if picture else next(text) for picture in image]


def whole_norm(result):
    return sum(t.double().norm() ** 2 for n, t in result.items() if n.startswith("grad.")) ** 0.5


def no_gradient(name):
    """A key's bias without RoPE adds one number to all scores of a query: what a program finds there is rounding."""
    return name.endswith("k_proj.bias") and not name.startswith("grad.model.layers.")


def compare(checks, name, ours, theirs):
    checks.error(f"{name}: loss", interop.relative(ours["loss"], theirs["loss"]), "models.loss")
    checks.error(f"{name}: logits", interop.relative(ours["logits"], theirs["logits"]), "models.logits")
    gradients = {n for n in theirs if n.startswith("grad.")}
    if not checks.equal(f"{name}: {len(gradients)} parameters have a gradient", sorted(set(ours) - {"loss", "logits"}),
                        sorted(gradients)):
        return
    whole = float(whole_norm(theirs))
    zero = {n for n in gradients if no_gradient(n)}
    error, worst = max((interop.relative(ours[n], theirs[n], 1e-6 * whole), n) for n in gradients - zero)
    checks.error(f"{name}: gradients (worst: {worst[5:]})", error, "models.gradient")
    rounding = max(float(ours[n].norm()) / whole for n in zero)
    checks.error(f"{name}: gradients that are zero, of the whole", rounding, "models.zero_gradient")


def ours(programs, folder, scratch, *options):
    out = scratch / "out.safetensors"
    programs.run("probe_model", folder, scratch / "in.safetensors", out, *options)
    return safetensors.torch.load_file(out)


def default_model(folder, rng, generator, number):
    """A random model folder; the number walks through projectors and rope types. Returns a name for it."""
    projector = ["baseline", "vit", "mlp", "perceiver"][number % 4]
    rope_kind = ["default", "linear", "dynamic", "llama3"][(number + number // 4) % 4]
    rope = model_folders.rope_parameters(rope_kind, rng.choice([1e4, 1e5, 5e5]))
    language, vision = model_folders.language_sizes(rng, rope), model_folders.vision_sizes(rng)
    mmca, version_4 = number % 3 == 2, rng.random() < 0.5
    features = (rng.choice([-1, -2]), rng.choice(["full", "patch"]))
    model_folders.write_model(folder, language, vision, projector, generator, mmca, *features, version_4)
    kind, s = language
    return " ".join([f"{number}:", kind, f"heads {s['num_attention_heads']}/{s['num_key_value_heads']}",
                     f"head_dim {s.get('head_dim', 'hidden/heads')}", *(["tied"] if s["tie_word_embeddings"] else []),
                     *(["bias"] if s.get("attention_bias") else []), *(["mlp bias"] if s.get("mlp_bias") else []),
                     f"{rope_kind} {rope['rope_theta']:.0f}", "v4" if version_4 else "v5", f"{vision['hidden_act']}",
                     projector, f"layer {features[0]} {features[1]}", *(["mmca"] if mmca else [])])


def compare_default(programs, checks, scratch, seed, count):
    rng, generator = random.Random(seed), torch.Generator().manual_seed(seed)
    for number in range(count):
        folder = scratch / f"model-{number}"
        name = default_model(folder, rng, generator, number)
        theirs = Torch(folder)
        given = Conversations(rng, generator, theirs.language.config.vocab_size, theirs.vision.config.image_size,
                              [rng.randint(3, 60) for _ in range(4)])
        given.save(scratch / "in.safetensors")
        result = ours(programs, folder, scratch, *(["--gradient_checkpointing"] if number % 5 == 4 else []))
        compare(checks, name, result, theirs.run(given))
        if number < 4 and not theirs.decoder:
            compare(checks, f"{number}: the decoder of plain_torch.py", result, Torch(folder, plain=True).run(given))


if __name__ == "__main__":
    programs, seed, checks, scratch = interop.start()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    compare_default(programs, checks, scratch, seed, int(sys.argv[3]) if len(sys.argv) > 3 else 16)
    checks.done()
