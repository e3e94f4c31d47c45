#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_set>
#include <vector>
#include <vlt/base/quoted.hpp>
#include <vlt/io/read_limits.hpp>
#include <vlt/text/protobuf_reader.hpp>

namespace vlt::text {

// What a SentencePiece tokenizer.model says, in plain data (sentencepiece_model.proto). A piece's id is its place.
struct SentencePieceModel {
  enum class Type { normal = 1, unknown, control, user_defined, unused, byte };
  struct Piece {
    std::string text;
    float score = 0;  // higher: merged earlier
    Type type = Type::normal;
  };
  static constexpr std::size_t longest_piece = 1024;  // bytes

  std::vector<Piece> pieces;
  bool byte_fallback = false;
  std::string bos = "<s>", eos = "</s>", unknown;  // pieces of the vocabulary; bos and eos empty: there is none
  std::string charsmap;                            // rules that rewrite characters; empty: none
  bool add_dummy_prefix = true, remove_extra_whitespaces = true, escape_whitespaces = true;
};

namespace sentencepiece_model {

using Model = SentencePieceModel;

[[noreturn]] inline void refuse(const char* code, const std::string& what, const std::string& place,
                                const std::string& expected, const std::string& found = {}) {
  refuse_tokenizer(code, what, place, expected, found);
}

inline std::string text(const ProtobufReader& r) {
  const std::string_view bytes = r.bytes();
  if (utf8::invalid_byte(bytes)) refuse("TOK-020", "a text is not UTF-8", r.place(), "UTF-8", quoted(bytes));
  return std::string(bytes);
}

inline Model::Piece piece(const ProtobufReader& outer) {
  Model::Piece p;
  ProtobufReader r = outer.message();
  while (r.next()) {
    if (r.field() == 1) p.text = text(r);
    if (r.field() == 2) p.score = r.number();
    if (r.field() != 3) continue;
    if (r.varint() < 1 || r.varint() > 6)
      refuse("TOK-020", "a piece is of an unknown type", r.place(), "1 to 6", std::to_string(r.varint()));
    p.type = Model::Type(r.varint());
  }
  if (p.text.empty()) refuse("TOK-020", "a piece is empty", outer.place(), "at least one character", "\"\"");
  if (p.text.size() > Model::longest_piece)
    refuse("TOK-020", "a piece is too long", outer.place(), ReadLimits::at_most(Index(Model::longest_piece), " bytes"),
           std::to_string(p.text.size()) + " bytes");
  if (std::isnan(p.score)) refuse("TOK-020", "the score of a piece is not a number", outer.place(), "a number", "nan");
  return p;
}

inline void read_trainer_spec(ProtobufReader r, const std::string& file, Model& m) {
  static constexpr const char* kinds[] = {"Unigram", "BPE", "Word", "Char"};
  std::uint64_t kind = 1;
  while (r.next()) switch (r.field()) {
      case 3:
        kind = r.varint();
        break;
      case 24:
        if (r.boolean())
          refuse("TOK-003", "treat_whitespace_as_suffix is not supported", r.place(), "blanks before words");
        break;
      case 35:
        m.byte_fallback = r.boolean();
        break;
      case 46:
        m.bos = text(r);
        break;
      case 47:
        m.eos = text(r);
        break;
    }
  if (kind == 2) return;
  const std::string name = kind >= 1 && kind <= 4 ? kinds[kind - 1] : std::to_string(kind);
  refuse("TOK-003", "a SentencePiece model of type " + name + " is not supported", file + ": trainer_spec.model_type",
         "BPE", name);
}

inline void read_normalizer_spec(ProtobufReader r, Model& m) {
  while (r.next()) switch (r.field()) {
      case 2:
        m.charsmap = r.bytes();
        break;
      case 3:
        m.add_dummy_prefix = r.boolean();
        break;
      case 4:
        m.remove_extra_whitespaces = r.boolean();
        break;
      case 5:
        m.escape_whitespaces = r.boolean();
        break;
    }
}

inline void read_denormalizer_spec(ProtobufReader r) {
  while (r.next())
    if (r.field() == 2 && !r.bytes().empty()) refuse("TOK-015", "a denormalizer is not supported", r.place(), "none");
}

// <0x00> to <0xFF>: since each piece comes once, 256 of them are all bytes.
inline bool names_a_byte(std::string_view text) {
  const auto digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); };
  return text.size() == 6 && text.starts_with("<0x") && digit(text[3]) && digit(text[4]) && text[5] == '>';
}

// One unknown piece, each piece once, and bytes if and only if they are fallen back to: what sentencepiece asks for.
inline void check_pieces(const std::string& file, Model& m) {
  std::unordered_set<std::string_view> seen;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < m.pieces.size(); ++i) {
    const auto& [text, score, type] = m.pieces[i];
    const std::string place = file + ": pieces[" + std::to_string(i) + "]";
    if (!seen.insert(text).second) refuse("TOK-020", "a piece comes twice", place, "each piece once", quoted(text));
    if (type == Model::Type::byte && !names_a_byte(text))
      refuse("TOK-016", "a piece for a byte does not name one", place, "<0x00> to <0xFF>", quoted(text));
    if (type == Model::Type::byte) ++bytes;
    if (type == Model::Type::control && utf8::at(text, 0).length == text.size())
      refuse("TOK-015", "a control piece of one character is not supported", place, "a longer one", quoted(text));
    if (type != Model::Type::unknown) continue;
    if (!m.unknown.empty()) refuse("TOK-020", "there are two unknown pieces", place, "one", quoted(text));
    m.unknown = text;
  }
  if (m.unknown.empty()) refuse("TOK-020", "there is no unknown piece", file + ": pieces", "one of type 2", "none");
  if (bytes != (m.byte_fallback ? 256u : 0u))
    refuse("TOK-016", "byte_fallback does not fit the pieces", file + ": trainer_spec.byte_fallback",
           m.byte_fallback ? "all 256 pieces <0x00> to <0xFF>" : "no byte pieces", std::to_string(bytes));
  const auto keep_if_known = [&](std::string& name) {
    if (!seen.contains(name)) name.clear();
  };
  keep_if_known(m.bos), keep_if_known(m.eos);
}

}  // namespace sentencepiece_model

// Reads the bytes of a tokenizer.model. Exit 4 for what is damaged (MODEL-TOK-020, with the byte), not byte-pair
// encoding (TOK-003), or cannot be done exactly (TOK-015, 016). `name` is what complaints call the file.
inline SentencePieceModel read_sentencepiece_model(std::string_view bytes, const std::string& name,
                                                   const ReadLimits& limits = {}) {
  namespace sm = sentencepiece_model;
  SentencePieceModel m;
  ProtobufReader r(bytes, name), trainer("", name);
  while (r.next()) {
    if (r.field() == 1) {
      if (Index(m.pieces.size()) >= limits.vocabulary)
        refuse_tokenizer("TOK-006", "there are too many pieces", r.place(), ReadLimits::at_most(limits.vocabulary),
                         "more", ReadLimits::raise("vocabulary"));
      m.pieces.push_back(sm::piece(r));
    }
    if (r.field() == 2) trainer = r.message();
    if (r.field() == 3) sm::read_normalizer_spec(r.message(), m);
    if (r.field() == 5) sm::read_denormalizer_spec(r.message());
  }
  if (m.pieces.empty()) sm::refuse("TOK-020", "it has no pieces", name, "a SentencePiece model", "0 pieces");
  sm::read_trainer_spec(trainer, name, m);
  sm::check_pieces(name, m);
  return m;
}

}  // namespace vlt::text
