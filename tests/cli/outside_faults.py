#!/usr/bin/env python3
"""What is wrong outside the programs: streams, limits of the process, disks, names, files that are there already, and
inputs that ask for memory without end. Each ends with its exit code and a message, and destroys nothing.

usage: outside_faults.py FOLDER_OF_PROGRAMS
"""
import json, os, resource, shutil, struct, subprocess, sys, tempfile, zlib

import test_list

BIN = sys.argv[1]
WORK = tempfile.mkdtemp(prefix="vlt_faults_")
SFT, GENERATE, MERGE, SHAPES = (os.path.join(BIN, p) for p in ("sft_main", "generate_main", "merge_lora", "make_shapes_dataset"))
DATA = os.path.join(WORK, "data")
LANGUAGE, VISION = os.path.join(DATA, "language_model"), os.path.join(DATA, "vision_model")
FILES = ["--data_path", os.path.join(DATA, "train.json"), "--image_folder", os.path.join(DATA, "images")]
MODELS = ["--lm_model_name_or_path", LANGUAGE, "--vision_model_name_or_path", VISION]
FORM = ["--precision", "fp32", "--template", "plain"]
QUICK = FORM + ["--max_steps", "2", "--eval_step", "0", "--num_threads", "1", "--num_workers", "1"]
LIST = ["--data_path", os.path.join(DATA, "test.json"), "--image_folder", os.path.join(DATA, "images")]
count = 0


def new(name="x"):
    global count
    count += 1
    return os.path.join(WORK, "%s%d" % (name, count))


def run(args, code=0, says="", **how):
    how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
    if "input" in how:
        del how["stdin"]
    done = subprocess.run(args, timeout=120, **how)
    out, err = ((s or b"").decode(errors="replace") for s in (done.stdout, done.stderr))
    where = "%s\n%s\n%s" % (" ".join(map(repr, args)), out[-600:], err[-1500:])
    assert done.returncode == code, "exit %d instead of %d: %s" % (done.returncode, code, where)
    for part in says.split(" & "):
        assert part in out + err, "the output lacks %r: %s" % (part, where)
    return out, err


def train(*options, code=0, says="", models=MODELS, files=FILES, folder=None, **how):
    folder = folder or new("run")
    run([SFT] + files + models + QUICK + ["--output_dir", folder] + list(options), code, says, **how)
    return folder


TRAINED = None


def trained():
    global TRAINED
    TRAINED = TRAINED or os.path.join(train(), "epoch-0")
    return TRAINED


def changed_copy(source, name, **keys):
    """A copy of a model folder with some keys of one of its JSON files changed; text is put in as it is."""
    folder = new("model")
    shutil.copytree(source, folder)
    path = os.path.join(folder, name)
    content = json.load(open(path))
    marks = {"@%s@" % k: v for k, v in keys.items() if isinstance(v, bytes)}
    content.update({k: "@%s@" % k if isinstance(v, bytes) else v for k, v in keys.items()})
    text = json.dumps(content).encode()
    for mark, raw in marks.items():
        text = text.replace(b'"' + mark.encode() + b'"', raw)
    open(path, "wb").write(text)
    return folder


def with_language(folder, *options):
    return [SFT] + FILES + FORM + ["--validate_only", "--lm_model_name_or_path", folder, "--vision_model_name_or_path", VISION] + \
        list(options)


def with_vision(folder):
    return [SFT] + FILES + FORM + ["--validate_only", "--lm_model_name_or_path", LANGUAGE, "--vision_model_name_or_path", folder]


