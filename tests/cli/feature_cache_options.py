"""What keeping the features of a frozen encoder changes: no number."""
from sft_runs import *

EPOCHS = {"num_train_epochs": [3], "max_steps": [0], "eval_step": [5]}


@test
def cache_vision_features():
    a = base(**EPOCHS)
    for where in ("memory", "disk"):
        b = same_loss("cache_vision_features", [where], **EPOCHS)[1]
        assert [e["eval_loss"] for e in a.evals] == [e["eval_loss"] for e in b.evals], "the evaluation differs"
        assert a.tensors("projector") == b.tensors("projector"), "the model differs"
        assert ("vision cache" in b.out) == (where == "memory") and "vision cache" not in a.out
        assert b.has("vision_features") == (where == "disk")
    pictures = os.listdir(os.path.join(b.folder, "vision_features"))
    assert len(pictures) > 10 and all(p.endswith(".features") for p in pictures)
    # a run that goes on finds them: a picture's file that was damaged meanwhile is noticed
    half = ok(sft({**EPOCHS, "cache_vision_features": ["disk"], "max_steps": [12]}))
    folder = os.path.join(half.folder, "vision_features")
    with open(os.path.join(folder, sorted(os.listdir(folder))[0]), "r+b") as f:
        f.seek(0)
        f.write(b"?")
    rest = ok(sft({**EPOCHS, "cache_vision_features": ["disk"], "output_dir": [half.folder],
                   "from_checkpoint": ["auto"]}))
    assert rest.losses() == a.losses() and "WRITE-CACHE-008" in rest.err
    assert sorted(os.listdir(folder)) == sorted(pictures), "other files"
    refused(sft({"cache_vision_features": ["disk"], "vis_encoder_update": []}), 2, "the encoder trains")


@test
def vision_cache_bytes():
    a, b = same_loss("vision_cache_bytes", [5000], cache_vision_features=["memory"], **EPOCHS)
    assert "WRITE-CACHE-007" in b.err and b.err.count("WRITE-CACHE-007") == 1 and "WRITE-CACHE" not in a.err
