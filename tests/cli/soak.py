#!/usr/bin/env python3
"""A long run stays as it is: memory, open files and threads are flat over steps, evaluations, checkpoints, pictures that
cannot be decoded, and answers.

usage: soak.py FOLDER_OF_PROGRAMS [SECONDS]   20 if it is left out: what a test run has time for; ten minutes show more
"""
import glob, json, os, re, shutil, signal, subprocess, sys, tempfile, time

import broken_picture, test_list

BIN = sys.argv[1]
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 20
WORK = tempfile.mkdtemp(prefix="vlt_soak_")
DATA = os.path.join(WORK, "data")
KIB_PER_STEP = 1.0  # what a run keeps of each step: its metrics, which are saved and shown


class Watched:
    """A process, and what it holds from time to time."""

    def __init__(self, args, progress):
        self.log = open(os.path.join(WORK, "log"), "w+")
        self.process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.progress, self.samples = progress, []

    def sample(self):
        folder = "/proc/%d/" % self.process.pid
        try:
            status = open(folder + "status").read()
            values = [int(re.search(key + r":\s*(\d+)", status)[1]) for key in ("RssAnon", "Threads")]
            self.samples.append((self.progress(), *values, len(os.listdir(folder + "fd"))))
        except (OSError, TypeError):
            pass  # it is gone

    def run(self, seconds):
        """Watches it for so long from its first step or answer on."""
        latest = time.time() + 120
        while self.progress() == 0 and time.time() < latest and self.process.poll() is None:
            time.sleep(0.05)
        end = time.time() + seconds
        while time.time() < end and self.process.poll() is None:
            self.sample()
            time.sleep(seconds / 400)

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def is_flat(self, kib_each):
        """Compares the two halves of what was seen behind a beginning."""
        seen = [s for s in self.samples if s[0] > 0]
        seen = seen[len(seen) // 5:]
        assert len(seen) > 20, "it was seen %d times only: %s" % (len(seen), self.said()[-1500:])
        first, second = seen[:len(seen) // 2], seen[len(seen) // 2:]
        mean = lambda samples, i: sum(s[i] for s in samples) / len(samples)
        done = mean(second, 0) - mean(first, 0)
        grown = mean(second, 1) - mean(first, 1)
        print("%d of %d done in the second half: %+.0f KiB, %d threads, %d open files" %
              (done, seen[-1][0], grown, max(s[2] for s in second), max(s[3] for s in second)))
        assert grown < 1024 + kib_each * done, "memory grew by %d KiB while %d were done" % (grown, done)
        for i, what in ((2, "threads"), (3, "open files")):
            for limit in (min, max):  # a sample may miss what lasts for a moment
                a, b = limit(s[i] for s in first), limit(s[i] for s in second)
                assert b <= a + 3, "%s grew from %d to %d" % (what, a, b)


def pictures_of(name):
    return sorted({i for r in json.load(open(os.path.join(DATA, name))) if r.get("image")
                   for i in ([r["image"]] if isinstance(r["image"], str) else r["image"])})


def training(out, *options):
    return [os.path.join(BIN, "sft_main"), "--data_path", DATA + "/train.json", "--image_folder", DATA + "/images",
            "--lm_model_name_or_path", DATA + "/language_model", "--vision_model_name_or_path", DATA + "/vision_model",
            "--template", "plain", "--precision", "fp32", "--output_dir", out, "--on_bad_sample", "skip",
            "--max_bad_fraction", "1", "--per_device_train_batch_size", "1", *options]


def a_training_is_flat():
    out = os.path.join(WORK, "out")
    args = training(out, "--num_train_epochs", "100000", "--keep", "2", "--save_step", "5", "--eval_step", "3",
                    "--num_workers", "2", "--num_threads", "2", "--enable_tensorboard", "--data_train_split_ratio", "0.98")

    def steps():
        if not os.path.exists(os.path.join(out, "metrics.jsonl")):
            return 0
        with open(os.path.join(out, "metrics.jsonl"), "rb") as f:
            f.seek(max(0, os.path.getsize(f.name) - 4000))
            found = re.findall(rb'"step": (\d+)', f.read())
        return int(found[-1]) if found else 0

    run = Watched(args, steps)
    run.run(0.75 * SECONDS)
    assert run.process.poll() is None, "it has ended: %s" % run.said()[-1500:]
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(120) == 10, run.said()[-1500:]
    run.is_flat(KIB_PER_STEP)
    lines = [json.loads(l) for l in open(os.path.join(out, "metrics.jsonl"))]
    assert sum("eval_loss" in l for l in lines) >= 2, "there was no evaluation"
    assert len(os.listdir(os.path.join(out, "checkpoints"))) == 2
    assert len(open(os.path.join(out, "skipped.jsonl")).readlines()) >= 1
    assert len(glob.glob(os.path.join(out, "tb_logging", "*"))) == 1


def answers_are_flat():
    records = json.load(open(DATA + "/test.json"))
    questions = [dict(r, id="%s-%d" % (r["id"], i)) for i in range(20000) for r in records]
    path, out = os.path.join(WORK, "questions.json"), os.path.join(WORK, "answers.jsonl")
    json.dump(questions, open(path, "w"))
    subprocess.run(training(os.path.join(WORK, "model"), "--max_steps", "1", "--eval_step", "0"), check=True,
                   capture_output=True)
    run = Watched([os.path.join(BIN, "generate_main"), "--model", os.path.join(WORK, "model/epoch-0"), "--data_path", path, "--image_folder",
                   DATA + "/images", "--output", out, "--max_new_tokens", "8", "--precision", "fp32"],
                  lambda: sum(1 for _ in open(out)) if os.path.exists(out) else 0)
    run.run(0.25 * SECONDS)
    assert run.process.poll() is None, "it has ended: %s" % run.said()[-1500:]
    run.process.kill()
    run.process.wait()
    run.is_flat(0.1)


def main():
    subprocess.run([os.path.join(BIN, "make_shapes_dataset"), "--output_dir", DATA, "--records", "600", "--test_records", "8"],
                   check=True, stdout=subprocess.DEVNULL)
    for name in pictures_of("train.json")[::5]:
        broken_picture.write(os.path.join(DATA, "images", name))
    failed = test_list.run([a_training_is_flat, answers_are_flat])
    shutil.rmtree(WORK)
    return failed > 0


sys.exit(main())