def nothing_is_written_over():
    for name in ("test.json", "images/" + sorted(os.listdir(os.path.join(DATA, "images")))[0]):
        path = os.path.join(DATA, name)
        before = open(path, "rb").read()
        run([GENERATE, "--model", trained()] + LIST + ["--output", path], 2, "OPT-OUT-012 & " + path)
        assert open(path, "rb").read() == before
    before = sorted(os.listdir(DATA))
    run([SHAPES, "--output_dir", DATA, "--records", "1"], 2, "OPT-OUT-012")
    run([SFT] + FILES + MODELS + FORM + ["--validate_only", "--data_debug_path", DATA], 2, "OPT-OUT-012 & --data_debug_path")
    assert sorted(os.listdir(DATA)) == before
    empty = new("empty")
    os.mkdir(empty)
    run([SFT] + FILES + MODELS + FORM + ["--validate_only", "--data_debug_path", empty])


def a_tokenizer_cannot_ask_for_memory_without_end():
    doubling = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
    for key, list_key in (("normalizer", "normalizers"), ("decoder", "decoders")):
        folder = changed_copy(LANGUAGE, "tokenizer.json", **{key: {"type": "Sequence", list_key: [doubling] * 30}})
        if key == "normalizer":
            run(with_language(folder), 4, "MODEL-TOK-021", preexec_fn=memory_of(1 << 30))
    folder = changed_copy(LANGUAGE, "tokenizer.json", normalizer={"type": "Sequence", "normalizers": [doubling] * 65})
    run(with_language(folder), 4, "MODEL-TOK-015 & at most 64")
    folder = changed_copy(LANGUAGE, "tokenizer.json", normalizer={"type": "Prepend", "prepend": "x" * 5000000})
    run(with_language(folder), 4, "MODEL-TOK-021", preexec_fn=memory_of(1 << 30))


def memory_of(size):
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size))


def questions_have_a_bound():
    ask = [GENERATE, "--model", trained(), "--max_new_tokens", "2"]
    run(ask + ["--prompt", "a b " * 25000], 2, "OPT-PROMPT-024 & at most 4096 tokens")
    run(ask + ["--prompt", "word " * 40, "--max_seq_len", "20"], 2, "OPT-PROMPT-024 & at most 20 tokens & --max_seq_len")
    run(ask[:3] + LIST + ["--max_seq_len", "5"], 3, "--max_seq_len")
    out, err = run(ask, input=b"a" * 10000000 + b"\nHello?\n", preexec_fn=memory_of(3 << 29))
    assert "OPT-PROMPT-024" in err and out.count("> ") == 3, "the dialogue ended: %r" % out
    out, err = run(ask, input=b"caf\xe9?\nHello?\n")
    assert "not UTF-8" in err and out.count("> ") == 3


def numbers_beyond_a_double_are_refused_at_once():
    for name, source, key in (("config.json", LANGUAGE, "x"), ("config.json", LANGUAGE, "rms_norm_eps"),
                              ("config.json", LANGUAGE, "rope_theta"), ("config.json", VISION, "x"),
                              ("preprocessor_config.json", VISION, "image_std")):
        folder = changed_copy(source, name, **{key: b"[1e400, 1, 1]" if key == "image_std" else b"1e400"})
        run((with_language if source == LANGUAGE else with_vision)(folder), 4, "MODEL-JSON-006 & 1e400 & %s:1:" % name)


def keys_stand_once():
    for source, name in ((LANGUAGE, "config.json"), (LANGUAGE, "tokenizer.json"), (VISION, "config.json")):
        folder = changed_copy(source, name, x=b'{"a": 1, "a": 2}')
        run((with_language if source == LANGUAGE else with_vision)(folder), 4, 'MODEL-JSON-005 & "a"')
    config = new("config")
    for text, says in (('{"seed": 1, "seed": 2}', "OPT-JSON-005"), ('{"seed": [1]}', "takes one value"),
                       ('{"output_dir": ["x"]}', "takes one value"), ('{"output_dir": "a\\u0000b"}', "without NUL"),
                       ('{"max_steps": 1e400}', "OPT-JSON-006"), ('[]', "one JSON object"),
                       ('{"seed": {}}', "a text or a number"), ('{"plan": 1}', "is a flag")):
        open(config, "w").write(text)
        run([SFT] + FILES + MODELS + ["--config", config], 2, says + " & " + config)


