#pragma once
#include <string>
#include <vector>
#include <vlt/io/json_line.hpp>
#include <vlt/io/write_file.hpp>
#include <vlt/report/debug_sample.hpp>
#include <vlt/report/report.hpp>

namespace vlt::report {
namespace debug_page {

// A file name that says which sample and image it is, and keeps the original's last part where that is plain.
inline std::string copy_name(std::size_t sample, std::size_t image, const std::string& name) {
  std::string plain;
  for (const char c : name.substr(name.rfind('/') + 1)) {
    const bool keeps =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-';
    plain += keeps ? c : '_';
  }
  if (plain.size() > 100) plain = plain.substr(plain.size() - 100);
  return "sample-" + std::to_string(sample) + "-image-" + std::to_string(image) + "-" + plain;
}

inline std::string sample_object(std::size_t number, const DebugSample& s) {
  const auto whole = [](auto n) { return std::to_string(n); };
  JsonLine line;
  line.add("id", s.id).add("text", s.text);
  line.raw("ids", json_list(s.ids, whole)).raw("supervised", json_list(s.supervised, whole));
  line.raw("spans", json_list(s.spans, [&](const text::ByteRange& r) {
             return "[" + std::to_string(r.begin) + ", " + std::to_string(r.end) + "]";
           }));
  line.raw("truncation", s.truncation.empty() ? "null" : json_string(s.truncation));
  std::size_t image = 0;
  line.raw("images", json_list(s.images, [&](const DebugImage& i) {
             return JsonLine().add("name", i.name).add("copy", copy_name(number, image++, i.name)).text();
           }));
  return line.text();
}

// The text, cut into its tokens; neighbours that share a character are shown as one piece.
inline std::string tokens(const DebugSample& s) {
  std::string out;
  std::uint32_t done = 0;
  for (std::size_t i = 0; i < s.ids.size(); ++i) {
    const text::ByteRange range = i < s.tokens.size() ? s.tokens[i] : text::ByteRange{};
    const std::uint32_t begin = std::max(done, range.begin);
    const std::string piece = range.end > begin ? s.text.substr(begin, range.end - begin) : "";
    done = std::max(done, range.end);
    const bool taught = i < s.supervised.size() && s.supervised[i] != 0;
    const char* kind = taught ? "taught" : piece == s.image_mark ? "image" : "";
    std::string shown;
    for (const char c : piece) shown += c == '\n' ? std::string("\u21B5\n") : std::string(1, c);
    out += html_element("span",
                        "class=\"" + std::string(kind) + "\" title=\"id " + std::to_string(s.ids[i]) +
                            (taught ? ", taught" : "") + "\"",
                        piece.empty() ? "\u25E6" : html_text(shown));
  }
  return html_element("div", "class=\"tokens mono\"", out);
}

inline std::string sample_section(std::size_t number, const DebugSample& s) {
  std::string pictures;
  for (const DebugImage& image : s.images) {
    std::string tiles, size;
    for (const image::Image& tile : image.seen) {
      tiles += inline_picture(tile, image.name);
      size = std::to_string(tile.width) + " x " + std::to_string(tile.height);
    }
    if (image.seen.size() > 1) size = std::to_string(image.seen.size()) + " tiles of " + size;
    pictures +=
        html_element("figure", "",
                     tiles + html_element("figcaption", "class=\"mono\"", html_text(image.name) + ", seen as " + size));
  }
  const auto taught = std::count_if(s.supervised.begin(), s.supervised.end(), [](auto x) { return x != 0; });
  std::string line = std::to_string(s.ids.size()) + " tokens, " + std::to_string(taught) + " of them taught";
  if (!s.images.empty()) line += "; each image mark becomes the model's image tokens";
  if (!s.truncation.empty()) line += "; truncated: " + s.truncation;
  return html_element("h2", "", std::to_string(number + 1) + ". id " + html_text(s.id)) +
         html_element("div", "class=\"card\"",
                      html_element("p", "class=\"quiet\"", html_text(line)) +
                          (pictures.empty() ? "" : html_element("div", "class=\"strip\"", pictures)) + tokens(s));
}

}  // namespace debug_page

// Writes what training is shown of some samples into a folder, which is made: copies of the image files, samples.json,
// and index.html with images as the model sees them and tokens coloured by whether they are taught.
inline void write_debug_page(const std::string& folder, const std::vector<DebugSample>& samples) {
  make_folders(folder);
  std::string sections, objects;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    for (std::size_t k = 0; k < samples[i].images.size(); ++k)
      write_file(folder + "/" + debug_page::copy_name(i, k, samples[i].images[k].name), samples[i].images[k].file);
    objects += (i > 0 ? ",\n " : "") + debug_page::sample_object(i, samples[i]);
    sections += debug_page::sample_section(i, samples[i]);
  }
  write_file(folder + "/samples.json", "[" + objects + "]\n");
  const std::string legend =
      html_element("h1", "", "What training is shown") +
      html_element("p", "class=\"tokens\"",
                   "<span class=\"taught\">taught</span> <span class=\"image\">image mark</span> "
                   "<span>only read</span>; rest on a token to see its id");
  write_file(folder + "/index.html", html_page("VLTune samples", "", legend + sections));
}

}  // namespace vlt::report
