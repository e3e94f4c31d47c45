#pragma once
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>
#include <vlt/text/merge_table.hpp>
#include <vlt/text/word_cache.hpp>

namespace vlt::text {

// One word on its way from characters to tokens: a linked list of symbols, and a heap of the merges that could be next.
// It keeps its memory from word to word; each thread has its own.
class WordMerger {
 public:
  void start() {
    symbols_.clear();
    dropped_ = 0;
  }
  // Appends a symbol that covers this many bytes.
  void push(std::int32_t id, std::size_t bytes) {
    const auto n = std::int32_t(symbols_.size());
    if (n > 0) symbols_.back().next = n;
    symbols_.push_back({id, n - 1, -1, std::uint32_t(bytes) + std::exchange(dropped_, 0)});
  }
  // What the vocabulary cannot express is dropped, as the tokenizers library does it; its bytes count for a neighbour,
  // so that spans still tile the word.
  void drop(std::size_t bytes) { (symbols_.empty() ? dropped_ : symbols_.back().bytes) += std::uint32_t(bytes); }

  // Repeats the earliest merge, leftmost first, until none is possible, and lists what is left. Calls
  // proposed(left, right, merged) with the ids of each merge that is thought of, done or not.
  template <class Proposed> void merge(const MergeTable& merges, std::vector<WordToken>& tokens, Proposed&& proposed) {
    queue_.clear();
    for (std::int32_t i = 0; i + 1 < std::int32_t(symbols_.size()); ++i) propose(merges, i, proposed);
    std::make_heap(queue_.begin(), queue_.end());
    while (!queue_.empty()) {
      std::pop_heap(queue_.begin(), queue_.end());
      const Candidate best = queue_.back();
      queue_.pop_back();
      if (!join(merges, best)) continue;
      if (propose(merges, at(best.position).previous, proposed)) std::push_heap(queue_.begin(), queue_.end());
      if (propose(merges, best.position, proposed)) std::push_heap(queue_.begin(), queue_.end());
    }
    tokens.clear();
    for (const Symbol& s : symbols_)
      if (s.bytes > 0) tokens.push_back({s.id, s.bytes});
  }
  void merge(const MergeTable& merges, std::vector<WordToken>& tokens) {
    merge(merges, tokens, [](std::int32_t, std::int32_t, std::int32_t) {});
  }

 private:
  struct Symbol {
    std::int32_t id, previous, next;  // places in the list; -1: none
    std::uint32_t bytes;              // 0: it was joined to the one before it
  };
  // A merge of the symbol at `position` with the next one. In a max-heap: least rank first, then leftmost.
  struct Candidate {
    std::uint32_t rank;
    std::int32_t position, id;
    bool operator<(const Candidate& o) const { return rank != o.rank ? rank > o.rank : position > o.position; }
  };
  std::vector<Symbol> symbols_;
  std::vector<Candidate> queue_;
  std::uint32_t dropped_ = 0;  // bytes before the first symbol

  Symbol& at(std::int32_t i) { return symbols_[std::size_t(i)]; }
  template <class Proposed> bool propose(const MergeTable& merges, std::int32_t left, Proposed& proposed) {
    if (left < 0 || at(left).next < 0) return false;
    const std::int32_t a = at(left).id, b = at(at(left).next).id;
    const auto* merge = merges.find(a, b);
    if (!merge) return false;
    proposed(a, b, merge->id);
    queue_.push_back({merge->rank, left, merge->id});
    return true;
  }
  // A candidate may be out of date; it then counts only if the pair now there makes the same token.
  bool join(const MergeTable& merges, const Candidate& c) {
    Symbol& left = at(c.position);
    if (left.bytes == 0 || left.next < 0) return false;
    Symbol& right = at(left.next);
    const auto* merge = merges.find(left.id, right.id);
    if (!merge || merge->id != c.id) return false;
    left.id = c.id;
    left.bytes += std::exchange(right.bytes, 0);
    left.next = right.next;
    if (left.next >= 0) at(left.next).previous = c.position;
    return true;
  }
};

}  // namespace vlt::text
