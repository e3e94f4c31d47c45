"""Writes optim.json: factors of transformers.get_scheduler, and trajectories of torch.optim.AdamW with clipping.
    pip install torch==2.13.0 transformers==5.23.0 numpy==2.4.6 && python make_optim.py"""
import json
import pathlib
import sys

import numpy as np

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent.parent / "interop"))
from torch_optim import SCHEDULES, drawn_case, factors, trajectory  # noqa: E402


def case(rng):
    drawn = drawn_case(rng, [(1, 5), (3, 4), (2, 17)], steps=8)
    norms, weights = trajectory(drawn)
    tensors = [{"rows": w.shape[0], "cols": w.shape[1], "start": w.ravel().tolist(),
                "gradients": g.reshape(len(g), -1).tolist(), "weights": after.reshape(len(after), -1).tolist()}
               for w, g, after in zip(drawn["start"], drawn["gradients"], weights)]
    return {"settings": drawn["settings"], "rates": drawn["rates"].tolist(), "norms": norms.tolist(),
            "tensors": tensors}


schedules = [{"kind": kind, "steps": steps, "warmup": warmup, "rate": rate,
              "factors": factors(kind, steps, warmup, rate, steps + 3)}
             for kind in SCHEDULES for steps, warmup, rate in ((10, 2, 1e-3), (37, 0, 2e-5), (7, 9, 0.5), (23, 11, 3e-7))]
random = np.random.default_rng(23)
golden = {"schedules": schedules, "adamw": [case(random) for _ in range(4)]}
(here / "optim.json").write_text(json.dumps(golden) + "\n")
