#pragma once
#include <string>
#include <string_view>
#include <vector>
#include <vlt/dist/world.hpp>

namespace vlt::dist {

// A text of every rank, on every rank, in the order of ranks. Collective.
inline std::vector<std::string> gather_texts(World& world, std::string_view mine) {
  const auto ranks = std::size_t(world.size());
  std::vector<Index> sizes(ranks, 0);
  sizes[std::size_t(world.rank())] = Index(mine.size());
  world.all_reduce_sum(std::span(sizes));
  const auto longest = std::size_t(*std::max_element(sizes.begin(), sizes.end()));
  std::vector<char> in(longest), all(longest * ranks);
  std::copy(mine.begin(), mine.end(), in.begin());
  if (longest > 0) world.all_gather(std::span<const char>(in), std::span(all));
  std::vector<std::string> texts;
  for (std::size_t r = 0; r < ranks; ++r) texts.emplace_back(all.data() + r * longest, std::size_t(sizes[r]));
  return texts;
}

}  // namespace vlt::dist
