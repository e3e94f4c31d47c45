#pragma once
#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace vlt {

// How many insertions, deletions and replacements of bytes turn one name into the other (Levenshtein 1966); `limit` is
// returned where it is at least that.
inline std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() >= limit) return limit;
  std::vector<std::size_t> row(a.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t(0));
  for (std::size_t j = 1; j <= b.size(); ++j) {
    std::size_t diagonal = row[0], smallest = row[0] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
      const std::size_t above = row[i];
      row[i] = std::min({above + 1, row[i - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
      smallest = std::min(smallest, row[i]);
    }
    if (smallest >= limit) return limit;
  }
  return std::min(limit, row.back());
}

// The candidate that a person most likely meant: the nearest within two mistakes (or, in a long name, a sixth of it);
// empty if there is none. Of equals the first.
template <class Names> std::string nearest_name(std::string_view name, const Names& candidates) {
  std::string best;
  std::size_t least = std::max<std::size_t>(2, name.size() / 6) + 1;
  for (const auto& candidate : candidates) {
    const std::size_t d = edit_distance(name, candidate, least);
    if (d < least) least = d, best = std::string(candidate);
  }
  return best;
}

}  // namespace vlt
