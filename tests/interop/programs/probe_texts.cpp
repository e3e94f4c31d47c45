// Encodes texts with the tokenizer of a folder. Usage: probe_texts FOLDER [options] < TEXTS. Reads a
// JSON string a line, writes a JSON list a line: ids, byte offsets (begin, end, begin, ...), what the ids decode to;
// for invalid UTF-8 the error's code and sentence. --plain: look-alikes of special tokens are text. --bare: no tokens
// around the text. --hex: the lines are hexadecimal bytes. --write FOLDER: writes the tokenizer with <image> and <PAD>
// added.
#include <cstdio>
#include <cstring>
#include <iostream>
#include <vlt/text/encoder.hpp>
#include <vlt/text/tokenizer_folder.hpp>

namespace {

std::string bytes_of(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) bytes += char(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

boost::json::array encoded(const vlt::text::Tokenizer& tokenizer, vlt::text::Encoder& encoder, const std::string& text,
                           vlt::text::EncodeOptions options) {
  boost::json::array ids, offsets;
  try {
    const vlt::text::Encoding e = encoder.encode(text, options);
    for (const auto id : e.ids) ids.push_back(id);
    for (const auto range : e.offsets) offsets.push_back(range.begin), offsets.push_back(range.end);
    return {ids, offsets, boost::json::string(tokenizer.decode(e.ids))};
  } catch (const vlt::Error& e) {
    return {boost::json::string(e.complaint().code()), boost::json::string(e.complaint().what())};
  }
}

}  // namespace

int main(int argc, char** argv) try {
  vlt::text::EncodeOptions options;
  bool hex = false;
  vlt::text::TokenizerFolder folder = vlt::text::read_tokenizer_folder(argc > 1 ? argv[1] : ".");
  for (int i = 2; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--plain")) options.split_special_tokens = true;
    if (!std::strcmp(argv[i], "--bare")) options.add_special_tokens = false;
    if (!std::strcmp(argv[i], "--hex")) hex = true;
    if (std::strcmp(argv[i], "--write") || i + 1 == argc) continue;
    vlt::text::add_image_and_pad_tokens(folder);
    vlt::text::write_tokenizer_folder(folder, argv[++i]);
  }
  const vlt::text::Tokenizer tokenizer(folder.file);
  vlt::text::Encoder encoder(tokenizer);
  for (std::string line; std::getline(std::cin, line);) {
    const std::string text = hex ? bytes_of(line) : std::string(vlt::parse_json(line, "stdin").as_string());
    std::cout << boost::json::serialize(encoded(tokenizer, encoder, text, options)) << '\n';
  }
} catch (const vlt::Error& e) {
  std::fprintf(stderr, "%s %s: %s (%s)\n", e.complaint().code().c_str(), e.complaint().place().c_str(),
               e.complaint().what().c_str(), e.complaint().found().c_str());
  return int(e.exit());
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
