#!/usr/bin/env python3
"""Several processes train one model: mpirun -n N sft_main does what one process does with N times the batch.

usage: ranks.py FOLDER_OF_PROGRAMS
"""
import json, os, re, shutil, signal, subprocess, sys, time
import test_list
from sft_runs import BASE, PATHS, Run, SFT, WORK, data, ok, refused

os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_rmaps_base_oversubscribe="1",
                  OMPI_MCA_hwloc_base_binding_policy="none")
COMMON = {**BASE, "precision": ["fp32"], "max_steps": ["4"], "eval_step": ["2"], "data_train_split_ratio": ["0.7"]}
started = 0


def new_folder():
    global started
    started += 1
    return os.path.join(WORK, "ranks%d" % started)


def command(folder, **changes):
    options = {k: ([os.path.join(data(1), v) for v in values] if k in PATHS else values) for k, values in COMMON.items()}
    options.update({k: [str(x) for x in v] for k, v in changes.items()}, output_dir=[folder])
    return [SFT] + [word for name, values in options.items() for word in ["--" + name] + values]


def launch(ranks, prefix=(), **changes):
    """A run of so many ranks; `ranks` may also be a list of changes, one for each, and each be started by a prefix."""
    folder = new_folder()
    if isinstance(ranks, int):
        args = ["mpirun", "-n", str(ranks)] + command(folder, **changes)
    else:
        parts = [["-n", "1", *prefix] + command(folder, **{**changes, **one}) for one in ranks]
        args = ["mpirun"] + [word for part in parts for word in part + [":"]][:-1]
    done = subprocess.run(args, capture_output=True, text=True, timeout=120)
    return Run(args, done.returncode, done.stdout, done.stderr, folder)


def near(a, b, relative):
    return len(a) == len(b) and all(abs(x - y) <= relative * abs(y) for x, y in zip(a, b))


