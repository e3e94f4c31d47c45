"""What the options of optimisation, run and limits change, and the jobs instead of training."""
import base64, zlib

from sft_runs import *


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
    ok(one_picture("slow.png", large_png(3000)))  # read ahead, but longer than the answers before the training take
    refused(one_picture("slow.png", large_png(3000), loader_timeout_s=[1e-9]), 11, "loader_timeout_s")


@test
def comm_timeout_s():
    same_loss("comm_timeout_s", [5])  # one process waits for nobody; several: ranks.py
    refused(sft({"comm_timeout_s": [0]}), 2, "OPT-VALUE-004")


@test
def local_rank():
    same_loss("local_rank", [0])  # several processes: ranks.py
    refused(sft({"local_rank": [1]}), 2, "OPT-LOCAL-027")


@test
def zero_stage():
    alone = base(zero_stage=[3])  # several processes: ranks.py
    assert alone.losses() == base().losses() and "--zero_stage" in alone.err and "--zero_stage" not in base().err


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


def one_picture(name, content, **changes):
    """A run of two steps whose records all show this picture."""
    folder = os.path.join(WORK, "picture_of_" + name)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(content)
    turns = [{"from": "human", "value": "<image>\nWhat is this?"}, {"from": "gpt", "value": "A picture."}]
    path = write(name + ".json", json.dumps([{"id": i, "image": name, "conversations": turns} for i in range(4)]))
    return sft({"data_path": [path], "image_folder": [folder], "data_train_split_ratio": [1], "max_steps": [2],
                "per_device_train_batch_size": [1], **changes},
               output="eval_only" not in changes)


def large_png(side):
    rows = zlib.compress(bytes(1 + 3 * side) * side, 1)
    chunk = lambda kind, data: (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


# 16 x 16 pixels in ten scans.
PROGRESSIVE = base64.b64decode("""
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8yb
qmx5moq6T/2wBDARweHigjKE4rK06kbl1upKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKT/wgARCAAQ
ABADASIAAhEBAxEB/8QAFAABAAAAAAAAAAAAAAAAAAAABP/EABUBAQEAAAAAAAAAAAAAAAAAAAED/9oADAMBAAIQAxAAAAETTPZf/8QAFhABAQ
EAAAAAAAAAAAAAAAAAAAIB/9oACAEBAAEFApTiEY//xAAXEQADAQAAAAAAAAAAAAAAAAAAAQIR/9oACAEDAQE/AaWn/8QAFREBAQAAAAAAAAAA
AAAAAAAAAwD/2gAIAQIBAT8BQ7//xAAUEAEAAAAAAAAAAAAAAAAAAAAg/9oACAEBAAY/Ah//xAAVEAEBAAAAAAAAAAAAAAAAAAABEP/aAAgBAQ
ABPyEyEP/aAAwDAQACAAMAAAAQj//EABQRAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQMBAT8QL//EABURAQEAAAAAAAAAAAAAAAAAAAAR/9oACAEC
AQE/EIP/xAAVEAEBAAAAAAAAAAAAAAAAAAARAP/aAAgBAQABPxBycnJy/9k=""")


@test
def limit_decode_bytes():
    def peak_memory(limit):
        run = ok(one_picture("large.png", picture, data_train_split_ratio=[0], eval_only=[], num_workers=[2],
                             per_device_eval_batch_size=[1], limit_decode_bytes=[limit]))
        measure = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); "
                   "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
        return int(subprocess.run([sys.executable, "-c", measure] + run.args, capture_output=True, check=True).stdout)

    picture = large_png(5000)  # 73 MB decoded
    alone, together = peak_memory(1), peak_memory(4 * 10**9)
    assert alone + 40000 < together, "decoding one at a time saves nothing: %d and %d KB" % (alone, together)


@test
def limit_jpeg_scans():
    refused(sft({"limit_jpeg_scans": [0]}), 2, "limit_jpeg_scans")
    ok(one_picture("progressive.jpg", PROGRESSIVE, limit_jpeg_scans=[10]))
    refused(one_picture("progressive.jpg", PROGRESSIVE, limit_jpeg_scans=[9]), 3, "raise --limit_jpeg_scans")


@test
def limit_image_seconds():
    refused(sft({"limit_image_seconds": [0]}), 2, "limit_image_seconds")
    ok(one_picture("slow.png", large_png(3000)))
    refused(one_picture("slow.png", large_png(3000), limit_image_seconds=[0.001]), 3, "0.001 s")


def model_files(*names):
    """The paths of those files of the two model folders that have one of these names."""
    folders = [os.path.join(data(1), f) for f in ("language_model", "vision_model")]
    return [os.path.join(f, n) for f in folders for n in names if os.path.exists(os.path.join(f, n))]


def headers():
    """Of the weights: bytes, and the tensors that are listed."""
    for path in model_files("model.safetensors"):
        with open(path, "rb") as f:
            text = f.read(struct.unpack("<Q", f.read(8))[0])
        yield len(text), {k: v for k, v in json.loads(text).items() if k != "__metadata__"}


def model_limit(name, needed, changes=None):
    """The folders need this much: one less is refused and the option named, no less runs as ever."""
    refused(sft({**(changes or {}), name: [needed - 1]}), 4, "raise --" + name)
    same_loss(name, [needed], **(changes or {}))


def largest_id():
    tokenizer = json.load(open(model_files("tokenizer.json")[0]))
    return max(list(tokenizer["model"]["vocab"].values()) + [t["id"] for t in tokenizer["added_tokens"]])


MODEL_LIMITS = {
    "limit_header_bytes": lambda: max(n for n, _ in headers()),
    "limit_tensors": lambda: max(len(t) for _, t in headers()),
    "limit_tensor_rank": lambda: max(len(v["shape"]) for _, t in headers() for v in t.values()),
    "limit_tensor_name_bytes": lambda: max(len(k) for _, t in headers() for k in t),
    "limit_config_bytes": lambda: max(map(os.path.getsize, model_files("config.json", "preprocessor_config.json"))),
    "limit_tokenizer_bytes": lambda: max(map(os.path.getsize, model_files("tokenizer.json", "tokenizer_config.json"))),
    "limit_vocabulary": lambda: largest_id() + 1}
for name, needed in MODEL_LIMITS.items():
    TESTS[name] = lambda name=name, needed=needed: model_limit(name, needed())


@test
def limit_split_bytes():
    folder = os.path.join(WORK, "split_model")
    shutil.copytree(os.path.join(data(1), "language_model"), folder)
    path = os.path.join(folder, "tokenizer.json")
    tokenizer = json.load(open(path))
    gpt2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    tokenizer["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": gpt2}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]}
    json.dump(tokenizer, open(path, "w"))
    model_limit("limit_split_bytes", len(gpt2), {"lm_model_name_or_path": [folder]})


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


TESTS["help"] = lambda: (page(["--help"], "max_grad_norm"), page(["--help", "seed"], "Of every random number"),
                          page(["--help", "limits"], "--limit_turns <integer>  [1024]"))
TESTS["version"] = lambda: page(["--version"], "precisions:")
TESTS["print_limits"] = lambda: page(["--print_limits"], "limit_turns 1024")
TESTS["print_options_md"] = lambda: page(["--print_options_md"], "| `seed` |")
TESTS["explain"] = lambda: page(["--explain", "OPT-NAME-001"], "OPT-NAME-001")
