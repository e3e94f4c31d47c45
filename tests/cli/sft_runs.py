"""Tiny trainings and what they wrote: shared by the tests of options."""
import json, os, shutil, struct, subprocess, sys, tempfile

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


def sft(changes=None, without=(), output=True, seed=1, extra=(), before=None):
    """Runs the base command with some options changed ({name: [values]}) or left out. before: called in its process."""
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
    done = subprocess.run(args + list(extra), capture_output=True, text=True, timeout=120, preexec_fn=before)
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
