#!/usr/bin/env python3
"""Makes the three small models of this folder: weights, conversations, and what torch makes of them.

Made with torch 2.13.0, transformers 5.23.0, safetensors 0.8.0:
    python tests/golden/models/make_models.py
Each file holds weight.NAME (by our names), ids, labels, lengths, pixels, sizes (LLaVA-NeXT), loss, logits and
grad.NAME; its metadata `language`, `vision` or `llava` are the configurations as transformers writes them.
"""
import json
import pathlib
import random
import sys
import tempfile

import safetensors.torch
import torch
import transformers

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent.parent / "interop"))
import model_folders  # noqa: E402
import torch_models  # noqa: E402

VISION = dict(hidden_size=12, num_attention_heads=2, patch_size=4, image_size=8, intermediate_size=10,
              num_hidden_layers=2, hidden_act="quick_gelu")
LANGUAGE = dict(vocab_size=20, hidden_size=16, intermediate_size=12, num_hidden_layers=2, num_attention_heads=4,
                num_key_value_heads=2, max_position_embeddings=12, pad_token_id=None)


def save(name, reference, given, config):
    """The reference's answer and everything it follows from."""
    weights = {"weight." + n: p.detach() for n, p in reference.parameters().items()}
    result, path = reference.run(given), here / f"{name}.safetensors"
    tensors = {n: t.contiguous() for n, t in (weights | result | given.tensors()).items()}
    safetensors.torch.save_file(tensors, path, {k: json.dumps(v) for k, v in config.items()})
    print(f"{name}: loss {float(result['loss']):.6f}, {path.stat().st_size} bytes")


def default(name, folder, language, projector, mmca):
    rng, generator = random.Random(name), torch.Generator().manual_seed(len(name))
    model_folders.write_model(folder, language, VISION, projector, generator, mmca)
    reference = torch_models.Default(folder)
    given = torch_models.Conversations(rng, 20, [9, 5, 7])
    given.draw(8, generator)
    save(name, reference, given, {part: json.loads((folder / f"{part}_model/config.json").read_text())
                                  for part in ("language", "vision")})


def llava_next(name, folder):
    generator = torch.Generator().manual_seed(7)
    grid = [[8, 16], [16, 8], [16, 16]]
    rope = model_folders.rope_parameters("dynamic", 1e4)
    model_folders.write_llava(folder, ("qwen2", LANGUAGE | {"rope_parameters": rope}), VISION, generator, grid)
    reference = torch_models.Llava(folder)
    given = torch_models.Conversations(random.Random(2), 20, [6, 4, 5])
    given.draw_tiles(8, generator, random.Random(3), grid)
    save(name, reference, given, {"llava": json.loads((folder / "config.json").read_text())})


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    torch_models.IMAGE = model_folders.SPECIAL["<image>"] = 18  # the vocabulary has 20 tokens
    with tempfile.TemporaryDirectory() as scratch:
        scratch, rope = pathlib.Path(scratch), model_folders.rope_parameters
        llama3 = dict(rope_parameters=rope("llama3", 5e5), head_dim=6, attention_bias=True, tie_word_embeddings=True)
        default("llama", scratch / "1", ("llama", LANGUAGE | llama3), "mlp", False)
        plain = dict(rope_parameters=rope("default", 1e4), mlp_bias=True)
        default("mmca", scratch / "2", ("llama", LANGUAGE | plain), "vit", True)
        llava_next("llava_next", scratch / "3")
