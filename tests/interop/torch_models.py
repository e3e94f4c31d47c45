"""Reference models in torch, read from the folders that ours reads, and conversations to run both on. A reference runs
them one at a time and gives what probe_model writes: loss, logits of every row, gradients by our names."""
import json

import safetensors.torch
import torch
import transformers

import model_folders
import plain_torch

IMAGE = model_folders.SPECIAL["<image>"]


class Conversations:
    """Random ids with pictures among them, and which of them are supervised. sizes: (height, width) of each picture;
    tiles: what the tower sees, in the order of the pictures."""

    def __init__(self, rng, vocabulary, lengths):
        self.samples = []
        for n in lengths:
            ids = [rng.choice([i for i in range(vocabulary) if i != IMAGE]) for _ in range(n)]
            for at in rng.sample(range(n - 1), rng.choice([0, 1, 1, 2])):
                ids[at] = IMAGE
            labels = [i if i != IMAGE and rng.random() < 0.6 else -1 for i in ids]
            labels[-1] = ids[-1]
            self.samples.append((ids, labels))
        self.pictures = sum(ids.count(IMAGE) for ids, _ in self.samples)
        self.sizes = None

    def draw(self, side, generator):
        """A tile for each picture."""
        self.tiles = [torch.randn(1, 3, side, side, generator=generator) for _ in range(self.pictures)]

    def draw_tiles(self, side, generator, rng, grid):
        """Pictures of any size, cut into as many tiles as LLaVA-NeXT does."""
        self.sizes = [(rng.randint(8, 4 * side), rng.randint(8, 4 * side)) for _ in range(self.pictures)]
        count = transformers.models.llava_next.modeling_llava_next.image_size_to_num_patches
        self.tiles = [torch.randn(count(size, grid, side), 3, side, side, generator=generator) for size in self.sizes]

    def tensors(self):
        """As probe_model reads them."""
        flat = lambda which: torch.tensor([i for s in self.samples for i in s[which]])
        tensors = {"ids": flat(0), "labels": flat(1), "lengths": torch.tensor([len(s[0]) for s in self.samples])}
        if self.tiles:
            tensors["pixels"] = torch.cat(self.tiles)
        if self.tiles and self.sizes:
            tensors["sizes"] = torch.tensor(self.sizes)
        return tensors


def expanded(ids, values, counts):
    """values, one for each id, with -1 for each row of a picture; counts: rows of each picture."""
    counts, rows = list(counts), []
    for i, value in zip(ids, values):
        rows += [-1] * counts.pop(0) if i == IMAGE else [value]
    return rows


class Reference:
    """What the references share. A subclass gives conversation(ids, tiles, sizes): logits and the number of rows of
    each picture; parameters(): by our names."""

    def run(self, given, autocast=False):
        losses, rows_of_logits, supervised, at = [], [], 0, 0
        for ids, labels in given.samples:
            pictures = slice(at, at + ids.count(IMAGE))
            at = pictures.stop
            forget_longest(self.rotary)
            with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                logits, counts = self.conversation(ids, given.tiles[pictures], given.sizes and given.sizes[pictures])
            logits = logits.float()
            targets = torch.tensor(expanded(ids, labels, counts)[1:] + [-1])
            losses.append(torch.nn.functional.cross_entropy(logits, targets, ignore_index=-1, reduction="sum"))
            supervised += int((targets >= 0).sum())
            rows_of_logits.append(logits.detach())
        loss = sum(losses) / supervised
        loss.backward()
        gradients = {"grad." + n: torch.zeros_like(p) if p.grad is None else p.grad
                     for n, p in self.parameters().items()}
        return {"loss": loss.detach().reshape(1), "logits": torch.cat(rows_of_logits)} | gradients


def forget_longest(rotary):
    """Dynamic RoPE remembers the longest sequence it has seen; ours goes by each sequence's own length."""
    rotary.inv_freq, rotary.max_seq_len_cached = rotary.original_inv_freq, rotary.original_max_seq_len


def trained_of_tower(vision, layer):
    """Parameters of a CLIPVisionModel by our names, without those behind the hidden state that is read: they do not
    train. post_layernorm is behind every one."""
    depth = vision.config.num_hidden_layers
    run = depth + 1 + layer if layer < 0 else layer
    behind = ("post_layernorm.", *(f"encoder.layers.{i}." for i in range(run, depth)))
    named = {n.removeprefix("vision_model."): p for n, p in vision.named_parameters()}
    return {"vision_model." + n: p for n, p in named.items() if not n.startswith(behind)}


