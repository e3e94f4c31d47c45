"""Writes events.tfevents: what a TensorBoard log of ours must hold to the byte, by TensorBoard's own messages and writer.
    pip install tensorboard==2.21.0 && python make_events.py"""
import json
import pathlib

from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.plugins.text import plugin_data_pb2 as text_data_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

NOW = 1700000000.25
OPTIONS = {"data_path": ["a|b.json"], "learning_rate": 0.001, "lora_alpha": None, "packing": False, "seed": 1234,
           "template": "plain"}
ONE = tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=1)])


def event(step=0, **what):
    return event_pb2.Event(wall_time=NOW, step=step, **what)


def summary(step, values):
    return event(step, summary=summary_pb2.Summary(value=values))


def scalars(step, **tags):
    return summary(step, [summary_pb2.Summary.Value(tag=tag.replace("__", "/"), simple_value=value)
                          for tag, value in tags.items()])


def owned(plugin, content):
    data = summary_pb2.SummaryMetadata.PluginData(plugin_name=plugin, content=content)
    return summary_pb2.SummaryMetadata(plugin_data=data)


def text(tag, content):
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, tensor_shape=ONE, string_val=[content.encode()])
    metadata = owned("text", text_data_pb2.TextPluginData(version=0).SerializeToString())
    return summary_pb2.Summary.Value(tag=tag, tensor=tensor, metadata=metadata)


def hparams(tag, **data):
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, tensor_shape=ONE, float_val=[0])
    content = plugin_data_pb2.HParamsPluginData(version=0, **data).SerializeToString(deterministic=True)
    return summary_pb2.Summary.Value(tag=tag, tensor=tensor, metadata=owned("hparams", content))


def about():
    cell = lambda value: "`%s`" % json.dumps(value, separators=(",", ":")).replace("|", "\\|")
    table = "| option | value |\n|---|---|\n" + "".join("| %s | %s |\n" % (k, cell(v)) for k, v in OPTIONS.items())
    start = plugin_data_pb2.SessionStartInfo(start_time_secs=NOW)
    for name, value in OPTIONS.items():
        kept = start.hparams[name] if value is not None else None
        if isinstance(value, bool):
            kept.bool_value = value
        elif isinstance(value, (int, float)):
            kept.number_value = value
        elif value is not None:
            kept.string_value = value if isinstance(value, str) else json.dumps(value)
    return [text("options", table), hparams("_hparams_/session_start_info", session_start_info=start)]


sample = ("**question**\n\n    What?\n    `Now`\n\n**reference answer**\n\n    This\n\n"
          "**model before training**\n\n    \n\n**model now**\n\n    That\n\n")
events = [
    event(file_version="brain.Event:2"),
    event(1, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START)),
    summary(1, about()),
    scalars(1, Train__Samples__train_loss=2.5, Train__Samples__lr=0.001, Train__lr_vision=0.0001,
            Train__lr_language=0.0002, Train__grad_norm=1.25, Train__epoch=0.5, Train__token_accuracy=0.125,
            Train__tokens=300, Train__supervised_tokens=100, Train__tokens_per_s=1000, Train__images_per_s=10,
            Train__mfu=0.25, Train__memory=1e9, Train__loss_by_dataset__first=2, Train__loss_by_dataset__second=3),
    scalars(200, Eval__loss=2.25, Eval__token_accuracy=0.5),
    summary(200, [text("samples/1/answers", sample)]),
    summary(200, [hparams("_hparams_/session_end_info", session_end_info=plugin_data_pb2.SessionEndInfo(
        status="STATUS_SUCCESS", end_time_secs=NOW))]),
]
with open(pathlib.Path(__file__).resolve().parent / "events.tfevents", "wb") as f:
    writer = RecordWriter(f)
    for e in events:
        writer.write(e.SerializeToString(deterministic=True))
