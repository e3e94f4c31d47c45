#pragma once
#include <string>
#include <utility>
#include <vlt/base/error.hpp>

namespace vlt {

// On whose account a fault in a file is reported: how the program ends, and the first word of the fault's stable code.
// The same reader serves the data set, a model folder and a checkpoint; only this differs.
struct Blame {
  ExitCode exit = ExitCode::model;
  const char* family = "MODEL";

  [[noreturn]] void raise(Complaint c) const { throw Error(exit, std::move(c.of_family(family))); }
};

// Where a setting was found, and on whose account it is reported if it does not fit.
struct Provenance {
  Blame blame;
  std::string place;  // an option, or a key of a file

  [[noreturn]] void raise(Complaint c) const { blame.raise(std::move(c.at(place))); }
};

inline constexpr Blame blame_model{ExitCode::model, "MODEL"};
inline constexpr Blame blame_data{ExitCode::data, "DATA"};
inline constexpr Blame blame_checkpoint{ExitCode::checkpoint, "CKPT"};
inline constexpr Blame blame_option{ExitCode::usage, "OPT"};

}  // namespace vlt
