#include <vlt/report/report.hpp>

#include <catch2/catch.hpp>
#include <set>
#include <unit/io/temporary_folder.hpp>

namespace {

vlt::report::ReportData some_report(vlt::Index steps) {
  vlt::report::ReportData d;
  d.title = "run <1> & \"co\"";
  for (vlt::Index s = 1; s <= steps; ++s) {
    vlt::StepMetrics m;
    m.step = s, m.loss = 3.0 / double(s) + (s % 2 ? 0.1 : 0), m.grad_norm = 1, m.lr = 1e-3, m.tokens_per_s = 100;
    d.metrics.steps.push_back(m);
    if (s % 10 == 0) d.metrics.evaluations.push_back({s, 0, 3.0 / double(s), {}});
  }
  d.components = {{"vision", "bf16", 1000, 500, 2000, 1e-3, 0.1}, {"decoder", "bf16", 2000, 0, 4000, 0, 0}};
  d.audit = {{"train.json", 100, 90, {{"image missing", 10}}, {{"last turns dropped", 5}}}};
  d.samples = {{"7", "What <b>is</b> it?", "a cat", "dog", "a cat", {{"a.png", vlt::image::Image(3, 2)}}},
               {"8", "And this?", "a dog", std::nullopt, "a cat", {}}};
  d.options = {{"seed", "1234"}};
  return d;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

// Every element that is opened is closed, in order; so a browser sees what was meant.
bool well_nested(const std::string& page) {
  static const std::set<std::string> alone = {"meta", "img", "line", "path", "circle", "!DOCTYPE"};
  std::vector<std::string> open;
  for (std::size_t at = page.find('<'); at != page.npos; at = page.find('<', at + 1)) {
    const std::size_t end = page.find('>', at);
    if (end == page.npos) return false;
    std::string name = page.substr(at + 1, page.find_first_of(" />", at + 2) - at - 1);
    if (page[at + 1] == '/') {
      name = page.substr(at + 2, end - at - 2);
      if (open.empty() || open.back() != name) return false;
      open.pop_back();
    } else if (!alone.count(name)) {
      open.push_back(name);
    }
  }
  return open.empty();
}

}  // namespace

TEST_CASE("the report is one file that shows everything", "[pages]") {
  const std::string page = vlt::report::report_page(some_report(40));
  CHECK(well_nested(page));
  for (const char* heading : {"Loss", "Evaluation loss", "Learning rate", "Gradient norm", "Throughput"})
    CHECK(count(page, "<figcaption>" + std::string(heading)) == 1);
  for (const char* heading : {"Answers on held-out pictures", "Components", "Data"})
    CHECK(count(page, "<h2>" + std::string(heading) + "</h2>") == 1);
  CHECK(count(page, "<svg") == 5);
  CHECK(count(page, "src=\"data:image/png;base64,") == 1);
  CHECK(page.find("http://") == page.npos);  // nothing comes from elsewhere
  CHECK(page.find("https://") == page.npos);
  CHECK(page.find("<script") == page.npos);
  CHECK(page.find("prefers-color-scheme: dark") != page.npos);
}

TEST_CASE("somebody's text is not markup", "[pages]") {
  const std::string page = vlt::report::report_page(some_report(3));
  CHECK(page.find("<b>is</b>") == page.npos);
  CHECK(page.find("What &lt;b&gt;is&lt;/b&gt; it?") != page.npos);
  CHECK(page.find("run &lt;1&gt; &amp; &quot;co&quot;") != page.npos);
  CHECK(vlt::report::html_text("a\x01\xff") == "a\uFFFD\uFFFD");
}

TEST_CASE("answers are marked right or wrong", "[pages]") {
  const std::string page = vlt::report::report_page(some_report(3));
  CHECK(count(page, "class=\"good\"") == 1);
  CHECK(count(page, "class=\"bad\"") == 1);
  CHECK(count(page, "model before training") == 1);
}

TEST_CASE("an answer without a word is shown as such", "[pages]") {
  vlt::report::ReportData data = some_report(3);
  for (auto& s : data.samples) s.before.reset(), s.after = "";
  const std::string page = vlt::report::report_page(data);
  CHECK(count(page, "<dd class=\"bad\">(nothing)</dd>") == data.samples.size());
  CHECK(count(page, "model before training") == 0);
}

TEST_CASE("the audit's numbers add up in the report", "[pages]") {
  const std::string page = vlt::report::report_page(some_report(3));
  for (const char* row :
       {"used whole</td><td class=\"n\">85<", "used, truncated: last turns dropped</td><td class=\"n\">5<",
        "dropped: image missing</td><td class=\"n\">10<", "all</td><td class=\"n\">100<"})
    CHECK(count(page, row) == 1);
}

TEST_CASE("a report of any length has its charts, and stays small", "[pages]") {
  CHECK(count(vlt::report::report_page(some_report(0)), "<svg") == 0);
  for (const vlt::Index steps : {1, 2, 9}) CHECK(well_nested(vlt::report::report_page(some_report(steps))));
  CHECK(vlt::report::report_page(some_report(100000)).size() < 400000);
  vlt::report::ReportData broken = some_report(30);
  for (auto& m : broken.metrics.steps) m.loss = m.grad_norm = NAN;
  CHECK(well_nested(vlt::report::report_page(broken)));
}

TEST_CASE("a running report asks to be loaded again", "[pages]") {
  vlt::report::ReportData d = some_report(3);
  CHECK(vlt::report::report_page(d).find("http-equiv=\"refresh\"") == std::string::npos);
  d.running = true;
  CHECK(vlt::report::report_page(d).find("http-equiv=\"refresh\"") != std::string::npos);
}

TEST_CASE("smoothing keeps the mean, thinning keeps the peaks", "[pages]") {
  vlt::report::ChartSeries s{"x", 0, vlt::report::ChartSeries::Style::line, {}, {}};
  for (int i = 0; i < 5000; ++i) s.x.push_back(i), s.y.push_back(i == 1234 ? 50 : i % 2);
  const auto thin = vlt::report::report_parts::thinned(s);
  CHECK(thin.x.size() <= 600);
  CHECK(*std::max_element(thin.y.begin(), thin.y.end()) == 50);
  const auto smooth = vlt::report::report_parts::smoothed(s, 100);
  CHECK(smooth.y[3000] == Approx(0.5).margin(0.01));
}

TEST_CASE("components add up", "[pages]") {
  const vlt::report::ReportComponent all = vlt::report::sum_of({{"vision", "bf16", 10, 5, 20, 1, 1},
                                                                {"projector", "bf16", 3, 3, 6, 1, 1},
                                                                {"language", "bf16", 100, 0, 200, 1, 1}});
  CHECK((all.parameters == 113 && all.trainable == 8 && all.bytes == 226));
}

// To the character, but for the style and the bytes of pictures, with a line for each element. VLT_WRITE_GOLDEN=1
// writes tests/golden/report/report.html anew: look at it in a browser.
TEST_CASE("a report is written as before", "[golden]") {
  vlt::report::ReportData d = some_report(3);
  d.status = "step <3>", d.running = true, d.taken_up_after = {2};
  d.facts = {{"parameters", "1 & 2"}, {"loss", "0.5"}};
  d.metrics.evaluations = {{2, 0, 1.5, {}}, {3, 0, 1.25, {}}};
  for (auto& m : d.metrics.steps) m.token_accuracy = 0.25, m.loss_by_dataset = {{"a", m.loss}, {"b", 2 * m.loss}};
  d.components = {{"vision", "bf16", 100, 0, 200, 1, 1}, {"projector", "bf16", 7, 1, 14, 0.25, 0.5}};
  d.audit.push_back({"empty.json", 0, 0, {}, {}}), d.audit.push_back({"one.json", 1, 1, {}, {}});
  d.samples[0].pictures.push_back({"b.png", vlt::image::Image(2, 2)});
  d.memory = {{"step: weights", "3 B"}, {"total", "5 B"}};
  d.options.emplace_back("plan", "off");
  std::string page = vlt::report::report_page(d);
  const auto emptied = [&](const std::string& left, const std::string& right) {
    for (std::size_t at = page.find(left); at != page.npos; at = page.find(left, at + left.size()))
      page.erase(at + left.size(), page.find(right, at + left.size()) - at - left.size());
  };
  emptied("<style>", "</style>"), emptied("base64,", "\"");
  for (std::size_t at = 0; (at = page.find("><", at)) != page.npos; ++at) page.insert(at + 1, "\n");
  const std::string file = std::string(VLT_TEST_DIR) + "/golden/report/report.html";
  if (std::getenv("VLT_WRITE_GOLDEN")) std::ofstream(file, std::ios::binary) << page;
  CHECK((page == vlt::test::read_text(file)));
}

TEST_CASE("a report is a file", "[pages]") {
  const vlt::test::TemporaryFolder t;
  vlt::report::write_report(t / "report.html", some_report(3));
  CHECK((vlt::test::read_text(t / "report.html") == vlt::report::report_page(some_report(3))));
}

TEST_CASE("base64 and shrinking", "[pages]") {
  CHECK(vlt::base64("") == "");
  CHECK(vlt::base64("f") == "Zg==");
  CHECK(vlt::base64("fo") == "Zm8=");
  CHECK(vlt::base64("foobar") == "Zm9vYmFy");
  vlt::image::Image large(1000, 10);
  for (std::size_t i = 0; i < large.pixels.size(); ++i) large.pixels[i] = std::uint8_t(i / 3 % 2 ? 10 : 30);
  const auto small = vlt::report::shrunk(large, 500);
  CHECK(small.width == 500);
  CHECK(small.height == 5);
  CHECK(small.pixels[0] == 20);
  CHECK(vlt::report::shrunk(large, 1000).pixels == large.pixels);
}
