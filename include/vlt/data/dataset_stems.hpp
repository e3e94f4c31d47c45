#pragma once
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace vlt::data {

// What reports call data files: their stems, numbered where they repeat. a/train.json, b/train.json and c/x.json are
// train, train_2 and x.
inline std::vector<std::string> dataset_stems(const std::vector<std::string>& paths) {
  std::vector<std::string> stems;
  for (const std::string& path : paths) {
    const std::string stem = std::filesystem::path(path).stem().string();
    std::string name = stem;
    for (int n = 2; std::find(stems.begin(), stems.end(), name) != stems.end(); ++n)
      name = stem + "_" + std::to_string(n);
    stems.push_back(name);
  }
  return stems;
}

}  // namespace vlt::data
