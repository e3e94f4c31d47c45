#pragma once
#include <bit>
#include <cstdint>
#include <vector>

namespace vlt::text {

// Which pairs of tokens merge, how early, and into what: an open hash table with linear probing.
class MergeTable {
 public:
  struct Merge {
    std::uint32_t rank = 0;
    std::int32_t id = -1;
  };

  explicit MergeTable(std::size_t count = 0)
      : slots_(std::bit_ceil(2 * count + 2)), shift_(64 - std::countr_zero(slots_.size())) {}

  // A pair that comes twice keeps the later rank, as in the tokenizers library.
  void insert(std::int32_t left, std::int32_t right, Merge merge) {
    const std::uint64_t k = key(left, right);
    std::size_t i = start(k);
    while (slots_[i].merge.id >= 0 && slots_[i].key != k) i = (i + 1) & (slots_.size() - 1);
    slots_[i] = {k, merge};
  }
  const Merge* find(std::int32_t left, std::int32_t right) const {
    const std::uint64_t k = key(left, right);
    for (std::size_t i = start(k); slots_[i].merge.id >= 0; i = (i + 1) & (slots_.size() - 1))
      if (slots_[i].key == k) return &slots_[i].merge;
    return nullptr;
  }

 private:
  struct Slot {
    std::uint64_t key = 0;
    Merge merge;
  };
  std::vector<Slot> slots_;
  int shift_;

  static std::uint64_t key(std::int32_t left, std::int32_t right) {
    return std::uint64_t(std::uint32_t(left)) << 32 | std::uint32_t(right);
  }
  std::size_t start(std::uint64_t k) const {
    k = (k ^ k >> 29) * 0xBF58476D1CE4E5B9u;
    return std::size_t((k ^ k >> 32) * 0x94D049BB133111EBu >> shift_);
  }
};

}  // namespace vlt::text
