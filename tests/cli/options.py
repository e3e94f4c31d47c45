#!/usr/bin/env python3
"""Every option of sft_main must do something: runs pairs of tiny trainings and says what differs between them.

usage: options.py FOLDER_OF_PROGRAMS [DOCS_OPTIONS_MD]
The list of options is the program's own (--print_options_md); an option without a test here is a failure.
"""
import json, os, shutil, struct, subprocess, sys, tempfile, threading

BIN = sys.argv[1]
WORK = tempfile.mkdtemp(prefix="vlt_options_")
SFT, SHAPES = os.path.join(BIN, "sft_main"), os.path.join(BIN, "make_shapes_dataset")
runs = 0


class Run:
    """One run of sft_main and everything it wrote."""

    def __init__(self, args, code, out, err, folder):
        self.args, self.code, self.out, self.err, self.folder = args, code, out, err, folder
        path = os.path.join(folder, "metrics.jsonl")
        lines = [json.loads(l) for l in open(path)] if os.path.exists(path) else []
        self.steps = [l for l in lines if "loss" in l]
        self.evals = [l for l in lines if "eval_loss" in l]

    def all(self, key):
        return [s.get(key) for s in self.steps]

    def losses(self):
        return self.all("loss")

    def receipt(self):
        return json.load(open(os.path.join(self.folder, "receipt.json")))

    def has(self, name):
        return os.path.exists(os.path.join(self.folder, name))

    def json(self, name):
        return json.load(open(os.path.join(self.folder, name)))

    def tensors(self, name):
        """Name to bytes, from a safetensors file of the last model written."""
        epochs = sorted(f for f in os.listdir(self.folder) if f.startswith("epoch-"))
        data = open(os.path.join(self.folder, epochs[-1], name, "model.safetensors"), "rb").read()
        n = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + n])
        return {k: data[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]]
                for k, v in header.items() if k != "__metadata__"}


def data(seed):
    folder = os.path.join(WORK, "data%d" % seed)
    if not os.path.exists(folder):
        subprocess.run([SHAPES, "--output_dir", folder, "--records", "24", "--test_records", "4", "--seed", str(seed)],
                       check=True, stdout=subprocess.DEVNULL)
    return folder


BASE = {"data_path": ["train.json"], "image_folder": ["images"], "lm_model_name_or_path": ["language_model"],
        "vision_model_name_or_path": ["vision_model"], "precision": ["bf16"], "template": ["plain"],
        "max_steps": ["3"], "is_sft_stage": [], "eval_step": ["0"], "num_threads": ["1"], "num_workers": ["1"]}
PATHS = {"data_path", "image_folder", "lm_model_name_or_path", "vision_model_name_or_path"}


def sft(changes=None, without=(), output=True, seed=1, extra=()):
    """Runs the base command with some options changed ({name: [values]}) or left out."""
    global runs
    runs += 1
    options = {k: ([os.path.join(data(seed), v) for v in values] if k in PATHS else values) for k, values in BASE.items()}
    folder = os.path.join(WORK, "run%d" % runs)
    if output:
        options["output_dir"] = [folder]
    options.update({k: [str(x) for x in v] for k, v in (changes or {}).items()})
    args = [SFT]
    for name, values in options.items():
        if name not in without:
            args += ["--" + name] + values
    done = subprocess.run(args + list(extra), capture_output=True, text=True, timeout=120)
    return Run(args, done.returncode, done.stdout, done.stderr, options.get("output_dir", [folder])[0])


def ok(run):
    assert run.code == 0, "exit %d\n%s\n%s" % (run.code, " ".join(run.args), run.err[-1500:])
    return run


def refused(run, code, says):
    assert run.code == code, "exit %d instead of %d\n%s" % (run.code, code, run.err[-800:])
    assert says in run.err, "the message lacks %r\n%s" % (says, run.err[-800:])


_base = {}


def base(**changes):
    key = json.dumps(changes, sort_keys=True)
    if key not in _base:
        _base[key] = ok(sft(changes))
    return _base[key]


def changes_loss(name, values, first=False, **around):
    a, b = base(**around), ok(sft({**around, name: values}))
    assert a.losses() != b.losses(), "the loss is the same"
    if first:
        assert a.losses()[0] != b.losses()[0], "the first loss is the same"
    return a, b


def same_loss(name, values, **around):
    a, b = base(**around), ok(sft({**around, name: values}))
    assert a.losses() == b.losses() and a.all("grad_norm") == b.all("grad_norm"), "the loss differs"
    return a, b


