#pragma once
#include <algorithm>
#include <ostream>
#include <sstream>
#include <vlt/base/policy.hpp>
#include <vlt/options/option_table.hpp>

namespace vlt {

// What a program was built with, in the words of CMake's VLT_SFT_* lists.
struct CompiledIn {
  std::string version;
  Words devices, precisions, projectors, families, masks, tunings;

  // The words of a list as CMake writes it, with semicolons between.
  static Words words(const std::string& list) {
    Words all;
    std::istringstream in(list);
    for (std::string word; std::getline(in, word, ';');) all.push_back(word);
    return all;
  }
  // Refuses what was left out, with the line that puts it in. `list` is the CMake variable's last word; `place` says
  // who asks.
  static void need(const std::string& wanted, const Words& available, const std::string& list,
                   const std::string& place) {
    if (std::find(available.begin(), available.end(), wanted) != available.end()) return;
    refuse_option(Complaint("OPT-BUILD-016", "`" + wanted + "` is not compiled into this program")
                      .at(place)
                      .expected(option_text::joined(available, ", "))
                      .found(wanted)
                      .help("cmake -B build -DVLT_SFT_" + list + "=\"" + option_text::joined(available, ";") + ";" +
                            wanted + "\" && cmake --build build"));
  }
};

inline std::ostream& operator<<(std::ostream& out, const CompiledIn& c) {
  const auto line = [&](const char* what, const Words& list) {
    out << "  " << what << ": " << option_text::joined(list, ", ") << "\n";
  };
  out << "VLTune " << c.version << "\n";
  line("devices", c.devices), line("precisions", c.precisions), line("projectors", c.projectors);
  line("masks", c.masks), line("tunings", c.tunings);
  return out << "  instruction set: " << instruction_set() << "\n  compiler: " << __VERSION__ << "\n";
}

}  // namespace vlt