class Default(Reference):
    """CLIPVisionModel, a projector of plain_torch.py, and a causal language model: under MMCA, or if asked for, the
    decoder of plain_torch.py, else transformers'."""

    def __init__(self, folder, plain=False):
        self.settings = json.loads((folder / "vltune.json").read_text())
        load = dict(dtype=torch.float32, attn_implementation="eager")
        self.language = transformers.AutoModelForCausalLM.from_pretrained(folder / "language_model", **load)
        self.vision = transformers.CLIPVisionModel.from_pretrained(folder / "vision_model", **load)
        stored = safetensors.torch.load_file(folder / "projector" / "model.safetensors")
        self.projector = {n.removeprefix("projection."): t.requires_grad_() for n, t in stored.items()}
        self.kind = json.loads((folder / "projector" / "config.json").read_text())["kind"]
        self.embed, self.rotary = self.language.get_input_embeddings(), self.language.model.rotary_emb
        self.vocabulary, self.side = self.language.config.vocab_size, self.vision.config.image_size
        self.decoder = None
        if plain or self.settings["mmca"]:
            mask = plain_torch.mmca if self.settings["mmca"] else plain_torch.causal
            self.decoder = plain_torch.Decoder(dict(self.language.named_parameters()),
                                               self.language.config.to_dict(), mask)

    def image_tokens(self, tiles):
        layer = self.settings["vision_feature_layer"]
        x = self.vision(torch.cat(tiles), output_hidden_states=True).hidden_states[layer]
        if self.settings["vision_feature_select"] == "patch" or self.kind == "perceiver":
            x = x[:, 1:]
        c = self.vision.config
        if self.kind == "vit":
            activation = transformers.activations.ACT2FN[c.hidden_act]
            return plain_torch.vit(self.projector, x, c.num_attention_heads, c.layer_norm_eps, activation)
        return getattr(plain_torch, self.kind)(self.projector, x)

    def conversation(self, ids, tiles, _):
        images = list(self.image_tokens(tiles)) if tiles else []
        counts, left = [len(i) for i in images], list(images)
        x = torch.cat([left.pop(0) if i == IMAGE else self.embed(torch.tensor([i])) for i in ids])
        if self.decoder:
            return self.decoder(x, torch.tensor(expanded(ids, ids, counts)) < 0), counts
        return self.language(inputs_embeds=x[None]).logits[0], counts

    def parameters(self):
        return dict(self.language.named_parameters()) | {"projection." + n: p for n, p in self.projector.items()} | \
            trained_of_tower(self.vision, self.settings["vision_feature_layer"])


class Llava(Reference):
    """LlavaForConditionalGeneration or LlavaNextForConditionalGeneration."""

    def __init__(self, folder):
        self.model = transformers.AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32,
                                                                              attn_implementation="eager")
        self.inner = self.model.model
        self.rotary = self.inner.language_model.rotary_emb
        self.config = self.model.config
        self.vocabulary, self.side = self.config.text_config.vocab_size, self.config.vision_config.image_size

    def conversation(self, ids, tiles, sizes):
        given, counts = {}, []
        if tiles:
            given = {"pixel_values": torch.cat(tiles)} | ({"image_sizes": torch.tensor(sizes)} if sizes else {})
            with torch.no_grad():
                counts = [len(i) for i in self.inner.get_image_features(*given.values()).pooler_output]
        rows = [IMAGE if i < 0 else i for i in expanded(ids, ids, counts)]
        return self.model(input_ids=torch.tensor([rows]), **given).logits[0], counts

    def parameters(self):
        named = dict(self.model.named_parameters())
        ours = {n.replace("model.language_model.", "model."): p for n, p in named.items()
                if n.startswith(("model.language_model.", "lm_head."))}
        ours |= {"projection." + n.removeprefix("model.multi_modal_projector.").removeprefix("model."): p
                 for n, p in named.items() if "multi_modal_projector." in n or "image_newline" in n}
        return ours | trained_of_tower(self.inner.vision_tower, self.config.vision_feature_layer)


def drawn_conversations(rng, generator, reference, grid=None):
    """Four conversations and their pictures, for a model; grid: of LLaVA-NeXT's canvases."""
    given = Conversations(rng, reference.vocabulary, [rng.randint(3, 60) for _ in range(4)])
    if grid:
        given.draw_tiles(reference.side, generator, rng, grid)
    else:
        given.draw(reference.side, generator)
    return given
