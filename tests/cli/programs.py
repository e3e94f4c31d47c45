#!/usr/bin/env python3
"""sft_main and generate_main together: models that are written and read again, answers, damaged model folders, locks.

usage: programs.py FOLDER_OF_PROGRAMS
"""
import json, os, shutil, struct, subprocess, sys, tempfile, time

import test_list

BIN = sys.argv[1]
WORK = tempfile.mkdtemp(prefix="vlt_programs_")
SFT, GENERATE, SHAPES = (os.path.join(BIN, p) for p in ("sft_main", "generate_main", "make_shapes_dataset"))
DATA = os.path.join(WORK, "data")
LANGUAGE, VISION = os.path.join(DATA, "language_model"), os.path.join(DATA, "vision_model")
FILES = ["--data_path", os.path.join(DATA, "train.json"), "--image_folder", os.path.join(DATA, "images")]
MODELS = ["--lm_model_name_or_path", LANGUAGE, "--vision_model_name_or_path", VISION]
QUICK = ["--precision", "fp32", "--template", "plain", "--max_steps", "3", "--eval_step", "3", "--is_sft_stage"]
count = 0


def new(name="run"):
    global count
    count += 1
    return os.path.join(WORK, "%s%d" % (name, count))


def run(args, code=0, says="", stdin=""):
    done = subprocess.run(args, capture_output=True, text=True, timeout=120, input=stdin)
    where = "%s\n%s\n%s" % (" ".join(args), done.stdout[-600:], done.stderr[-1500:])
    assert done.returncode == code, "exit %d instead of %d: %s" % (done.returncode, code, where)
    assert says in done.stdout + done.stderr, "the output lacks %r: %s" % (says, where)
    return done


def train(*options, files=FILES, models=MODELS):
    folder = new()
    run([SFT] + files + models + QUICK + ["--output_dir", folder] + list(options))
    return folder


def metrics(folder):
    return [json.loads(l) for l in open(os.path.join(folder, "metrics.jsonl"))]


def same_numbers(folder):
    """What must not depend on timing."""
    keys = ("step", "epoch", "loss", "grad_norm", "lr", "lr_vision", "lr_language", "tokens", "eval_loss")
    return [{k: m[k] for k in keys if k in m} for m in metrics(folder)]


TRAINED = None


def trained():
    global TRAINED
    TRAINED = TRAINED or os.path.join(train("--vis_encoder_update", "--lang_decoder_update"), "epoch-0")
    return TRAINED


def models_come_back():
    """The loss of a model read from its folder is the one it had when it was written."""
    for options in (["--vis_encoder_update", "--lang_decoder_update"],
                    ["--lang_lora_dim", "2", "--vis_lora_dim", "2"],
                    ["--lang_lora_dim", "2", "--lang_lora_module_name", "q_proj,v_proj", "--lang_decoder_update"],
                    ["--lang_lora_dim", "2", "--only_optimize_lora", "--enable_mmca_attention"],
                    ["--vis_proj", "perceiver"], ["--vis_proj", "vit", "--vision_feature_layer", "-2"],
                    ["--vis_proj", "mlp", "--vision_feature_select", "patch"]):
        folder = train("--learning_rate", "0.01", *options)
        wanted = metrics(folder)[-1]["eval_loss"]
        said = run([SFT, "--eval_only", "--from_checkpoint", os.path.join(folder, "epoch-0"), "--precision", "fp32"] + FILES)
        found = json.loads(said.stdout.splitlines()[-1])["eval_loss"]
        assert abs(found - wanted) < 1e-5 * wanted, "%s: %r, read again %r" % (options, wanted, found)


def what_a_run_writes():
    folder = train()
    for name in ("receipt.json", "report.html", "epoch-0/vltune.json", "epoch-0/language_model/tokenizer.json",
                 "epoch-0/vision_model/preprocessor_config.json", "epoch-0/projector/model.safetensors"):
        assert os.path.exists(os.path.join(folder, name)), name
    step = metrics(folder)[0]
    for key in ("grad_norm", "lr", "tokens", "supervised_tokens", "tokens_per_s", "images_per_s", "mfu", "memory"):
        assert step[key] > 0, key
    receipt = json.load(open(os.path.join(folder, "receipt.json")))
    assert receipt["options"]["seed"] == 1234 and receipt["image_decoders"]
    assert len(receipt["hashes"]) >= 4 and all(h.startswith("xxh3-128:") for h in receipt["hashes"].values())
    page = open(os.path.join(folder, "report.html")).read()
    assert "http" not in page.replace("http://www.w3.org", "") and "finished after 3 steps" in page