def records_that_cannot_be_decoded_are_accounted_for():
    images = new("images")
    os.mkdir(images)
    body = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)), (b"IDAT", b"no pixels"), (b"IEND", b"")):
        body += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    open(images + "/bad.png", "wb").write(body)
    shutil.copy(os.path.join(DATA, "images", sorted(os.listdir(os.path.join(DATA, "images")))[0]), images + "/good.png")

    def records(good, bad):
        path = new("lost") + ".json"
        turns = [{"from": "human", "value": "<image>What?"}, {"from": "gpt", "value": "This."}]
        json.dump([{"id": i, "image": "good.png" if i < good else "bad.png", "conversations": turns}
                   for i in range(good + bad)], open(path, "w"))
        return ["--data_path", path, "--image_folder", images, "--on_bad_sample", "skip", "--max_bad_fraction", "1"]
    one_by_one = ["--eval_step", "0", "--per_device_train_batch_size", "1", "--num_train_epochs", "1"]
    folder = new("run")
    run([SFT] + records(0, 20) + MODELS + FORM + one_by_one + ["--output_dir", folder], 3,
        "no record is left to train on & 18 of 20 records have errors, 18 of them found while decoding")
    assert not any(f.startswith("epoch") for f in os.listdir(folder)), "a model that nothing was trained on was written"
    run([SFT, "--eval_only", "--from_checkpoint", trained()] + FORM[:2] + records(0, 20), 3, "no record is left to evaluate")
    folder = new("run")
    out, _ = run([SFT] + records(16, 4) + MODELS + FORM + one_by_one + ["--output_dir", folder])
    lost = len(open(folder + "/skipped.jsonl").readlines())
    assert lost > 0 and "%d of 20 records have errors, %d of them found while decoding" % (lost, lost) in out, out
    page = open(folder + "/report.html").read()
    steps = [json.loads(l) for l in open(folder + "/metrics.jsonl")]
    idle = 18 - len(steps)
    assert ("finished after 18 steps" + (", %d of them without a record" % idle if idle else "")) in page
    assert "records lost while decoding" in page


def a_limit_on_the_size_of_files_is_a_message():
    folder = new("run")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100 * 1024, 100 * 1024))
    train(code=6, says="WRITE-FILE-001 & File too large (27) & ulimit -f", folder=folder, preexec_fn=limit)
    assert not [f for f in os.listdir(folder) if "epoch" in f or "tmp" in f or "draft" in f], os.listdir(folder)
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
    train(code=6, says="File too large (27)", preexec_fn=limit)


def a_full_disk_is_told_beforehand_and_leaves_nothing():
    disk = new("disk")
    os.mkdir(disk)
    size = sum(os.path.getsize(os.path.join(r, f)) for r, _, fs in os.walk(trained()) for f in fs)
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d" % (size // 2), "none", disk],
                                          capture_output=True).returncode != 0:
        return
    try:
        folder = train(code=6, says="WRITE-SPACE-006 & WRITE-FILE-002 & No space left on device (28) & free: ",
                       folder=disk + "/run")
        assert not [f for f in os.listdir(folder) if "epoch" in f], os.listdir(folder)
        subprocess.run(["mount", "-o", "remount,size=100m,nr_inodes=12", disk], check=True)
        shutil.rmtree(folder)
        train(code=6, says="no inode", folder=disk + "/run")
    finally:
        subprocess.run(["umount", disk], check=True)


def names_on_the_command_line_are_utf8():
    folder = os.fsencode(new("model")) + b"\xff"
    shutil.copytree(os.fsencode(LANGUAGE), folder)
    run([SFT] + FILES + FORM + ["--validate_only", "--lm_model_name_or_path", folder, "--vision_model_name_or_path", VISION], 2,
        "OPT-TEXT-022 & \\xff")


