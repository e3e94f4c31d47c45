"""Small random model folders: Hugging Face's classes write them, so that a comparison can begin from the same files."""
import json
import pathlib

import safetensors.torch
import tokenizers
import torch
import transformers

SPECIAL = {"<s>": 256, "</s>": 257, "<image>": 258, "<PAD>": 259}  # behind the 256 bytes


def stored(tensor, dtype):
    """What is left of a tensor that was stored in a type."""
    return tensor.to(dtype).float()


def randomise(model, generator, dtype=torch.float32):
    """Weights that make every part of a model matter: products keep their size, norms and biases are not neutral. They
    are numbers of dtype."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if p.dim() < 2:
                p.copy_(0.2 * noise + name.endswith("weight"))
            elif "embed" in name.split(".")[-2]:
                p.copy_(0.5 * noise)
            else:
                p.copy_(noise / p[0].numel() ** 0.5)
            p.copy_(stored(p, dtype))
    return model


def write_json(path, value):
    pathlib.Path(path).write_text(json.dumps(value, indent=2))


def write_tokenizer(folder):
    """A byte-level tokenizer without merges: one token for each byte, and the special ones."""
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    model = tokenizers.models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[])
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>",
                                                  "eos_token": "</s>", "pad_token": "<PAD>"})


def spell_as_version_4(folder):
    """Rewrites config.json in the keys of transformers 4."""
    config = json.loads((folder / "config.json").read_text())
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    kind = rope.pop("rope_type")
    config["rope_scaling"] = None if kind == "default" else {"rope_type": kind, **rope}
    config["torch_dtype"] = config.pop("dtype")
    write_json(folder / "config.json", config)


def rope_parameters(kind, theta):
    more = {"linear": {"factor": 2.5}, "dynamic": {"factor": 2.0},
            "llama3": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                       "original_max_position_embeddings": 64}}
    return {"rope_type": kind, "rope_theta": theta, **more.get(kind, {})}


def language_sizes(random, rope, wide=False):
    """The family and the keyword arguments of a random configuration of a LLaMA-like decoder. wide: 256 channels."""
    kind = random.choice(["llama", "llama", "mistral", "qwen2"])
    heads, kv_heads = (4, 2) if wide else random.choice([(2, 2), (4, 2), (4, 1), (4, 4), (6, 3)])
    head_dim = 64 if wide else random.choice([8, 16, 20, 32])
    own_size = not wide and random.random() < 0.5  # a head size that is not hidden_size / heads
    sizes = dict(vocab_size=random.randint(260, 300), num_attention_heads=heads, num_key_value_heads=kv_heads,
                 hidden_size=heads * (random.choice([6, 10, 12]) if own_size else head_dim),
                 intermediate_size=random.randint(30, 90), num_hidden_layers=random.randint(2, 3),
                 tie_word_embeddings=random.random() < 0.4, max_position_embeddings=40,
                 rms_norm_eps=random.choice([1e-6, 1e-5]), rope_parameters=rope, pad_token_id=None)
    if own_size:
        sizes["head_dim"] = head_dim
    if kind == "llama":
        sizes.update(attention_bias=random.random() < 0.5, mlp_bias=random.random() < 0.5)
    if kind == "mistral":
        sizes.update(sliding_window=None)
    return kind, sizes


def write_language(folder, kind, sizes, generator, version_4=False, dtype=torch.float32):
    """A folder with a causal language model, its tokenizer included."""
    config = transformers.AutoConfig.for_model(kind, **sizes)
    model = randomise(transformers.AutoModelForCausalLM.from_config(config), generator, dtype)
    model.save_pretrained(folder)
    write_tokenizer(folder)
    if version_4:
        spell_as_version_4(folder)


def vision_sizes(random):
    """A random CLIP tower: shapes of B/32 and L/14-336, reduced."""
    patch, grid = random.choice([(8, 3), (4, 4), (6, 2), (7, 4)])
    heads = random.choice([2, 3])
    return dict(hidden_size=heads * random.choice([8, 12]), num_attention_heads=heads, patch_size=patch,
                image_size=patch * grid, intermediate_size=random.randint(30, 70), num_hidden_layers=3,
                hidden_act=random.choice(["quick_gelu", "gelu"]))


def write_processor(folder, side):
    write_json(folder / "preprocessor_config.json", {"image_processor_type": "CLIPImageProcessor", "size": side,
                                                     "crop_size": side})


def write_vision(folder, sizes, generator, whole=False, dtype=torch.float32):
    """A CLIP vision tower, or a whole CLIP, whose text half is of no use here."""
    if whole:
        text = dict(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, vocab_size=30,
                    max_position_embeddings=8, bos_token_id=1, eos_token_id=2, pad_token_id=0)
        model = transformers.CLIPModel(transformers.CLIPConfig(vision_config=sizes, text_config=text))
    else:
        model = transformers.CLIPVisionModel(transformers.CLIPVisionConfig(**sizes))
    randomise(model, generator, dtype).save_pretrained(folder)
    write_processor(folder, sizes["image_size"])


def projector_shapes(kind, vision, width):
    """Names and shapes of a projector's tensors. vision: the keyword arguments of the tower's configuration."""
    dv, mlp = vision["hidden_size"], vision["intermediate_size"]
    if kind == "mlp":
        return {"linear_1.weight": (width, dv), "linear_1.bias": (width,), "linear_2.weight": (width, width),
                "linear_2.bias": (width,)}
    last = {"0.weight": (width, dv), "0.bias": (width,), "1.weight": (width,), "1.bias": (width,)}
    if kind == "baseline":
        return last
    if kind == "vit":
        shapes = {f"vis_layer.{n}.{t}": (dv,) for n in ("layer_norm1", "layer_norm2") for t in ("weight", "bias")}
        for n, o, i in [("mlp.fc1", mlp, dv), ("mlp.fc2", dv, mlp)] + \
                [(f"self_attn.{n}_proj", dv, dv) for n in ("q", "k", "v", "out")]:
            shapes.update({f"vis_layer.{n}.weight": (o, i), f"vis_layer.{n}.bias": (o,)})
        return shapes | {f"projection.{n}": shape for n, shape in last.items()}
    shapes = {"query": (256, width), "kv_proj.weight": (width, dv), "kv_proj.bias": (width,),
              "attn.in_proj_weight": (3 * width, width), "attn.in_proj_bias": (3 * width,)}
    for n in ("attn.out_proj", "projection.1"):
        shapes.update({f"{n}.weight": (width, width), f"{n}.bias": (width,)})
    for n in ("ln_q", "ln_kv", "projection.0"):
        shapes.update({f"{n}.weight": (width,), f"{n}.bias": (width,)})
    return shapes


def write_projector(folder, kind, vision, width, generator, dtype=torch.float32):
    tensors = {}
    for name, shape in projector_shapes(kind, vision, width).items():
        noise = torch.randn(shape, generator=generator)
        values = noise / shape[1] ** 0.5 if len(shape) == 2 else 0.2 * noise + name.endswith("weight")
        tensors["projection." + name] = stored(values, dtype)
    config = {"model_type": "vltune_projector", "kind": kind, "vision_width": vision["hidden_size"],
              "text_width": width}
    if kind == "vit":
        config.update(vision_heads=vision["num_attention_heads"], vision_mlp=vision["intermediate_size"])
    if kind == "perceiver":
        config.update(queries=256, patches=(vision["image_size"] // vision["patch_size"]) ** 2)
    folder.mkdir(parents=True)
    safetensors.torch.save_file(tensors, folder / "model.safetensors")
    write_json(folder / "config.json", config)


def write_model(folder, language, vision, projector, generator, mmca=False, feature_layer=-1, feature_select="full",
                version_4=False, whole_clip=False, dtype=torch.float32):
    """A folder as sft_main writes it after an epoch. language: (kind, sizes); vision: sizes; projector: its kind."""
    write_language(folder / "language_model", *language, generator, version_4, dtype)
    write_vision(folder / "vision_model", vision, generator, whole_clip, dtype)
    write_projector(folder / "projector", projector, vision, language[1]["hidden_size"], generator, dtype)
    write_json(folder / "vltune.json", {
        "format": 1, "mmca": mmca, "vision_feature_layer": feature_layer, "vision_feature_select": feature_select,
        "max_seq_len": 4096, "language_folder": "", "vision_folder": "",
        "template": {"user": "{image}{text}", "end": "</s>", "image": "<image>", "mark": "<image>"}})


def write_llava(folder, language, vision, generator, grid=None, bias=True, feature_layer=-2, feature_select="default",
                dtype=torch.float32):
    """A LLaVA-1.5 folder, or with a grid of canvases a LLaVA-NeXT folder. language: (kind, sizes); vision: sizes."""
    more = {"image_grid_pinpoints": grid} if grid else {}
    config_class, model_class, kind = \
        (transformers.LlavaNextConfig, transformers.LlavaNextForConditionalGeneration, "LlavaNextImageProcessor") \
        if grid else (transformers.LlavaConfig, transformers.LlavaForConditionalGeneration, "CLIPImageProcessor")
    config = config_class(text_config=transformers.AutoConfig.for_model(language[0], **language[1]),
                          vision_config=transformers.CLIPVisionConfig(**vision), image_token_index=SPECIAL["<image>"],
                          multimodal_projector_bias=bias, vision_feature_layer=feature_layer,
                          vision_feature_select_strategy=feature_select, **more)
    randomise(model_class(config), generator, dtype).save_pretrained(folder)
    write_tokenizer(folder)
    side = vision["image_size"]
    write_json(folder / "preprocessor_config.json",
               {"image_processor_type": kind, "size": {"shortest_edge": side},
                "crop_size": {"height": side, "width": side}, "do_pad": bool(grid), **more})