def later(name, values, says="not built yet"):
    refused(sft({name: values}), 2, says)


def write(name, text):
    path = os.path.join(WORK, name)
    open(path, "w").write(text)
    return path


def records(seed=1):
    return json.load(open(os.path.join(data(seed), "train.json")))


ALL = {"vis_encoder_update": [], "lang_decoder_update": []}
TESTS = {}


def test(f):
    TESTS[f.__name__] = f
    return f


@test
def data_path():
    half = write("half.json", json.dumps(records()[:12]))
    a, b = base(), ok(sft({"data_path": [half]}))
    assert b.receipt()["records"]["train"] < a.receipt()["records"]["train"]
    refused(sft(without=["data_path"]), 2, "--data_path")
    refused(sft({"data_path": ["/nowhere.json"]}), 3, "/nowhere.json")


@test
def image_folder():
    other = os.path.join(WORK, "swapped")
    shutil.copytree(os.path.join(data(1), "images"), other)
    names = sorted(os.listdir(other))
    for name, source in zip(names, names[1:] + names[:1]):
        shutil.copy(os.path.join(data(1), "images", source), os.path.join(other, name))
    changes_loss("image_folder", [other], first=True)
    refused(sft(without=["image_folder"]), 2, "image_folder")


@test
def data_debug_path():
    folder = os.path.join(WORK, "debug")
    ok(sft({"data_debug_path": [folder]}))
    samples = json.load(open(os.path.join(folder, "samples.json")))
    assert len(samples) == 10 and {"id", "text", "ids", "supervised"} <= set(samples[0])
    assert os.path.exists(os.path.join(folder, "index.html"))


@test
def data_train_split_ratio():
    b = ok(sft({"data_train_split_ratio": [0.5]}))
    assert base().receipt()["records"]["train"] == 21 and b.receipt()["records"]["train"] == 12
    refused(sft({"data_train_split_ratio": [0]}), 2, "no record is left to train on")


@test
def dataset_names():
    same_loss("dataset_names", ["llava_reward"])
    refused(sft({"dataset_names": ["coco"]}), 2, "llava_sft")
    a, b = write("a.json", json.dumps(records()[:12])), write("b.json", json.dumps(records()[12:]))
    two = ok(sft({"data_path": [a, b], "dataset_names": ["llava_sft", "llava_sft"], "max_steps": [6]}))
    assert {k for s in two.steps for k in s["loss_by_dataset"]} == {"a", "b"}


@test
def dataset_samples():
    b = ok(sft({"dataset_samples": [10]}))
    assert b.receipt()["records"] == {"train": 9, "eval": 1, "not_selected": 14}


@test
def dataset_concatenate_samples():
    later("dataset_concatenate_samples", [2])


@test
def max_num_image_per_sample():
    two = next(r for r in records() if r.get("image") and not isinstance(r["image"], list))
    two = dict(two, image=[two["image"], two["image"]],
               conversations=[dict(t, value=t["value"].replace("<image>", "")) for t in two["conversations"]])
    path = write("two.json", json.dumps(records() + [two]))
    ok(sft({"data_path": [path]}))
    refused(sft({"data_path": [path], "max_num_image_per_sample": [1]}), 3, "max_num_image_per_sample")


@test
def max_seq_len():
    b = ok(sft({"max_seq_len": [50]}))
    assert "truncated" in b.out and "truncated" not in base().out
    refused(sft({"max_seq_len": [8]}), 2, "--max_seq_len")


@test
def truncation():
    b = ok(sft({"max_seq_len": [50], "truncation": ["drop_sample"]}))
    assert "+ 0 too long" not in b.out
    refused(sft({"max_seq_len": [50], "truncation": ["error"]}), 3, "longer than --max_seq_len")


@test
def template():
    a, b = changes_loss("template", ["vicuna"], first=True)
    assert sum(a.all("tokens")) < sum(b.all("tokens"))
    refused(sft({"template": ["vicunna"]}), 2, "vicuna")


def with_bad_record():
    return write("bad.json", json.dumps(records() + [{"id": "bad"}]))


@test
def on_bad_sample():
    refused(sft({"data_path": [with_bad_record()]}), 3, "conversations")
    b = ok(sft({"data_path": [with_bad_record()], "on_bad_sample": ["skip"], "max_bad_fraction": [0.5]}))
    assert "bad" in open(os.path.join(b.folder, "skipped.jsonl")).read()


