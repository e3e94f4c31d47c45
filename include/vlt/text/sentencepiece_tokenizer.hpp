#pragma once
#include <string>
#include <utility>
#include <vector>
#include <vlt/text/sentencepiece_model.hpp>
#include <vlt/text/tokenizer_file.hpp>

namespace vlt::text {

// The tokenizer that a tokenizer.model describes. `scheme`: which stretches of text between special tokens get the
// blank that the model puts first: `always` is sentencepiece's own rule.
inline TokenizerFile sentencepiece_tokenizer(const SentencePieceModel& m, const std::string& name,
                                             TokenizerFile::PrependScheme scheme) {
  using Type = SentencePieceModel::Type;
  using Scheme = TokenizerFile::PrependScheme;
  TokenizerFile file;
  file.name = name;
  if (!m.add_dummy_prefix) scheme = Scheme::never;
  if (!m.escape_whitespaces && scheme == Scheme::first) scheme = Scheme::always;
  TokenizerFile::SentencePiece rewriting{
      m.charsmap, scheme == Scheme::always, m.remove_extra_whitespaces, m.escape_whitespaces, {}};
  for (std::size_t i = 0; i < m.pieces.size(); ++i) {
    const auto& piece = m.pieces[i];
    file.model.vocab.emplace_back(piece.text, std::int32_t(i));
    if (piece.type == Type::user_defined) rewriting.symbols.push_back(piece.text);
    if (piece.type == Type::control || piece.type == Type::unknown)
      file.added.push_back({std::int32_t(i), piece.text, false, false, false, false, true});
  }
  file.normalizers.push_back(std::move(rewriting));
  if (scheme == Scheme::first) file.pre_tokenizers.push_back(TokenizerFile::Metaspace{"\u2581", Scheme::first, false});
  if (m.escape_whitespaces) file.decoders.push_back(TokenizerFile::Replace{"\u2581", " "});
  if (m.byte_fallback) file.decoders.push_back(TokenizerFile::ByteFallback{});
  file.decoders.push_back(TokenizerFile::Fuse{});
  if (scheme != Scheme::never) file.decoders.push_back(TokenizerFile::Strip{" ", 1, 0});
  file.model.unk_token = m.unknown, file.model.byte_fallback = m.byte_fallback, file.model.fuse_unk = true;
  file.model.pieces = m.pieces;
  return file;
}

}  // namespace vlt::text
