#pragma once
#include <cstdint>
#include <string>
#include <vector>
#include <vlt/base/config.hpp>
#include <vlt/base/error.hpp>
#include <vlt/base/quoted.hpp>
#include <vlt/data/conversation.hpp>
#include <vlt/image/image.hpp>

namespace vlt::data {

// What a record of a data set may be at most. Sizes in bytes.
struct RecordLimits {
  int depth = 16;  // of lists and objects, the file's own list included
  Index record_bytes = Index(16) << 20;
  Index text_bytes = Index(8) << 20;  // of one turn
  Index turns = 1024;                 // questions and answers
  Index name_bytes = 4095;            // of an image's path
  Index id_bytes = 1024;
  Index keys = 1024;
  Index images = 8;
};

// Where a record stands: which file of the run, which record of the file, and where it begins in the text.
struct RecordPlace {
  std::uint32_t file = 0;
  std::uint32_t column = 1;
  Index index = 0;
  std::uint64_t line = 1;
};

// How a record holds its conversation; its keys say which it is.
enum class RecordForm : std::uint8_t {
  unknown,
  conversations,  // LLaVA and ShareGPT: `from` and `value`
  messages,       // OpenAI and ms-swift: `role` and `content`
  alpaca,         // `instruction`, `input`, `output`
};
inline const char* name(RecordForm form) {
  static constexpr const char* names[] = {"unknown", "conversations", "messages", "alpaca"};
  return names[int(form)];
}

// One conversation about images, as the data set holds it.
struct Record {
  std::string id;
  std::vector<std::string> images;  // names under the image folder, in the order of the record
  std::vector<image::Size> sizes;   // of these, as the audit found them; none where they do not matter
  Conversation conversation;
  RecordPlace place;
};

// Why a record cannot be used. Neighbours that are no records at all are one fault with a count.
struct RecordFault {
  RecordPlace place;
  Index count;
  std::string id;
  Complaint complaint;
};

// "train.json:88:3  $[3].image  (id "7")": where in the data set, for people.
inline std::string describe(const std::string& file, const RecordPlace& p, const std::string& id,
                            const std::string& inside = {}) {
  std::string text = file + ":" + std::to_string(p.line) + ":" + std::to_string(p.column) + "  $[" +
                     std::to_string(p.index) + "]" + inside;
  return id.empty() ? text : text + "  (id " + quoted(id) + ")";
}

}  // namespace vlt::data
