#pragma once
#include <vector>
#include <vlt/base/config.hpp>

namespace vlt {

// One conversation as ids, with a mark in the place of each picture; labels are ids where supervised, negative
// elsewhere.
struct Sample {
  std::vector<Index> id, label;
};

}  // namespace vlt
