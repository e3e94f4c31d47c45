#pragma once
#include <vector>
#include <vlt/optim/flat.hpp>

namespace vlt::dist {

// Places in a block of memory, taken and given back in any order; the first gap that is large enough is taken. The same
// calls always get the same places: what was planned holds when it is done. Counts elements.
class FirstFit {
 public:
  explicit FirstFit(std::size_t places) { taken_.reserve(places); }  // as many as are ever taken at the same time

  Range take(Index size) {
    auto next = taken_.begin();
    Range place{0, size};
    for (; next != taken_.end() && next->begin < place.end; ++next) place = {next->end, next->end + size};
    taken_.insert(next, place);
    peak_ = std::max(peak_, place.end);
    return place;
  }
  void give(Range place) { taken_.erase(std::find(taken_.begin(), taken_.end(), place)); }
  void clear() { taken_.clear(), peak_ = 0; }

  Index peak() const { return peak_; }  // what the block must hold
  bool empty() const { return taken_.empty(); }

 private:
  std::vector<Range> taken_;  // by place
  Index peak_ = 0;
};

}  // namespace vlt::dist
