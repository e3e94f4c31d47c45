#pragma once
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>
#include <vlt/base/quoted.hpp>
#include <vlt/base/utf8.hpp>
#include <vlt/text/byte_alphabet.hpp>
#include <vlt/text/merge_table.hpp>
#include <vlt/text/tokenizer_fault.hpp>
#include <vlt/text/tokenizer_file.hpp>
#include <vlt/text/word_merger.hpp>

namespace vlt::text {

// Byte-pair encoding of one word, over bytes (byte-level) or characters with a fallback to bytes (SentencePiece).
class Bpe {
 public:
  // Working memory of one thread.
  struct Scratch {
    WordMerger merger;
    std::vector<WordToken> tokens;
    WordCache cache;
  };

  // Throws MODEL-TOK-007, 010 and 016 where vocabulary and merges do not fit together.
  Bpe(const TokenizerFile& file, bool byte_level)
      : byte_level_(byte_level),
        ignore_merges_(file.model.ignore_merges),
        fuse_unk_(file.model.fuse_unk),
        merges_(file.model.merges.size()) {
    read_vocabulary(file.model);
    read_merges(file);
    read_bytes(file);
    const std::string& unknown = file.model.unk_token;
    if (unknown.empty()) return;
    unk_ = id(unknown);
    if (unk_ < 0)
      refuse_tokenizer("TOK-007", "unk_token is not in the vocabulary", file.name + ": $.model.unk_token", "a token",
                       quoted(unknown));
  }

  std::int32_t id(const std::string& token) const {
    const auto at = ids_.find(token);
    return at == ids_.end() ? -1 : at->second;
  }

  // The tokens of a word; they live in `s` until the next call.
  const std::vector<WordToken>& tokens(std::string_view word, Scratch& s) const {
    if (ignore_merges_) {
      const auto& known_words = byte_level_ ? whole_words_ : ids_;
      if (const auto at = known_words.find(std::string(word)); at != known_words.end()) {
        s.tokens.assign(1, {at->second, std::uint32_t(word.size())});
        return s.tokens;
      }
    }
    if (word.size() > WordCache::longest) return merge(word, s);
    if (const auto* hit = s.cache.find(word)) return *hit;
    merge(word, s);
    s.cache.store(word, s.tokens);
    return s.tokens;
  }

 private:
  bool byte_level_, ignore_merges_, fuse_unk_;
  MergeTable merges_;
  std::unordered_map<std::string, std::int32_t> ids_, whole_words_;  // whole_words_: by their bytes
  std::int32_t unk_ = -1;
  std::int32_t byte_ids_[256];  // of letters of the byte alphabet, or of <0xNN>; -1: none

  void read_vocabulary(const TokenizerFile::Model& model) {
    ids_.reserve(model.vocab.size());
    for (const auto& [token, id] : model.vocab) {
      ids_.emplace(token, id);
      if (!byte_level_ || !ignore_merges_) continue;
      if (auto bytes = ByteAlphabet::bytes(token)) whole_words_.emplace(std::move(*bytes), id);
    }
  }
  void read_merges(const TokenizerFile& file) {
    const auto known = [&](const char* code, const std::string& token, std::uint32_t rank) {
      const std::int32_t i = id(token);
      if (i < 0)
        refuse_tokenizer(code, "a merge needs a token that is not in the vocabulary",
                         file.name + ": $.model.merges[" + std::to_string(rank) + "]", "tokens of the vocabulary",
                         quoted(token));
      return i;
    };
    for (std::uint32_t rank = 0; rank < file.model.merges.size(); ++rank) {
      const auto& [left, right] = file.model.merges[rank];
      const std::int32_t a = known("TOK-007", left, rank), b = known("TOK-007", right, rank);
      merges_.insert(a, b, {rank, known("TOK-010", left + right, rank)});
    }
  }
  // What a single byte becomes: a letter of the byte alphabet, or <0xNN>.
  void read_bytes(const TokenizerFile& file) {
    const bool fallback = file.model.byte_fallback;
    const std::string place = file.name + ": $.model.byte_fallback";
    if (byte_level_ && fallback)
      refuse_tokenizer("TOK-016", "byte_fallback together with ByteLevel is not supported", place, "false", "true");
    for (int b = 0; b < 256; ++b) {
      byte_ids_[b] = byte_level_ ? id(ByteAlphabet::spell(std::string(1, char(b)))) : fallback ? id(byte_name(b)) : -1;
      if (fallback && byte_ids_[b] < 0)
        refuse_tokenizer("TOK-016", "byte_fallback needs all 256 tokens <0x00> to <0xFF>", place,
                         "all of them in the vocabulary", byte_name(b) + " is missing");
    }
  }
  static std::string byte_name(int byte) {
    std::string name = "<0x00>";
    name[3] = "0123456789ABCDEF"[byte >> 4], name[4] = "0123456789ABCDEF"[byte & 15];
    return name;
  }

  const std::vector<WordToken>& merge(std::string_view word, Scratch& s) const {
    s.merger.start();
    if (byte_level_) start_with_bytes(word, s.merger);
    else start_with_characters(word, s.merger);
    s.merger.merge(merges_, s.tokens);
    return s.tokens;
  }

  // An unknown token that waits for the next known one, so that neighbours can fuse.
  struct Unknown {
    std::size_t bytes = 0;
    void flush(WordMerger& m, std::int32_t id) {
      if (bytes > 0) m.push(id, std::exchange(bytes, 0));
    }
  };
  void take_unknown(Unknown& unknown, std::size_t bytes, WordMerger& m) const {
    if (unk_ < 0) return m.drop(bytes);
    if (!fuse_unk_) unknown.flush(m, unk_);
    unknown.bytes += bytes;
  }
  void start_with_bytes(std::string_view word, WordMerger& m) const {
    Unknown unknown;
    for (const char c : word) {
      const std::int32_t id = byte_ids_[static_cast<unsigned char>(c)];
      if (id < 0) {
        take_unknown(unknown, 1, m);
        continue;
      }
      unknown.flush(m, unk_);
      m.push(id, 1);
    }
    unknown.flush(m, unk_);
  }
  void start_with_characters(std::string_view word, WordMerger& m) const {
    Unknown unknown;
    std::string character;
    for (std::size_t i = 0; i < word.size(); i += character.size()) {
      character = word.substr(i, utf8::at(word, i).length);
      if (const std::int32_t known_id = id(character); known_id >= 0) {
        unknown.flush(m, unk_);
        m.push(known_id, character.size());
      } else if (byte_ids_[0] >= 0) {
        for (const char c : character) m.push(byte_ids_[static_cast<unsigned char>(c)], 1);
      } else {
        take_unknown(unknown, character.size(), m);
      }
    }
    unknown.flush(m, unk_);
  }
};

}  // namespace vlt::text
