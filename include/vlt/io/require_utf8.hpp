#pragma once
#include <string>
#include <string_view>
#include <vlt/base/error.hpp>
#include <vlt/base/utf8.hpp>

namespace vlt {

// Refuses text that is not UTF-8 (exit 3), naming the byte: every text passes here once, before it is looked at.
inline void require_utf8(std::string_view text) {
  const auto at = utf8::invalid_byte(text);
  if (!at) return;
  throw Error(ExitCode::data, Complaint("DATA-TEXT-001", "invalid UTF-8 at byte " + std::to_string(*at) + " of a text")
                                  .expected("text in UTF-8")
                                  .help("convert the text to UTF-8"));
}

}  // namespace vlt
