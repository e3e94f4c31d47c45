#!/usr/bin/env python3
"""Several processes train one model: mpirun -n N sft_main does what one process does with N times the batch.

usage: ranks.py FOLDER_OF_PROGRAMS
"""
import os, re, shutil, signal, subprocess, sys, time
import test_list
from sft_runs import BASE, PATHS, Run, SFT, WORK, data, ok, refused

os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_rmaps_base_oversubscribe="1",
                  OMPI_MCA_hwloc_base_binding_policy="none")
COMMON = {**BASE, "precision": ["fp32"], "max_steps": ["4"], "eval_step": ["2"], "data_train_split_ratio": ["0.7"]}
started = 0


def command(folder, **changes):
    options = {k: ([os.path.join(data(1), v) for v in values] if k in PATHS else values) for k, values in COMMON.items()}
    options.update({k: [str(x) for x in v] for k, v in changes.items()}, output_dir=[folder])
    return [SFT] + [word for name, values in options.items() for word in ["--" + name] + values]


def launch(ranks, **changes):
    """A run of so many ranks; `ranks` may also be a list of changes, one for each."""
    global started
    started += 1
    folder = os.path.join(WORK, "ranks%d" % started)
    if isinstance(ranks, int):
        args = ["mpirun", "-n", str(ranks)] + command(folder, **changes)
    else:
        parts = [["-n", "1"] + command(folder, **{**changes, **one}) for one in ranks]
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


def a_dead_rank_ends_the_job():
    global started
    started += 1
    folder = os.path.join(WORK, "ranks%d" % started)
    job = subprocess.Popen(["mpirun", "-n", "2"] + command(folder, max_steps=[100000], num_train_epochs=[100000],
                                                           eval_step=[0]),
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    metrics = os.path.join(folder, "metrics.jsonl")
    deadline = time.monotonic() + 60
    while not (os.path.exists(metrics) and os.path.getsize(metrics) > 0) and time.monotonic() < deadline:
        time.sleep(0.05)
    children = subprocess.run(["pgrep", "-P", str(job.pid), "sft_main"], capture_output=True, text=True).stdout.split()
    assert len(children) == 2, children
    os.kill(int(children[1]), signal.SIGKILL)
    killed = time.monotonic()
    job.communicate(timeout=60)
    assert job.returncode != 0 and time.monotonic() - killed < 10, (job.returncode, time.monotonic() - killed)


def help_is_printed_once():
    for page, word in (("--help", "--per_device_train_batch_size"), ("--version", "image decoders")):
        out = subprocess.run(["mpirun", "-n", "2", SFT, page], capture_output=True, text=True).stdout
        assert out.count(word) == 1, out


def main():
    version = subprocess.run([SFT, "--version"], capture_output=True, text=True).stdout
    if not shutil.which("mpirun") or re.search("MPI: none", version):
        print("skipped: sft_main is built without MPI, or there is no mpirun")
        return 77
    cases = [ranks_share_a_batch, the_same_ranks_give_the_same_bits, ranks_may_have_unequal_data, one_rank_speaks,
             ranks_that_differ_are_refused, a_mistake_of_all_is_said_once, a_failing_rank_ends_the_job, a_dead_rank_ends_the_job, help_is_printed_once]
    failed = test_list.run(cases)
    shutil.rmtree(WORK)
    return failed > 0


sys.exit(main())
