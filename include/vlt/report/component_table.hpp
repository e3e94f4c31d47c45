#pragma once
#include <cstdio>
#include <ostream>
#include <vlt/base/shown_bytes.hpp>
#include <vlt/optim/parameter_groups.hpp>
#include <vlt/optim/store_layout.hpp>
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

template <Precision F, Device D>
double fastest_pretrained_rate(const Registry<F, D>& registry, const PeakRates& rates) {
  double fastest = 0;
  for (const auto& p : registry.params)
    if (p.trains() && !p.adapter && p.component != ComponentKind::projector)
      fastest = std::max(fastest, rates.of(p.component, false));
  return fastest;
}

}  // namespace vlt::report
