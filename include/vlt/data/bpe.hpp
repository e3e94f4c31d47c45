#pragma once
#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>
#include <vlt/base/quoted.hpp>
#include <vlt/base/utf8.hpp>
#include <vlt/data/byte_alphabet.hpp>
#include <vlt/data/merge_table.hpp>
#include <vlt/data/word_cache.hpp>
#include <vlt/io/tokenizer_fault.hpp>
#include <vlt/io/tokenizer_file.hpp>

namespace vlt {

// Byte-pair encoding of one word, over bytes (byte-level) or characters with a fallback to bytes (SentencePiece).
class Bpe {
 public:
  // Working memory of one thread.
  struct Scratch {
    struct Symbol {
      std::int32_t id, previous, next;
      std::uint32_t length;
    };
    struct Candidate {
      std::uint32_t rank, position;
      std::int32_t id;
      bool operator<(const Candidate& o) const {
        return rank != o.rank ? rank > o.rank : position > o.position;
      }  // for a max-heap: least rank first, then leftmost
    };
    std::vector<Symbol> symbols;
    std::vector<Candidate> queue;
    std::vector<WordToken> tokens;
    std::uint32_t dropped = 0;  // bytes before the first symbol
    WordCache cache;
  };

  Bpe() = default;
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
  bool byte_level_ = false, ignore_merges_ = false, fuse_unk_ = false;
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
    s.symbols.clear();
    s.dropped = 0;
    if (byte_level_) start_with_bytes(word, s);
    else start_with_characters(word, s);
    merge_symbols(s);
    s.tokens.clear();
    for (const auto& symbol : s.symbols)
      if (symbol.length > 0) s.tokens.push_back({symbol.id, symbol.length});
    return s.tokens;
  }

  static void push(Scratch& s, std::int32_t id, std::size_t length) {
    const auto n = std::int32_t(s.symbols.size());
    if (n > 0) s.symbols.back().next = n;
    s.symbols.push_back({id, n - 1, -1, std::uint32_t(length) + std::exchange(s.dropped, 0)});
  }
  // What the vocabulary cannot express is dropped, as the library does it; its bytes count for a neighbour, so that
  // spans still tile the word.
  static void drop(Scratch& s, std::size_t length) {
    (s.symbols.empty() ? s.dropped : s.symbols.back().length) += std::uint32_t(length);
  }
  // An unknown token that waits for the next known one, so that neighbours can fuse.
  struct Unknown {
    std::size_t length = 0;
    void flush(Scratch& s, std::int32_t id) {
      if (length > 0) push(s, id, std::exchange(length, 0));
    }
  };
  void take_unknown(Unknown& unknown, std::size_t length, Scratch& s) const {
    if (unk_ < 0) return drop(s, length);
    if (!fuse_unk_) unknown.flush(s, unk_);
    unknown.length += length;
  }

  void start_with_bytes(std::string_view word, Scratch& s) const {
    Unknown unknown;
    for (const char c : word) {
      const std::int32_t id = byte_ids_[static_cast<unsigned char>(c)];
      if (id < 0) {
        take_unknown(unknown, 1, s);
        continue;
      }
      unknown.flush(s, unk_);
      push(s, id, 1);
    }
    unknown.flush(s, unk_);
  }
  void start_with_characters(std::string_view word, Scratch& s) const {
    Unknown unknown;
    std::string character;
    for (std::size_t i = 0; i < word.size(); i += character.size()) {
      character = word.substr(i, utf8::at(word, i).length);
      if (const std::int32_t known_id = id(character); known_id >= 0) {
        unknown.flush(s, unk_);
        push(s, known_id, character.size());
      } else if (byte_ids_[0] >= 0) {
        for (const char c : character) push(s, byte_ids_[static_cast<unsigned char>(c)], 1);
      } else {
        take_unknown(unknown, character.size(), s);
      }
    }
    unknown.flush(s, unk_);
  }

  // Repeats the earliest merge, leftmost first. A candidate may be out of date; it then counts only if the pair now
  // there makes the same token.
  void merge_symbols(Scratch& s) const {
    auto& symbols = s.symbols;
    auto& queue = s.queue;
    queue.clear();
    const auto propose = [&](std::int32_t left, std::int32_t right) {
      if (const auto* m = merges_.find(symbols[std::size_t(left)].id, symbols[std::size_t(right)].id))
        queue.push_back({m->rank, std::uint32_t(left), m->id});
      else return false;
      return true;
    };
    for (std::int32_t i = 0; i + 1 < std::int32_t(symbols.size()); ++i) propose(i, i + 1);
    std::make_heap(queue.begin(), queue.end());
    while (!queue.empty()) {
      std::pop_heap(queue.begin(), queue.end());
      const auto best = queue.back();
      queue.pop_back();
      auto& left = symbols[best.position];
      if (left.length == 0 || left.next < 0) continue;
      auto& right = symbols[std::size_t(left.next)];
      const auto* merge = merges_.find(left.id, right.id);
      if (!merge || merge->id != best.id) continue;
      left.id = best.id;
      left.length += std::exchange(right.length, 0);
      left.next = right.next;
      if (left.next >= 0) symbols[std::size_t(left.next)].previous = std::int32_t(best.position);
      if (left.previous >= 0 && propose(left.previous, std::int32_t(best.position)))
        std::push_heap(queue.begin(), queue.end());
      if (left.next >= 0 && propose(std::int32_t(best.position), left.next)) std::push_heap(queue.begin(), queue.end());
    }
  }
};

}  // namespace vlt