@test
def max_bad_fraction():
    refused(sft({"data_path": [with_bad_record()], "on_bad_sample": ["skip"], "max_bad_fraction": [0.01]}), 3,
            "max-bad-fraction".replace("-", "_"))


@test
def packing():
    later("packing", [])


@test
def lm_model_name_or_path():
    changes_loss("lm_model_name_or_path", [os.path.join(data(2), "language_model")], first=True)
    refused(sft(without=["lm_model_name_or_path"]), 2, "--lm_model_name_or_path")


@test
def vision_model_name_or_path():
    changes_loss("vision_model_name_or_path", [os.path.join(data(2), "vision_model")], first=True)
    refused(sft(without=["vision_model_name_or_path"]), 2, "--vision_model_name_or_path")


@test
def model_architecture():
    later("model_architecture", ["llava"])


@test
def vis_proj():
    for kind in ("baseline", "vit", "perceiver", "mlp"):
        b = ok(sft({"vis_proj": [kind]}))
        assert b.json("epoch-0/projector/config.json")["kind"] == kind
    refused(sft({"vis_proj": ["linear"]}), 2, "perceiver")


@test
def enable_mmca_attention():
    a, b = changes_loss("enable_mmca_attention", [], first=True)
    assert b.json("epoch-0/vltune.json")["mmca"] and not a.json("epoch-0/vltune.json")["mmca"]


@test
def vision_feature_layer():
    a, b = changes_loss("vision_feature_layer", [-2], first=True)
    assert a.tensors("vision_model").keys() == b.tensors("vision_model").keys()
    refused(sft({"vision_feature_layer": [-9]}), 2, "hidden state")


@test
def vision_feature_select():
    a, b = changes_loss("vision_feature_select", ["patch"], first=True)
    assert sum(b.all("tokens")) < sum(a.all("tokens"))


@test
def from_checkpoint():
    a = base(**ALL)
    folder = os.path.join(a.folder, "epoch-0")
    b = ok(sft({**ALL, "from_checkpoint": [folder]}, without=["lm_model_name_or_path", "vision_model_name_or_path",
                                                              "template"]))
    assert b.losses()[0] < a.losses()[0], "the trained weights were not taken"
    assert b.tensors("projector").keys() == a.tensors("projector").keys()
    refused(sft({"from_checkpoint": [folder], "vis_proj": ["mlp"]},
                without=["lm_model_name_or_path", "vision_model_name_or_path"]), 2, "contradicts")
    refused(sft({"from_checkpoint": ["auto"]}), 2, "not built yet")
    refused(sft({"from_checkpoint": ["/nowhere"]}), 4, "/nowhere")


@test
def precision():
    a, b = changes_loss("precision", ["fp32"], first=True)
    assert b.json("epoch-0/language_model/config.json")["torch_dtype"] == "float32"
    refused(sft(without=["precision"]), 2, "--precision bf16")
    refused(sft({"precision": ["fp64"]}), 2, "bf16")


@test
def device():
    same_loss("device", ["cpu"])
    later("device", ["cuda"])


def changed(a, b, part):
    """Tensors that differ between the last models of two runs."""
    x, y = a.tensors(part), b.tensors(part)
    return {k for k in x if x[k] != y[k]}


@test
def vis_encoder_update():
    start, b = ok(sft({"learning_rate": [0]})), ok(sft({"vis_encoder_update": []}))
    assert not changed(start, base(), "vision_model"), "a frozen tower changed"
    frozen = {k for k in changed(start, b, "vision_model")} ^ {k for k in start.tensors("vision_model")}
    assert all("post_layernorm" in k for k in frozen), "these did not train: %s" % sorted(frozen)


@test
def lang_decoder_update():
    start, b = ok(sft({"learning_rate": [0]})), ok(sft({"lang_decoder_update": []}))
    assert changed(start, base(), "language_model") == {"model.embed_tokens.weight"}
    assert changed(start, b, "language_model") == set(start.tensors("language_model"))


def lora(run, side):
    return run.json("epoch-0/%s_adapter/adapter_config.json" % side)


@test
def lang_lora_dim():
    b = ok(sft({"lang_lora_dim": [2]}))
    assert lora(b, "language")["r"] == 2 and lora(b, "language")["lora_alpha"] == 4
    assert len(lora(b, "language")["target_modules"]) % 7 == 0
    assert b.losses() != base().losses() and b.losses()[0] == base().losses()[0], "a fresh adapter must change nothing"
    c = ok(sft({"lang_lora_dim": [2], "lang_decoder_update": []}))
    start = ok(sft({"learning_rate": [0]}))
    assert not any("proj" in k for k in changed(start, c, "language_model")), "a weight under an adapter changed"
    assert any("layernorm" in k for k in changed(start, c, "language_model")), "the rest did not train"


