#pragma once
#include <algorithm>
#include <cstdio>
#include <ostream>
#include <vlt/base/shown_bytes.hpp>
#include <vlt/optim/parameter_groups.hpp>
#include <vlt/optim/store_layout.hpp>
#include <vlt/options/option_table.hpp>
#include <vlt/report/progress.hpp>
#include <vlt/report/report_data.hpp>

namespace vlt::report {

// What a run trains, component by component, before its first step: the table on the terminal and in the report.
template <Precision F, Device D>
std::vector<ReportComponent> component_rows(const Registry<F, D>& registry, const StoreLayout<F, D>& layout,
                                            const PeakRates& rates, double weight_decay) {
  std::vector<ReportComponent> rows;
  const auto counts = count_parameters(registry);
  for (const ComponentKind c : component_kinds) {
    ReportComponent row;
    row.name = name(c), row.dtype = name(F);
    row.parameters = counts[c].parameters, row.trainable = counts[c].trained;
    row.bytes = Index(layout.bytes(c).total());
    for (const auto& p : registry.params)
      if (p.component == c && p.trains()) row.learning_rate = std::max(row.learning_rate, rates.of(c, p.adapter));
    row.weight_decay = counts[c].decayed > 0 ? weight_decay : 0;
    rows.push_back(row);
  }
  return rows;
}

inline std::ostream& operator<<(std::ostream& out, const std::vector<ReportComponent>& rows) {
  char line[160];
  std::snprintf(line, sizeof line, "%-10s %14s %14s %10s %8s %6s %12s\n", "component", "parameters", "trainable",
                "rate", "decay", "dtype", "bytes");
  out << line;
  for (const ReportComponent& r : rows) {
    std::snprintf(line, sizeof line, "%-10s %14lld %14lld %10.3g %8.3g %6s %12s\n", r.name.c_str(),
                  static_cast<long long>(r.parameters), static_cast<long long>(r.trainable), r.learning_rate,
                  r.weight_decay, r.dtype.c_str(), shown_bytes(double(r.bytes)).c_str());
    out << line;
  }
  return out;
}

// A pre-trained tensor that trains faster than this is more often a mistake than a plan.
inline constexpr double highest_usual_rate = 1e-4;

// A part of the pre-trained tensors that trains that fast.
struct HighRatePart {
  std::string name;  // encoder, decoder, embedding
  Index elements = 0;
  double rate = 0;
  bool asked = false;  // somebody gave it this rate; else it is --learning_rate's
};
template <Precision F, Device D>
std::vector<HighRatePart> high_rate_parts(const Registry<F, D>& registry, const PeakRates& rates) {
  std::vector<HighRatePart> parts;
  for (const auto& p : registry.params) {
    const double rate = rates.of(p.component, false);
    if (!p.trains() || p.adapter || p.component == ComponentKind::projector || rate <= highest_usual_rate) continue;
    const char* part = p.component == ComponentKind::vision ? "encoder"
                       : p.role == Role::embedding          ? "embedding"
                                                            : "decoder";
    auto at = std::find_if(parts.begin(), parts.end(), [&](const HighRatePart& f) { return f.name == part; });
    if (at == parts.end())
      at = parts.insert(at, {part, 0, rate, rates.component[p.component].has_value() || rates.pretrained > 0});
    at->elements += p.value->size();
  }
  return parts;
}

// One line for what was asked.
inline std::string high_rate_note(const std::vector<HighRatePart>& parts) {
  std::string which;
  for (const HighRatePart& p : parts)
    if (p.asked) which += (which.empty() ? "" : ", ") + p.name + " at " + number_text(p.rate);
  return which.empty() ? which : "pre-trained tensors train faster than 1e-4, as asked: " + which;
}
// One warning for what was not: which parts were given no rate of their own, and what to do. adapters: are there any?
inline Complaint high_rate_warning(const std::vector<HighRatePart>& parts, bool adapters) {
  std::string which, rate;
  for (const HighRatePart& p : parts) {
    if (p.asked) continue;
    which += (which.empty() ? "" : ", ") + p.name + " (" + std::to_string(p.elements) + " parameters)";
    rate = number_text(p.rate);
  }
  return Complaint("OPT-RATE-028", "pre-trained tensors train at " + rate + ", above 1e-4: they forget what they know")
      .at(which)
      .expected("a rate of their own, of at most 1e-4")
      .found(rate + ", which is --learning_rate")
      .help(std::string("add --learning_rate_pretraining_components 1e-5") +
            (adapters ? ", or --only_optimize_lora" : ""));
}

}  // namespace vlt::report
