#pragma once
#include <numeric>
#include <string>
#include <vlt/base/shown_bytes.hpp>
#include <vlt/io/write_file.hpp>
#include <vlt/report/page_style.hpp>
#include <vlt/report/report_charts.hpp>

namespace vlt::report {
namespace report_parts {

inline std::string section(const char* heading, const std::string& content) {
  return content.empty() ? std::string() : html_element("h2", "", heading) + content;
}

inline std::string facts(const ReportRows& rows) {
  std::string out;
  for (const auto& [name, value] : rows)
    out += html_element("div", "class=\"card fact\"",
                        html_element("b", "", html_text(value)) + html_element("span", "", html_text(name)));
  return out.empty() ? out : html_element("div", "class=\"facts\"", out);
}

// A table of which the columns with a name that begins with # hold numbers.
class Table {
 public:
  explicit Table(std::vector<std::string> columns) : columns_(std::move(columns)) {
    std::string row;
    for (const auto& c : columns_)
      row += html_element("th", numeric(c) ? "class=\"n\"" : "", html_text(numeric(c) ? c.substr(1) : c));
    rows_ = html_element("tr", "", row);
  }
  void add(const std::vector<std::string>& cells, bool sum = false) {
    std::string row;
    for (std::size_t i = 0; i < cells.size(); ++i)
      row += html_element("td", numeric(columns_[i]) ? "class=\"n\"" : "", html_text(cells[i]));
    rows_ += html_element("tr", sum ? "class=\"sum\"" : "", row);
  }
  std::string html() const { return html_element("div", "class=\"card scroll\"", html_element("table", "", rows_)); }

 private:
  std::vector<std::string> columns_;
  std::string rows_;
  static bool numeric(const std::string& column) { return column.starts_with('#'); }
};

inline std::string components(const std::vector<ReportComponent>& all) {
  if (all.empty()) return {};
  Table table({"component", "#parameters", "#trainable", "#learning rate", "#weight decay", "dtype", "#weights"});
  for (const ReportComponent& c : all) {
    const bool trains = c.trainable > 0;
    table.add({c.name, shown_count(double(c.parameters)), trains ? shown_count(double(c.trainable)) : "frozen",
               trains ? shown_value(c.learning_rate) : "", trains ? shown_value(c.weight_decay) : "", c.dtype,
               shown_bytes(double(c.bytes))});
  }
  const ReportComponent sum = sum_of(all);
  table.add({"all", shown_count(double(sum.parameters)), shown_count(double(sum.trainable)), "", "", "",
             shown_bytes(double(sum.bytes))},
            true);
  return table.html();
}

inline std::string pairs(const ReportRows& rows, const char* name, const char* value) {
  if (rows.empty()) return {};
  Table table({name, value});
  for (const auto& [left, right] : rows) table.add({left, right});
  return table.html();
}

inline std::string audit(const std::vector<ReportAudit>& files) {
  std::string out;
  for (const ReportAudit& f : files) {
    const auto total = [](const auto& rows) {
      return std::accumulate(rows.begin(), rows.end(), Index(0),
                             [](Index n, const auto& row) { return n + row.second; });
    };
    const Index cut = total(f.truncated), dropped = total(f.dropped);
    const auto part = [&](const char* kind, Index n) {
      const double share = f.records > 0 ? 100.0 * double(n) / double(f.records) : 0;
      return "<i class=\"" + std::string(kind) + "\" style=\"width:" + shown_value(share) + "%\"></i>";
    };
    Table table({"what became of them", "#records"});
    table.add({"used whole", std::to_string(f.used - cut)});
    for (const auto& [way, n] : f.truncated) table.add({"used, truncated: " + way, std::to_string(n)});
    for (const auto& [reason, n] : f.dropped) table.add({"dropped: " + reason, std::to_string(n)});
    table.add({"all", std::to_string(f.records)}, true);
    out += html_element("p", "class=\"mono\"", html_text(f.file));
    out += html_element("div", "class=\"bar\"", part("used", f.used - cut) + part("cut", cut) + part("lost", dropped));
    out += table.html();
  }
  return out;
}

inline std::string answers(const std::vector<ReportSample>& samples) {
  std::string out;
  for (const ReportSample& s : samples) {
    std::string pictures, list;
    for (const auto& p : s.pictures)
      pictures += html_element(
          "div", "", inline_picture(p.image, p.name) + html_element("span", "class=\"quiet mono\"", html_text(p.name)));
    const auto line = [&](const char* name, const std::string& text, const char* kind) {
      list += html_element("dt", "", name) + html_element("dd", kind, html_text(text));
    };
    line("question", s.question, "");
    line("reference answer", s.expected, "");
    const auto said = [](const std::string& answer) { return answer.empty() ? "(nothing)" : answer; };
    if (s.before) line("model before training", said(*s.before), "class=\"quiet\"");
    if (s.after) line("model now", said(*s.after), s.after == s.expected ? "class=\"good\"" : "class=\"bad\"");
    if (!pictures.empty()) pictures = html_element("div", "class=\"pictures\"", pictures);
    out += html_element("div", "class=\"card answer\"", pictures + html_element("dl", "", list));
  }
  return out.empty() ? out : html_element("div", "class=\"answers\"", out);
}

inline std::string options(const ReportRows& rows) {
  const std::string table = pairs(rows, "option", "value");
  return table.empty()
             ? table
             : "<details><summary>" + std::to_string(rows.size()) + " options</summary>" + table + "</details>";
}

}  // namespace report_parts

// A page from its parts; `head` is markup for the head.
inline std::string html_page(const std::string& title, const std::string& head, const std::string& body) {
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">" +
         head + html_element("title", "", html_text(title)) + html_element("style", "", page_style) +
         "</head>\n<body><main>" + body + "</main></body></html>\n";
}

// report.html: one file that needs nothing else, readable offline. While the run goes on it asks to be loaded again.
inline std::string report_page(const ReportData& d) {
  std::string body = html_element("h1", "", html_text(d.title));
  if (!d.status.empty()) body += html_element("p", "class=\"status\"", html_text(d.status));
  body += report_parts::facts(d.facts);
  body += report_parts::charts(d.metrics, d.taken_up_after);
  body += report_parts::section("Answers on held-out pictures", report_parts::answers(d.samples));
  body += report_parts::section("Components", report_parts::components(d.components));
  body += report_parts::section("Data", report_parts::audit(d.audit));
  body += report_parts::section("Memory plan", report_parts::pairs(d.memory, "what", "#bytes"));
  body += report_parts::section("Options", report_parts::options(d.options));
  return html_page(d.title, d.running ? "<meta http-equiv=\"refresh\" content=\"20\">" : "", body);
}

inline void write_report(const std::string& path, const ReportData& d) { write_file(path, report_page(d)); }

}  // namespace vlt::report