def training_goes_on():
    first = train("--lang_lora_dim", "2")
    second = train("--from_checkpoint", os.path.join(first, "epoch-0"), models=[])
    assert metrics(second)[0]["loss"] < metrics(first)[0]["loss"]
    assert os.path.exists(os.path.join(second, "epoch-0/language_adapter/adapter_config.json"))
    run([SFT] + FILES + ["--precision", "fp32", "--output_dir", new(), "--from_checkpoint", os.path.join(first, "epoch-0"),
                         "--lang_lora_dim", "4"], 2, "contradicts")


def numbers_do_not_depend_on_threads():
    runs = [same_numbers(train("--vis_encoder_update", "--lang_decoder_update", "--num_workers", w, "--num_threads", t))
            for w, t in (("1", "1"), ("2", "2"), ("8", "1"))]
    assert runs[0] == runs[1] == runs[2]


def one_question():
    image = os.path.join(DATA, "images", sorted(os.listdir(os.path.join(DATA, "images")))[0])
    ask = [GENERATE, "--model", trained(), "--prompt", "What colour is it?", "--max_new_tokens", "4"]
    assert run(ask + ["--image", image]).stdout == run(ask + ["--image", image]).stdout
    run(ask)  # no picture
    run(ask + ["--image", "/nowhere.png"], 3, "missing")
    run(ask + ["--image", os.path.join(DATA, "train.json")], 3, "not a PNG or JPEG")
    run(ask + ["--image", image, "--template", "chatml"], 4, "<|im_end|>")
    hot = [run(ask + ["--temperature", "50", "--seed", s]).stdout for s in ("1", "1", "2")]
    assert hot[0] == hot[1] != hot[2], hot
    assert run(ask + ["--temperature", "1", "--top_p", "1e-9"]).stdout == run(ask).stdout
    long = run([GENERATE, "--model", trained(), "--prompt", "Go on.", "--max_new_tokens", "1"]).stdout
    assert len(long) <= len(run([GENERATE, "--model", trained(), "--prompt", "Go on."]).stdout)


def a_dialogue():
    said = run([GENERATE, "--model", trained()], stdin="Hello?\nAnd now?\n\n").stdout
    assert said.count("> ") == 3


