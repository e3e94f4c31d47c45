"""What the options change that say what a run keeps: its logs, its state, its models."""
import glob, resource

from sft_runs import *


def records_of(path):
    """The records of a TFRecord file; their check sums are TensorBoard's to test."""
    data, at = open(path, "rb").read(), 0
    while at < len(data):
        size = struct.unpack("<Q", data[at:at + 8])[0]
        yield data[at + 12:at + 12 + size]
        at += 16 + size
    assert at == len(data), "the file ends within a record"


def event_files(run):
    return sorted(glob.glob(os.path.join(run.folder, "tb_logging", "events.out.tfevents.*")))


@test
def enable_tensorboard():
    a, b = same_loss("enable_tensorboard", [])
    assert not a.has("tb_logging") and len(event_files(b)) == 1
    events = list(records_of(event_files(b)[0]))
    tag = b"Train/Samples/train_loss"
    shown = [struct.unpack("<f", e[e.index(tag) + len(tag) + 1:][:4])[0] for e in events if tag in e]
    assert shown == [struct.unpack("<f", struct.pack("<f", x))[0] for x in b.losses()], shown
    assert any(b"learning_rate" in e for e in events)
    # a log that cannot be written is told of, and ends nothing
    folder = os.path.join(WORK, "no_log")
    os.makedirs(folder)
    open(os.path.join(folder, "tb_logging"), "w").close()
    c = ok(sft({"enable_tensorboard": [], "output_dir": [folder], "from_checkpoint": ["auto"]}))
    assert c.losses() == a.losses() and c.err.count("warning[WRITE-FILE-004]") == 1 and "the training goes on" in c.err


def saved(**changes):
    run = ok(sft(changes))
    return sorted(os.listdir(os.path.join(run.folder, "checkpoints")))


@test
def save_step():
    assert saved() == ["step-00000003"] and saved(save_step=[2]) == ["step-00000002", "step-00000003"]


@test
def keep():
    assert saved(save_step=[1]) == ["step-00000002", "step-00000003"]
    assert saved(save_step=[1], keep=[1]) == ["step-00000003"]


@test
def keep_epochs():
    b = ok(sft({"keep_epochs": [1], "num_train_epochs": [3], "max_steps": [0]}))
    assert [n for n in sorted(os.listdir(b.folder)) if n.startswith("epoch")] == ["epoch-2"], os.listdir(b.folder)


def evaluated_each_step(**changes):
    return ok(sft({"eval_step": [1], "data_train_split_ratio": [0.5], "learning_rate": [0], **changes}))


@test
def keep_best():
    assert evaluated_each_step(keep_best=["loss"]).has("best/projector/config.json")
    assert not evaluated_each_step().has("best")
    refused(sft({"keep_best": ["loss"], "eval_step": [0]}), 2, "--eval_step 0")


@test
def early_stop():
    assert evaluated_each_step(early_stop=[1]).all("step") == [1, 2]


def bytes_of(run, line):
    words = next(l for l in run.out.splitlines() if l.startswith(line))[len(line):].split()
    return float(words[0]) * {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}[words[1]]


@test
def offload():
    a, b = same_loss("offload", [], **ALL)
    assert sorted(os.listdir(a.folder)) == sorted(os.listdir(b.folder)), "something is left of the files"
    for name in ("language_model", "vision_model"):
        assert a.tensors(name) == b.tensors(name)
    saved = bytes_of(b, "in files (--offload)")
    kept = sum(bytes_of(a, "%-12s %-20s" % (c, kind)) for c in ("vision", "projector", "language")
               for kind in ("master weights", "optimiser state"))
    assert saved > 100000 and abs(saved - kept) < 0.02 * kept, "%d bytes, %d" % (saved, kept)
    assert "in files" not in a.out and "master weights" not in b.out
    # a run may go on with it or without
    c = ok(sft({**ALL, "offload": [], "max_steps": [2]}))
    d = ok(sft({**ALL, "output_dir": [c.folder], "from_checkpoint": ["auto"]}))
    assert d.losses() == a.losses() and d.tensors("language_model") == a.tensors("language_model")
    few = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000))
    run = sft({**ALL, "offload": []}, before=few)
    refused(run, 6, "WRITE-OFFLOAD-007")
    assert not run.steps and "leave --offload out" in run.err