def ranks_share_a_batch():
    one = ok(launch(1, per_device_train_batch_size=[8], per_device_eval_batch_size=[4]))
    for ranks in (2, 4):
        run = ok(launch(ranks, per_device_train_batch_size=[8 // ranks], per_device_eval_batch_size=[4 // ranks]))
        assert [s["step"] for s in run.steps] == [1, 2, 3, 4]
        assert near(run.losses(), one.losses(), 1e-5), (run.losses(), one.losses())
        assert near(run.all("grad_norm"), one.all("grad_norm"), 1e-5)
        assert run.all("supervised_tokens") == one.all("supervised_tokens")
        assert near([e["eval_loss"] for e in run.evals], [e["eval_loss"] for e in one.evals], 1e-5)
        assert run.has("report.html") and run.has("receipt.json")


def the_same_ranks_give_the_same_bits():
    a, b = (ok(launch(2, per_device_train_batch_size=[2])) for _ in range(2))
    assert a.losses() == b.losses() and a.tensors("language_model") == b.tensors("language_model")


def ranks_may_have_unequal_data():
    run = ok(launch(3, per_device_train_batch_size=[2], max_steps=[0], num_train_epochs=[1]))
    assert run.steps and abs(run.steps[-1]["epoch"] - 1) < 1e-9


LORA = {"lang_lora_dim": [4], "lang_lora_module_name": ["q_proj,v_proj"], "only_optimize_lora": []}
WHOLE = {"vis_encoder_update": [], "lang_decoder_update": []}


def tensors(folder):
    """Every safetensors file below a folder, by its name from there."""
    files = [os.path.join(top, f) for top, _, names in os.walk(folder) for f in names if f.endswith(".safetensors")]
    return {os.path.relpath(f, folder): open(f, "rb").read() for f in files}


def same(a, b, stage):
    assert a.losses() == b.losses() and a.all("grad_norm") == b.all("grad_norm"), stage
    assert [e["eval_loss"] for e in a.evals] == [e["eval_loss"] for e in b.evals], stage
    exported = tensors(os.path.join(a.folder, "epoch-0"))
    assert len(exported) >= 2 and exported == tensors(os.path.join(b.folder, "epoch-0")), stage


def answers(run):
    """What the model said to the report's questions, before and after."""
    said = re.findall(r"model (?:before training|now)</dt><dd[^>]*>(.*?)</dd>", open(os.path.join(run.folder, "report.html")).read(), re.S)
    assert len(said) > 3, said
    return said


def all_stages_give_the_same_bits():
    for ranks, changes in ((2, WHOLE), (4, WHOLE), (2, LORA)):
        changes = {**changes, "per_device_train_batch_size": [2], "max_steps": [3]}
        runs = [ok(launch(ranks, **changes, zero_stage=[stage])) for stage in range(4)]
        for stage, run in enumerate(runs):
            same(run, runs[0], stage)
            assert answers(run) == answers(runs[0]), stage
        if ranks == 2 and "lang_lora_dim" not in changes:
            for stage in (0, 3):
                offloaded = ok(launch(ranks, **changes, zero_stage=[stage], offload=[]))
                same(offloaded, runs[0], "offload, stage %d" % stage)
                assert "in files (--offload)" in offloaded.out


def gradients_that_are_shared_are_summed_more_often():
    runs = [ok(launch(2, **WHOLE, per_device_train_batch_size=[1], gradient_accumulation_steps=[3], max_steps=[3],
                      zero_stage=[stage])) for stage in range(4)]
    same(runs[1], runs[0], 1)
    same(runs[3], runs[2], 3)
    assert near(runs[2].losses(), runs[0].losses(), 1e-5)


def a_stage_shares_memory():
    unit = {"B": 1, "KiB": 1024, "MiB": 1024**2}

    def planned(stage):
        out = ok(launch(2, plan=[], zero_stage=[stage], **WHOLE)).out
        bytes_of = {}
        for kind, number, u in re.findall(r"^(?:vision|projector|language) +(\D+?) +([0-9.]+) (B|KiB|MiB)$", out, re.M):
            bytes_of[kind] = bytes_of.get(kind, 0) + float(number) * unit[u]
        return bytes_of

    plans = [planned(stage) for stage in range(4)]
    for kind, first in (("master weights", 1), ("optimiser state", 1), ("gradients", 2), ("weights", 3)):
        for stage, plan in enumerate(plans):
            expected = plans[0][kind] / (2 if stage >= first else 1)
            assert abs(plan[kind] - expected) < 0.02 * expected, (stage, kind, plan[kind], expected)


def a_job_that_is_stopped_goes_on():
    changes = dict(per_device_train_batch_size=[2], max_steps=[60], num_train_epochs=[20], zero_stage=[2], **WHOLE)
    whole = ok(launch(2, **changes))
    folder = new_folder()
    args = ["mpirun", "-n", "2"] + command(folder, **changes, from_checkpoint=["auto"])
    for last in (False, True):
        job = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if not last:
            await_metrics(folder)
            job.send_signal(signal.SIGUSR1)
        err = job.communicate(timeout=120)[1]
        assert job.returncode in ((0,) if last else (0, 10)), (job.returncode, err[-800:])
    again = Run(args, 0, "", "", folder)
    assert again.losses() == whole.losses() and again.all("step") == whole.all("step")
    assert tensors(os.path.join(folder, "epoch-0")) == tensors(os.path.join(whole.folder, "epoch-0"))


def a_job_goes_on_with_a_stage_that_sums_alike():
    changes = dict(per_device_train_batch_size=[1], gradient_accumulation_steps=[2], max_steps=[2], **WHOLE)
    folder = new_folder()

    def go_on(code, **more):
        args = ["mpirun", "-n", "2"] + command(folder, **{**changes, **more}, from_checkpoint=["auto"])
        done = subprocess.run(args, capture_output=True, text=True, timeout=120)
        assert done.returncode == code, (done.returncode, done.stderr[-800:])
        return done.stderr

    go_on(0)
    assert "sums of gradients" in go_on(5, max_steps=[4], zero_stage=[2])
    go_on(0, max_steps=[4], zero_stage=[1])


def go_on(folder, ranks, **changes):
    """A run that goes on in its folder, with so many ranks."""
    args = ["mpirun", "-n", str(ranks)] + command(folder, **changes, from_checkpoint=["auto"])
    done = subprocess.run(args, capture_output=True, text=True, timeout=120)
    return ok(Run(args, done.returncode, done.stdout, done.stderr, folder))


def continues(run, whole, steps):
    """From some step on with other ranks: the same records in every step, numbers that round differently."""
    assert run.all("step") == list(range(1, steps + 1)), run.all("step")
    assert run.all("supervised_tokens") == whole.all("supervised_tokens") and run.all("lr") == whole.all("lr")
    assert near(run.losses(), whole.losses(), 1e-5), (run.losses(), whole.losses())
    assert near(run.all("grad_norm"), whole.all("grad_norm"), 1e-4), (run.all("grad_norm"), whole.all("grad_norm"))


def other_ranks_go_on():
    changes = dict(per_device_train_batch_size=[2], gradient_accumulation_steps=[2], num_train_epochs=[3], zero_stage=[2],
                   **WHOLE)
    whole = ok(launch(2, **{**changes, "max_steps": [6]}))
    begun = ok(launch(2, **{**changes, "max_steps": [3]}))
    for ranks in (1, 4, 3):
        folder = new_folder()
        shutil.copytree(begun.folder, folder)
        run = go_on(folder, ranks, **{**changes, "max_steps": [5]})
        assert re.search(r"program +ranks +2 +%d\n" % ranks, run.out), run.out
        assert "%d ranks go on with what 2 began" % ranks in run.err
        run = go_on(folder, 2, **{**changes, "max_steps": [6]})  # whatever wrote it last, it began with two
        continues(run, whole, 6)
        assert run.losses()[:3] == whole.losses()[:3]
    refused(launch(3, **{**changes, "per_device_train_batch_size": [1]}, from_checkpoint=[
        os.path.join(begun.folder, "checkpoints", "step-00000003")]), 5, "--per_device_train_batch_size")


def two_ranks_go_on_after_four_were_killed():
    changes = dict(per_device_train_batch_size=[1], max_steps=[40], num_train_epochs=[20], zero_stage=[3], eval_step=[0],
                   save_step=[1], **WHOLE)
    whole = ok(launch(4, **changes))
    folder = new_folder()
    job = subprocess.Popen(["mpirun", "-n", "4"] + command(folder, **changes), stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    checkpoints = os.path.join(folder, "checkpoints")
    deadline = time.monotonic() + 60
    while not (os.path.exists(checkpoints) and "step-00000004" in os.listdir(checkpoints)) and time.monotonic() < deadline:
        time.sleep(0.002)
    for process in ranks_of(job).values():
        os.kill(process, signal.SIGKILL)
    assert job.wait(timeout=60) != 0
    run = go_on(folder, 2, **changes)
    assert "2 ranks go on with what 4 began" in run.err, run.err
    continues(run, whole, 40)


def one_rank_speaks():
    run = ok(launch(2, per_device_train_batch_size=[2]))
    assert run.out.count("eval loss") == len(run.evals) and run.out.count("report.html") == 1, run.out


def ranks_that_differ_are_refused():
    refused(launch([{}, {"learning_rate": [0.5]}]), 2, "OPT-RANKS-022")
    run = launch([{}, {"learning_rate": [0.5]}])
    assert "--learning_rate" in run.err and "rank 1" in run.err, run.err


def a_mistake_of_all_is_said_once():
    run = launch(3, learning_rate=["much"])
    assert run.code == 2 and run.err.count("error[OPT-VALUE-004]") == 1, run.err


def a_failing_rank_ends_the_job():
    run = launch(2, learning_rate=[1000], max_grad_norm=[0], weight_decay=[1000], lr_scheduler_type=["constant"],
                 vis_encoder_update=[], lang_decoder_update=[], max_steps=[20])
    assert run.code == 7 and "NUM-STEP-001" in run.err, (run.code, run.err[-600:])


def await_metrics(folder):
    metrics = os.path.join(folder, "metrics.jsonl")
    deadline = time.monotonic() + 60
    while not (os.path.exists(metrics) and os.path.getsize(metrics) > 0) and time.monotonic() < deadline:
        time.sleep(0.05)


def a_dead_rank_ends_the_job():
    folder = new_folder()
    job = subprocess.Popen(["mpirun", "-n", "2"] + command(folder, max_steps=[100000], num_train_epochs=[100000],
                                                           eval_step=[0]),
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    await_metrics(folder)
    children = subprocess.run(["pgrep", "-P", str(job.pid), "sft_main"], capture_output=True, text=True).stdout.split()
    assert len(children) == 2, children
    os.kill(int(children[1]), signal.SIGKILL)
    killed = time.monotonic()
    job.communicate(timeout=60)
    assert job.returncode != 0 and time.monotonic() - killed < 10, (job.returncode, time.monotonic() - killed)


def ranks_of(job):
    """Process ids of a job's ranks, by rank."""
    children = subprocess.run(["pgrep", "-P", str(job.pid), "sft_main"], capture_output=True, text=True).stdout.split()
    environment = {int(c): open("/proc/%s/environ" % c).read().split("\0") for c in children}
    return {int(v.split("=")[1]): c for c, vs in environment.items() for v in vs if v.startswith("OMPI_COMM_WORLD_RANK=")}


def hang(ranks, limit, stop):
    """A job of which stop(process of rank 1) makes one hang; what it says, once the limit is over."""
    folder = new_folder()
    job = subprocess.Popen(["mpirun", "-n", str(ranks)] + command(folder, max_steps=[100000], num_train_epochs=[100000],
                                                                  eval_step=[0], comm_timeout_s=[limit]),
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    await_metrics(folder)
    other = stop(ranks_of(job)[1])
    began = time.monotonic()
    err = job.communicate(timeout=60)[1]
    took = time.monotonic() - began
    if other:
        other.kill()
    assert job.returncode == 11, (job.returncode, err[-800:])
    assert limit - 0.5 < took < limit + 4, took
    assert err.count("error[PEER-HANG-001]: rank 1 kept the others waiting for %g s" % limit) == 1, err[-800:]
    table = dict(re.findall(r"^ +(?:found: +)?(\d+) +(\d+ .*)$", err, re.M))
    assert sorted(table) == [str(r) for r in range(ranks)], err[-800:]
    assert all(table[str(r)].endswith("waits") == (r != 1) for r in range(ranks)), table
    steps = [int(row.split()[0]) for row in table.values()]
    assert min(steps) >= 1 and max(steps) - min(steps) <= 1, table
    return table["1"]


def a_rank_that_is_stopped_ends_the_job():
    hang(3, 3, lambda pid: os.kill(pid, signal.SIGSTOP))


def a_rank_whose_loader_hangs_ends_the_job():
    if not shutil.which("strace"):
        return

    def slow_files(pid):  # it opens no further picture within the hour
        return subprocess.Popen(["strace", "-f", "-p", str(pid), "-o", os.devnull, "-e", "trace=openat2",
                                 "-e", "inject=openat2:delay_enter=3600000000"], stderr=subprocess.DEVNULL)

    assert " loading " in hang(2, 3, slow_files)


def ranks_divide_the_cores():
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return
    half = len(cores) // 2
    parts = [",".join(str(c) for c in part) for part in (cores[:half], cores[half:])]
    run = ok(launch(2, num_threads=[0], max_steps=[1]))
    assert [s["local_rank"] for s in run.receipt()["ranks"]] == [0, 1] and run.receipt()["threads"] == half
    assert [expanded(s["cores"]) for s in run.receipt()["ranks"]] == parts
    assert "rank 1: local rank 1 on " in run.out
    alone = ["env", "-u", "OMPI_COMM_WORLD_LOCAL_RANK"]
    turned = ok(launch([{"local_rank": [1]}, {"local_rank": [0]}], prefix=alone, num_threads=[0], max_steps=[1]))
    assert [expanded(s["cores"]) for s in turned.receipt()["ranks"]] == parts[::-1]
    whole = ok(launch(2, num_threads=[1], max_steps=[1]))
    assert [expanded(s["cores"]) for s in whole.receipt()["ranks"]] == [",".join(str(c) for c in cores)] * 2
    refused(launch([{"local_rank": [1]}, {"local_rank": [0]}]), 2, "OPT-LOCAL-027")
    refused(launch([{"local_rank": [0]}, {"local_rank": [0]}], prefix=alone), 2, "OPT-LOCAL-027")


def expanded(ranges):
    ends = [[int(n) for n in part.split("-")] for part in ranges.split(",")]
    return ",".join(str(c) for part in ends for c in range(part[0], part[-1] + 1))


def the_batch_script_requeues_itself_until_the_training_is_done():
    page = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/scaling.md")).read()
    script = re.search(r"```sh\n(#!/bin/bash\n#SBATCH.*?)```", page, re.S)[1]
    place = new_folder()
    os.makedirs(place + "/bin")
    for name, body in (("batch", script), ("bin/srun", 'exec mpirun -n 2 "$@"\n'),
                       ("bin/scontrol", 'echo "$@" >> requeued\n')):
        path = os.path.join(place, name)
        open(path, "w").write(body if body.startswith("#!") else "#!/bin/bash\n" + body)
        os.chmod(path, 0o755)
    options = {**COMMON, "max_steps": ["60"], "num_train_epochs": ["20"]}
    config = {k: True if not v else v if k == "data_path" else v[0] for k, v in options.items()}
    config.update({k: [os.path.join(data(1), v) for v in COMMON[k]] if k == "data_path" else os.path.join(data(1), COMMON[k][0])
                   for k in PATHS})
    numbers = {k: float(v) if "." in v else int(v) for k, v in config.items() if isinstance(v, str) and re.fullmatch(r"[0-9.]+", v)}
    json.dump({**config, **numbers}, open(place + "/training.json", "w"))
    environment = {**os.environ, "PATH": ":".join([place + "/bin", os.path.dirname(SFT), os.environ["PATH"]]), "SLURM_JOB_ID": "77"}
    requeued = os.path.join(place, "requeued")
    for last in (False, True):
        job = subprocess.Popen([place + "/batch"], cwd=place, env=environment, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
        if not last:
            await_metrics(place + "/out")
            steps = subprocess.run(["pgrep", "-P", str(job.pid), "mpirun"], capture_output=True, text=True).stdout.split()
            os.kill(int(steps[0]), signal.SIGUSR1)  # Slurm signals the steps of a job, not its script
        err = job.communicate(timeout=120)[1]
        assert job.returncode == (0 if last else 10), (job.returncode, err[-800:])
        assert open(requeued).read() == "requeue 77\n"
    run = Run([], 0, "", "", place + "/out")
    assert run.all("step") == list(range(1, 61))


def help_is_printed_once():
    for page, word in (("--help", "per_device_train_batch_size"), ("--version", "image decoders")):
        out = subprocess.run(["mpirun", "-n", "2", SFT, page], capture_output=True, text=True).stdout
        assert out.count(word) == 1, out


def main():
    version = subprocess.run([SFT, "--version"], capture_output=True, text=True).stdout
    if not shutil.which("mpirun") or re.search("MPI: none", version):
        print("skipped: sft_main is built without MPI, or there is no mpirun")
        return 77
    cases = [ranks_share_a_batch, the_same_ranks_give_the_same_bits, ranks_may_have_unequal_data, all_stages_give_the_same_bits,
             gradients_that_are_shared_are_summed_more_often, a_stage_shares_memory, a_job_that_is_stopped_goes_on,
             a_job_goes_on_with_a_stage_that_sums_alike, other_ranks_go_on, two_ranks_go_on_after_four_were_killed, one_rank_speaks,
             ranks_that_differ_are_refused, a_mistake_of_all_is_said_once, a_failing_rank_ends_the_job, a_dead_rank_ends_the_job,
             a_rank_that_is_stopped_ends_the_job, a_rank_whose_loader_hangs_ends_the_job, ranks_divide_the_cores,
             the_batch_script_requeues_itself_until_the_training_is_done, help_is_printed_once]
    failed = test_list.run(cases)
    shutil.rmtree(WORK)
    return failed > 0


sys.exit(main())
