#!/usr/bin/env python3
"""Trainings that end early and go on: signals, kills, full disks, damaged checkpoints, other options.

usage: resuming.py FOLDER_OF_PROGRAMS [quick]
"""
import filecmp, json, os, random, resource, shutil, signal, subprocess, sys, tempfile, time

import broken_picture, test_list

BIN = sys.argv[1]
QUICK = sys.argv[2:] == ["quick"]
WORK = tempfile.mkdtemp(prefix="vlt_resuming_")
SFT, SHAPES = (os.path.join(BIN, p) for p in ("sft_main", "make_shapes_dataset"))
DATA = os.path.join(WORK, "data")
BASE = {"data_path": os.path.join(DATA, "train.json"), "image_folder": os.path.join(DATA, "images"),
        "lm_model_name_or_path": os.path.join(DATA, "language_model"),
        "vision_model_name_or_path": os.path.join(DATA, "vision_model"), "precision": "fp32", "template": "plain",
        "num_train_epochs": 2, "eval_step": 4, "save_step": 1, "num_threads": 1, "from_checkpoint": "auto"}
LORA = {"lang_lora_dim": 2, "lang_decoder_update": None, "gradient_accumulation_steps": 3, "num_train_epochs": 4}
count = 0


def new(name="run"):
    global count
    count += 1
    return os.path.join(WORK, "%s%d" % (name, count))


def command(folder, changes=None):
    args = [SFT, "--output_dir", folder]
    for name, value in {**BASE, **(changes or {})}.items():
        if value != "leave out":
            args += ["--" + name] + ([str(v) for v in value] if isinstance(value, list) else
                                     [] if value is None else [str(value)])
    return args


def run(folder, changes=None, code=0, says=(), **more):
    done = subprocess.run(command(folder, changes), capture_output=True, text=True, timeout=120, **more)
    said = done.stdout + done.stderr
    assert done.returncode == code, "exit %d instead of %d: %s" % (done.returncode, code, said[-1500:])
    for word in [says] if isinstance(says, str) else says:
        assert word in said, "the output lacks %r: %s" % (word, said[-1500:])
    return said