@test
def vis_lora_dim():
    b = ok(sft({"vis_lora_dim": [2]}))
    assert lora(b, "vision")["r"] == 2 and not b.has("epoch-0/vision_model")
    assert b.losses() != base().losses() and b.losses()[0] == base().losses()[0]


@test
def lang_lora_module_name():
    b = ok(sft({"lang_lora_dim": [2], "lang_lora_module_name": ["q_proj,v_proj"]}))
    names = lora(b, "language")["target_modules"]
    assert names and all(n.endswith(("q_proj", "v_proj")) for n in names)
    c = ok(sft({"lang_lora_dim": [2], "lang_lora_module_name": ["layers.1."]}))
    assert all(".layers.1." in n for n in lora(c, "language")["target_modules"])
    start, d = ok(sft({"learning_rate": [0]})), ok(sft(
        {"lang_lora_dim": [2], "lang_lora_module_name": ["q_proj,v_proj"], "lang_decoder_update": []}))
    moved = changed(start, d, "language_model")
    assert not any("q_proj" in k or "v_proj" in k for k in moved) and any("k_proj" in k for k in moved)
    refused(sft({"lang_lora_dim": [2], "lang_lora_module_name": ["qq_proj"]}), 2, "q_proj")


@test
def vis_lora_module_name():
    b = ok(sft({"vis_lora_dim": [2], "vis_lora_module_name": ["fc1"]}))
    assert all(n.endswith("fc1") for n in lora(b, "vision")["target_modules"])


@test
def lora_alpha():
    a, b = changes_loss("lora_alpha", [32], lang_lora_dim=[2])
    assert lora(b, "language")["lora_alpha"] == 32


@test
def only_optimize_lora():
    start = ok(sft({"learning_rate": [0], "lang_lora_dim": [2]}))
    b = ok(sft({"lang_lora_dim": [2], "only_optimize_lora": []}))
    assert not changed(start, b, "language_model") and changed(start, b, "projector")
    refused(sft({"only_optimize_lora": []}), 2, "no LoRA")


@test
def is_sft_stage():
    b = ok(sft(without=["is_sft_stage"]))
    assert "token_accuracy" in b.steps[0] and "token_accuracy" not in base().steps[0]
    assert b.losses() == base().losses()


@test
def per_device_train_batch_size():
    b = ok(sft({"per_device_train_batch_size": [4]}))
    assert sum(b.all("tokens")) > 1.5 * sum(base().all("tokens"))


@test
def per_device_eval_batch_size():
    a, b = (ok(sft({"eval_step": [3], "data_train_split_ratio": [0.5], "per_device_eval_batch_size": [n]}))
            for n in (1, 6))
    assert abs(a.evals[0]["eval_loss"] - b.evals[0]["eval_loss"]) < 1e-3
    line = lambda r: [l for l in r.out.splitlines() if "evaluation" in l and "loader" in l][0].split()[2:]
    assert line(a) != line(b), "the plan is the same"


@test
def gradient_accumulation_steps():
    b = ok(sft({"gradient_accumulation_steps": [2], "precision": ["fp32"]}))
    whole = ok(sft({"per_device_train_batch_size": [4], "precision": ["fp32"]}))
    assert b.all("supervised_tokens") == whole.all("supervised_tokens")
    for key in ("loss", "grad_norm"):
        for x, y in zip(b.all(key), whole.all(key)):
            assert abs(x - y) < 1e-4 * abs(y), "%s depends on how the batch is split: %r, %r" % (key, x, y)


@test
def num_train_epochs():
    a, b = (ok(sft({"num_train_epochs": [n], "max_steps": [0]})) for n in (1, 2))
    assert len(b.steps) == 2 * len(a.steps) == 22 and b.has("epoch-1") and not a.has("epoch-1")


@test
def max_steps():
    b = ok(sft({"max_steps": [2]}))
    assert len(b.steps) == 2 and b.all("lr") == base().all("lr")[:2]


def rate(option, key, other=()):
    b = ok(sft({**ALL, option: [5e-4]}))
    a = base(**ALL)
    assert b.all(key)[0] == 5e-4, "%s is %r" % (key, b.all(key)[0])
    for k in {"lr", "lr_vision", "lr_language"} - {key} - set(other):
        assert b.all(k) == a.all(k), k + " changed too"


