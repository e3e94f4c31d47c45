"""What the options of data, model and tuning change. Each function is named after its option."""
import broken_picture

from llava_folders import llava, llava_folder, llava_is_strict, llava_next_has_tiles, read_tensors, start
from sft_runs import *


@test
def data_path():
    half = write("half.json", json.dumps(records()[:12]))
    a, b = base(), ok(sft({"data_path": [half]}))
    assert b.receipt()["records"]["train"] < a.receipt()["records"]["train"]
    refused(sft(without=["data_path"]), 2, "--data_path")
    refused(sft({"data_path": ["/nowhere.json"]}), 3, "/nowhere.json")


@test
def image_folder():
    other = os.path.join(WORK, "swapped")
    shutil.copytree(os.path.join(data(1), "images"), other)
    names = sorted(os.listdir(other))
    for name, source in zip(names, names[1:] + names[:1]):
        shutil.copy(os.path.join(data(1), "images", source), os.path.join(other, name))
    changes_loss("image_folder", [other], first=True)
    refused(sft(without=["image_folder"]), 2, "image_folder")


@test
def data_debug_path():
    folder = os.path.join(WORK, "debug")
    ok(sft({"data_debug_path": [folder]}))
    samples = json.load(open(os.path.join(folder, "samples.json")))
    assert len(samples) == 10 and {"id", "text", "ids", "supervised"} <= set(samples[0])
    assert os.path.exists(os.path.join(folder, "index.html"))


@test
def data_train_split_ratio():
    b = ok(sft({"data_train_split_ratio": [0.5]}))
    assert base().receipt()["records"]["train"] == 21 and b.receipt()["records"]["train"] == 12
    refused(sft({"data_train_split_ratio": [0]}), 2, "no record is left to train on")


@test
def dataset_names():
    same_loss("dataset_names", ["llava_reward"])
    refused(sft({"dataset_names": ["coco"]}), 2, "llava_sft")
    a, b = write("a.json", json.dumps(records()[:12])), write("b.json", json.dumps(records()[12:]))
    two = ok(sft({"data_path": [a, b], "dataset_names": ["llava_sft", "llava_sft"], "max_steps": [6]}))
    assert {k for s in two.steps for k in s["loss_by_dataset"]} == {"a", "b"}


@test
def dataset_samples():
    b = ok(sft({"dataset_samples": [10]}))
    assert b.receipt()["records"] == {"train": 9, "eval": 1, "not_selected": 14}


@test
def dataset_concatenate_samples():
    folder = os.path.join(WORK, "joined_debug")
    around = {"num_train_epochs": [1], "max_steps": [0], "per_device_train_batch_size": [1], "precision": ["fp32"],
              "max_seq_len": [1024]}
    a = ok(sft(around))
    b = ok(sft({**around, "dataset_concatenate_samples": [2]}))
    assert len(a.steps) == 21 and len(b.steps) == 11, "records did not become one conversation"
    assert sum(a.all("supervised_tokens")) == sum(b.all("supervised_tokens"))
    assert "joined: 20 of the training records in 10 conversations" in b.out and "joined" not in a.out
    ok(sft({**around, "dataset_concatenate_samples": [2], "template": ["vicuna"], "data_debug_path": [folder]}))
    joined = [s["text"] for s in json.load(open(os.path.join(folder, "samples.json"))) if " + " in s["id"]]
    assert joined and all(text.count("A chat between") == 1 for text in joined), "a conversation begins once"
    c = ok(sft({**around, "dataset_concatenate_samples": [2], "num_workers": [3], "num_threads": [2]}))
    assert c.losses() == b.losses(), "workers or threads change what is joined"
    short = ok(sft({**around, "dataset_concatenate_samples": [21], "max_seq_len": [300]}))
    assert 1 < len(short.steps) < 21 and max(short.all("tokens")) <= 300
    one = ok(sft({**around, "dataset_concatenate_samples": [21], "max_num_image_per_sample": [3]}))
    assert 1 < len(one.steps) < 21
    refused(sft({"dataset_concatenate_samples": [0]}), 2, "--dataset_concatenate_samples")
    refused(sft({"dataset_concatenate_samples": [2, 3]}), 2, "--dataset_concatenate_samples")


