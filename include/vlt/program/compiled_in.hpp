#pragma once
#include <ostream>
#include <sstream>
#include <vlt/base/config.hpp>
#include <vlt/options/option_table.hpp>

namespace vlt {

// What a program was built with: lists as CMake writes them, with semicolons between.
struct CompiledIn {
  std::string version, devices, precisions, projectors, masks, tunings;

  static Words words(const std::string& list) {
    Words all;
    std::istringstream in(list);
    for (std::string word; std::getline(in, word, ';');) all.push_back(word);
    return all;
  }
  // Refuses what was left out, with the line that puts it in. `list` is the CMake variable's last word.
  static void need(const std::string& chosen, const std::string& available, const std::string& list,
                   const std::string& option) {
    for (const auto& word : words(available))
      if (word == chosen) return;
    refuse_option(
        Complaint("OPT-BUILD-016", "`" + chosen + "` is not compiled into this program")
            .at("--" + option)
            .expected(option_text::joined(words(available), ", "))
            .found(chosen)
            .help("cmake -B build -DVLT_SFT_" + list + "=\"" + available + ";" + chosen + "\" && cmake --build build"));
  }
  static const char* instruction_set() {
    static constexpr const char* names[] = {"portable", "AVX2", "AVX-512", "AVX-512 BF16"};
    return names[VLT_HOST_ISA];
  }
};

inline std::ostream& operator<<(std::ostream& out, const CompiledIn& c) {
  const auto line = [&](const char* what, const std::string& list) {
    out << "  " << what << ": " << option_text::joined(CompiledIn::words(list), ", ") << "\n";
  };
  out << "VLTune " << c.version << "\n";
  line("devices", c.devices), line("precisions", c.precisions), line("projectors", c.projectors);
  line("masks", c.masks), line("tunings", c.tunings);
  return out << "  instruction set: " << CompiledIn::instruction_set() << "\n  compiler: " << __VERSION__ << "\n";
}

}  // namespace vlt
