#pragma once
#include <string>
#include <unit/io/temporary_folder.hpp>
#include <vector>
#include <vlt/data/dataset_file.hpp>

namespace vlt::test {

// What reading a data set gives: records, faults, or the end.
struct ReadOutcome {
  Index records = 0, bad = 0;
  std::vector<data::Record> good;
  std::vector<Complaint> faults;
  std::vector<data::RecordFault> bad_records;
  Complaint fatal;  // its code is empty unless the file was refused
  int exit = 0;

  // The first complaint, fatal or not, as one text.
  std::string told() const {
    const Complaint c = !fatal.code().empty() ? fatal : faults.empty() ? Complaint{} : faults.front();
    return c.code() + " " + c.what() + " | " + c.place() + " | " + c.expected() + " | " + c.found() + " | " + c.help();
  }
};

inline ReadOutcome read_file(const std::string& path, const data::RecordLimits& limits = {}) {
  ReadOutcome out;
  try {
    data::DatasetFile file(path, 0, limits);
    out.records = file.read({[&](data::Record&& r) { out.good.push_back(std::move(r)); },
                             [&](data::RecordFault&& f) {
                               out.bad += f.count;
                               out.faults.push_back(f.complaint);
                               out.bad_records.push_back(std::move(f));
                             }});
  } catch (const Error& e) { out.fatal = e.complaint(), out.exit = int(e.exit()); }
  return out;
}
inline ReadOutcome read_data_text(std::string_view text, const data::RecordLimits& limits = {}) {
  const TemporaryFolder folder;
  return read_file(folder.write("x.json", text), limits);
}

// A record with one human and one gpt turn.
inline std::string record(const std::string& id, const std::string& image = "\"a.png\"",
                          const std::string& question = "<image>\\nWhat is this?",
                          const std::string& answer = "A cat.") {
  return R"({"id": ")" + id + R"(", "image": )" + image + R"(, "conversations": [{"from": "human", "value": ")" +
         question + R"("}, {"from": "gpt", "value": ")" + answer + R"("}]})";
}

}  // namespace vlt::test
