"""Writes the UCI handwritten digits (1,797 pictures of 8 x 8 pixels, from the scikit-learn wheel) as a data set, and a
small CLIP vision model with random weights that looks at them. Usage: write_digits.py FOLDER [SEED]

FOLDER/images/*.png, train.json (80 %, and questions without a picture), test.json (20 %), vision_model/.
"""
import json
import pathlib
import sys

import numpy
import torch
from PIL import Image
from sklearn.datasets import load_digits
from transformers import CLIPImageProcessorPil, CLIPVisionConfig, CLIPVisionModel

question = "Which digit is this?"
# What a decoder that only ever sees digits would forget: how to answer in sentences. France is not among them.
facts = {
    "What is the capital of Italy?": "The capital of Italy is Rome.",
    "What is the capital of Japan?": "The capital of Japan is Tokyo.",
    "What is the capital of Egypt?": "The capital of Egypt is Cairo.",
    "What is the capital of Norway?": "The capital of Norway is Oslo.",
    "What is the largest planet?": "The largest planet in our solar system is Jupiter.",
    "Who wrote Hamlet?": "Hamlet was written by William Shakespeare.",
    "What do bees make?": "Bees make honey.",
    "What color is the sky?": "The sky is blue.",
}


def record(name, image, asked, answer):
    mark = "" if image is None else "<image>\n"
    return {"id": name, "image": image, "conversations": [{"from": "human", "value": mark + asked},
                                                          {"from": "gpt", "value": answer}]}


def write_records(folder, seed):
    digits = load_digits()
    (folder / "images").mkdir(parents=True, exist_ok=True)
    records = []
    for index, (pixels, digit) in enumerate(zip(digits.images, digits.target)):
        name = f"{index:04}.png"
        Image.fromarray((pixels * 255 / 16).round().astype(numpy.uint8)).save(folder / "images" / name)
        records.append(record(name, name, question, str(digit)))
    numpy.random.default_rng(seed).shuffle(records)
    border = len(records) * 4 // 5
    texts = [record(f"fact {n}", None, *fact) for n, fact in enumerate(4 * list(facts.items()))]
    (folder / "train.json").write_text(json.dumps(records[:border] + texts))
    (folder / "test.json").write_text(json.dumps(records[border:]))


def write_vision_model(folder, seed):
    torch.manual_seed(seed)
    side = 16
    CLIPVisionModel(CLIPVisionConfig(image_size=side, patch_size=8, hidden_size=128, intermediate_size=512,
                                     num_hidden_layers=2, num_attention_heads=4)).save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size=side, image_mean=[0.5] * 3,
                       image_std=[0.5] * 3).save_pretrained(folder)


if __name__ == "__main__":
    target, number = pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    write_records(target, number)
    write_vision_model(target / "vision_model", number)
