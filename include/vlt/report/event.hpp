#pragma once
#include <boost/json.hpp>
#include <string>
#include <vlt/base/config.hpp>
#include <vlt/image/png_encoder.hpp>
#include <vlt/io/protobuf_writer.hpp>

// What TensorBoard reads (tensorflow/core/util/event.proto, framework/summary.proto; tensorboard/plugins/hparams): only
// the messages and fields that a run writes, under their names there.
namespace vlt::report::event {

// One thing that happened: at a time, in seconds since 1970, after so many steps.
inline ProtobufWriter begin(double wall_time, Index step) {
  ProtobufWriter e;
  e.real(1, wall_time);
  if (step > 0) e.varint(2, std::uint64_t(step));
  return e;
}
inline ProtobufWriter file_version(ProtobufWriter e) { return e.text(3, "brain.Event:2"); }
inline ProtobufWriter summary(ProtobufWriter e, const ProtobufWriter& values) { return e.message(5, values); }
// A process begins at this step: what earlier ones said of it and of later steps does not hold any more.
inline ProtobufWriter session_start(ProtobufWriter e) { return e.message(7, ProtobufWriter().varint(1, 1)); }

// Adds a number to a summary.
inline void add_scalar(ProtobufWriter& summary, const std::string& tag, double value) {
  summary.message(1, ProtobufWriter().text(1, tag).real(2, float(value)));
}
// Adds a picture.
inline void add_picture(ProtobufWriter& summary, const std::string& tag, const image::Image& picture) {
  ProtobufWriter encoded;
  encoded.varint(1, std::uint64_t(picture.height)).varint(2, std::uint64_t(picture.width));
  encoded.varint(3, image::Image::channels).bytes(4, image::encode_png(picture));
  summary.message(1, ProtobufWriter().text(1, tag).message(4, encoded));
}

// A tensor of one element.
enum class TensorType : std::uint8_t { f32 = 1, string = 7 };
inline ProtobufWriter tensor(TensorType type) {
  const ProtobufWriter shape = ProtobufWriter().message(2, ProtobufWriter().varint(1, 1));
  return ProtobufWriter().varint(1, std::uint64_t(type)).message(2, shape);
}
inline ProtobufWriter owned_by(const char* plugin, const ProtobufWriter& content) {
  ProtobufWriter owner;
  owner.text(1, plugin);
  if (!content.bytes().empty()) owner.message(2, content);
  return ProtobufWriter().message(1, owner);
}
// Adds a text, in Markdown.
inline void add_text(ProtobufWriter& summary, const std::string& tag, const std::string& markdown) {
  summary.message(1, ProtobufWriter()
                         .text(1, tag)
                         .message(8, tensor(TensorType::string).text(8, markdown))
                         .message(9, owned_by("text", {})));
}

// A setting as google.protobuf.Value.
inline ProtobufWriter setting(const boost::json::value& v) {
  ProtobufWriter w;
  if (v.is_number()) return w.real(2, v.to_number<double>());
  if (v.is_bool()) return w.varint(4, v.get_bool() ? 1 : 0);
  return w.text(3, v.is_string() ? std::string(v.get_string()) : boost::json::serialize(v));
}
inline void add_hparams(ProtobufWriter& summary, const std::string& tag, const ProtobufWriter& content) {
  const ProtobufWriter zero = tensor(TensorType::f32).bytes(5, little_endian(0, sizeof(float)));
  summary.message(1, ProtobufWriter().text(1, tag).message(8, zero).message(9, owned_by("hparams", content)));
}
// Adds what the HParams page compares runs by; settings without a value are left out.
inline void add_settings(ProtobufWriter& summary, const boost::json::object& settings, double wall_time) {
  ProtobufWriter start;
  for (const auto& [name, value] : settings)
    if (!value.is_null()) start.message(1, ProtobufWriter().text(1, std::string(name)).message(2, setting(value)));
  start.real(5, wall_time);
  add_hparams(summary, "_hparams_/session_start_info", ProtobufWriter().message(3, start));
}
// Adds that the run is over.
inline void add_success(ProtobufWriter& summary, double wall_time) {
  const ProtobufWriter end = ProtobufWriter().varint(1, 1).real(2, wall_time);
  add_hparams(summary, "_hparams_/session_end_info", ProtobufWriter().message(4, end));
}

}  // namespace vlt::report::event
