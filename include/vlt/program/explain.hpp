#pragma once
#include <iterator>
#include <string>
#include <vector>
#include <vlt/base/error.hpp>
#include <vlt/base/nearest.hpp>
#include <vlt/base/quoted.hpp>
#include <vlt/program/error_codes_data.hpp>
#include <vlt/program/error_codes_run.hpp>

namespace vlt::program {
namespace error_codes {

// A heading of the list of codes, and what stands under it.
struct Group {
  const char* heading;
  std::vector<ErrorCode> codes;
};

inline std::vector<Group> groups() {
  const auto list = [](const auto& codes) { return std::vector<ErrorCode>(std::begin(codes), std::end(codes)); };
  return {{"Files and JSON, wherever they are read", list(shared_codes)},
          {"The data set (exit 3)", list(data_codes)},
          {"Images (exit 3)", list(image_codes)},
          {"Models and tokenizers (exit 4)", list(model_codes)},
          {"Checkpoints (exit 5)", list(checkpoint_codes)},
          {"Options (exit 2)", list(option_codes)},
          {"The run itself", list(run_codes)}};
}

// The entry for a code as a message shows it. Those that several families share are listed without their first word.
inline const ErrorCode* find(std::string_view code) {
  const auto in = [](const auto& codes, std::string_view wanted) -> const ErrorCode* {
    for (const ErrorCode& c : codes)
      if (c.code == wanted) return &c;
    return nullptr;
  };
  for (const auto* found :
       {in(data_codes, code), in(image_codes, code), in(model_codes, code), in(checkpoint_codes, code),
        in(option_codes, code), in(run_codes, code), in(shared_codes, code)})
    if (found) return found;
  for (const std::string_view family : {"DATA-", "MODEL-", "CKPT-", "OPT-"})
    if (code.starts_with(family)) return in(shared_codes, code.substr(family.size()));
  return nullptr;
}

}  // namespace error_codes

// The list of docs/errors.md.
inline std::string explanations_as_markdown() {
  std::string out;
  for (const auto& group : error_codes::groups()) {
    out += "\n## " + std::string(group.heading) + "\n\n| code | what it means | what to do |\n|---|---|---|\n";
    for (const ErrorCode& c : group.codes)
      out += "| `" + std::string(c.code) + "` | " + std::string(c.meaning) + " | " + std::string(c.remedy) + " |\n";
  }
  return out;
}

// What `--explain CODE` prints; `all` lists every code. OPT-CODE-021 if there is no such code.
inline std::string explanation(const std::string& code) {
  if (code == "all") return explanations_as_markdown();
  if (const ErrorCode* c = error_codes::find(code))
    return code + "\n  " + std::string(c->meaning) + "\n  " + std::string(c->remedy) + "\n";
  std::vector<std::string> known;
  for (const auto& group : error_codes::groups())
    for (const ErrorCode& c : group.codes) known.emplace_back(c.code);
  const std::string nearest = nearest_name(code, known);
  throw Error(ExitCode::usage, Complaint("OPT-CODE-021", "there is no such error code")
                                   .at("--explain")
                                   .expected("a code of docs/errors.md")
                                   .found(quoted(code))
                                   .help(nearest.empty() ? "" : "did you mean " + nearest + "?"));
}

}  // namespace vlt::program