@test
def max_num_image_per_sample():
    two = next(r for r in records() if r.get("image") and not isinstance(r["image"], list))
    two = dict(two, image=[two["image"], two["image"]],
               conversations=[dict(t, value=t["value"].replace("<image>", "")) for t in two["conversations"]])
    path = write("two.json", json.dumps(records() + [two]))
    ok(sft({"data_path": [path]}))
    refused(sft({"data_path": [path], "max_num_image_per_sample": [1]}), 3, "max_num_image_per_sample")


@test
def max_seq_len():
    b = ok(sft({"max_seq_len": [50]}))
    assert "truncated" in b.out and "truncated" not in base().out
    refused(sft({"max_seq_len": [4]}), 2, "--max_seq_len")


@test
def truncation():
    b = ok(sft({"max_seq_len": [50], "truncation": ["drop_sample"]}))
    assert "+ 0 too long" not in b.out
    refused(sft({"max_seq_len": [50], "truncation": ["error"]}), 3, "longer than --max_seq_len")


@test
def template():
    a, b = changes_loss("template", ["vicuna"], first=True)
    assert sum(a.all("tokens")) < sum(b.all("tokens"))
    refused(sft({"template": ["vicunna"]}), 2, "vicuna")


def with_bad_record():
    return write("bad.json", json.dumps(records() + [{"id": "bad"}]))


@test
def on_bad_sample():
    folder = os.path.join(WORK, "ended")
    many = write("many_bad.json", json.dumps(records() + [{"id": "bad%d" % i} for i in range(25)]))
    note = "24 more records have this fault; 25 of %d records have errors (all in %s/skipped.jsonl); nothing was trained" % (len(records()) + 25, folder)
    refused(sft({"data_path": [many], "output_dir": [folder]}), 3, note)
    assert [json.loads(line)["id"] for line in open(folder + "/skipped.jsonl")] == ["bad%d" % i for i in range(25)]
    refused(sft({"data_path": [many], "validate_only": []}, output=False), 3, "24 more records have this fault")
    ok(sft({"output_dir": [folder]}))  # the list of a failed start does not hinder the next, which begins it anew
    assert open(folder + "/skipped.jsonl").read() == ""
    b = ok(sft({"data_path": [with_bad_record()], "on_bad_sample": ["skip"], "max_bad_fraction": [0.5]}))
    assert "bad" in open(os.path.join(b.folder, "skipped.jsonl")).read()


