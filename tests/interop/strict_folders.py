"""Model folders that do not fit: each is refused with exit code 4 and by name, before its weights are read. The weights
are large and sparse files in little memory, so that a program which made room for them would end otherwise."""
import json
import shutil
import subprocess

import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionModel, LlamaConfig, LlamaForCausalLM

from small_folders import tokenizer, vision_config, write_processor

WIDE = dict(vocab_size=4000, hidden_size=1536, intermediate_size=4096, num_hidden_layers=4, num_attention_heads=12,
            num_key_value_heads=4, max_position_embeddings=512, tie_word_embeddings=False)
MEBIBYTES = 300  # the weights are 430


class Part:
    """A folder of a model that can be bent: settings, and names, types and shapes of the tensors."""

    def __init__(self, folder, kind, config):
        self.folder = folder
        with torch.device("meta"):
            self.tensors = {n: ["F32", list(t.shape)] for n, t in kind(config).state_dict().items()}
        self.config = json.loads(config.to_json_string(use_diff=False))
        self.config.setdefault("architectures", [kind.__name__])
        self.keep = 1.0  # this share of the file is there

    def write(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "config.json").write_text(json.dumps(self.config))
        header, at = {}, 0
        for name, (dtype, shape) in self.tensors.items():
            size = int(torch.Size(shape).numel()) * {"F32": 4, "I64": 8}[dtype]
            header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
            at += size
        text = json.dumps(header).encode()
        with open(self.folder / "model.safetensors", "wb") as f:
            f.write(len(text).to_bytes(8, "little") + text)
            f.truncate(int(self.keep * (8 + len(text) + at)))


class Model:
    """Both folders of a model that fits, ready to be bent."""

    def __init__(self, folder, rng):
        self.language = Part(folder / "language", LlamaForCausalLM, LlamaConfig(**WIDE))
        self.vision = Part(folder / "vision", CLIPVisionModel, vision_config(rng))
        self.words = folder / "language" / "tokenizer.json"
        tokenizer(rng).save_pretrained(folder / "language")
        write_processor(folder / "vision", rng, vision_config(rng, image_size=self.vision.config["image_size"],
                                                              patch_size=self.vision.config["patch_size"]))

    def edit_words(self, change):
        value = json.loads(self.words.read_text())
        change(value)
        self.words.write_text(json.dumps(value))


def tensor_cases():
    gate, norm = "model.layers.2.mlp.gate_proj.weight", "model.layers.1.input_layernorm.weight"
    fc1, places = "encoder.layers.1.mlp.fc1.bias", "embeddings.position_embedding.weight"

    def several(m):
        del m.language.tensors[gate]
        m.language.tensors["model.layers.9.mlp.up_proj.weight"] = ["F32", [4, 4]]
        m.language.tensors[norm][1] = [1535]

    def vocabulary(m):
        m.language.config["vocab_size"] = 300
        for name in ("model.embed_tokens.weight", "lm_head.weight"):
            m.language.tensors[name][1][0] = 300

    def far_token(m):
        m.edit_words(lambda w: w["model"]["vocab"].update({"far": 4000}))

    return {
        "missing tensor": (lambda m: m.language.tensors.pop(gate), ["missing", gate]),
        "missing head": (lambda m: m.language.tensors.pop("lm_head.weight"), ["missing", "lm_head.weight"]),
        "missing norm of the tower": (lambda m: m.vision.tensors.pop("post_layernorm.bias"),
                                      ["missing", "post_layernorm.bias"]),
        "missing tensor of the tower": (lambda m: m.vision.tensors.pop(fc1), ["missing", fc1]),
        "unexpected tensor": (lambda m: m.language.tensors.update({"model.extra.weight": ["F32", [3]]}),
                              ["unexpected", "model.extra.weight"]),
        "unexpected tensor of the tower": (lambda m: m.vision.tensors.update({"head.weight": ["F32", [3]]}),
                                           ["unexpected", "head.weight"]),
        "unexpected bias": (lambda m: m.language.tensors.update({"model.layers.0.self_attn.q_proj.bias":
                                                                 ["F32", [1536]]}), ["unexpected", "q_proj.bias"]),
        "misshaped tensor": (lambda m: m.language.tensors[gate][1].reverse(), ["misshaped", gate, "1536"]),
        "misshaped table of positions": (lambda m: m.vision.tensors[places][1].__setitem__(0, 99),
                                         ["misshaped", places, "99"]),
        "embedding of another size": (lambda m: m.language.tensors["model.embed_tokens.weight"][1].__setitem__(0, 4001),
                                      ["misshaped", "model.embed_tokens.weight", "4001"]),
        "integers": (lambda m: m.language.tensors[norm].__setitem__(0, "I64"), [norm, "I64"]),
        "three faults": (several, ["1 missing", "1 misshaped", "1 unexpected", gate, norm, "model.layers.9"]),
        "vocabulary larger than the embedding": (vocabulary, ["300", "vocab_size"]),
        "token behind the embedding": (far_token, ["4001", "4000"]),
        "half a file": (lambda m: setattr(m.language, "keep", 0.5), ["model.safetensors"]),
        "no weights": (lambda m: setattr(m.language, "keep", 0.0), ["model.safetensors"]),
    }