def a_list():
    answers = new("answers")
    ask = [GENERATE, "--model", trained(), "--data_path", os.path.join(DATA, "test.json"), "--image_folder",
           os.path.join(DATA, "images")]
    said = run(ask + ["--output", answers, "--show", "2"]).stdout
    lines = [json.loads(l) for l in open(answers)]
    records = json.load(open(os.path.join(DATA, "test.json")))
    turns = [t["value"] for r in records for t in r["conversations"] if t["from"] == "gpt"]
    assert [l["expected"] for l in lines] == turns
    assert "(%d of %d answers)" % (sum(l["exact"] for l in lines), len(lines)) in said
    assert all(l["exact"] == (l["answer"] == l["expected"].strip()) for l in lines)
    assert sum(l.startswith(("right", "wrong")) for l in said.splitlines()) == 2
    permuted = new("answers")
    assert "pictures permuted" in run(ask + ["--output", permuted, "--permute_images"]).stdout
    moved = [json.loads(l) for l in open(permuted)]
    alike = [len(l["images"]) for l in lines if l["turn"] == 0]
    for a, b in zip(lines, moved):
        alone = alike.count(len(a["images"])) == 1 or not a["images"]
        assert len(a["images"]) == len(b["images"]), "another number of pictures"
        assert alone or a["images"] != b["images"], "a record kept its pictures: %s" % a
    few = new("answers")
    run(ask + ["--output", few, "--max_records", "2"])
    assert len(open(few).readlines()) == sum(len(r["conversations"]) // 2 for r in records[:2])


def generate_options_are_checked():
    run([GENERATE], 2, "--model")
    run([GENERATE, "--model", "/nowhere"], 4, "/nowhere")
    run([GENERATE, "--model", trained(), "--show", "3"], 2, "--data_path")
    run([GENERATE, "--model", trained(), "--top_p", "0.5"], 2, "--temperature")
    run([GENERATE, "--model", trained(), "--prompt", "x", "--data_path", "y"], 2, "list of questions")
    run([GENERATE, "--model", trained(), "--limit_config_bytes", "9"], 4, "raise --limit_config_bytes")
    run([GENERATE, "--model", trained(), "--promt", "x"], 2, "did you mean `--prompt`")
    run([GENERATE, "--help"], says="permute_images")
    run([GENERATE, "--version"], says="precisions")


def a_folder_has_one_owner():
    folder = new()
    args = [SFT] + FILES + MODELS + ["--precision", "fp32", "--template", "plain", "--output_dir", folder,
                                     "--num_train_epochs", "100000", "--eval_step", "0"]
    owner = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not os.path.exists(os.path.join(folder, "metrics.jsonl")) and owner.poll() is None:
            time.sleep(0.02)
        run([SFT] + FILES + MODELS + QUICK + ["--output_dir", folder], 2, "process %d is writing there" % owner.pid)
    finally:
        owner.kill()
        owner.wait()
    run([SFT] + FILES + MODELS + QUICK + ["--output_dir", folder], 2, "not empty")


def a_closed_terminal_does_not_end_a_training():
    folder = new()
    p = subprocess.Popen([SFT] + FILES + MODELS + QUICK + ["--output_dir", folder], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
    p.stdout.close()
    assert p.wait(120) == 0 and os.path.exists(os.path.join(folder, "epoch-0/vltune.json"))


def numbers_that_are_not_finite_end_the_run():
    folder = new()
    run([SFT] + FILES + MODELS + ["--precision", "fp32", "--template", "plain", "--output_dir", folder, "--lang_decoder_update",
         "--learning_rate", "1000", "--max_grad_norm", "0", "--weight_decay", "1000", "--lr_scheduler_type", "constant",
         "--num_train_epochs", "1000", "--eval_step", "0"], 7, "not finite")


def safetensors(folder, change):
    """Rewrites a folder's weights: change(header, data) edits both."""
    path = os.path.join(folder, "model.safetensors")
    raw = open(path, "rb").read()
    n = struct.unpack("<Q", raw[:8])[0]
    header, data = json.loads(raw[8:8 + n]), bytearray(raw[8 + n:])
    change(header, data)
    text = json.dumps(header).encode()
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + bytes(data))


def damaged_models():
    def config(**keys):
        def change(folder):
            path = os.path.join(folder, "config.json")
            c = json.load(open(path))
            c.update(keys)
            json.dump(c, open(path, "w"))
        return change

    def text(name, content):
        return lambda folder: open(os.path.join(folder, name), "w").write(content)

    def gone(name):
        return lambda folder: os.remove(os.path.join(folder, name))

    def cut(folder):
        path = os.path.join(folder, "model.safetensors")
        os.truncate(path, os.path.getsize(path) - 10)

    def pickled(folder):
        os.rename(os.path.join(folder, "model.safetensors"), os.path.join(folder, "pytorch_model.bin"))

    def not_finite(folder):
        safetensors(folder, lambda h, d: d.__setitem__(slice(0, 4), struct.pack("<f", float("nan"))))

    def renamed(folder):
        def change(h, d):
            h["model.layers.0.extra"] = h.pop("model.norm.weight")
        safetensors(folder, change)

    cases = [(gone("config.json"), 4, "no config.json"), (text("config.json", "{"), 4, "config.json:1"),
             (config(hidden_size="64"), 4, "hidden_size"), (config(num_key_value_heads=5), 4, "num_key_value_heads"),
             (config(model_type="bert"), 4, "llama, mistral or qwen2"), (config(num_hidden_layers=1 << 40), 9, "larger"),
             (config(num_hidden_layers=9), 4, "missing"), (config(intermediate_size=8), 4, "misshaped"),
             (gone("tokenizer.json"), 4, "tokenizer"), (text("tokenizer.json", "[]"), 4, "tokenizer.json"),
             (gone("model.safetensors"), 4, "no weights"), (pickled, 4, "pickle"), (cut, 4, "model.safetensors"),
             (renamed, 4, "model.norm.weight"), (not_finite, 7, "not finite")]
    for change, code, says in cases:
        folder = new("model")
        shutil.copytree(LANGUAGE, folder)
        change(folder)
        run([SFT] + FILES + QUICK + ["--lm_model_name_or_path", folder, "--vision_model_name_or_path", VISION, "--output_dir",
                                     new()], code, says)
    for change, code, says in [(gone("preprocessor_config.json"), 4, "preprocessor_config.json"),
                               (config(image_size=64), 4, "image_size"), (config(model_type="siglip"), 4, "clip")]:
        folder = new("model")
        shutil.copytree(VISION, folder)
        change(folder)
        run([SFT] + FILES + QUICK + ["--lm_model_name_or_path", LANGUAGE, "--vision_model_name_or_path", folder, "--output_dir",
                                     new()], code, says)


def main():
    subprocess.run([SHAPES, "--output_dir", DATA, "--records", "24", "--test_records", "6"], check=True,
                   stdout=subprocess.DEVNULL)
    tests = [models_come_back, what_a_run_writes, training_goes_on, numbers_do_not_depend_on_threads, one_question, a_dialogue, a_list,
             generate_options_are_checked, a_folder_has_one_owner, a_closed_terminal_does_not_end_a_training,
             numbers_that_are_not_finite_end_the_run, damaged_models]
    failed = test_list.run(tests)
    shutil.rmtree(WORK)
    return failed > 0


sys.exit(main())
