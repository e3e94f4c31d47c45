#!/usr/bin/env python3
"""merge_lora from outside: what it writes is the model without its adapters, and is refused where there is no such.

usage: merging.py FOLDER_OF_PROGRAMS
"""
import test_list
from llava_folders import *

MERGE, GENERATE = (os.path.join(BIN, p) for p in ("merge_lora", "generate_main"))
LORA = {"lang_lora_dim": [2], "vis_lora_dim": [2], "precision": ["fp32"], "learning_rate": [0.05]}


def run(*args, code=0, says=""):
    done = subprocess.run(args, capture_output=True, text=True, timeout=120)
    text = done.stdout + done.stderr
    assert done.returncode == code and says in text, "exit %d, %r expected: %s\n%s" % (
        done.returncode, says, " ".join(args), text[-1500:])
    return done.stdout


def merged(model, name, *options):
    out = os.path.join(WORK, name)
    run(MERGE, "--model", model, "--output_dir", out, *options, says="wrote " + out)
    return out


def epoch(**changes):
    return os.path.join(base(**{**LORA, **changes}).folder, "epoch-0")


def eval_loss(model, precision="fp32", *options):
    images, records = (os.path.join(data(1), n) for n in ("images", "train.json"))
    out = run(SFT, "--eval_only", "--from_checkpoint", model, "--data_path", records, "--image_folder", images,
              "--precision", precision, *options)
    return json.loads(out.splitlines()[-1])["eval_loss"]


def answers(model, precision="fp32"):
    image = os.path.join(data(1), "images", sorted(os.listdir(os.path.join(data(1), "images")))[0])
    return [run(GENERATE, "--model", model, "--image", image, "--prompt", p, "--precision", precision,
                "--max_new_tokens", "12") for p in ("What is it?", "Which colour?", "How many?")]


def the_same_model_without_adapters():
    for name, changes in [("grown", {}), ("untouched", {"only_optimize_lora": []}),
                          ("language", {"vis_lora_dim": [0], "lang_lora_module_name": ["q_proj,down_proj"]})]:
        model = epoch(**changes)
        out = merged(model, name)
        assert sorted(os.listdir(out)) == ["language_model", "projector", "vision_model", "vltune.json"], os.listdir(out)
        a, b = eval_loss(model), eval_loss(out)
        assert abs(a - b) < 1e-5 * a, "%s: loss %r, merged %r" % (name, a, b)
        assert answers(model) == answers(out), name


def only_what_has_adapters_changes():
    model = epoch(vis_lora_dim=[0], lang_lora_module_name=["layers.1.mlp.up_proj"])
    out = merged(model, "one_layer")
    before, after = (read_tensors(f + "/language_model/model.safetensors") for f in (model, out))
    assert [n for n in before if before[n] != after[n]] == ["model.layers.1.mlp.up_proj.weight"]
    tower = os.path.join(data(1), "vision_model", "model.safetensors")  # the original one: nothing of it was trained
    kept = read_tensors(tower)
    assert {n: t for n, t in read_tensors(out + "/vision_model/model.safetensors").items()} == kept


def training_goes_on_from_it():
    done = sft({"from_checkpoint": [merged(epoch(), "start")], "precision": ["fp32"]}, without=[*NO_PARTS, "template"])
    ok(done)
    assert done.has("epoch-0/language_model/config.json") and not done.has("epoch-0/language_adapter")


def sixteen_bits_stay():
    for precision, stored in (("bf16", "BF16"), ("fp16", "F16")):
        model = epoch(precision=[precision])
        out = merged(model, precision)
        for part in ("language_model", "projector"):
            assert {t[0] for t in read_tensors("%s/%s/model.safetensors" % (out, part)).values()} == {stored}, part
        exact = eval_loss(model)
        assert abs(exact - eval_loss(out)) < 0.02 * exact and abs(exact - eval_loss(model, precision)) < 0.02 * exact
        assert all(answers(out, precision))


