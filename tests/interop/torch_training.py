"""The training of sft_main once more, in torch, transformers and PEFT: what trains, at which rate, one step."""
import pathlib

import torch
import transformers
from peft import PeftModel
from safetensors.torch import load_file
from torch import nn
from transformers import AutoModelForCausalLM, CLIPVisionModel
from transformers.models.clip.modeling_clip import CLIPEncoderLayer

OPEN = dict(dtype=torch.float32, attn_implementation="eager")


class Mlp(nn.Module):
    """LLaVA's projector."""

    def __init__(self, vision, width):
        super().__init__()
        self.linear_1, self.linear_2 = nn.Linear(vision.hidden_size, width), nn.Linear(width, width)

    def forward(self, x):
        return self.linear_2(nn.functional.gelu(self.linear_1(x)))


class Baseline(nn.Sequential):
    def __init__(self, vision, width):
        super().__init__(nn.Linear(vision.hidden_size, width), nn.LayerNorm(width, eps=1e-12))


class OneLayer(nn.Module):
    """A layer like the tower's own, then the baseline."""

    def __init__(self, vision, width):
        super().__init__()
        self.vis_layer, self.projection = CLIPEncoderLayer(vision), Baseline(vision, width)

    def forward(self, x):
        y = self.vis_layer(x, attention_mask=None)
        return self.projection(y[0] if isinstance(y, tuple) else y)


PROJECTORS = {"baseline": Baseline, "mlp": Mlp, "vit": OneLayer}


def part(folder, name, original):
    """A part of a model folder, or the original one where it was not written."""
    inside = pathlib.Path(folder) / name
    return inside if (inside / "config.json").exists() else pathlib.Path(original)


def tensors_of(folder):
    """What a folder of weights holds, by the names that transformers and PEFT use today."""
    found = {}
    for path in sorted(pathlib.Path(folder).glob("*.safetensors")):
        for name, tensor in load_file(path).items():
            found[name.removeprefix("base_model.model.").removeprefix("vision_model.")] = tensor
    return found


def written(folder):
    """Every tensor of a model folder that sft_main wrote, as component.name."""
    parts = {"language": ["language_model", "language_adapter"], "vision": ["vision_model", "vision_adapter"],
             "projector": ["projector"]}
    return {f"{component}.{name}": tensor for component, folders in parts.items() for f in folders
            for name, tensor in tensors_of(pathlib.Path(folder) / f).items()}


class Glued(nn.Module):
    """A tower, a projector and a decoder, read from a model folder that sft_main wrote."""

    def __init__(self, folder, language, vision, kind, layer=-1, select="full"):
        super().__init__()
        folder = pathlib.Path(folder)
        self.language = AutoModelForCausalLM.from_pretrained(part(folder, "language_model", language), **OPEN)
        self.vision = CLIPVisionModel.from_pretrained(part(folder, "vision_model", vision), **OPEN)
        self.projector = PROJECTORS[kind](self.vision.config, self.language.config.hidden_size)
        weights = tensors_of(folder / "projector")
        self.projector.load_state_dict({name.removeprefix("projection."): t for name, t in weights.items()})
        self.layer, self.select = layer, select
        for name in ("language", "vision"):
            if (folder / f"{name}_adapter").exists():
                model = PeftModel.from_pretrained(getattr(self, name), folder / f"{name}_adapter", is_trainable=True)
                setattr(self, name, model)
        self.eval()

    def tokens_per_image(self):
        config = self.vision.config
        return (config.image_size // config.patch_size) ** 2 + (self.select == "full")

    def features(self, pixels):
        x = self.vision(pixel_values=pixels, output_hidden_states=True).hidden_states[self.layer]
        return self.projector(x if self.select == "full" else x[:, 1:])

    def logits(self, ids, pixels, image_id):
        x = self.language.get_input_embeddings()(ids)
        if pixels is not None:
            x = x.masked_scatter((ids == image_id)[..., None], self.features(pixels))
        return self.language(inputs_embeds=x, use_cache=False).logits

    def tensors(self):
        """(component.name, parameter) with the names of the folders."""
        for name, p in self.named_parameters():
            component, _, rest = name.partition(".")
            rest = rest.removeprefix("base_model.model.").replace(".base_layer", "").replace(".default", "")
            yield f"{component}.{'projection.' * (component == 'projector')}{rest}", p

    def unused(self, name):
        """Tensors of the tower behind the hidden state that is read."""
        depth = self.vision.config.num_hidden_layers
        run = self.layer if self.layer >= 0 else depth + 1 + self.layer
        behind = [f"vision.encoder.layers.{i}." for i in range(run, depth)]
        return name.startswith(("vision.post_layernorm.", *behind))


class Training:
    """AdamW over a model as the options of sft_main ask for it. options: by name, flags are True."""

    def __init__(self, model, options, steps):
        self.model, self.options = model, options
        self.names = {name for name, _ in model.tensors()}
        self.trained = {name: p for name, p in model.tensors() if self.trains(name)}
        for name, p in model.tensors():
            p.requires_grad_(name in self.trained)
        groups = [{"params": [p], "lr": self.rate(name), "weight_decay": self.decay(p)}
                  for name, p in self.trained.items()]
        self.optimizer = torch.optim.AdamW(groups, lr=options["learning_rate"], eps=options["adam_epsilon"],
                                           betas=(options["adam_beta1"], options["adam_beta2"]))
        self.schedule = schedule(options["lr_scheduler_type"], self.optimizer, options["num_warmup_steps"], steps)

    def trains(self, name):
        component, rest = name.split(".", 1)
        get = self.options.get
        if component == "projector" or ".lora_" in name:
            return True
        if rest.endswith(".weight") and f"{name[:-7]}.lora_A.weight" in self.names:
            return False
        if component == "vision":
            return get("vis_encoder_update", False) and not self.model.unused(name)
        if rest == "model.embed_tokens.weight":
            return not get("only_optimize_lora", False)
        return get("lang_decoder_update", False)

    def rate(self, name):
        component = name.split(".", 1)[0]
        own = self.options.get(f"{component}_learning_rate")
        if own is not None:
            return own
        new = component == "projector" or ".lora_" in name
        pretrained = self.options["learning_rate_pretraining_components"] or self.options["learning_rate"]
        return self.options["learning_rate"] if new else pretrained

    def decay(self, p):
        return self.options["weight_decay"] if p.dim() > 1 else 0.0

    def step(self, samples, image_id):
        """One optimiser step over (ids, labels, pixels); returns the token mean of the loss and the gradient's norm."""
        tokens = sum(int((labels[:, 1:] != -100).sum()) for _, labels, _ in samples)
        total = 0.0
        for ids, labels, pixels in samples:
            logits = self.model.logits(ids, pixels, image_id)[0, :-1]
            loss = nn.functional.cross_entropy(logits, labels[0, 1:], ignore_index=-100, reduction="sum") / tokens
            loss.backward()
            total += loss.item()
        limit = self.options["max_grad_norm"]
        norm = nn.utils.clip_grad_norm_(list(self.trained.values()), limit if limit > 0 else float("inf"))
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        return total, norm.item()


def schedule(name, optimizer, warmup, steps):
    warmup = int(warmup) if warmup > 1 else int(warmup * steps)
    if name == "wsd":
        decay = steps // 10
        return transformers.get_wsd_schedule(optimizer, warmup, decay, num_stable_steps=steps - warmup - decay,
                                             decay_type="linear")
    return transformers.get_scheduler(name, optimizer, warmup, steps)
