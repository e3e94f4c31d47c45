#pragma once
#include <bit>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <vlt/text/encoder.hpp>
#include <vlt/text/sentencepiece_tokenizer.hpp>

// A tokenizer.model written by hand, field by field.
namespace vlt_test {

using Piece = vlt::text::SentencePieceModel::Piece;
using Type = vlt::text::SentencePieceModel::Type;

inline std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += char(0x80 | (value & 0x7F));
  return out + char(value);
}
inline std::string number_field(std::uint64_t field, std::uint64_t value) { return varint(field << 3) + varint(value); }
inline std::string bytes_field(std::uint64_t field, std::string_view bytes) {
  return varint(field << 3 | 2) + varint(bytes.size()) + std::string(bytes);
}
inline std::string float_field(std::uint64_t field, float value) {
  std::string out = varint(field << 3 | 5);
  for (int i = 0; i < 4; ++i) out += char(std::bit_cast<std::uint32_t>(value) >> (8 * i));
  return out;
}

// The parts of a file; what is empty is left out.
struct ModelBytes {
  std::vector<Piece> pieces{{"<unk>", 0, Type::unknown},   {"<s>", 0, Type::control}, {"</s>", 0, Type::control},
                            {"\u2581", -9, Type::normal},  {"a", -9, Type::normal},   {"b", -9, Type::normal},
                            {"\u2581a", -2, Type::normal}, {"ab", -1, Type::normal}};
  std::string trainer = number_field(3, 2), normalizer = number_field(3, 1) + number_field(4, 0);

  std::string operator()() const {
    std::string out;
    for (const auto& [text, score, type] : pieces)
      out += bytes_field(1, bytes_field(1, text) + float_field(2, score) + number_field(3, std::uint64_t(type)));
    return out + bytes_field(2, trainer) + bytes_field(3, normalizer);
  }
};

inline vlt::text::TokenizerFile sentencepiece_file(std::string_view bytes) {
  return vlt::text::sentencepiece_tokenizer(vlt::text::read_sentencepiece_model(bytes, "t.model"), "t.model",
                                            vlt::text::TokenizerFile::PrependScheme::always);
}

}  // namespace vlt_test
