#pragma once
#include <string>
#include <utility>
#include <vlt/io/blame.hpp>

namespace vlt::text {

// Refuses a tokenizer (exit 4). `code` is "TOK-" and the number of the fault in docs/errors.md.
[[noreturn]] inline void refuse_tokenizer(const char* code, std::string what, std::string place,
                                          std::string expected = {}, std::string found = {}, std::string help = {}) {
  blame_model.raise(Complaint(code, std::move(what))
                        .at(std::move(place))
                        .expected(std::move(expected))
                        .found(std::move(found))
                        .help(std::move(help)));
}

}  // namespace vlt::text