def start(folder, changes=None):
    return subprocess.Popen(command(folder, changes), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def metrics(folder):
    path = os.path.join(folder, "metrics.jsonl")
    lines = open(path).read().split("\n")[:-1] if os.path.exists(path) else []  # a killed run may leave half a line
    return [json.loads(l) for l in lines]


def steps(folder):
    return [m["step"] for m in metrics(folder) if "loss" in m]


def checkpoints(folder):
    path = os.path.join(folder, "checkpoints")
    return sorted(os.listdir(path)) if os.path.exists(path) else []


def curve(folder):
    """What must not depend on timing."""
    keys = ("step", "epoch", "loss", "grad_norm", "lr", "lr_vision", "lr_language", "tokens", "eval_loss")
    return [{k: m[k] for k in keys if k in m} for m in metrics(folder)]


def same_files(a, b):
    names = lambda folder: sorted(os.path.relpath(os.path.join(d, f), folder) for d, _, fs in os.walk(folder) for f in fs)
    assert names(a) == names(b), "other files: %s, %s" % (names(a), names(b))
    for name in names(a):
        assert filecmp.cmp(os.path.join(a, name), os.path.join(b, name), shallow=False), name + " differs"


WHOLE = {}


def whole(changes=None):
    """The folder of a run that nothing has interrupted."""
    key = json.dumps(changes, sort_keys=True)
    if key not in WHOLE:
        WHOLE[key] = new("whole")
        run(WHOLE[key], changes)
    return WHOLE[key]


def is_whole(folder, changes=None):
    """A run that is over has the curve, the models and the last state of one that nothing has interrupted."""
    wanted = whole(changes)
    assert curve(folder) == curve(wanted), "another curve: %s" % curve(folder)
    models = lambda f: sorted(n for n in os.listdir(f) if n.startswith("epoch-"))
    assert models(folder) == models(wanted) and len(models(wanted)) >= 2
    for name in models(wanted):
        same_files(os.path.join(folder, name), os.path.join(wanted, name))
    last = checkpoints(wanted)[-1]
    assert checkpoints(folder)[-1] == last
    assert filecmp.cmp(*(os.path.join(f, "checkpoints", last, "rank-000.bin") for f in (folder, wanted)), shallow=False)


def wait_for_steps(p, folder, n):
    while len(steps(folder)) < n and p.poll() is None:
        time.sleep(0.002)


def signals_stop_a_run_that_goes_on():
    for number, (changes, name) in enumerate([({}, "TERM"), ({}, "USR1"), (LORA, "INT"), (LORA, "HUP")]):
        folder, stops = new(), 0
        while True:
            p = start(folder, changes)
            wait_for_steps(p, folder, len(steps(folder)) + 1 + number)
            p.send_signal(getattr(signal, "SIG" + name))
            said = p.communicate(timeout=60)[0]
            if p.returncode == 0:
                break
            stops += 1
            assert p.returncode == 10, "exit %d: %s" % (p.returncode, said[-1500:])
            assert "SIG%s: stopped after step %d;" % (name, steps(folder)[-1]) in said, said[-1500:]
            assert checkpoints(folder)[-1] == "step-%08d" % steps(folder)[-1]
            assert "stopped after step" in open(os.path.join(folder, "report.html")).read()
        assert stops >= 2, "it was never stopped"
        is_whole(folder, changes)


def every_step_can_be_the_last_one():
    """max_steps ends a run after any step; the rest is that of the whole run."""
    changes = {**LORA, "enable_mmca_attention": None, "save_step": 0, "eval_step": 0, "num_workers": 2}
    last = steps(whole(changes))[-1]
    for step in range(1, last, 3 if QUICK else 1):
        folder = new()
        run(folder, {**changes, "max_steps": step, "num_workers": 1})
        assert checkpoints(folder)[-1] == "step-%08d" % step
        says = ("going on after step %d," % step, "num_workers  1", "max_steps    %d" % step)
        run(folder, {**changes, "num_workers": 3}, says=says)
        wanted = whole(changes)
        assert curve(folder) == curve(wanted)
        same_files(os.path.join(folder, "epoch-3"), os.path.join(wanted, "epoch-3"))


def a_second_signal_ends_a_run_at_once():
    folder = new()
    p = start(folder)
    wait_for_steps(p, folder, 2)
    os.kill(p.pid, signal.SIGSTOP)  # both are then there when it wakes
    os.kill(p.pid, signal.SIGTERM)
    os.kill(p.pid, signal.SIGINT)
    os.kill(p.pid, signal.SIGCONT)
    p.communicate(timeout=60)
    assert p.returncode in (-signal.SIGTERM, -signal.SIGINT), p.returncode
    run(folder, says="going on after step")
    is_whole(folder)


def kills_at_random_times():
    """kill -9 whenever it may be: no step is lost but the one in hand, and nobody has to mend anything."""
    begun = time.time()
    whole()
    draws, seconds = random.Random(7), time.time() - begun
    kills, wanted, folder = 0, 12 if QUICK else 60, new()
    while kills < wanted:
        before = len(steps(folder))
        p = start(folder)
        try:
            p.wait(draws.uniform(0, seconds * 0.8))
        except subprocess.TimeoutExpired:
            kills += 1
            p.kill()
        said = p.communicate()[0]
        assert p.returncode in (0, -signal.SIGKILL), said[-1500:]
        assert "warning" not in said, said[-1500:]
        if before > 1 and "going on after step" in said:
            assert "going on after step %d," % before in said or "going on after step %d," % (before - 1) in said, \
                "%d steps, then %s" % (before, said[-800:])
        if p.returncode == 0:
            is_whole(folder)
            folder = new()
    run(folder)
    is_whole(folder)


def checkpoints_that_are_kept():
    folder = new()
    run(folder, {"save_step": 5, "keep": 3, "max_steps": 12})
    assert checkpoints(folder) == ["step-%08d" % s for s in (10, 11, 12)], checkpoints(folder)  # 11: an epoch ends
    run(folder, {"save_step": 5, "keep": 1, "max_steps": 15})
    assert checkpoints(folder) == ["step-00000015"], checkpoints(folder)
    other = new()
    run(other, {"save_step": 0, "keep": 9})
    assert checkpoints(other) == ["step-00000011", "step-00000022"], checkpoints(other)


def curve_and_report_of_a_run_that_went_on():
    folder = new()
    run(folder, {"max_steps": 6, "eval_step": 0})
    with open(os.path.join(folder, "metrics.jsonl"), "a") as f:
        f.write('{"step": 7, "loss": 9}\n{"step": 8, "lo')  # what a run may leave that was killed
    run(folder, {"eval_step": 0})
    assert steps(folder) == list(range(1, 23))
    page = open(os.path.join(folder, "report.html")).read()
    assert "taken up again" in page and 'class="mark"' in page and "finished after 22 steps" in page
    assert 'class="mark"' not in open(os.path.join(whole(), "report.html")).read()
    before = curve(folder)
    assert "nothing is left to do" in run(folder, {"eval_step": 0})
    assert curve(folder) == before


def half_a_run(**changes):
    folder = new()
    run(folder, {"max_steps": 3, "eval_step": 0, **changes})  # the end of a run would be evaluated
    return folder


def a_run_does_not_go_on_as_another():
    folder = half_a_run()
    data = json.load(open(BASE["data_path"]))
    data[0]["conversations"][0]["value"] += "?"
    changed = os.path.join(WORK, "changed.json")
    json.dump(data, open(changed, "w"))
    model = os.path.join(WORK, "changed_model")
    shutil.copytree(BASE["lm_model_name_or_path"], model)
    weights = os.path.join(model, "model.safetensors")
    with open(weights, "r+b") as f:
        f.seek(-2, os.SEEK_END)
        f.write(b"\x11")
    for changes, says in [({"seed": 7}, "--seed"), ({"learning_rate": 0.5}, "--learning_rate"),
                          ({"per_device_train_batch_size": 3}, "--per_device_train_batch_size"),
                          ({"num_train_epochs": 3}, "--num_train_epochs"), ({"vis_proj": "mlp"}, "--vis_proj"),
                          ({"lang_lora_dim": 2}, "--lang_lora_dim"), ({"max_seq_len": 99}, "--max_seq_len"),
                          ({"data_path": changed}, "data: file 1"),
                          ({"lm_model_name_or_path": model}, "model: language/model.safetensors")]:
        said = run(folder, changes, 5, ("CKPT-RUN-005", says, "begin another"))
        assert "xxh3-128:" in said or "data" not in says
    assert steps(folder) == [1, 2, 3]
    moved = os.path.join(WORK, "moved.json")
    shutil.copy(BASE["data_path"], moved)
    freely = {"data_path": moved, "num_threads": 2, "save_step": 9, "keep": 5, "log_step": 3, "eval_step": 5,
              "gradient_checkpointing": None, "is_sft_stage": None, "max_bad_fraction": 0.5}
    said = run(folder, freely)
    for name in freely:
        assert any(l.startswith("option") and name in l for l in said.splitlines()), "%s is not in the table" % name
    losses = lambda f: [m["loss"] for m in metrics(f) if "loss" in m]
    assert losses(folder) == losses(whole())


def damaged_checkpoints():
    folder = half_a_run(save_step=1, keep=3)
    names = [os.path.join(folder, "checkpoints", n) for n in checkpoints(folder)]
    assert len(names) == 3
    with open(os.path.join(names[2], "rank-000.bin"), "r+b") as f:
        f.seek(1000)
        byte = f.read(1)
        f.seek(1000)
        f.write(bytes([byte[0] ^ 4]))
    run(folder, {"from_checkpoint": names[2]}, 5, ("CKPT-HASH-001", "rank-000.bin", "xxh3-128:"))
    os.makedirs(os.path.join(folder, "checkpoints", "step-00000099"))
    os.makedirs(os.path.join(folder, "checkpoints", ".step-00000004.draft"))
    open(os.path.join(names[1], "notes"), "w").close()
    said = run(folder, {"max_steps": 2, "eval_step": 0}, says=("going on after step 2", "passed over", "step-00000003/rank-000.bin",
                                              "step-00000099", "removed .step-00000004.draft", "does not belong"))
    assert said.count("warning") >= 3
    shutil.copytree(folder, os.path.join(WORK, "all_damaged"))
    run(folder, says="removed the checkpoints of later steps (1)")
    is_whole(folder)
    bad = os.path.join(WORK, "all_damaged")
    for name in checkpoints(bad):
        for f in os.listdir(os.path.join(bad, "checkpoints", name)):
            os.truncate(os.path.join(bad, "checkpoints", name, f), 10)
    run(bad, code=5, says="CKPT-NONE-006")


def where_a_run_goes_on():
    folder = half_a_run()
    point = os.path.join(folder, "checkpoints", checkpoints(folder)[0])
    run(folder, {"from_checkpoint": "leave out"}, 2, ("not empty", "--from_checkpoint auto"))
    elsewhere = new()  # a copy of the run from there on
    run(elsewhere, {"from_checkpoint": point}, says="going on after step 2")
    assert curve(elsewhere) == curve(whole())
    run(elsewhere, {"from_checkpoint": point}, 2, "not empty")
    run(folder, {"from_checkpoint": point + "/"}, says="going on after step 2")
    is_whole(folder)
    run(new(), {"from_checkpoint": os.path.join(WORK, "checkpoints/step-00000004")}, 5, "CKPT-PATH-001")
    fresh = new()
    os.makedirs(fresh)
    run(fresh, {"max_steps": 1}, says="there is no checkpoint")
    run(new(), {"from_checkpoint": ["auto", "a", "b"]}, 2, "too many values")
    run(new(), {"eval_only": None}, 2, "--eval_only")
    run(new(), {"eval_only": None, "from_checkpoint": point}, 2, "only a training")
    run(new(), {"plan": None}, says="planned from the largest")
    model = os.path.join(whole(), "epoch-1")
    halves = {"lm_model_name_or_path": "leave out", "vision_model_name_or_path": "leave out", "template": "leave out"}
    folder, uninterrupted = new(), new()
    begins = {**halves, "from_checkpoint": ["auto", model]}
    run(uninterrupted, begins)
    run(folder, {**begins, "max_steps": 3, "eval_step": 0}, says="there is no checkpoint")
    run(folder, begins, says="going on after step 3")
    assert curve(folder) == curve(uninterrupted) != curve(whole())
    folder = new()  # a checkpoint knows which model it began with
    run(folder, {**begins, "max_steps": 3, "eval_step": 0})
    run(folder, {**halves, "from_checkpoint": os.path.join(folder, "checkpoints", "step-00000003")})
    assert curve(folder) == curve(uninterrupted)


def a_folder_has_one_owner():
    folder = new()
    owner = start(folder, {"num_train_epochs": 1000})
    try:
        wait_for_steps(owner, folder, 2)
        run(folder, {"num_train_epochs": 1000}, 2, "process %d is writing there" % owner.pid)
    finally:
        owner.kill()
        owner.communicate()
    run(folder, {"num_train_epochs": 1000, "max_steps": steps(folder)[-1] + 1}, says="going on after step")


def a_disk_that_is_full():
    folder = half_a_run()
    size = os.path.getsize(os.path.join(folder, "checkpoints", "step-00000003", "rank-000.bin"))
    small = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))
    run(folder, code=6, says=("WRITE-FILE-001", "rank-000.bin", "the newest checkpoint is of step 3"), preexec_fn=small)
    assert checkpoints(folder)[-1] == "step-00000003"
    run(folder, says="going on after step 3")
    is_whole(folder)


