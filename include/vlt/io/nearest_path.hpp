#pragma once
#include <filesystem>
#include <string>
#include <vector>
#include <vlt/base/nearest.hpp>

namespace vlt {

// The path that a person most likely meant by one that does not exist: its first missing name is replaced by the
// nearest one in that folder, and what comes behind it is kept if it is there. Empty if no name is near.
inline std::string nearest_path(const std::string& path) {
  namespace fs = std::filesystem;
  constexpr std::size_t looked_at = 10000;
  std::error_code ignored;
  fs::path there, rest;
  std::string missing;
  for (const fs::path& part : fs::path(path)) {
    if (!missing.empty()) rest /= part;
    else if (fs::exists(there / part, ignored)) there /= part;
    else missing = part.string();
  }
  std::vector<std::string> names;
  fs::directory_iterator entries(there.empty() ? "." : there, ignored);
  for (; !ignored && entries != fs::directory_iterator() && names.size() < looked_at; entries.increment(ignored))
    names.push_back(entries->path().filename().string());
  std::sort(names.begin(), names.end());
  const std::string nearest = missing.empty() ? "" : nearest_name(missing, names);
  if (nearest.empty()) return "";
  const fs::path meant = there / nearest, whole = meant / rest;
  return (!rest.empty() && fs::exists(whole, ignored) ? whole : meant).string();
}

// The same as a hint.
inline std::string did_you_mean_path(const std::string& path) {
  const std::string nearest = nearest_path(path);
  return nearest.empty() ? "" : "did you mean " + nearest + "?";
}

}  // namespace vlt
