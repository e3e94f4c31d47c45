#pragma once
#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>
#include <vlt/text/byte_trie.hpp>
#include <vlt/text/tokenizer_file.hpp>
#include <vlt/text/word_merger.hpp>

namespace vlt::text {

// Byte-pair encoding as SentencePiece does it: two neighbours merge if what they spell is a piece, the best score
// first, leftmost among equals. User-defined symbols are taken first and never merge; unused pieces fall apart again;
// what is unknown becomes bytes, or one unknown token for each run.
class SentencePieceBpe {
 public:
  // Working memory of one thread.
  struct Scratch {
    WordMerger merger;
    std::vector<WordToken> symbols, tokens;
    std::unordered_map<std::int32_t, std::pair<std::int32_t, std::int32_t>> halves;  // of unused pieces
    WordCache cache;
  };

  explicit SentencePieceBpe(const TokenizerFile::Model& model) : pieces_(model.pieces) {
    for (std::size_t i = 0; i < pieces_.size(); ++i) ids_.emplace(pieces_[i].text, std::int32_t(i));
    unknown_ = id(model.unk_token);
    for (int b = 0; model.byte_fallback && b < 256; ++b) bytes_.push_back(id(byte_name(b)));
    for (std::size_t i = 0; i < pieces_.size(); ++i)
      if (pieces_[i].type == Type::user_defined) symbols_.insert(pieces_[i].text, std::int32_t(i));
    read_merges();
  }

  std::int32_t id(const std::string& token) const {
    const auto at = ids_.find(token);
    return at == ids_.end() ? -1 : at->second;
  }

  // The tokens of a text; they live in `s` until the next call.
  const std::vector<WordToken>& tokens(std::string_view text, Scratch& s) const {
    if (text.size() > WordCache::longest) return merge(text, s);
    if (const auto* hit = s.cache.find(text)) return *hit;
    merge(text, s);
    s.cache.store(text, s.tokens);
    return s.tokens;
  }

  static std::string byte_name(int byte) {
    std::string name = "<0x00>";
    name[3] = "0123456789ABCDEF"[byte >> 4], name[4] = "0123456789ABCDEF"[byte & 15];
    return name;
  }

 private:
  using Type = SentencePieceModel::Type;
  std::vector<SentencePieceModel::Piece> pieces_;
  std::unordered_map<std::string, std::int32_t> ids_;
  std::unordered_map<std::string, std::int32_t> loose_;  // characters that only merges know: ids behind the pieces
  ByteTrie symbols_;
  MergeTable merges_;
  std::int32_t unknown_ = -1;
  std::vector<std::int32_t> bytes_;  // ids of <0x00> to <0xFF>; empty: no fallback

  bool merges(std::int32_t id) const {
    return pieces_[std::size_t(id)].type == Type::normal || pieces_[std::size_t(id)].type == Type::unused;
  }
  bool unused(std::int32_t id) const { return known(id) && pieces_[std::size_t(id)].type == Type::unused; }
  bool known(std::int32_t id) const { return id >= 0 && std::size_t(id) < pieces_.size(); }

  // The id of what may stand on one side of a merge: a piece, or a character that is none. -1: it cannot.
  std::int32_t part(const std::string& text) {
    if (const std::int32_t i = id(text); i >= 0 && merges(i)) return i;
    if (utf8::at(text, 0).length != text.size()) return -1;
    return loose_.try_emplace(text, std::int32_t(pieces_.size() + loose_.size())).first->second;
  }
  // A merge for each way to cut a piece in two. Equal scores are of equal rank.
  void read_merges() {
    std::vector<std::int32_t> order;
    for (std::size_t i = 0; i < pieces_.size(); ++i)
      if (merges(std::int32_t(i))) order.push_back(std::int32_t(i));
    const auto score = [&](std::int32_t i) { return pieces_[std::size_t(i)].score; };
    std::sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) { return score(a) > score(b); });
    struct Cut {
      std::int32_t left, right;
      MergeTable::Merge merge;
    };
    std::vector<Cut> cuts;
    std::uint32_t rank = 0;
    for (std::size_t k = 0; k < order.size(); ++k) {
      if (k > 0 && score(order[k]) != score(order[k - 1])) ++rank;
      const std::string& text = pieces_[std::size_t(order[k])].text;
      for (std::size_t cut = utf8::at(text, 0).length; cut < text.size(); cut += utf8::at(text, cut).length) {
        const std::int32_t left = part(text.substr(0, cut)), right = part(text.substr(cut));
        if (left >= 0 && right >= 0) cuts.push_back({left, right, {rank, order[k]}});
      }
    }
    merges_ = MergeTable(cuts.size());
    for (const Cut& c : cuts) merges_.insert(c.left, c.right, c.merge);
  }

  void start(std::string_view text, WordMerger& merger) const {
    merger.start();
    std::string character;
    for (std::size_t i = 0; i < text.size();) {
      if (const auto symbol = symbols_.longest(text, i); symbol.value >= 0) {
        merger.push(symbol.value, symbol.end - i);
        i = symbol.end;
        continue;
      }
      character = text.substr(i, utf8::at(text, i).length);
      std::int32_t token = id(character);
      if (token < 0 || !merges(token)) {
        const auto loose = loose_.find(character);
        token = loose == loose_.end() ? -1 : loose->second;
      }
      merger.push(token, character.size());
      i += character.size();
    }
  }

  const std::vector<WordToken>& merge(std::string_view text, Scratch& s) const {
    start(text, s.merger);
    s.halves.clear();
    s.merger.merge(merges_, s.symbols, [&](std::int32_t left, std::int32_t right, std::int32_t made) {
      if (unused(made)) s.halves[made] = {left, right};
    });
    s.tokens.clear();
    Output out{text, s};
    for (const WordToken& symbol : s.symbols) write(symbol.id, symbol.length, out);
    return s.tokens;
  }

  // Where the tokens of a text go, and how far they reach in it.
  struct Output {
    std::string_view text;
    Scratch& s;
    std::size_t at = 0;
    bool after_unknown = false;
  };
  void write(std::int32_t id, std::uint32_t length, Output& out) const {
    const auto halves = unused(id) ? out.s.halves.find(id) : out.s.halves.end();
    if (halves != out.s.halves.end()) {
      const auto [left, right] = halves->second;
      const auto first =
          std::uint32_t(known(left) ? pieces_[std::size_t(left)].text.size() : utf8::at(out.text, out.at).length);
      write(left, first, out);
      return write(right, length - first, out);
    }
    if (known(id)) out.s.tokens.push_back({id, length});
    else if (!bytes_.empty())
      for (const char c : out.text.substr(out.at, length)) out.s.tokens.push_back({bytes_[std::uint8_t(c)], 1});
    else if (out.after_unknown) out.s.tokens.back().length += length;
    else out.s.tokens.push_back({unknown_, length});
    out.after_unknown = !known(id);
    out.at += length;
  }
};

}  // namespace vlt::text