def samples_that_were_lost_stay_lost():
    """A picture that cannot be decoded is listed once, whether its run was interrupted or not."""
    folder = os.path.join(WORK, "images")
    shutil.copytree(BASE["image_folder"], folder)
    data = json.load(open(BASE["data_path"]))
    pictures = sorted({i for r in data if r.get("image") for i in ([r["image"]] if isinstance(r["image"], str) else r["image"])})
    for name in pictures[:5]:
        broken_picture.write(os.path.join(folder, name))
    changes = {"image_folder": folder, "on_bad_sample": "skip", "max_bad_fraction": 1, "eval_step": 0}
    parts = new()
    run(parts, {**changes, "max_steps": 9})
    run(parts, {**changes, "max_steps": 13})
    run(parts, changes)
    assert curve(parts) == curve(whole(changes))
    lines = lambda f: sorted(open(os.path.join(f, "skipped.jsonl")).read().splitlines())
    assert lines(parts) == lines(whole(changes)) and len(lines(parts)) >= 3


def main():
    for s in (signal.SIGINT, signal.SIGHUP):  # whoever runs tests in the background ignores them, and programs inherit that
        signal.signal(s, signal.SIG_DFL)
    subprocess.run([SHAPES, "--output_dir", DATA, "--records", "24", "--test_records", "4"], check=True,
                   stdout=subprocess.DEVNULL)
    tests = [signals_stop_a_run_that_goes_on, every_step_can_be_the_last_one, a_second_signal_ends_a_run_at_once,
             kills_at_random_times, checkpoints_that_are_kept, curve_and_report_of_a_run_that_went_on,
             a_run_does_not_go_on_as_another, damaged_checkpoints, where_a_run_goes_on, a_folder_has_one_owner,
             a_disk_that_is_full, samples_that_were_lost_stay_lost]
    failed = test_list.run(tests)
    shutil.rmtree(WORK)
    return failed > 0


sys.exit(main())