def closed_streams_hold_no_file():
    folder = new("run")
    closed = lambda: [os.close(d) for d in (0, 1, 2)]
    args = [SFT] + FILES + MODELS + QUICK + ["--output_dir", folder, "--on_bad_sample", "skip"]
    done = subprocess.Popen(args, preexec_fn=closed)
    assert done.wait(120) == 0
    assert open(folder + "/skipped.jsonl").read() == ""
    assert all(json.loads(l)["step"] > 0 for l in open(folder + "/metrics.jsonl"))
    for page in ("--help", "--version"):
        assert subprocess.Popen([SFT, page], preexec_fn=closed).wait(60) == 6


def results_that_cannot_be_written_are_no_results():
    full = open("/dev/full", "w")
    audit = [SFT] + FILES + MODELS + FORM
    for args in ([SFT, "--help"], [SFT, "--version"], [SFT, "--print_options_md"], [SFT, "--explain", "all"], [GENERATE, "--help"],
                 [MERGE, "--help"], audit + ["--validate_only"], audit + ["--plan"],
                 [GENERATE, "--model", trained(), "--prompt", "Hello?"], [GENERATE, "--model", trained()] + LIST):
        run(args, 6, "WRITE-OUT-005 & No space left on device (28)", stdout=full)
    train(stdout=full)  # its results are in its folder


def a_warm_up_has_a_bound():
    for steps in ("1e19", "1e13", "1e400", "nan"):
        train("--num_warmup_steps", steps, code=2, says="num_warmup_steps & OPT-VALUE-004")
    train("--num_warmup_steps", "1e12", code=2, says="OPT-WARMUP-017")


def too_few_descriptors_are_the_environments_fault():
    answers = set()
    for n in range(4, 14):
        limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n))
        args = [SFT] + FILES + MODELS + QUICK + ["--output_dir", new("run")]
        done = subprocess.run(args, preexec_fn=limit, capture_output=True, text=True, close_fds=True, timeout=120)
        assert done.returncode in (0, 2, 127), "%d descriptors: exit %d: %s" % (n, done.returncode, done.stderr[-800:])
        if done.returncode == 2:
            assert "OPT-FILES-023" in done.stderr and "ulimit -n" in done.stderr, done.stderr
        answers.add(done.returncode)
    assert 2 in answers, "no limit was too low: %s" % answers


def a_folder_that_cannot_be_listed():
    folder = new("run")
    os.mkdir(folder)
    os.chmod(folder, 0o333)
    os.chmod(WORK, 0o755)
    if os.getuid() != 0:
        train(code=6, says="WRITE-DIR-002 & cannot be listed", folder=folder)
        return
    nobody = lambda: (os.setgid(65534), os.setuid(65534))
    if subprocess.run([SFT, "--version"], preexec_fn=nobody, capture_output=True).returncode == 0:
        train(code=6, says="WRITE-DIR-002 & cannot be listed", folder=folder, preexec_fn=nobody)


def limits_may_be_as_large_as_they_can():
    most = str((1 << 63) - 1)
    args = [SFT] + FILES + MODELS + FORM + ["--validate_only"]
    for name in ("text_bytes", "record_bytes", "turns", "image_bytes", "image_pixels", "decode_bytes", "header_bytes", "tensors",
                 "tensor_rank", "tensor_name_bytes", "config_bytes", "tokenizer_bytes", "split_bytes"):
        run(args + ["--limit_" + name, most])
    train(*[w for n in ("header_bytes", "tensors", "tensor_rank", "tensor_name_bytes") for w in ("--limit_" + n, most)])


