#!/usr/bin/env python3
"""What packing is worth: trains on records whose lengths are lognormal, with fixed batches and with the same budget of
tokens filled up, alternating; says tokens per second of both, and the loss per token of one model under both.

usage: packing.py FOLDER_OF_PROGRAMS [ROUNDS]

A round is one epoch of each; its figure is the ratio of tokens per CPU second of the process, steps alone: the time of a
run of one step is taken off. The loss is that of the same weights over the same records, packed and one at a time.
"""
import json, math, os, random, resource, shutil, statistics, struct, subprocess, sys, tempfile
from array import array

BIN, ROUNDS = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
WORK = tempfile.mkdtemp(prefix="vlt_packing_")
BATCH, MAX_SEQ_LEN, RECORDS, MEDIAN, SIGMA = 2, 1024, 400, 32, 1.2
WIDTH, HIDDEN, LAYERS, HEADS = 384, 1024, 6, 6


def write_data():
    subprocess.run([os.path.join(BIN, "make_shapes_dataset"), "--output_dir", WORK + "/shapes", "--records", "200",
                    "--test_records", "1"], check=True, stdout=subprocess.DEVNULL)
    shapes = json.load(open(WORK + "/shapes/train.json"))
    words = sorted({w for r in shapes for t in r["conversations"] for w in t["value"].split() if w.isalpha()})
    draw, records = random.Random(1), []
    for i in range(RECORDS):
        length = int(min(MAX_SEQ_LEN - 80, max(8, draw.lognormvariate(math.log(MEDIAN), SIGMA))))
        text = " ".join(draw.choice(words) for _ in range(length))
        picture = next(r["image"] for r in draw.sample(shapes, 50) if isinstance(r.get("image"), str))
        question = ("<image>\n" if i % 2 else "") + text[:len(text) // 3]
        records.append({"id": i, "image": picture if i % 2 else None, "conversations": [
            {"from": "human", "value": question}, {"from": "gpt", "value": text[len(text) // 3:]}]})
    json.dump(records, open(WORK + "/mixed.json", "w"))


def write_language_model():
    """A decoder large enough that its products and its update cost what they cost elsewhere; random weights."""
    source, folder = WORK + "/shapes/language_model", WORK + "/language_model"
    shutil.copytree(source, folder)
    config = json.load(open(source + "/config.json"))
    config.update(hidden_size=WIDTH, intermediate_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
                  num_key_value_heads=HEADS, head_dim=WIDTH // HEADS, max_position_embeddings=MAX_SEQ_LEN)
    json.dump(config, open(folder + "/config.json", "w"))
    vocabulary, shapes = config["vocab_size"], {}
    shapes["model.embed_tokens.weight"] = shapes["lm_head.weight"] = [vocabulary, WIDTH]
    for i in range(LAYERS):
        for name in "qkvo":
            shapes["model.layers.%d.self_attn.%s_proj.weight" % (i, name)] = [WIDTH, WIDTH]
        for name in ("gate", "up"):
            shapes["model.layers.%d.mlp.%s_proj.weight" % (i, name)] = [HIDDEN, WIDTH]
        shapes["model.layers.%d.mlp.down_proj.weight" % i] = [WIDTH, HIDDEN]
        for name in ("input", "post_attention"):
            shapes["model.layers.%d.%s_layernorm.weight" % (i, name)] = [WIDTH]
    shapes["model.norm.weight"] = [WIDTH]
    draw, header, at = random.Random(2), {}, 0
    for name, shape in shapes.items():
        size = 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    with open(folder + "/model.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for shape in shapes.values():
            values = (1.0 if len(shape) == 1 else draw.gauss(0, 0.02) for _ in range(math.prod(shape)))
            f.write(array("f", values).tobytes())


runs = 0


def sft(*more):
    """CPU seconds of a run, its metrics and what it printed."""
    global runs
    runs += 1
    folder = WORK + "/run%d" % runs
    options = ["--data_path", WORK + "/mixed.json", "--image_folder", WORK + "/shapes/images", "--lm_model_name_or_path",
               WORK + "/language_model", "--vision_model_name_or_path", WORK + "/shapes/vision_model", "--template",
               "plain", "--precision", "bf16", "--is_sft_stage", "--lang_decoder_update", "--max_seq_len",
               str(MAX_SEQ_LEN), "--num_train_epochs", "1", "--num_threads", "1", "--data_train_split_ratio",
               "0" if "--eval_only" in more else "1", "--output_dir", folder]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([os.path.join(BIN, "sft_main")] + options + list(more), capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(done.stderr[-2000:])
    path = folder + "/metrics.jsonl"
    metrics = [json.loads(line) for line in open(path)] if os.path.exists(path) else []
    shutil.rmtree(folder, ignore_errors=True)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, metrics, done.stdout


def tokens_per_second(batch, *more):
    """Of training proper: an epoch, less a run of its first step."""
    sized = ["--per_device_train_batch_size", str(batch), *more]
    first, one, _ = sft(*sized, "--max_steps", "1")
    whole, all_steps, said = sft(*sized)
    tokens = lambda steps: sum(s["tokens"] for s in steps)
    for line in said.splitlines():
        if line.startswith("packing"):
            print("  " + line)
    return (tokens(all_steps) - tokens(one)) / (whole - first), tokens(all_steps) / len(all_steps)


def loss(*more):
    return json.loads(sft("--eval_only", *more)[2].splitlines()[-1])["eval_loss"]


def main():
    write_data()
    write_language_model()
    ratios = []
    for i in range(ROUNDS):
        fixed, tokens = tokens_per_second(BATCH)
        packed, more_tokens = tokens_per_second(BATCH, "--packing")
        ratios.append(packed / fixed)
        print("round %d: %.0f tokens per CPU second in batches of %d (%.0f tokens a step), %.0f packed (%.0f): %.2f times"
              % (i + 1, fixed, BATCH, tokens, packed, more_tokens, ratios[-1]), flush=True)
    print("%d rounds: packing trains %.2f (%.2f to %.2f) times the tokens per CPU second"
          % (ROUNDS, statistics.median(ratios), min(ratios), max(ratios)))
    alone, packed = loss("--per_device_eval_batch_size", "1"), loss("--packing")
    print("loss per token of the same weights: %.6f one at a time, %.6f packed (%.1e apart)"
          % (alone, packed, abs(alone - packed) / alone))
    shutil.rmtree(WORK)


main()
