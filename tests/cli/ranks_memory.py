#!/usr/bin/env python3
"""Each of several ranks occupies what its plan says, at every stage of ZeRO, and receives the bytes that it says.

usage: ranks_memory.py FOLDER_OF_PROGRAMS
The model is one of 28 million zeros: large enough for a program and its libraries not to count.
"""
import json, os, re, shutil, struct, subprocess, sys, threading, time
import test_list
from sft_runs import BASE, PATHS, Run, SFT, WORK, data, ok

os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_rmaps_base_oversubscribe="1",
                  OMPI_MCA_hwloc_base_binding_policy="none")
WIDTH, INNER, LAYERS = 768, 2048, 4
OPTIONS = {**BASE, "precision": ["fp32"], "max_steps": ["3"], "data_train_split_ratio": ["1"],
           "per_device_train_batch_size": ["1"], "lang_decoder_update": [], "vis_encoder_update": []}


def zeros():
    """A LLaMA of zeros (norms: ones) beside the small models' tokenizer."""
    folder = os.path.join(WORK, "zeros")
    if os.path.exists(folder):
        return folder
    small = os.path.join(data(1), "language_model")
    shutil.copytree(small, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    config = json.load(open(os.path.join(small, "config.json")))
    config.update(hidden_size=WIDTH, intermediate_size=INNER, num_hidden_layers=LAYERS, num_attention_heads=12,
                  num_key_value_heads=12, head_dim=64, tie_word_embeddings=False)
    json.dump(config, open(os.path.join(folder, "config.json"), "w"))
    shapes = {"model.embed_tokens.weight": [config["vocab_size"], WIDTH], "lm_head.weight": [config["vocab_size"], WIDTH],
              "model.norm.weight": [WIDTH]}
    for i in range(LAYERS):
        at = "model.layers.%d." % i
        for name in ("q", "k", "v", "o"):
            shapes["%sself_attn.%s_proj.weight" % (at, name)] = [WIDTH, WIDTH]
        for name in ("gate", "up"):
            shapes["%smlp.%s_proj.weight" % (at, name)] = [INNER, WIDTH]
        shapes[at + "mlp.down_proj.weight"] = [WIDTH, INNER]
        for name in ("input", "post_attention"):
            shapes["%s%s_layernorm.weight" % (at, name)] = [WIDTH]
    header, parts, end = {}, [], 0
    for name, shape in shapes.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + 4 * count]}
        parts.append(struct.pack("<%df" % count, *[1.0] * count) if len(shape) == 1 else bytes(4 * count))
        end += 4 * count
    text = json.dumps(header).encode()
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))
    return folder


def anonymous(process):
    try:
        return int(re.search(r"RssAnon:\s+(\d+) kB", open("/proc/%d/status" % process).read())[1]) * 1024
    except (OSError, TypeError):
        return 0


def measured(ranks, stage):
    """A run, and the most memory that each of its processes had."""
    folder = os.path.join(WORK, "memory-%d-%d" % (ranks, stage))
    options = {k: ([os.path.join(data(1), v) for v in values] if k in PATHS else values) for k, values in OPTIONS.items()}
    options.update(lm_model_name_or_path=[zeros()], zero_stage=[str(stage)], output_dir=[folder])
    args = ["mpirun", "-n", str(ranks), SFT] + [w for name, values in options.items() for w in ["--" + name] + values]
    job = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    most = {}

    def watch():
        while job.poll() is None:
            for child in subprocess.run(["pgrep", "-P", str(job.pid), "sft_main"], capture_output=True, text=True).stdout.split():
                most[child] = max(most.get(child, 0), anonymous(int(child)))
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, err = job.communicate(timeout=300)
    watcher.join()
    run = ok(Run(args, job.returncode, out, err, folder))
    shutil.rmtree(folder)
    return run, sorted(most.values())


def step_bytes(ranks, stage):
    """What each of so many ranks receives in a step, by a plan."""
    options = {k: ([os.path.join(data(1), v) for v in values] if k in PATHS else values) for k, values in OPTIONS.items()}
    options.update(lm_model_name_or_path=[zeros()], plan=[], ranks=[str(ranks)], network_gbit=["1"], peak_tflops=["1"])
    out = subprocess.run([SFT] + [w for name, values in options.items() for w in ["--" + name] + values],
                         capture_output=True, text=True, check=True).stdout
    return shown(*re.search(r"^%d +%d +\S+ s +(\S+) (\S+)" % (ranks, stage), out, re.M).groups())


def shown(number, unit):
    return float(number) * {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}[unit]


def planned(out):
    return shown(*re.search(r"^total +([0-9.]+) (MiB|GiB)$", out, re.M).groups())


def case(ranks, stage):
    def ranks_have_what_is_planned():
        run, most = measured(ranks, stage)
        plan, step = planned(run.out), step_bytes(ranks, stage)
        print("| %d | %d | %s |" % (ranks, stage, " | ".join("%.1f" % (b / 1024**2) for b in (
            plan, most[0], most[-1], step, run.all("received_bytes")[-1]))))
        assert len(most) == ranks, most
        for received in run.all("received_bytes"):
            assert abs(received / step - 1) < 0.02, (received, step)
        for bytes_of_rank in most:
            assert 0.9 * plan < bytes_of_rank < 1.1 * plan, (bytes_of_rank / plan, plan)
    ranks_have_what_is_planned.__name__ = "stage_%d_of_%d_ranks" % (stage, ranks)
    return ranks_have_what_is_planned


def main():
    version = subprocess.run([SFT, "--version"], capture_output=True, text=True).stdout
    if not shutil.which("mpirun") or re.search("MPI: none", version):
        print("skipped: sft_main is built without MPI, or there is no mpirun")
        return 77
    print("| ranks | stage | MiB planned | least of a rank | most | MiB of a step planned | received |")
    failed = test_list.run([case(ranks, stage) for ranks in (2, 4) for stage in range(4)])
    shutil.rmtree(WORK)
    return failed > 0


sys.exit(main())
