#pragma once
#include <algorithm>
#include <map>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>
#include <vlt/io/require_utf8.hpp>
#include <vlt/text/byte_alphabet.hpp>
#include <vlt/text/pre_tokenizer.hpp>
#include <vlt/text/tokenizer_file.hpp>

namespace vlt::text {

struct BpeTrainerOptions {
  std::size_t vocabulary = 4096;            // special tokens and the 256 bytes included
  std::uint64_t least_count = 2;            // of a pair that may become a token
  std::vector<std::string> special_tokens;  // ids 0, 1, ...
  std::vector<TokenizerFile::PreTokenizer> pre_tokenizers{TokenizerFile::ByteLevel{false, true}};
};

// Learns a byte-level BPE vocabulary: merges the most frequent pair, of equals the one with the lower ids, until the
// vocabulary is full. Same choices as the tokenizers library, so the same text gives the same file.
class BpeTrainer {
 public:
  explicit BpeTrainer(BpeTrainerOptions options)
      : options_(std::move(options)), pre_tokenizer_(options_.pre_tokenizers) {
    require(pre_tokenizer_.byte_level(), "BPE trainer: only byte-level vocabularies are trained");
    require(options_.vocabulary >= options_.special_tokens.size() + 256,
            "BPE trainer: the vocabulary has no room for 256 bytes and the special tokens");
  }

  // Counts the words of a text. Throws DATA-TEXT-001 if it is not UTF-8.
  void feed(std::string_view text) {
    require_utf8(text);
    AlignedText aligned(text, {0, std::uint32_t(text.size())});
    pre_tokenizer_(aligned,
                   [&](std::size_t b, std::size_t e) { ++counts_[std::string(aligned.view().substr(b, e - b))]; });
  }

  // Learns from all that was fed; to be called once.
  TokenizerFile train() {
    start();
    while (spellings_.size() < options_.vocabulary && !queue_.empty()) {
      Candidate best = queue_.top();
      queue_.pop();
      if (const std::int64_t now = pair_counts_[best.pair]; best.count != now) {
        best.count = now;
        if (now > 0) queue_.push(std::move(best));
        continue;
      }
      if (best.count < 1 || std::uint64_t(best.count) < options_.least_count) break;
      merge(best);
    }
    return file();
  }

 private:
  using Pair = std::pair<std::int32_t, std::int32_t>;
  struct Candidate {
    std::int64_t count;
    Pair pair;
    std::vector<std::size_t> words;  // where the pair was seen
    bool operator<(const Candidate& o) const { return count != o.count ? count < o.count : pair > o.pair; }
  };
  struct Word {
    std::vector<std::int32_t> symbols;
    std::int64_t count;
  };

  BpeTrainerOptions options_;
  PreTokenizer pre_tokenizer_;
  std::map<std::string, std::int64_t> counts_;  // ordered: the result must not depend on a hash
  std::vector<Word> words_;
  std::vector<std::string> spellings_;  // in the byte alphabet, by id
  std::unordered_map<std::string, std::int32_t> ids_;
  std::vector<std::array<std::string, 2>> merges_;
  std::map<Pair, std::int64_t> pair_counts_;
  std::map<Pair, std::vector<std::size_t>> seen_;  // new occurrences since the queue was last filled
  std::priority_queue<Candidate> queue_;

  std::int32_t id_of(const std::string& spelling) {
    const auto [at, added] = ids_.try_emplace(spelling, std::int32_t(spellings_.size()));
    if (added) spellings_.push_back(spelling);
    return at->second;
  }
  // Special tokens first, then the 256 bytes in the order of their letters, then words of single bytes.
  void start() {
    for (const auto& token : options_.special_tokens) id_of(token);
    std::vector<std::string> letters;  // of the byte alphabet; UTF-8 sorts as its code points do
    for (int b = 0; b < 256; ++b) letters.push_back(ByteAlphabet::spell(std::string(1, char(b))));
    std::sort(letters.begin(), letters.end());
    for (const auto& letter : letters) id_of(letter);
    for (const auto& [text, count] : counts_) {
      Word word{{}, count};
      for (const char c : text) word.symbols.push_back(ids_.at(ByteAlphabet::spell(std::string_view(&c, 1))));
      for (std::size_t i = 0; i + 1 < word.symbols.size(); ++i)
        change({word.symbols[i], word.symbols[i + 1]}, count, words_.size());
      words_.push_back(std::move(word));
    }
    fill_queue();
  }
  // There are `by` more (or fewer) of this pair, in this word.
  void change(Pair pair, std::int64_t by, std::size_t word) {
    pair_counts_[pair] += by;
    if (by <= 0) return;
    auto& where = seen_[pair];
    if (where.empty() || where.back() != word) where.push_back(word);
  }
  void fill_queue() {
    for (auto& [pair, words] : seen_)
      if (const std::int64_t count = pair_counts_[pair]; count > 0) queue_.push({count, pair, std::move(words)});
    seen_.clear();
  }
  void merge(const Candidate& best) {
    const std::string left = spellings_[std::size_t(best.pair.first)];
    const std::string right = spellings_[std::size_t(best.pair.second)];
    const std::int32_t made = id_of(left + right);
    merges_.push_back({left, right});
    for (const std::size_t w : best.words) merge_in_word(w, best.pair, made);
    fill_queue();
  }
  // Puts `made` where the pair stands, and counts the neighbours' pairs anew.
  void merge_in_word(std::size_t w, Pair pair, std::int32_t made) {
    auto& s = words_[w].symbols;
    const std::int64_t n = words_[w].count;
    std::size_t kept = 0;  // symbols already written back
    for (std::size_t i = 0; i < s.size(); ++i) {
      if (i + 1 == s.size() || s[i] != pair.first || s[i + 1] != pair.second) {
        s[kept++] = s[i];
        continue;
      }
      if (kept > 0) {
        change({s[kept - 1], s[i]}, -n, w);
        change({s[kept - 1], made}, n, w);
      }
      if (i + 2 < s.size()) {
        change({s[i + 1], s[i + 2]}, -n, w);
        change({made, s[i + 2]}, n, w);
      }
      s[kept++] = made;
      ++i;
    }
    s.resize(kept);
  }
  TokenizerFile file() const {
    TokenizerFile f;
    for (std::size_t i = 0; i < spellings_.size(); ++i) f.model.vocab.emplace_back(spellings_[i], std::int32_t(i));
    f.model.merges = merges_;
    for (const auto& token : options_.special_tokens)
      f.added.push_back({ids_.at(token), token, false, false, false, false, true});
    f.pre_tokenizers = options_.pre_tokenizers;
    f.decoders = {TokenizerFile::ByteLevel{}};
    return f;
  }
};

}  // namespace vlt::text
