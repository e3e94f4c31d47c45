"""What torch and transformers do: learning rate schedules, and AdamW with clipping over loose tensors."""
import numpy as np
import torch
import transformers

SCHEDULES = ["linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup"]


def factors(kind, steps, warmup, rate, count):
    """The learning rate over its peak in the first `count` updates."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    scheduler = transformers.get_scheduler(kind, optimizer, num_warmup_steps=warmup, num_training_steps=steps)
    return [scheduler.lr_lambdas[0](done) for done in range(count)]


def drawn_case(rng, shapes, steps):
    """Starts (some at zero), gradients of very different sizes and rates, as float32, and settings."""
    start = [(rng.choice([0, 0.05, 1]) * rng.standard_normal(s)).astype(np.float32) for s in shapes]
    sizes = 10 ** rng.uniform(-6, 2, len(shapes))
    gradients = [(size * rng.standard_normal((steps, *s)) * rng.choice([0, 1, 10], (steps, 1, 1))).astype(np.float32)
                 for s, size in zip(shapes, sizes)]
    rates = (10 ** rng.uniform(-5, -1, (1, len(shapes))) * rng.uniform(0, 1, (steps, 1))).astype(np.float32)
    settings = {"beta1": float(rng.choice([0.9, 0.5, 0.0])), "beta2": float(rng.choice([0.95, 0.999, 0.9])),
                "epsilon": float(rng.choice([1e-8, 1e-6, 1e-3])), "weight_decay": float(rng.choice([0, 0.01, 0.3])),
                "max_norm": float(rng.choice([0, 1, 0.01, 1e3]))}
    return {"start": start, "gradients": gradients, "rates": rates, "settings": settings}


def trajectory(case, dtype=torch.float32):
    """(norm of each step, weights of each tensor after each step) of torch.optim.AdamW after clip_grad_norm_."""
    settings, parameters = case["settings"], [torch.nn.Parameter(torch.tensor(w, dtype=dtype)) for w in case["start"]]
    groups = [{"params": [p], "weight_decay": settings["weight_decay"] if p.shape[0] > 1 else 0.0} for p in parameters]
    optimizer = torch.optim.AdamW(groups, betas=(settings["beta1"], settings["beta2"]), eps=settings["epsilon"])
    norms, weights = [], [[] for _ in parameters]
    for step, rates in enumerate(case["rates"]):
        for parameter, gradient, group, rate in zip(parameters, case["gradients"], optimizer.param_groups, rates):
            parameter.grad, group["lr"] = torch.tensor(gradient[step], dtype=dtype), float(rate)
        norms.append(float(torch.nn.utils.clip_grad_norm_(parameters, settings["max_norm"] or float("inf"))))
        optimizer.step()
        for kept, parameter in zip(weights, parameters):
            kept.append(parameter.detach().numpy().copy())
    return np.array(norms), [np.array(w) for w in weights]
