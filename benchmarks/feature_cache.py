#!/usr/bin/env python3
"""What an epoch costs whose features of a frozen 12-layer tower are kept: beside one that computes them, and one whose
tower has no layer (projector, decoder and the pictures' first step alone).

usage: feature_cache.py FOLDER_OF_PROGRAMS [ROUNDS]

A figure is CPU time on one thread: of a run of four epochs less one of a single epoch, a third of it.
"""
import json, math, os, random, resource, shutil, statistics, struct, subprocess, sys, tempfile
from array import array

BIN, ROUNDS = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
WORK = tempfile.mkdtemp(prefix="vlt_feature_cache_")
WIDTH, MLP, LAYERS, HEADS, RECORDS = 512, 2048, 12, 8, 150


def write_tower():
    """The shapes' tower, wider and deeper, with random weights."""
    source, folder = WORK + "/shapes/vision_model", WORK + "/tower"
    shutil.copytree(source, folder)
    config = json.load(open(source + "/config.json"))
    old = config["hidden_size"], config["intermediate_size"]
    config.update(hidden_size=WIDTH, intermediate_size=MLP, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
                  projection_dim=WIDTH)
    json.dump(config, open(folder + "/config.json", "w"))
    with open(source + "/model.safetensors", "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
    shapes = {}
    for name, tensor in header.items():
        if name == "__metadata__" or ".layers." in name and ".layers.0." not in name:
            continue
        shape = [WIDTH if n == old[0] else MLP if n == old[1] else n for n in tensor["shape"]]
        for i in range(LAYERS if ".layers.0." in name else 1):
            shapes[name.replace(".layers.0.", ".layers.%d." % i)] = shape
    draw, at, tensors, values = random.Random(1), 0, {}, []
    numbers = [draw.gauss(0, 0.03) for _ in range(99991)]
    for name, shape in shapes.items():
        count = math.prod(shape)
        norm, first = "norm" in name and name.endswith("weight"), draw.randrange(len(numbers))
        values.append(array("f", [1.0] * count if norm else (numbers[(first + e) % 99991] for e in range(count))))
        tensors[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + 4 * count]}
        at += 4 * count
    text = json.dumps(tensors).encode()
    with open(folder + "/model.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for v in values:
            f.write(v.tobytes())


def cpu_seconds(epochs, *more):
    out = WORK + "/out"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([os.path.join(BIN, "sft_main"), "--data_path", WORK + "/pictures.json", "--image_folder",
                           WORK + "/shapes/images", "--lm_model_name_or_path", WORK + "/shapes/language_model",
                           "--vision_model_name_or_path", WORK + "/tower", "--template", "plain", "--precision", "bf16",
                           "--is_sft_stage", "--lang_decoder_update", "--data_train_split_ratio", "1", "--num_threads",
                           "1", "--num_train_epochs", str(epochs), "--keep", "1", "--output_dir", out, *more],
                          capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(done.stderr[-2000:])
    losses = [json.loads(line)["loss"] for line in open(out + "/metrics.jsonl")]
    shutil.rmtree(out)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, losses


def later_epoch(*more):
    one, four = cpu_seconds(1, *more), cpu_seconds(4, *more)
    return (four[0] - one[0]) / 3, four[1]


def main():
    subprocess.run([os.path.join(BIN, "make_shapes_dataset"), "--output_dir", WORK + "/shapes", "--records", "300",
                    "--test_records", "1"], check=True, stdout=subprocess.DEVNULL)
    records = [r for r in json.load(open(WORK + "/shapes/train.json")) if r.get("image")][:RECORDS]
    json.dump(records, open(WORK + "/pictures.json", "w"))
    write_tower()
    rows = []
    for i in range(ROUNDS):
        (off, losses), (kept, same) = later_epoch(), later_epoch("--cache_vision_features", "memory")
        (disk, also), (none, _) = later_epoch("--cache_vision_features", "disk"), later_epoch("--vision_feature_layer", "0")
        assert losses == same == also, "the losses differ"
        rows.append((off, kept, disk, none))
        print("round %d: %.2f CPU s an epoch, %.2f kept in memory, %.2f kept on disk, %.2f without layers"
              % ((i + 1,) + rows[-1]), flush=True)
    medians = [statistics.median(r[c] / r[3] for r in rows) for c in range(3)]
    print("%d rounds, in epochs of a tower without layers: %.2f computed, %.2f kept in memory, %.2f kept on disk"
          % ((ROUNDS,) + tuple(medians)))
    shutil.rmtree(WORK)


main()