def a_llava_folder():
    start = llava_folder("for_merging")
    done = ok(llava(start, {**LORA, "lang_lora_module_name": ["q_proj,up_proj"]}))
    model = os.path.join(done.folder, "epoch-0")
    out = merged(model, "llava")
    assert not os.path.exists(out + "/language_adapter") and not os.path.exists(out + "/vision_adapter")
    a, b = (eval_loss(m, "fp32", "--model_architecture", "llava") for m in (model, out))
    assert abs(a - b) < 1e-5 * a, "loss %r, merged %r" % (a, b)
    assert answers(model) == answers(out)


def what_is_refused():
    model, new = epoch(), os.path.join(WORK, "new")
    run(MERGE, code=2, says="--model")
    run(MERGE, "--model", model, code=2, says="--output_dir")
    run(MERGE, "--model", model, "--output_dir", model, code=2, says="not new")
    run(MERGE, "--model", model, "--output_dir", new, "--sed", "1", code=2, says="no such option")
    run(MERGE, "--model", "/nowhere", "--output_dir", new, code=4, says="/nowhere")
    run(MERGE, "--model", os.path.join(base().folder, "epoch-0"), "--output_dir", new, code=4, says="no adapters")
    broken = os.path.join(WORK, "broken")
    shutil.copytree(model, broken)
    path = broken + "/language_adapter/adapter_model.safetensors"
    tensors = read_tensors(path)
    first = sorted(tensors)[0]
    write_tensors(path, {**tensors, first: ("F32", tensors[first][1], b"\x00\x00\xc0\x7f" * (len(tensors[first][2]) // 4))})
    run(MERGE, "--model", broken, "--output_dir", new, code=7, says="not finite")
    config = json.load(open(broken + "/language_adapter/adapter_config.json"))
    json.dump({**config, "use_dora": True}, open(broken + "/language_adapter/adapter_config.json", "w"))
    run(MERGE, "--model", broken, "--output_dir", new, code=4, says="use_dora")
    assert not os.path.exists(new) and not os.path.exists(new + ".draft"), "a refused merge left something behind"


def a_weight_beyond_its_type():
    model = os.path.join(WORK, "f16")
    shutil.copytree(epoch(), model)
    path = model + "/language_model/model.safetensors"
    halves = lambda data: struct.pack("<%de" % (len(data) // 4), *struct.unpack("<%df" % (len(data) // 4), data))
    write_tensors(path, {n: ("F16", shape, halves(b)) for n, (_, shape, b) in read_tensors(path).items()})
    same = merged(model, "f16_merged")
    assert {t[0] for t in read_tensors(same + "/language_model/model.safetensors").values()} == {"F16"}
    config = json.load(open(model + "/language_adapter/adapter_config.json"))
    json.dump({**config, "lora_alpha": 1e9}, open(model + "/language_adapter/adapter_config.json", "w"))
    run(MERGE, "--model", model, "--output_dir", os.path.join(WORK, "none"), code=7, says="NUM-MERGE-00")


def pages_and_options():
    run(MERGE, "--help", says="output_dir")
    run(MERGE, "--help", "output_dir", says="--output_dir")
    run(MERGE, "--version", says="precisions")
    model = epoch()
    config = write("merge.json", json.dumps({"model": model, "output_dir": os.path.join(WORK, "by_file")}))
    run(MERGE, "--config", config, "--num_threads", "1", says="by_file")
    error = run(MERGE, "--model", model, "--output_dir", os.path.join(WORK, "by_file"), "--log_format", "json", code=2,
                says="OPT-OUT-012")
    assert error == ""
    run(MERGE, "--model", model, "--output_dir", os.path.join(WORK, "x"), "--limit_config_bytes", "9", code=4,
        says="--limit_config_bytes")


def main():
    tests = [the_same_model_without_adapters, only_what_has_adapters_changes, training_goes_on_from_it,
             sixteen_bits_stay, a_llava_folder, what_is_refused, a_weight_beyond_its_type, pages_and_options]
    failed = test_list.run(tests)
    shutil.rmtree(WORK)
    return failed > 0


sys.exit(main())
