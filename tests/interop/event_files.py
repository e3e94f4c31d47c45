"""What TensorBoard shows of a run: read by its own libraries and by its server, as the page in a browser asks for it.
Usage: event_files.py FOLDER_OF_PROGRAMS SEED
"""
import io
import json
import logging
import time
import urllib.parse
import urllib.request
import warnings

import numpy
from PIL import Image

import interop

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
from tensorboard import program  # noqa: E402
from tensorboard.backend.event_processing import event_accumulator  # noqa: E402
from tensorboard.plugins.hparams import metadata  # noqa: E402

TAGS = {"Train/Samples/train_loss": "loss", "Train/grad_norm": "grad_norm", "Train/tokens_per_s": "tokens_per_s",
        "Train/Samples/lr": "lr", "Train/lr_language": "lr_language", "Train/token_accuracy": "token_accuracy",
        "Train/epoch": "epoch", "Train/memory": "memory"}


def trained(programs, scratch, seed):
    """A run that is cut back to an earlier checkpoint, and goes on from there to its end."""
    data, out = scratch / "data", scratch / "out"
    programs.run("make_shapes_dataset", "--output_dir", data, "--records", 40, "--test_records", 4, "--seed", seed)
    command = ["--data_path", data / "train.json", "--image_folder", data / "images", "--precision", "fp32",
               "--lm_model_name_or_path", data / "language_model", "--vision_model_name_or_path", data / "vision_model",
               "--template", "plain", "--output_dir", out, "--enable_tensorboard", "--save_step", 4, "--keep", 9,
               "--num_train_epochs", 1, "--seed", seed]
    programs.run("sft_main", *command, "--max_steps", 9, "--eval_step", 3)
    programs.run("sft_main", *command, "--from_checkpoint", out / "checkpoints/step-00000004", "--eval_step", 2)
    return out


def metrics(out):
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [m for m in lines if "loss" in m], [m for m in lines if "eval_loss" in m]


def numbers(lines, key):
    """As TensorBoard keeps them: 32-bit floats."""
    return [(m["step"], float(numpy.float32(m[key]))) for m in lines]


def check_libraries(checks, out):
    reader = event_accumulator.EventAccumulator(str(out / "tb_logging"), size_guidance={
        k: 0 for k in event_accumulator.DEFAULT_SIZE_GUIDANCE})
    reader.Reload()
    steps, evaluations = metrics(out)
    shown = lambda tag: [(e.step, e.value) for e in reader.Scalars(tag)]
    for tag, key in TAGS.items():
        checks.equal(f"{tag} is {key}", shown(tag), numbers(steps, key))
    checks.equal("Eval/loss", shown("Eval/loss"), numbers(evaluations, "eval_loss"))
    checks.equal("loss of the data set", shown("Train/loss_by_dataset/train"),
                 [(m["step"], float(numpy.float32(m["loss_by_dataset"]["train"]))) for m in steps])
    times = [e.wall_time for e in reader.Scalars("Train/Samples/train_loss")]
    checks.true("time goes on", times == sorted(times) and abs(times[-1] - time.time()) < 600)

    text = reader.Tensors("options")[-1].tensor_proto.string_val[0].decode()
    options = json.loads((out / "receipt.json").read_text())["options"]
    checks.equal("a row for each option", len(text.splitlines()), len(options) + 2)
    checks.true("the options' values", "| learning_rate | `0.001` |" in text and "| seed | `%d` |" % options["seed"] in text)
    start = reader.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    given = metadata.parse_session_start_info_plugin_data(start).hparams
    for name, value in options.items():  # TensorBoard shows those of the first start, the receipt those of the last
        kind = "bool_value" if isinstance(value, bool) else "number_value" if isinstance(value, (int, float)) else "string_value"
        known = value is None or name in ("max_steps", "eval_step", "from_checkpoint") or isinstance(value, list) or getattr(given[name], kind) == value
        checks.true(f"hparams: {name}", known and (name in given) == (value is not None))
    end = reader.summary_metadata["_hparams_/session_end_info"].plugin_data.content
    checks.equal("hparams: the run succeeded", metadata.parse_session_end_info_plugin_data(end).status, 1)

    pictures = [tag for tag in reader.Tags()["images"] if tag.startswith("samples/")]
    checks.true("there are pictures", len(pictures) >= 2)
    for tag in pictures:
        picture = reader.Images(tag)[-1]
        read = Image.open(io.BytesIO(picture.encoded_image_string))
        checks.true(f"{tag} is a picture", read.size == (picture.width, picture.height) and picture.step == len(steps) and
                    len(set(read.convert("RGB").getdata())) > 1)
    answers = [t for t in reader.Tags()["tensors"] if t.startswith("samples/")]
    page = (out / "report.html").read_text()
    checks.equal("a text for each question", len(answers), page.count("<dt>question</dt>"))
    said = reader.Tensors(answers[0])[-1].tensor_proto.string_val[0].decode()
    checks.true("questions and answers", all(f"**{part}**" in said for part in
                                             ("question", "reference answer", "model before training", "model now")))


def check_server(checks, out):
    """The server that a browser asks: its reader is another program than the libraries."""
    server = program.TensorBoard()
    server.configure(argv=[None, "--logdir", str(out / "tb_logging"), "--port", "0", "--host", "127.0.0.1"])
    url = server.launch()

    def get(path, **query):
        with urllib.request.urlopen(url + path + ("?" + urllib.parse.urlencode(query) if query else "")) as answer:
            return answer.read()
    ask = lambda path, **query: json.loads(get(path, **query))
    for _ in range(100):  # it reads in the background
        runs = ask("data/plugin/scalars/tags")
        if runs and "Eval/loss" in next(iter(runs.values())) and ask("data/plugin/images/tags"):
            break
        time.sleep(0.2)
    run = next(iter(runs))
    steps, evaluations = metrics(out)
    shown = [(step, value) for _, step, value in ask("data/plugin/scalars/scalars", run=run, tag="Train/Samples/train_loss")]
    checks.equal("the server's curve", shown, numbers(steps, "loss"))
    shown = [(step, value) for _, step, value in ask("data/plugin/scalars/scalars", run=run, tag="Eval/loss")]
    checks.equal("the server's curve of evaluations", shown, numbers(evaluations, "eval_loss"))
    tag = next(t for t in ask("data/plugin/images/tags")[run] if t.startswith("samples/"))
    sample = ask("data/plugin/images/images", run=run, tag=tag, sample=0)
    picture = get("data/plugin/images/individualImage?" + sample[-1]["query"])
    checks.true("the server's picture", Image.open(io.BytesIO(picture)).size[0] > 0)
    texts = ask("data/plugin/text/tags")[run]
    checks.true("the server's texts", {"options", "samples/1/answers"} <= set(texts))
    shown = ask("data/plugin/text/text", run=run, tag="options")
    checks.true("the options are a table", "<td>seed</td>" in shown[-1]["text"].replace("\n", ""))


def main():
    programs, seed, checks, scratch = interop.start()
    out = trained(programs, scratch, seed)
    check_libraries(checks, out)
    check_server(checks, out)
    checks.done()


main()