@test
def learning_rate():
    rate("learning_rate", "lr", ("lr_vision", "lr_language"))


@test
def learning_rate_pretraining_components():
    rate("learning_rate_pretraining_components", "lr_language", ("lr_vision",))


@test
def vision_learning_rate():
    rate("vision_learning_rate", "lr_vision")


@test
def projector_learning_rate():
    rate("projector_learning_rate", "lr")


@test
def language_learning_rate():
    rate("language_learning_rate", "lr_language")


@test
def lr_scheduler_type():
    kinds = ["linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup", "wsd"]
    seen = {k: ok(sft({"lr_scheduler_type": [k], "num_train_epochs": [1], "max_steps": [0], "num_warmup_steps": [3]}))
            for k in kinds}
    assert all(len(r.steps) == 11 for r in seen.values())
    rates = {k: tuple(r.all("lr")) for k, r in seen.items()}
    assert rates["cosine"] == rates["cosine_with_restarts"]  # one cycle
    assert len({rates[k] for k in kinds if k != "cosine_with_restarts"}) == 6
    assert all(r[0] == 0 for k, r in rates.items() if k != "constant") and rates["constant"][0] == 1e-3


@test
def num_warmup_steps():
    b = ok(sft({"num_warmup_steps": [2]}))
    assert b.all("lr")[0] == 0 and abs(b.all("lr")[1] - 5e-4) < 1e-12 and base().all("lr")[0] > 0
    refused(sft({"num_warmup_steps": [1000]}), 2, "warm-up")


@test
def weight_decay():
    changes_loss("weight_decay", [5], **ALL)


@test
def max_grad_norm():
    a, b = changes_loss("max_grad_norm", [1e-4])
    assert a.all("grad_norm")[0] == b.all("grad_norm")[0], "the norm is the one before clipping"


@test
def adam_beta1():
    changes_loss("adam_beta1", [0.1])


@test
def adam_beta2():
    changes_loss("adam_beta2", [0.5])


@test
def adam_epsilon():
    changes_loss("adam_epsilon", [1])


@test
def gradient_checkpointing():
    a, b = same_loss("gradient_checkpointing", [], **ALL)
    def bytes_of(run):
        line = next(l for l in run.out.splitlines() if l.startswith("step ") and "activations" in l).split()
        return float(line[2]) * {"KiB": 1, "MiB": 1024, "GiB": 1 << 20}[line[3]]
    assert bytes_of(b) < 0.9 * bytes_of(a)


@test
def seed():
    changes_loss("seed", [7], first=True)
    assert base().losses() == ok(sft({})).losses(), "two runs with one seed differ"


@test
def eval_step():
    b = ok(sft({"eval_step": [2]}))
    assert [e["step"] for e in b.evals] == [2, 3] and not base().evals and "evaluation is off" in base().err


@test
def output_dir():
    refused(sft(without=["output_dir"]), 2, "--output_dir")
    refused(sft({"output_dir": [base().folder]}), 2, "not empty")
    refused(sft({"output_dir": [write("a_file", "x")]}), 2, "not a folder")


@test
def config():
    path = write("config.json", json.dumps({"seed": 7, "learning_rate": 0.01, "vis_encoder_update": True}))
    b = ok(sft({"config": [path], "learning_rate": [0.02]}))
    o = b.receipt()["options"]
    assert (o["seed"], o["learning_rate"], o["vis_encoder_update"]) == (7, 0.02, True)
    refused(sft({"config": [write("bad_config.json", '{"sed": 7}')]}), 2, "`--seed`")


@test
def num_threads():
    same_loss("num_threads", [2])


@test
def num_workers():
    same_loss("num_workers", [3])


@test
def log_step():
    b = ok(sft({"log_step": [2]}))
    lines = lambda r: [l for l in r.out.splitlines() if l.startswith("step ") and "tok/s" in l]
    assert len(lines(base())) == 3 and len(lines(b)) == 2
    assert len(b.steps) == 3


@test
def log_format():
    b = ok(sft({"log_format": ["json"]}))
    assert any("loss" in json.loads(l) for l in b.out.splitlines() if l.startswith("{"))
    bad = sft({"log_format": ["json"], "data_path": ["/nowhere.json"]})
    assert bad.code == 3 and json.loads(bad.err.splitlines()[-1])["exit"] == 3


@test
def loader_timeout_s():
    refused(sft({"loader_timeout_s": [1e-9]}), 11, "loader_timeout_s")


