#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <vlt/base/config.hpp>
#include <vlt/image/image.hpp>
#include <vlt/train/metrics.hpp>

namespace vlt::report {

// One row of the component table.
struct ReportComponent {
  std::string name, dtype;
  Index parameters = 0, trainable = 0, bytes = 0;
  double learning_rate = 0, weight_decay = 0;  // shown where something trains
};

// What all components have together.
inline ReportComponent sum_of(const std::vector<ReportComponent>& components) {
  ReportComponent all;
  for (const ReportComponent& c : components)
    all.parameters += c.parameters, all.trainable += c.trainable, all.bytes += c.bytes;
  return all;
}

// What became of the records of one data file: used + the dropped make up `records`; truncated ones are used.
struct ReportAudit {
  std::string file;
  Index records = 0, used = 0;
  std::vector<std::pair<std::string, Index>> dropped, truncated;  // reason or way, how many
};

// A picture as the report shows it.
struct ReportPicture {
  std::string name;
  image::Image image;
};

// A held-out question, its reference answer, and what the model said before and after the training, if it was asked.
struct ReportSample {
  std::string id, question, expected;
  std::optional<std::string> before, after;
  std::vector<ReportPicture> pictures;
};

using ReportRows = std::vector<std::pair<std::string, std::string>>;

// Everything that report.html shows. Sections without content are left out.
struct ReportData {
  std::string title = "VLTune";
  std::string status;    // one line: what the run is doing or how it ended
  bool running = false;  // the page then reloads itself
  ReportRows facts;      // the few figures at the top: name, value with unit
  MetricsHistory metrics;
  std::vector<Index> taken_up_after;  // the steps after which a process went on with what another had begun
  std::vector<ReportComponent> components;
  ReportRows memory;  // lines of the plan: what, bytes with unit
  std::vector<ReportAudit> audit;
  std::vector<ReportSample> samples;
  ReportRows options;  // as resolved
};

}  // namespace vlt::report
