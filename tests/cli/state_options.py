"""What the options change that say where a run writes its state and its logs."""
import glob

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