for name, values in {"comm_timeout_s": [5], "local_rank": [0], "zero_stage": [1], "offload": [], "save_step": [5],
                     "keep": [3], "enable_tensorboard": [], "cache_vision_features": ["memory"],
                     "vision_cache_bytes": [1]}.items():
    TESTS[name] = lambda name=name, values=values: later(name, values)

LIMITS = {"limit_json_depth": 4, "limit_record_bytes": 60, "limit_text_bytes": 8, "limit_turns": 2,
          "limit_path_bytes": 3, "limit_image_bytes": 100, "limit_image_side": 16, "limit_image_pixels": 200,
          "limit_png_chunks": 2}
for name, value in LIMITS.items():
    if name != "limit_json_depth":
        TESTS[name] = lambda name=name, value=value: (ok(sft({name: [100000]} if name not in (
            "limit_path_bytes", "limit_image_side", "limit_turns") else {})), refused(sft({name: [value]}), 3, ""))


@test
def limit_json_depth():
    deep = dict(records()[0], extra=[[[[1]]]])
    path = write("deep.json", json.dumps([deep] * 24))
    ok(sft({"data_path": [path]}))
    refused(sft({"data_path": [path], "limit_json_depth": [4]}), 3, "nesting")


@test
def limit_decode_bytes():
    same_loss("limit_decode_bytes", [1])  # a picture that needs more than there is runs alone


@test
def limit_jpeg_scans():
    refused(sft({"limit_jpeg_scans": [0]}), 2, "limit_jpeg_scans")
    same_loss("limit_jpeg_scans", [1])  # the pictures are PNG


@test
def limit_image_seconds():
    refused(sft({"limit_image_seconds": [0]}), 2, "limit_image_seconds")
    same_loss("limit_image_seconds", [100])


@test
def plan():
    b = ok(sft({"plan": []}, output=False))
    assert "activations" in b.out and "largest audited" in b.out and not os.path.exists(b.folder)
    c = ok(sft({"plan": [], "max_seq_len": [128]}, without=["data_path", "image_folder"], output=False))
    assert "the limits" in c.out


@test
def validate_only():
    b = ok(sft({"validate_only": []}, output=False))
    assert "split: 21 training, 3 evaluation" in b.out and "parameters" not in b.out


@test
def eval_only():
    folder = os.path.join(base().folder, "epoch-0")
    b = ok(sft({"eval_only": [], "from_checkpoint": [folder], "data_train_split_ratio": [0]},
               without=["lm_model_name_or_path", "vision_model_name_or_path", "template"], output=False))
    assert json.loads(b.out.splitlines()[-1])["records"] == 24


def page(option, says):
    done = subprocess.run([SFT] + option, capture_output=True, text=True)
    assert done.returncode == 0 and says in done.stdout, done.stdout[:300] + done.stderr[:300]


TESTS["help"] = lambda: page(["--help"], "--max_grad_norm")
TESTS["version"] = lambda: page(["--version"], "precisions:")
TESTS["print_limits"] = lambda: page(["--print_limits"], "limit_turns 1024")
TESTS["print_options_md"] = lambda: page(["--print_options_md"], "| `seed` |")
TESTS["explain"] = lambda: page(["--explain", "OPT-NAME-001"], "OPT-NAME-001")


def documented():
    """docs/options.md is what the programs print."""
    text = "".join(subprocess.run([os.path.join(BIN, p), "--print_options_md"], capture_output=True, text=True).stdout
                   for p in ("sft_main", "generate_main"))
    assert open(sys.argv[2]).read() == text, "run: sft_main --print_options_md; generate_main --print_options_md"


def main():
    printed = subprocess.run([SFT, "--print_options_md"], capture_output=True, text=True).stdout
    names = [l.split("`")[1] for l in printed.splitlines() if l.startswith("| `")]
    cases = {n: TESTS.get(n) for n in names}
    if len(sys.argv) > 2:
        cases["docs/options.md"] = documented
    failed = 0
    for name, f in cases.items():
        try:
            assert f, "this option has no test"
            f()
        except Exception as e:
            failed += 1
            print("FAIL %s: %s" % (name, e if isinstance(e, AssertionError) and str(e) else repr(e)))
    for name in sorted(set(TESTS) - set(names)):
        failed += 1
        print("FAIL %s: there is no such option" % name)
    print("%d passed, %d failed (%d runs of sft_main)" % (len(cases) - failed, failed, runs))
    shutil.rmtree(WORK)
    return failed > 0


sys.exit(main())