def config_cases():
    cases = {}

    def bend(key, value, *said, part="language"):
        cases[f"{part} {key} = {json.dumps(value)}"] = (lambda m: getattr(m, part).config.update({key: value}),
                                                        [key, *said])

    for key, value in dict(hidden_size="1536", num_hidden_layers=2.5, num_attention_heads=None, vocab_size=-4,
                           intermediate_size=[4096], num_key_value_heads=True, rms_norm_eps="1e-6", head_dim="128",
                           tie_word_embeddings="no", attention_bias=1, mlp_bias="false", rope_parameters=[1],
                           max_position_embeddings="512").items():
        bend(key, value)
    for key, value in dict(hidden_size="32", num_hidden_layers=0, patch_size=7.5, image_size=None,
                           layer_norm_eps="small", num_attention_heads={}).items():
        bend(key, value, part="vision")
    bend("hidden_act", "relu", "relu")
    bend("hidden_act", "selu", "selu", part="vision")
    bend("model_type", "gpt_neox", "gpt_neox")
    bend("model_type", "siglip_vision_model", "siglip", part="vision")
    bend("quantization_config", {"quant_method": "gptq"})
    for kind in ("yarn", "longrope", "LINEAR"):
        bend("rope_parameters", {"rope_type": kind, "factor": 2.0, "rope_theta": 1e4}, "rope", kind)
    cases["rope_scaling of transformers 4"] = (
        lambda m: (m.language.config.pop("rope_parameters"),
                   m.language.config.update(rope_theta=1e4, rope_scaling={"type": "su", "factor": 2.0})), ["su", "rope"])
    cases["rope factor that is text"] = (
        lambda m: m.language.config.update(rope_parameters={"rope_type": "linear", "factor": "2", "rope_theta": 1e4}),
        ["factor"])
    return cases


def end_of_training(work, folder):
    """(exit code, what it said) of a training from such folders in an address space that cannot hold the weights."""
    command = [work.programs.folder / "sft_main", *work.data, "--template", "plain", "--precision", "fp32",
               "--lm_model_name_or_path", folder / "language", "--vision_model_name_or_path", folder / "vision",
               "--max_seq_len", 1024, "--num_threads", 1, "--num_workers", 1, "--output_dir", folder / "out"]
    limited = ["sh", "-c", f"ulimit -v {MEBIBYTES << 10}; exec \"$@\"", "sh", *map(str, command)]
    done = subprocess.run(limited, capture_output=True, text=True)
    return done.returncode, done.stderr


def strictness(work):
    """All cases; work: programs, checks, data and a scratch folder."""
    cases = {"nothing": (lambda m: None, ["memory"], 9)}
    cases.update({name: (*case, 4) for name, case in {**tensor_cases(), **config_cases()}.items()})
    for name, (bend, words, expected) in cases.items():
        folder = work.folder()
        model = Model(folder, work.rng)
        bend(model)
        model.language.write(), model.vision.write()
        code, said = end_of_training(work, folder)
        good = code == expected and all(w in said for w in words)
        what = f"in {MEBIBYTES} MiB, exit {expected}: {name}"
        work.checks.true(what if good else f"{what}: exit {code}, {said!r}", good)
        shutil.rmtree(folder)


def projector(change):
    def edit(folder):
        path = folder / "projector" / "model.safetensors"
        tensors = load_file(path)
        change(tensors)
        save_file(tensors, path)
    return edit


def settings(name, change):
    def edit(folder):
        value = json.loads((folder / name).read_text())
        change(value)
        (folder / name).write_text(json.dumps(value))
    return edit


CHECKPOINTS = {
    "projector without a tensor": (projector(lambda t: t.pop("projection.1.bias")), ["missing", "projection.1.bias"]),
    "projector with one more": (projector(lambda t: t.update({"projection.2.bias": torch.ones(2)})),
                                ["unexpected", "projection.2.bias"]),
    "projector of another width": (projector(lambda t: t.update({"projection.0.weight": torch.ones(3, 2)})),
                                   ["misshaped", "projection.0.weight"]),
    "projector of another kind": (settings("projector/config.json", lambda c: c.update(kind="mlp")), ["projection"]),
    "projector of no kind": (settings("projector/config.json", lambda c: c.update(kind=3)), ["kind"]),
    "settings without a key": (settings("vltune.json", lambda c: c.pop("max_seq_len")), ["max_seq_len"]),
    "settings of a wrong type": (settings("vltune.json", lambda c: c.update(mmca="no")), ["mmca"]),
    "unknown choice of tokens": (settings("vltune.json", lambda c: c.update(vision_feature_select="both")),
                                 ["vision_feature_select", "patch"]),
    "hidden state that is not there": (settings("vltune.json", lambda c: c.update(vision_feature_layer=9)),
                                       ["vision_feature_layer", "9"]),
    "sequences of no length": (settings("vltune.json", lambda c: c.update(max_seq_len=0)), ["max_seq_len"]),
    "template of a wrong type": (settings("vltune.json", lambda c: c["template"].update(user=5)), ["user"]),
    "no settings": (lambda folder: (folder / "vltune.json").unlink(), ["vltune.json"]),
    "language model of another width": (
        settings("language_model/config.json", lambda c: c.update(hidden_size=c["hidden_size"] * 2)), ["misshaped"]),
}


def strict_checkpoint(work, written):
    """A folder that sft_main wrote, damaged: --from_checkpoint refuses it."""
    for name, (edit, words) in CHECKPOINTS.items():
        folder = work.folder()
        shutil.copytree(written, folder)
        edit(folder)
        done = work.programs.run("sft_main", *work.data, "--from_checkpoint", folder, "--precision", "fp32",
                                 "--eval_only", "--data_train_split_ratio", 0, expect=None)
        good = done.returncode == 4 and all(w in done.stderr for w in words)
        said = "" if good else f": exit {done.returncode}, {done.stderr!r}"
        work.checks.true(f"from_checkpoint, exit 4: {name}{said}", good)
