// Records of a data set, pictures, and the templates that conversations are written by.
#include <fuzz/targets.hpp>
#include <vlt/data/dataset_file.hpp>
#include <vlt/data/render.hpp>
#include <vlt/data/template_file.hpp>
#include <vlt/image/decode.hpp>

namespace vlt::fuzz {

// Every record that is accepted keeps the schema, and records are neither lost nor counted twice.
void records(std::string_view bytes) {
  static MemoryFile file;
  static const data::RecordLimits limits;
  may_refuse({ExitCode::data}, [&] {
    Index seen = 0;
    const auto good = [&](data::Record&& r) {
      ++seen;
      std::size_t marks = 0;
      promise(!r.conversation.turns.empty(), "a record has a turn");
      for (const data::Turn& t : r.conversation.turns) {
        promise(!t.answer.empty(), "a question has an answer");
        promise(!utf8::invalid_byte(t.question) && !utf8::invalid_byte(t.answer), "texts are UTF-8");
        for (std::size_t at = 0; (at = t.question.find(data::image_mark, at)) != t.question.npos; ++at) ++marks;
      }
      promise(marks == 0 || marks == r.images.size(), "a mark for each picture, or none");
      for (const std::string& name : r.images)
        promise(!name.empty() && name.find('\0') == name.npos, "a picture has a name without NUL");
    };
    data::DatasetFile reader(file.holding(bytes), 0, limits);
    const Index all = reader.read({good, [&](data::RecordFault&& f) { seen += f.count; }});
    promise(seen == all, "records are good or bad, each once");
  });
}

// A picture has the sides that its header promises.
void picture(std::string_view bytes) {
  image::ImageLimits limits;
  limits.side = 512, limits.pixels = 1 << 16, limits.jpeg_scans = 20, limits.png_chunks = 100;
  static const image::ImageDecoder decode(limits);
  may_refuse({ExitCode::data}, [&] {
    const image::Image decoded = decode(bytes, "x");
    const image::ImageHeader header = image::preflight(bytes, "x", limits);
    promise(decoded.width == header.width && decoded.height == header.height, "a picture has its header's sides");
  });
}

// Whatever the template, a conversation's words are in the text and where special tokens may stand lies within it.
void chat_template(std::string_view bytes) {
  may_refuse({ExitCode::usage}, [&] {
    const data::Renderer render(data::parse_template(bytes, "t.json"));
    data::Conversation c;
    c.turns = {{"<image>first words {text}", "its answer"}, {"second words", "another {image} answer"}};
    c.images = 1;
    try {
      const data::Rendered all = render(c), prompt = render.prompt(c);
      promise(all.text.find("first words {text}") != all.text.npos, "a question is written as it is");
      promise(all.text.find("another {image} answer") != all.text.npos, "an answer is written as it is");
      promise(all.text.starts_with(prompt.text), "a prompt is the beginning of its conversation");
      for (const auto& ranges : {all.written, all.supervised})
        for (const text::ByteRange& r : ranges) promise(r.begin <= r.end && r.end <= all.size(), "ranges of the text");
      promise(all.images.size() == 1 && all.supervised.size() == 2, "one picture and two answers");
    } catch (const Error& e) { promise(e.exit() == ExitCode::data, "a conversation is refused as data"); }
  });
}

}  // namespace vlt::fuzz
