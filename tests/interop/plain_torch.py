"""Projectors, the decoder and its attention masks in plain torch, written from their formulas and nothing else."""
import math

import torch
import torch.nn.functional as F


def linear(w, name, x):
    return F.linear(x, w[name + ".weight"], w.get(name + ".bias"))


def layer_norm(w, name, x, eps):
    return F.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], eps)


def baseline(w, x, prefix=""):
    """LayerNorm(Linear(x))"""
    return layer_norm(w, prefix + "1", linear(w, prefix + "0", x), 1e-12)


def vit(w, x, heads, eps, activation):
    """One more layer of the encoder, pre-norm and without a mask, then the baseline."""
    def attention(x):
        images, tokens, width = x.shape
        q, k, v = (linear(w, f"vis_layer.self_attn.{n}_proj", x).view(images, tokens, heads, -1).transpose(1, 2)
                   for n in "qkv")
        p = torch.softmax(q @ k.mT / math.sqrt(width // heads), -1)
        return linear(w, "vis_layer.self_attn.out_proj", (p @ v).transpose(1, 2).reshape(x.shape))
    x = x + attention(layer_norm(w, "vis_layer.layer_norm1", x, eps))
    inner = activation(linear(w, "vis_layer.mlp.fc1", layer_norm(w, "vis_layer.layer_norm2", x, eps)))
    return baseline(w, x + linear(w, "vis_layer.mlp.fc2", inner), "projection.")


def mlp(w, x):
    """Linear(gelu(Linear(x)))"""
    return linear(w, "linear_2", F.gelu(linear(w, "linear_1", x)))


def sin_cos_table(width, grid):
    """(grid * grid, width): half of the channels for the column, half for the row; each half sines, then cosines."""
    frequency = 10000.0 ** (-torch.arange(width // 4, dtype=torch.float64) / (width // 4))
    angle = torch.arange(grid, dtype=torch.float64)[:, None] * frequency
    one_axis = torch.cat([angle.sin(), angle.cos()], 1)
    column = one_axis[None, :, :].expand(grid, grid, -1)
    row = one_axis[:, None, :].expand(grid, grid, -1)
    return torch.cat([column, row], 2).reshape(grid * grid, width)


def resized(table, grid):
    """A square table of positions on another grid: bicubic."""
    side, width = math.isqrt(len(table)), table.shape[1]
    if side == grid:
        return table
    square = table.float().T.reshape(1, width, side, side)
    return F.interpolate(square, size=(grid, grid), mode="bicubic", align_corners=False).reshape(width, -1).T


def perceiver(w, x):
    """Learned queries read an image's patches; x: (images, patches, width of the tower), no class token."""
    width, patches = w["query"].shape[1], x.shape[1]
    kv = layer_norm(w, "ln_kv", linear(w, "kv_proj", x), 1e-12)
    positions = sin_cos_table(width, 16)
    q = layer_norm(w, "ln_q", w["query"], 1e-12) + positions.to(x.dtype)
    k = kv + resized(positions, math.isqrt(patches)).to(x.dtype)
    heads = max(1, width // 128)
    q, k, v = (F.linear(t, weight, bias).unflatten(-1, (heads, -1)).transpose(-3, -2) for t, weight, bias in
               zip((q, k, kv), w["attn.in_proj_weight"].chunk(3), w["attn.in_proj_bias"].chunk(3)))
    o = torch.softmax(q @ k.mT / math.sqrt(width // heads), -1) @ v  # (images, heads, 256, width / heads)
    o = linear(w, "attn.out_proj", o.transpose(1, 2).flatten(2))
    return linear(w, "projection.1", layer_norm(w, "projection.0", o, 1e-12))


def rope_frequencies(rope, head_dim, max_position, length):
    """(head_dim / 2) angles per position. rope: rope_parameters as in config.json."""
    half, kind, theta = head_dim // 2, rope["rope_type"], rope["rope_theta"]
    factor = rope.get("factor", 1.0)
    if kind == "dynamic" and length > max_position:
        theta *= (factor * length / max_position - (factor - 1)) ** (head_dim / (head_dim - 2))
    f = theta ** (-torch.arange(half, dtype=torch.float64) / half)
    if kind == "linear":
        f = f / factor
    if kind == "llama3":
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        turns = rope["original_max_position_embeddings"] * f / (2 * math.pi)
        smooth = ((turns - low) / (high - low)).clamp(0, 1)
        f = (1 - smooth) * f / factor + smooth * f
    return f


def rotated(x, angle):
    """x: (heads, tokens, head_dim); the halves of a head are the pairs' two coordinates."""
    a, b = x.chunk(2, -1)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def causal(scores, v, image):
    """Softmax over positions up to the query's own. image: (tokens), true where a token belongs to a picture."""
    seen = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    return torch.softmax(scores.masked_fill(~seen, -math.inf), -1) @ v


def mmca(scores, v, image):
    """An image token is its own value; a text token adds a softmax over text up to itself and one over images."""
    out = []
    for t in range(len(image)):
        if image[t]:
            out.append(v[:, t])
            continue
        parts = [torch.softmax(scores[:, t, keys], -1)[:, None] @ v[:, keys] for keys in
                 (torch.nonzero(kind[:t + 1]).flatten() for kind in (~image, image)) if len(keys)]
        out.append(sum(parts)[:, 0])
    return torch.stack(out, 1)


class Decoder:
    """The LLaMA family. w: tensors by name; config: config.json with rope_parameters."""

    def __init__(self, w, config, mask):
        self.w, self.config, self.mask = w, config, mask
        self.heads, self.kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
        self.head_dim = config.get("head_dim") or config["hidden_size"] // self.heads

    def norm(self, name, x):
        scale = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.config["rms_norm_eps"])
        return x * scale * self.w[name + ".weight"]

    def attention(self, name, x, angle, image):
        def heads(kind, count):
            return linear(self.w, f"{name}.{kind}_proj", x).view(len(x), count, self.head_dim).transpose(0, 1)
        q, k, v = heads("q", self.heads), heads("k", self.kv_heads), heads("v", self.kv_heads)
        q, k = rotated(q, angle), rotated(k, angle)
        k, v = (t.repeat_interleave(self.heads // self.kv_heads, 0) for t in (k, v))
        o = self.mask(q @ k.mT / math.sqrt(self.head_dim), v, image)
        return linear(self.w, name + ".o_proj", o.transpose(0, 1).reshape(len(x), -1))

    def __call__(self, x, image):
        """x: (tokens, width) of one sequence, pictures' tokens included; returns logits."""
        f = rope_frequencies(self.config["rope_parameters"], self.head_dim, self.config["max_position_embeddings"],
                             len(x))
        angle = torch.arange(len(x), dtype=torch.float64)[:, None] * f
        for i in range(self.config["num_hidden_layers"]):
            at = f"model.layers.{i}."
            x = x + self.attention(at + "self_attn", self.norm(at + "input_layernorm", x), angle, image)
            h = self.norm(at + "post_attention_layernorm", x)
            h = F.silu(linear(self.w, at + "mlp.gate_proj", h)) * linear(self.w, at + "mlp.up_proj", h)
            x = x + linear(self.w, at + "mlp.down_proj", h)
        head = self.w.get("lm_head.weight", self.w["model.embed_tokens.weight"])
        return F.linear(self.norm("model.norm", x), head)
