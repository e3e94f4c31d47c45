"""The models that sft_main trains, in torch and transformers, with tensors under the names of its folders: the default
architecture put together from a tower, a projector and a decoder, and transformers' LLaVA."""
import pathlib

import torch
import transformers
from peft import PeftModel
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from transformers import AttentionInterface, AutoModelForCausalLM, AutoModelForImageTextToText, CLIPVisionModel
from transformers.models.clip.modeling_clip import CLIPEncoderLayer

import plain_torch


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


class Perceiver(nn.Module):
    """256 learned queries read the patches of a picture through torch's own attention."""

    def __init__(self, vision, width):
        super().__init__()
        norm = dict(eps=1e-12)
        self.query, self.kv_proj = nn.Parameter(torch.empty(256, width)), nn.Linear(vision.hidden_size, width)
        self.attn = nn.MultiheadAttention(width, max(1, width // 128), batch_first=True)
        self.ln_q, self.ln_kv = nn.LayerNorm(width, **norm), nn.LayerNorm(width, **norm)
        self.projection = nn.Sequential(nn.LayerNorm(width, **norm), nn.Linear(width, width))
        table = plain_torch.sin_cos_table(width, 16)
        self.places = table.float(), plain_torch.resized(table, vision.image_size // vision.patch_size).float()

    def forward(self, x):
        kv = self.ln_kv(self.kv_proj(x))
        q = (self.ln_q(self.query) + self.places[0]).expand(len(x), -1, -1)
        return self.projection(self.attn(q, kv + self.places[1], kv, need_weights=False)[0])


PROJECTORS = {"baseline": Baseline, "mlp": Mlp, "vit": OneLayer, "perceiver": Perceiver}


class Sequence:
    """Which tokens of the sequence that is being read belong to pictures."""
    image = None


def mmca(module, query, key, value, attention_mask, scaling, **more):
    """An image token keeps its own value; a text token adds a softmax over text up to itself and one over images."""
    key, value = (x.repeat_interleave(query.shape[1] // x.shape[1], 1) for x in (key, value))
    scores, image = query @ key.mT * scaling, Sequence.image
    out = torch.zeros_like(query)
    for kind in (~image, image):
        seen = torch.ones(scores.shape[-2:], dtype=torch.bool).tril() & kind
        some = seen.any(-1, keepdim=True)
        out = out + torch.softmax(scores.masked_fill(~seen & some, -torch.inf), -1) * some @ value
    return torch.where(image[:, None], value, out).transpose(1, 2), None


AttentionInterface.register("mmca", mmca)


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


def without_wrapping(name):
    """The name of a tensor of a model that PEFT has wrapped."""
    return name.removeprefix("base_model.model.").replace(".base_layer", "").replace(".default", "")


class Trained(nn.Module):
    """What both kinds share: `vision`, the configuration of the tower, and `layer`, the hidden state that is read."""

    def unused(self, name):
        """Tensors of the tower behind the hidden state that is read."""
        depth = self.tower.num_hidden_layers
        run = self.layer if self.layer >= 0 else depth + 1 + self.layer
        behind = [f"vision.encoder.layers.{i}." for i in range(run, depth)]
        return name.startswith(("vision.post_layernorm.", *behind))

    def opened(self, paths):
        pictures = [Image.open(p).convert("RGB") for p in paths]
        return dict(self.processor(pictures, return_tensors="pt")) if pictures else {}


class Glued(Trained):
    """A tower, a projector and a decoder, read from a model folder that sft_main wrote. options: those of the run."""

    def __init__(self, folder, language, vision, options):
        super().__init__()
        folder, load = pathlib.Path(folder), dict(dtype=torch.float32)
        attention = "mmca" if options.get("enable_mmca_attention") else "eager"
        self.language = AutoModelForCausalLM.from_pretrained(part(folder, "language_model", language), **load,
                                                             attn_implementation=attention)
        self.vision = CLIPVisionModel.from_pretrained(part(folder, "vision_model", vision), **load)
        self.tower, self.kind = self.vision.config, options.get("vis_proj", "baseline")
        self.projector = PROJECTORS[self.kind](self.tower, self.language.config.hidden_size)
        weights = tensors_of(folder / "projector")
        self.projector.load_state_dict({name.removeprefix("projection."): t for name, t in weights.items()})
        self.layer = options.get("vision_feature_layer", -1)
        self.select = "patch" if self.kind == "perceiver" else options.get("vision_feature_select", "full")
        self.processor = transformers.CLIPImageProcessorPil.from_pretrained(vision)
        for name in ("language", "vision"):
            if (folder / f"{name}_adapter").exists():
                model = PeftModel.from_pretrained(getattr(self, name), folder / f"{name}_adapter", is_trainable=True)
                setattr(self, name, model)
        self.eval()

    def pictures(self, paths):
        """(what the model is given, how many tokens each picture becomes)"""
        side = self.tower.image_size // self.tower.patch_size
        count = 256 if self.kind == "perceiver" else side * side + (self.select == "full")
        return self.opened(paths), [count] * len(paths)

    def logits(self, ids, given, image_id):
        x, image = self.language.get_input_embeddings()(ids), ids == image_id
        Sequence.image = image[0]
        if given:
            states = self.vision(**given, output_hidden_states=True).hidden_states[self.layer]
            seen = self.projector(states if self.select == "full" else states[:, 1:])
            x = x.masked_scatter(image[..., None], seen.to(x.dtype))
        return self.language(inputs_embeds=x, use_cache=False).logits

    def tensors(self):
        """(component.name, parameter) with the names of the folders."""
        for name, p in self.named_parameters():
            component, _, rest = name.partition(".")
            yield f"{component}.{'projection.' * (component == 'projector')}{without_wrapping(rest)}", p

    @staticmethod
    def written(folder):
        """Every tensor of a model folder that sft_main wrote."""
        parts = {"language": ["language_model", "language_adapter"], "vision": ["vision_model", "vision_adapter"],
                 "projector": ["projector"]}
        return {f"{component}.{name}": tensor for component, folders in parts.items() for f in folders
                for name, tensor in tensors_of(pathlib.Path(folder) / f).items()}


class Llava(Trained):
    """LlavaForConditionalGeneration or LlavaNextForConditionalGeneration."""

    def __init__(self, folder):
        super().__init__()
        self.llava = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32,
                                                                 attn_implementation="eager")
        config = self.llava.config
        self.tower, self.layer = config.vision_config, config.vision_feature_layer
        self.processor = (transformers.LlavaNextImageProcessorPil if config.model_type == "llava_next" else
                          transformers.CLIPImageProcessorPil).from_pretrained(folder)
        adapter = pathlib.Path(folder) / "language_adapter"
        if adapter.exists():
            self.llava = PeftModel.from_pretrained(self.llava, adapter, is_trainable=True)
        self.eval()

    def pictures(self, paths):
        given = self.opened(paths)
        with torch.no_grad():
            return given, [len(x) for x in self.llava.get_image_features(**given).pooler_output] if given else []

    def logits(self, ids, given, image_id):
        return self.llava(input_ids=ids, **given, use_cache=False).logits

    def tensors(self):
        places = {"model.vision_tower.": "vision.", "model.language_model.": "language.model.",
                  "lm_head.": "language.lm_head.", "model.": "projector."}
        for name, p in self.named_parameters():
            name = without_wrapping(name.removeprefix("llava."))
            start = next(s for s in places if name.startswith(s))
            yield places[start] + name.removeprefix(start), p

    @staticmethod
    def written(folder):
        return {name: p.detach() for name, p in Llava(folder).tensors()}