@test
def max_bad_fraction():
    refused(sft({"data_path": [with_bad_record()], "on_bad_sample": ["skip"], "max_bad_fraction": [0.01]}), 3,
            "max-bad-fraction".replace("-", "_"))
    folder = os.path.join(WORK, "undecodable")
    os.makedirs(folder)
    broken_picture.write(os.path.join(folder, "x.png"))
    lost = write("lost.json", json.dumps([dict(r, image="x.png", conversations=[
        {"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "This."}]) for r in records()]))
    found_late = {"data_path": [lost], "image_folder": [folder], "on_bad_sample": ["skip"], "num_train_epochs": [2],
                  "max_steps": [0]}
    a = sft({**found_late, "max_bad_fraction": [0.1]})
    refused(a, 3, "3 of 24 records have errors, 3 of them found while decoding")
    assert len(open(os.path.join(a.folder, "skipped.jsonl")).readlines()) == 3
    b = sft({**found_late, "max_bad_fraction": [1]})
    refused(b, 3, "no record is left to train on")
    ids = [json.loads(line)["id"] for line in open(os.path.join(b.folder, "skipped.jsonl"))]
    assert len(ids) == len(set(ids)) == b.receipt()["records"]["train"]


@test
def packing():
    around = {"max_seq_len": [256], "data_train_split_ratio": [0.5], "eval_step": [2], "num_train_epochs": [2],
              "max_steps": [0], "precision": ["fp32"]}
    a, b = ok(sft(around)), ok(sft({**around, "packing": []}))
    assert "packing: " in b.out and " % full" in b.out and "packing: " not in a.out
    assert len(b.steps) < len(a.steps) and sum(b.all("tokens")) == sum(a.all("tokens")), "other samples were trained on"
    assert all(0 < s["filled"] <= 1 and s["tokens"] <= 512 for s in b.steps) and "filled" not in a.steps[0]
    assert max(b.all("tokens")) > 350, "the budget is not used"
    c = ok(sft({**around, "packing": [], "num_workers": [3]}))
    assert c.losses() == b.losses() and c.all("grad_norm") == b.all("grad_norm"), "workers change the batches"
    # a run that goes on packs as the whole one does
    both = {**around, "packing": [], "dataset_concatenate_samples": [2], "eval_step": [0], "max_seq_len": [400]}
    half, whole = ok(sft({**both, "max_steps": [2]})), ok(sft(both))
    rest = ok(sft({**both, "output_dir": [half.folder], "from_checkpoint": ["auto"]}))
    assert len(whole.steps) > 2 and rest.losses() == whole.losses(), "%r, %r" % (rest.losses(), whole.losses())
    # sequences that share a micro-batch do not see each other: the model's loss is that of samples alone
    still = {**around, "learning_rate": [0], "eval_step": [1], "max_steps": [1]}
    alone, packed = (ok(sft({**still, **more})).evals[0]["eval_loss"] for more in (
        {"per_device_eval_batch_size": [1]}, {"packing": [], "per_device_eval_batch_size": [4]}))
    assert abs(alone - packed) < 1e-5 * alone, "%r alone, %r packed" % (alone, packed)


@test
def lm_model_name_or_path():
    changes_loss("lm_model_name_or_path", [os.path.join(data(2), "language_model")], first=True)
    refused(sft(without=["lm_model_name_or_path"]), 2, "--lm_model_name_or_path")
    ends = os.path.join(WORK, "with_ends")
    shutil.copytree(os.path.join(data(1), "language_model"), ends)
    write("with_ends/generation_config.json", '{"eos_token_id": [2, 7], "top_k": 50}')
    a = ok(sft({"lm_model_name_or_path": [ends]}))
    b = ok(sft({"from_checkpoint": [os.path.join(a.folder, "epoch-0")]}, without=["lm_model_name_or_path", "vision_model_name_or_path", "template"]))
    assert b.json("epoch-0/language_model/generation_config.json") == {"eos_token_id": [2, 7], "top_k": 50}
    other = os.path.join(WORK, "larger_tokenizer")
    shutil.copytree(os.path.join(data(1), "language_model"), other)
    rows = json.load(open(other + "/config.json"))["vocab_size"]
    tokenizer = json.load(open(other + "/tokenizer.json"))
    tokenizer["model"]["vocab"]["a token too many"] = rows
    json.dump(tokenizer, open(other + "/tokenizer.json", "w"))
    a = sft({"lm_model_name_or_path": [other]})
    refused(a, 4, "at most %d" % rows)
    assert "found:    %d" % (rows + 1) in a.err


@test
def vision_model_name_or_path():
    changes_loss("vision_model_name_or_path", [os.path.join(data(2), "vision_model")], first=True)
    refused(sft(without=["vision_model_name_or_path"]), 2, "--vision_model_name_or_path")


@test
def model_architecture():
    # in fp32: a folder of bf16 has rounded norms and biases, which train in fp32
    same = ok(llava(llava_folder("llava_fp32", precision="fp32"), {"precision": ["fp32"]}))
    assert same.losses()[0] == start("fp32").losses()[0], "the same weights, pictures and texts gave another loss"
    folder = llava_folder("llava")
    a = ok(llava(folder))
    before, after = (read_tensors(f + "/model.safetensors") for f in (folder, a.folder + "/epoch-0"))
    assert before.keys() == after.keys() and a.json("epoch-0/config.json") == json.load(open(folder + "/config.json"))
    assert {k for k in before if before[k] != after[k]} == {k for k in before if k.startswith("multi_modal_projector")}
    b = ok(llava(a.folder + "/epoch-0", without=["template"]))
    assert b.losses()[0] < a.losses()[0], "the trained weights were not taken"
    refused(llava(folder, {"model_architecture": ["llava_next"]}), 2, "--model_architecture llava")
    refused(llava(folder, without=["model_architecture"]), 2, "--model_architecture llava")
    refused(sft({"model_architecture": ["llava"]}, without=["lm_model_name_or_path"]), 2, "--from_checkpoint")
    refused(llava(folder, {"enable_mmca_attention": []}), 2, "--enable_mmca_attention")
    refused(llava(folder, {"vis_proj": ["vit"]}), 2, "--vis_proj")
    refused(sft({"model_architecture": ["llava"], "from_checkpoint": [folder]}), 2, "--lm_model_name_or_path")
    llava_next_has_tiles()
    llava_is_strict()


@test
def vis_proj():
    for kind in ("baseline", "vit", "perceiver", "mlp"):
        b = ok(sft({"vis_proj": [kind]}))
        assert b.json("epoch-0/projector/config.json")["kind"] == kind
    refused(sft({"vis_proj": ["linear"]}), 2, "perceiver")


@test
def enable_mmca_attention():
    a, b = changes_loss("enable_mmca_attention", [], first=True)
    assert b.json("epoch-0/vltune.json")["mmca"] and not a.json("epoch-0/vltune.json")["mmca"]


@test
def vision_feature_layer():
    a, b = changes_loss("vision_feature_layer", [-2], first=True)
    assert a.tensors("vision_model").keys() == b.tensors("vision_model").keys()
    refused(sft({"vision_feature_layer": [-9]}), 2, "hidden state")


@test
def vision_feature_select():
    a, b = changes_loss("vision_feature_select", ["patch"], first=True)
    assert sum(b.all("tokens")) < sum(a.all("tokens"))


@test
def from_checkpoint():
    a = base(**ALL)
    folder = os.path.join(a.folder, "epoch-0")
    b = ok(sft({**ALL, "from_checkpoint": [folder]}, without=["lm_model_name_or_path", "vision_model_name_or_path",
                                                              "template"]))
    assert b.losses()[0] < a.losses()[0], "the trained weights were not taken"
    assert b.tensors("projector").keys() == a.tensors("projector").keys()
    refused(sft({"from_checkpoint": [folder], "vis_proj": ["mlp"]},
                without=["lm_model_name_or_path", "vision_model_name_or_path"]), 2, "contradicts")
    half = ok(sft({"from_checkpoint": ["auto"], "max_steps": [2]}))
    again = ok(sft({"from_checkpoint": ["auto"], "output_dir": [half.folder]}))  # resuming.py has the rest
    assert again.losses() == base().losses() and again.losses()[:2] == half.losses()
    refused(sft({"from_checkpoint": ["/nowhere"]}), 4, "/nowhere")


@test
def precision():
    a, b = changes_loss("precision", ["fp32"], first=True)
    assert b.json("epoch-0/language_model/config.json")["torch_dtype"] == "float32"
    c = ok(sft(without=["precision"]))
    assert "bf16 is faster and safer" in c.err and "bf16 is faster" not in a.err
    assert c.losses()[0] not in (a.losses()[0], b.losses()[0]), "the first loss is another precision's"
    assert c.all("loss_scale") == [65536.0] * 3 and c.all("skipped") == [0] * 3 and a.all("loss_scale") == [None] * 3
    assert c.json("epoch-0/language_model/config.json")["torch_dtype"] == "float16"
    assert 2 * len(c.tensors("language_model")["lm_head.weight"]) == len(b.tensors("language_model")["lm_head.weight"])
    half = ok(sft({"max_steps": [2], "from_checkpoint": ["auto"]}, without=["precision"]))
    again = ok(sft({"from_checkpoint": ["auto"], "output_dir": [half.folder]}, without=["precision"]))
    assert again.losses() == c.losses() and again.tensors("language_model") == c.tensors("language_model")
    refused(sft({"precision": ["fp64"]}), 2, "bf16")


@test
def device():
    same_loss("device", ["cpu"])
    later("device", ["cuda"])


def changed(a, b, part):
    """Tensors that differ between the last models of two runs."""
    x, y = a.tensors(part), b.tensors(part)
    return {k for k in x if x[k] != y[k]}


@test
def vis_encoder_update():
    start, b = ok(sft({"learning_rate": [0]})), ok(sft({"vis_encoder_update": []}))
    assert not changed(start, base(), "vision_model"), "a frozen tower changed"
    frozen = {k for k in changed(start, b, "vision_model")} ^ {k for k in start.tensors("vision_model")}
    assert all("post_layernorm" in k for k in frozen), "these did not train: %s" % sorted(frozen)


@test
def lang_decoder_update():
    start, b = ok(sft({"learning_rate": [0]})), ok(sft({"lang_decoder_update": []}))
    assert changed(start, base(), "language_model") == {"model.embed_tokens.weight"}
    assert changed(start, b, "language_model") == set(start.tensors("language_model"))


def lora(run, side):
    return run.json("epoch-0/%s_adapter/adapter_config.json" % side)


@test
def lang_lora_dim():
    b = ok(sft({"lang_lora_dim": [2]}))
    assert lora(b, "language")["r"] == 2 and lora(b, "language")["lora_alpha"] == 4
    assert len(lora(b, "language")["target_modules"]) % 7 == 0
    assert b.losses() != base().losses() and b.losses()[0] == base().losses()[0], "a fresh adapter must change nothing"
    c = ok(sft({"lang_lora_dim": [2], "lang_decoder_update": []}))
    start = ok(sft({"learning_rate": [0]}))
    assert not any("proj" in k for k in changed(start, c, "language_model")), "a weight under an adapter changed"
    assert any("layernorm" in k for k in changed(start, c, "language_model")), "the rest did not train"


@test
def vis_lora_dim():
    b = ok(sft({"vis_lora_dim": [2]}))
    assert lora(b, "vision")["r"] == 2 and not b.has("epoch-0/vision_model")
    assert b.losses() != base().losses() and b.losses()[0] == base().losses()[0]


@test
def lang_lora_module_name():
    b = ok(sft({"lang_lora_dim": [2], "lang_lora_module_name": ["q_proj,v_proj"]}))
    names = lora(b, "language")["target_modules"]
    assert names and all(n.endswith(("q_proj", "v_proj")) for n in names)
    c = ok(sft({"lang_lora_dim": [2], "lang_lora_module_name": ["layers.1."]}))
    assert all(".layers.1." in n for n in lora(c, "language")["target_modules"])
    start, d = ok(sft({"learning_rate": [0]})), ok(sft(
        {"lang_lora_dim": [2], "lang_lora_module_name": ["q_proj,v_proj"], "lang_decoder_update": []}))
    moved = changed(start, d, "language_model")
    assert not any("q_proj" in k or "v_proj" in k for k in moved) and any("k_proj" in k for k in moved)
    refused(sft({"lang_lora_dim": [2], "lang_lora_module_name": ["qq_proj"]}), 2, "q_proj")


@test
def vis_lora_module_name():
    b = ok(sft({"vis_lora_dim": [2], "vis_lora_module_name": ["fc1"]}))
    assert all(n.endswith("fc1") for n in lora(b, "vision")["target_modules"])


@test
def lora_alpha():
    a, b = changes_loss("lora_alpha", [32], lang_lora_dim=[2])
    assert lora(b, "language")["lora_alpha"] == 32


@test
def only_optimize_lora():
    start = ok(sft({"learning_rate": [0], "lang_lora_dim": [2]}))
    b = ok(sft({"lang_lora_dim": [2], "only_optimize_lora": []}))
    assert not changed(start, b, "language_model") and changed(start, b, "projector")
    refused(sft({"only_optimize_lora": []}), 2, "no LoRA")


@test
def is_sft_stage():
    b = ok(sft(without=["is_sft_stage"]))
    assert "token_accuracy" in b.steps[0] and "token_accuracy" not in base().steps[0]
    assert b.losses() == base().losses()
