"""A Hugging Face LLaVA folder, put together from the parts of a run of the default architecture."""
from sft_runs import *

NO_PARTS = ("lm_model_name_or_path", "vision_model_name_or_path")


def write_tensors(path, tensors):
    """tensors: name to (type, shape, bytes)."""
    header, at = {}, 0
    for name, (kind, shape, data) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(data for _, _, data in tensors.values()))


def read_tensors(path):
    data = open(path, "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    return {k: (v["dtype"], v["shape"], data[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]])
            for k, v in json.loads(data[8:8 + n]).items() if k != "__metadata__"}


def start(precision="bf16"):
    """A model with LLaVA's projector and features that has not learnt anything, in the default architecture."""
    return base(vis_proj=["mlp"], vision_feature_layer=[-2], vision_feature_select=["patch"], learning_rate=[0],
                precision=[precision])


def llava_folder(name, grid=None, precision="bf16"):
    """The same model as one folder; with a grid of canvases as a LLaVA-NeXT."""
    parts = os.path.join(start(precision).folder, "epoch-0")
    folder = os.path.join(WORK, name)
    if os.path.exists(folder):
        return folder
    shutil.copytree(os.path.join(parts, "language_model"), folder)
    tensors = {"language_model." + k: t for k, t in read_tensors(folder + "/model.safetensors").items()}
    for k, t in read_tensors(parts + "/vision_model/model.safetensors").items():
        tensors["vision_tower." + k] = t
    for k, t in read_tensors(parts + "/projector/model.safetensors").items():
        tensors["multi_modal_projector." + k.removeprefix("projection.")] = t
    text, vision = (json.load(open(f"{parts}/{part}/config.json")) for part in ("language_model", "vision_model"))
    processor = json.load(open(parts + "/vision_model/preprocessor_config.json"))
    ids = {t["content"]: t["id"] for t in json.load(open(folder + "/tokenizer.json"))["added_tokens"]}
    config = {"model_type": "llava_next" if grid else "llava", "text_config": text, "vision_config": vision,
              "image_token_index": ids["<image>"], "torch_dtype": text["torch_dtype"]}
    if grid:
        tensors["image_newline"] = tensors["multi_modal_projector.linear_1.bias"]
        config["image_grid_pinpoints"] = processor["image_grid_pinpoints"] = grid
    json.dump(config, open(folder + "/config.json", "w"))
    json.dump(processor, open(folder + "/preprocessor_config.json", "w"))
    write_tensors(folder + "/model.safetensors", tensors)
    return folder


def llava(folder, changes=None, without=(), **more):
    return sft({"model_architecture": ["llava"], "from_checkpoint": [folder], **(changes or {})},
               without=[*NO_PARTS, *without], **more)


def llava_next_has_tiles():
    side = json.load(open(llava_folder("llava") + "/preprocessor_config.json"))["crop_size"]
    side = side["height"] if isinstance(side, dict) else side
    folder = llava_folder("llava_next", [[side, 2 * side], [2 * side, side]])
    a = ok(llava(folder, {"model_architecture": ["llava_next"]}))
    assert sum(a.all("tokens")) > sum(start().all("tokens")), "pictures became no tiles"
    before, after = (read_tensors(f + "/model.safetensors") for f in (folder, a.folder + "/epoch-0"))
    assert {k for k in before if before[k] != after[k]} == {k for k in before
                                                            if k.startswith(("multi_modal_projector", "image_newline"))}


def llava_is_strict():
    folder = llava_folder("llava")
    tensors = read_tensors(folder + "/model.safetensors")
    broken = os.path.join(WORK, "broken")
    shutil.copytree(folder, broken)
    name = "multi_modal_projector.linear_1.weight"
    tensors["odd"] = tensors.pop(name)
    write_tensors(broken + "/model.safetensors", tensors)
    a = llava(broken)
    refused(a, 4, "1 missing, 1 unexpected")
    assert name in a.err and '"odd"' in a.err
    config = json.load(open(folder + "/config.json"))
    for key, value, says in [("vision_feature_layer", [-2, -5], "one integer"),
                             ("vision_feature_layer", -40, "hidden state"),
                             ("image_token_index", 3, "<image>"), ("projector_hidden_act", "relu", "gelu"),
                             ("multimodal_projector_bias", "yes", "true or false"), ("model_type", "qwen2_vl", "llava"),
                             ("vision_config", dict(config["vision_config"], model_type="siglip_vision_model"), "clip"),
                             ("text_config", dict(config["text_config"], rope_scaling={"rope_type": "yarn"}), "yarn")]:
        json.dump({**config, key: value}, open(broken + "/config.json", "w"))
        refused(llava(broken), 4, says)
