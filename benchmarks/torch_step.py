"""One optimiser step of a LlamaForCausalLM of SmolLM2-135M's shape in PyTorch: the peer of bench_step.

Prints CPU seconds (median of the steps after the first two, least and most), wall seconds and peak RSS. Run by
compare_pytorch.sh.
"""
import argparse
import os
import resource
import statistics
import time

parser = argparse.ArgumentParser()
parser.add_argument("--mode", choices=["full", "lora"], default="full")
parser.add_argument("--precision", choices=["autocast", "bf16", "fp32"], default="autocast")
parser.add_argument("--tokens", type=int, default=512)
parser.add_argument("--supervised", type=float, default=1.0)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--steps", type=int, default=5)
args = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(args.threads)
os.environ["OMP_WAIT_POLICY"] = "passive"  # a spinning thread would be billed as CPU time

import torch
from transformers import LlamaConfig, LlamaForCausalLM

torch.set_num_threads(args.threads)
torch.manual_seed(0)
model = LlamaForCausalLM(LlamaConfig(
    hidden_size=576, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3, intermediate_size=1536,
    vocab_size=49152, tie_word_embeddings=True, rope_theta=100000.0, max_position_embeddings=8192))
if args.precision == "bf16":
    model = model.to(torch.bfloat16)
if args.mode == "lora":
    from peft import LoraConfig, get_peft_model
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules=[
        "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]))
model.train()
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4, fused=True)
ids = torch.randint(0, 49152, (1, args.tokens))
labels = ids.clone()
labels[:, : args.tokens - int(args.tokens * args.supervised)] = -100


def step():
    cpu, wall = time.process_time(), time.perf_counter()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.precision == "autocast"):
        loss = model(input_ids=ids, labels=labels, use_cache=False).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return time.process_time() - cpu, time.perf_counter() - wall


times = [step() for _ in range(args.steps + 2)][2:]
cpu = [t[0] for t in times]
print(f"PyTorch {torch.__version__}, {args.mode}, {args.precision}, T = {args.tokens}: "
      f"{statistics.median(cpu):.3f} CPU s ({min(cpu):.3f} to {max(cpu):.3f}), "
      f"{statistics.median(t[1] for t in times):.3f} s wall, "
      f"peak RSS {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB", flush=True)
