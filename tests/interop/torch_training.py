"""The training of sft_main once more, in torch and transformers: what trains, at which rate, one step."""
import torch
import transformers
from torch import nn


class Training:
    """AdamW over a model as the options of sft_main ask for it. options: by name, flags are True."""

    def __init__(self, model, options, steps):
        self.model, self.options = model, options
        self.names = {name for name, _ in model.tensors()}
        self.trained = {name: p for name, p in model.tensors() if self.trains(name)}
        for name, p in model.tensors():
            p.requires_grad_(name in self.trained)
        groups = [{"params": [p], "lr": self.rate(name), "weight_decay": self.decay(p)}
                  for name, p in self.trained.items()]
        self.optimizer = torch.optim.AdamW(groups, lr=options["learning_rate"], eps=options["adam_epsilon"],
                                           betas=(options["adam_beta1"], options["adam_beta2"]))
        self.schedule = schedule(options["lr_scheduler_type"], self.optimizer, options["num_warmup_steps"], steps)

    def trains(self, name):
        component, rest = name.split(".", 1)
        get = self.options.get
        if component == "projector" or ".lora_" in name:
            return True
        if rest.endswith(".weight") and f"{name[:-7]}.lora_A.weight" in self.names:
            return False
        if component == "vision":
            return get("vis_encoder_update", False) and not self.model.unused(name)
        if rest == "model.embed_tokens.weight" and "model_architecture" not in self.options:
            return not get("only_optimize_lora", False)
        return get("lang_decoder_update", False)

    def rate(self, name):
        component = name.split(".", 1)[0]
        own = self.options.get(f"{component}_learning_rate")
        if own is not None:
            return own
        new = component == "projector" or ".lora_" in name
        pretrained = self.options["learning_rate_pretraining_components"] or self.options["learning_rate"]
        return self.options["learning_rate"] if new else pretrained

    def decay(self, p):
        return self.options["weight_decay"] if p.dim() > 1 else 0.0

    def step(self, samples, image_id):
        """One optimiser step over (ids, labels, pictures); returns the token mean of the loss and the gradient's norm."""
        tokens = sum(int((labels[:, 1:] != -100).sum()) for _, labels, _ in samples)
        total = 0.0
        for ids, labels, given in samples:
            logits = self.model.logits(ids, given, image_id)[0, :-1]
            loss = nn.functional.cross_entropy(logits, labels[0, 1:], ignore_index=-100, reduction="sum") / tokens
            if loss.requires_grad:  # a record without pictures teaches a projector nothing
                loss.backward()
            total += loss.item()
        for p in self.trained.values():  # what no record reached has a gradient of zero, and not none
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        limit = self.options["max_grad_norm"]
        norm = nn.utils.clip_grad_norm_(list(self.trained.values()), limit if limit > 0 else float("inf"))
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        return total, norm.item()


def schedule(name, optimizer, warmup, steps):
    warmup = int(warmup) if warmup > 1 else int(warmup * steps)
    if name == "wsd":
        decay = steps // 10
        return transformers.get_wsd_schedule(optimizer, warmup, decay, num_stable_steps=steps - warmup - decay,
                                             decay_type="linear")
    return transformers.get_scheduler(name, optimizer, warmup, steps)