def settings_that_change_nothing_visible_are_refused():
    for key, value, says in (("rescale_factor", 0, "MODEL-JSON-004 & rescale_factor"),
                             ("rescale_factor", -1, "MODEL-JSON-004 & rescale_factor"),
                             ("image_processor_type", "ViTImageProcessor", "MODEL-JSON-004 & ViTImageProcessor")):
        run(with_vision(changed_copy(VISION, "preprocessor_config.json", **{key: value})), 4, says)
    run(with_vision(changed_copy(VISION, "preprocessor_config.json", image_processor_type="CLIPImageProcessorFast")))
    run(with_language(changed_copy(LANGUAGE, "config.json", hidden_size=1 << 62)), 4, "MODEL-JSON-004 & far too large")
    tokenizer = json.load(open(LANGUAGE + "/tokenizer.json"))
    token, right = next((t["content"], t["id"]) for t in tokenizer["added_tokens"])
    for given, code in ((right, 0), (right + 1, 4)):
        post = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": token, "type_id": 0}},
                                                         {"Sequence": {"id": "A", "type_id": 0}}],
                "pair": [], "special_tokens": {token: {"id": token, "ids": [given], "tokens": [token]}}}
        run(with_language(changed_copy(LANGUAGE, "tokenizer.json", post_processor=post)), code,
            "MODEL-TOK-015 & another id" if code else "")


def rewrite(folder, change):
    path = os.path.join(folder, [f for f in os.listdir(folder) if f.endswith(".safetensors")][0])
    raw = open(path, "rb").read()
    n = struct.unpack("<Q", raw[:8])[0]
    data = bytearray(raw)
    for name, entry in json.loads(raw[8:8 + n]).items():
        if name != "__metadata__" and change(name):
            begin, end = entry["data_offsets"]
            data[8 + n + begin:8 + n + end] = struct.pack("<f", 3e38) * ((end - begin) // 4)
    open(path, "wb").write(bytes(data))


def numbers_that_overflow_blame_what_holds_them():
    language = changed_copy(LANGUAGE, "config.json")
    rewrite(language, lambda name: name.endswith("layers.0.mlp.down_proj.weight"))
    models = ["--lm_model_name_or_path", language, "--vision_model_name_or_path", VISION]
    train(code=7, says="NUM-LOGITS-004", models=models)  # when it is asked, before the first step
    train("--data_train_split_ratio", "1", code=7, says="NUM-STEP-001 & no weight has changed yet", models=models)
    adapted = os.path.join(train("--lang_lora_dim", "2"), "epoch-0")
    for modules, code in ((5, 4), ([5], 4), ("all-linear", 0), (["q_proj"], 0)):
        broken = new("adapted")
        shutil.copytree(adapted, broken)
        path = broken + "/language_adapter/adapter_config.json"
        config = json.load(open(path))
        config["target_modules"] = modules
        json.dump(config, open(path, "w"))
        run([GENERATE, "--model", broken, "--prompt", "Hello?", "--max_new_tokens", "1"], code,
            "MODEL-JSON-002 & target_modules" if code else "")
    rewrite(adapted + "/language_adapter", lambda name: True)
    run([GENERATE, "--model", adapted, "--prompt", "Hello?"], 7, "NUM-LOGITS-004")


def main():
    subprocess.run([SHAPES, "--output_dir", DATA, "--records", "24", "--test_records", "4"], check=True,
                   stdout=subprocess.DEVNULL)
    failed = test_list.run([
        nothing_is_written_over, a_tokenizer_cannot_ask_for_memory_without_end, questions_have_a_bound,
        numbers_beyond_a_double_are_refused_at_once, keys_stand_once, records_that_cannot_be_decoded_are_accounted_for,
        a_limit_on_the_size_of_files_is_a_message, a_full_disk_is_told_beforehand_and_leaves_nothing,
        names_on_the_command_line_are_utf8, closed_streams_hold_no_file, results_that_cannot_be_written_are_no_results,
        a_warm_up_has_a_bound, too_few_descriptors_are_the_environments_fault, a_folder_that_cannot_be_listed,
        limits_may_be_as_large_as_they_can, settings_that_change_nothing_visible_are_refused,
        numbers_that_overflow_blame_what_holds_them])
    shutil.rmtree(WORK)
    return failed > 0


sys.exit(main())
