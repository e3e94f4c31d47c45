"""Runs the commands of docs/from_hugging_face.md as they stand, on small random folders under the names that the page
uses, and compares what transformers answers with what generate_main does. Usage: documents.py FOLDER_OF_PROGRAMS SEED
"""
import json
import random

import numpy
import tokenizers
import torch
import transformers
from PIL import Image
from transformers import (CLIPImageProcessorPil, CLIPVisionConfig, LlamaConfig, LlamaForCausalLM, LlavaConfig,
                          LlavaNextConfig, PreTrainedTokenizerFast)

import interop
import page_commands
from model_folders import randomise
from small_folders import write_vision

page = "from_hugging_face.md"
grid = [[28, 56], [56, 28], [56, 56]]


def tokenizer():
    """A byte-level tokenizer in which, as in those of the named models, a word has the blank in front of it."""
    t = tokenizers.Tokenizer(tokenizers.models.BPE())
    t.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    t.train_from_iterator(4 * ["USER: What is this? ASSISTANT: A cat."], tokenizers.trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet, show_progress=False))
    t.post_processor = tokenizers.processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=t, bos_token="<s>", eos_token="</s>")


def write_data(folder, rng):
    (folder / "images").mkdir(parents=True)
    noise = numpy.random.default_rng(rng.randrange(1 << 30))
    for name, size in {"cat": (50, 41), "dog": (30, 64), "fish": (28, 28)}.items():
        picture = Image.fromarray(noise.integers(0, 256, (*size, 3), dtype=numpy.uint8))
        picture.save(folder / "images" / f"{name}.png")
    turns = [{"from": "human", "value": "<image>\nWhat is this?"}, {"from": "gpt", "value": "A cat."}]
    records = [{"id": name, "image": f"{name}.png", "conversations": turns} for name in ("cat", "dog", "fish")]
    records.append({"id": "text", "image": None, "conversations": [
        {"from": "human", "value": "Who?"}, {"from": "gpt", "value": "You."}]})
    (folder / "train.json").write_text(json.dumps(records))


def text_config(words):
    return LlamaConfig(vocab_size=len(words) + 3, hidden_size=48, intermediate_size=56, num_hidden_layers=2,
                       num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512, bos_token_id=0,
                       eos_token_id=1)


def write_random(model, folder, rng):
    randomise(model, torch.Generator().manual_seed(rng.randrange(1 << 30))).to(torch.bfloat16).save_pretrained(folder)


def write_llava(folder, rng, tiles):
    """A small LLaVA-1.5 or, with tiles, LLaVA-NeXT, as their converters in transformers write them."""
    kind = "LlavaNext" if tiles else "Llava"
    words = tokenizer()
    words.add_special_tokens({"additional_special_tokens": ["<image>"], "pad_token": "<pad>"})
    vision = CLIPVisionConfig(hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=2,
                              image_size=28, patch_size=7)
    config = (LlavaNextConfig if tiles else LlavaConfig)(
        vision_config=vision, text_config=text_config(words), image_token_index=words.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-2, **({"image_grid_pinpoints": grid} if tiles else {}))
    write_random(getattr(transformers, kind + "ForConditionalGeneration")(config), folder, rng)
    sizes = dict(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    images = (transformers.LlavaNextImageProcessorPil(**sizes, image_grid_pinpoints=grid) if tiles
              else CLIPImageProcessorPil(**sizes))
    getattr(transformers, kind + "Processor")(images, words, patch_size=7, vision_feature_select_strategy="default",
                                              num_additional_image_tokens=1).save_pretrained(folder)


def write_models(folder, rng):
    write_llava(folder / "llava-1.5-7b-hf", rng, tiles=False)
    write_llava(folder / "llava-v1.6-vicuna-7b-hf", rng, tiles=True)
    write_vision(folder / "clip-vit-large-patch14-336", rng, dtype=torch.bfloat16)
    words = tokenizer()
    words.save_pretrained(folder / "vicuna-7b-v1.5")
    write_random(LlamaForCausalLM(text_config(words)), folder / "vicuna-7b-v1.5", rng)


def answer_of(done):
    if done.returncode != 0 or not done.stdout.strip():
        raise SystemExit(f"no answer: {done.stdout[-2000:]} {done.stderr[-2000:]}")
    return done.stdout.strip()


def same_answers(checks, folder, code):
    """In fp32 generate_main answers like transformers, which is asked by the page's own code."""
    whole = {"out/llava-merged": "LlavaFor", "out/llava_next/epoch-0": "LlavaNextFor", "out/tuned-llava": "LlavaFor"}
    ours = {}
    for model in [*whole, "out/tuned-merged"]:
        ask = f'generate_main --precision fp32 --model {model} --image data/images/cat.png --prompt "What is this?"'
        ours[model] = answer_of(page_commands.run("sh", ask + " --max_new_tokens 20", folder))
    for model, kind in whole.items():
        text = code.replace("out/llava-merged", model).replace("LlavaFor", kind).replace('"auto"', '"float32"')
        theirs = answer_of(page_commands.run("python", text, folder))
        checks.equal(f"{model} answers as in transformers: {theirs!r}", ours[model], theirs)
    checks.equal("the parts answer like the LLaVA that they became", ours["out/tuned-merged"], ours["out/tuned-llava"])


def main():
    programs, seed, checks, folder = interop.start()
    page_commands.look_like_the_repository(folder, programs)
    transformers.utils.logging.disable_progress_bar()
    rng = random.Random(seed)
    write_data(folder / "data", rng)
    write_models(folder / "models", rng)
    blocks = page_commands.blocks(page, "documents")
    for block in blocks:
        done = page_commands.run(block.language, block.text, folder)
        first = block.text.split("\n")[0]
        if not checks.equal(f"{block.where} ends well: {first}", done.returncode, 0):
            print(done.stdout[-2000:], done.stderr[-2000:], sep="\n", flush=True)
            checks.done()
    same_answers(checks, folder, next(b.text for b in blocks if "LlavaForConditionalGeneration" in b.text))
    for where, reason in page_commands.reasons(page):
        print(f"      {where} is not run: {reason}")
    checks.done()


if __name__ == "__main__":
    main()
