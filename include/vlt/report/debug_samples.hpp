#pragma once
#include <vlt/data/image_reader.hpp>
#include <vlt/report/debug_page.hpp>

namespace vlt::report {

// Samples as training makes them, for --data_debug_path.
inline std::vector<DebugSample> debug_samples(const data::SampleSource& source, const data::ImageReader& images,
                                              const std::vector<Index>& samples, const std::string& image_mark) {
  std::vector<DebugSample> all;
  text::Encoder encoder(source.builder.tokenizer());
  for (const Index sample : samples) {
    const data::Record r = source.data.record_of(sample);
    data::PreparedSample p = source.builder.prepare(r, encoder);
    DebugSample d;
    d.id = r.id, d.text = p.rendered.text, d.spans = p.rendered.supervised, d.image_mark = image_mark;
    d.ids.assign(p.sample.id.begin(), p.sample.id.end());
    for (const Index label : p.sample.label) d.supervised.push_back(label >= 0);
    d.tokens.assign(p.offsets.begin(), p.offsets.begin() + std::ptrdiff_t(d.ids.size()));
    if (p.cut == data::Cut::turns) d.truncation = std::to_string(p.turns_left_out) + " last turns left out";
    if (p.cut == data::Cut::answer) d.truncation = "the end of the only answer left out";
    for (const std::string& name : p.images) {
      DebugImage image;
      image.name = name, image.file = images.file(name), image.seen = images.seen(name);
      d.images.push_back(std::move(image));
    }
    all.push_back(std::move(d));
  }
  return all;
}

}  // namespace vlt::report
