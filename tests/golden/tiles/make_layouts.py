#!/usr/bin/env python3
"""Writes layouts.json: which rows of the tiles' features LLaVA-NeXT reads of pictures of many sizes, in what order.

Made with transformers 5.23.0, torch 2.13.0. Row r of the features holds the number r, image_newline holds -1.
"""
import json
import random
from pathlib import Path
from types import SimpleNamespace

import torch
from transformers.models.llava_next.modeling_llava_next import LlavaNextModel, image_size_to_num_patches
from transformers.models.llava_next.processing_llava_next import LlavaNextProcessor

PROCESSORS = [
    {"tile": 336, "patch": 14, "grid": [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]},
    {"tile": 56, "patch": 14, "grid": [[56, 112], [112, 56], [112, 112], [168, 56], [56, 168], [224, 112], [56, 56]]},
    {"tile": 60, "patch": 20, "grid": [[180, 120], [120, 240]]},
]


def layout(processor, height, width):
    """The tiles of a picture and the rows it becomes."""
    side = processor["tile"] // processor["patch"]
    tiles = image_size_to_num_patches([height, width], processor["grid"], processor["tile"])
    features = torch.arange(tiles * side * side, dtype=torch.float64).reshape(tiles, side * side, 1)
    vision = SimpleNamespace(image_size=processor["tile"], patch_size=processor["patch"])
    model = SimpleNamespace(config=SimpleNamespace(vision_config=vision, image_grid_pinpoints=processor["grid"]))
    rows, _ = LlavaNextModel.pack_image_features(
        model, [features], [[height, width]], "default", image_newline=torch.tensor([-1.0], dtype=torch.float64))
    counts = SimpleNamespace(
        image_processor=SimpleNamespace(image_grid_pinpoints=processor["grid"]), patch_size=processor["patch"],
        num_additional_image_tokens=1, vision_feature_select_strategy="default")
    counts._get_unpadded_features = LlavaNextProcessor._get_unpadded_features.__get__(counts)
    promised = LlavaNextProcessor._get_number_of_features(counts, height, width, processor["tile"], processor["tile"])
    rows = [int(r) for r in rows[0].flatten()]
    assert promised - 1 == len(rows), "the class token is counted, then taken off"
    return tiles, rows


def runs(rows):
    """Neighbouring rows as [first, count]; each newline as [-1, 1]."""
    out = []
    for row in rows:
        if out and row >= 0 and out[-1][0] >= 0 and sum(out[-1]) == row:
            out[-1][1] += 1
        else:
            out.append([row, 1])
    return out


def main():
    random.seed(4)
    cases = []
    for number, processor in enumerate(PROCESSORS):
        sizes = [tuple(c) for c in processor["grid"]] + [(1, 900), (900, 1), (7, 7)]
        longest = 1500 if number == 0 else 300
        sizes += [(random.randint(1, longest), random.randint(1, longest)) for _ in range(20 if number == 0 else 100)]
        for height, width in sizes:
            tiles, rows = layout(processor, height, width)
            cases.append({"processor": number, "height": height, "width": width, "tiles": tiles,
                          "tokens": len(rows), "runs": runs(rows)})
    lines = ",\n  ".join(json.dumps(c, separators=(",", ":")) for c in cases)
    text = '{"processors": %s,\n "cases": [\n  %s\n]}\n' % (json.dumps(PROCESSORS), lines)
    Path(__file__).with_name("layouts.json").write_text(text)
    print(len(cases), "cases,", len(text), "bytes")


if __name__ == "__main__":
    main()
