#include <vlt/program/complain.hpp>

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <sstream>

namespace {

const vlt::Complaint everything = vlt::Complaint("DATA-IMG-004", "image count does not match `<image>` marks")
                                      .at("train.json:1032:7  $[41].conversations[0].value")
                                      .expected("1 image mark")
                                      .found("2 marks")
                                      .help("remove one `<image>`")
                                      .note("nothing was trained");

std::string shown(const vlt::Complaint& c, vlt::program::LogFormat format, bool colour = false) {
  std::ostringstream out;
  vlt::program::Messages messages(out, "sft_main", "build 7", colour);
  messages.use(format);
  messages.error(vlt::Error(vlt::ExitCode::data, c));
  return out.str();
}

}  // namespace

TEST_CASE("an error is a paragraph for a person", "[pages]") {
  CHECK(shown(everything, vlt::program::LogFormat::text) ==
        "sft_main: error[DATA-IMG-004]: image count does not match `<image>` marks\n"
        "  --> train.json:1032:7  $[41].conversations[0].value\n"
        "  expected: 1 image mark\n"
        "  found:    2 marks\n"
        "  help: remove one `<image>`\n"
        "  note: nothing was trained\n");
  const vlt::Complaint brief("", "there is no such option");
  CHECK(shown(brief, vlt::program::LogFormat::text) == "sft_main: error: there is no such option\n");
}

TEST_CASE("an error without an action of its own says what mends its code", "[pages]") {
  const auto told = [](const char* code) { return shown(vlt::Complaint(code, "x"), vlt::program::LogFormat::text); };
  CHECK(told("MODEL-ST-005") == "sft_main: error[MODEL-ST-005]: x\n  help: download it again\n");
  CHECK(told("OPT-NAME-001") == "sft_main: error[OPT-NAME-001]: x\n  help: --help lists all options\n");
  CHECK(told("MODEL-JSON-003") == "sft_main: error[MODEL-JSON-003]: x\n  help: add it; the place says where\n");
  CHECK(told("NO-CODE-999") == "sft_main: error[NO-CODE-999]: x\n");
}

TEST_CASE("an error is a JSON object for a program", "[pages]") {
  const std::string line = shown(everything, vlt::program::LogFormat::json);
  REQUIRE(std::count(line.begin(), line.end(), '\n') == 1);
  const auto value = boost::json::parse(line);
  CHECK(value.at("level").as_string() == "error");
  CHECK(value.at("program").as_string() == "sft_main");
  CHECK(value.at("exit").as_int64() == 3);
  CHECK(value.at("code").as_string() == everything.code());
  CHECK(value.at("place").as_string() == everything.place());
  CHECK(value.at("expected").as_string() == everything.expected());
  CHECK(value.at("note").as_string() == everything.note());
}

TEST_CASE("nothing reaches the terminal that it would obey", "[pages]") {
  const vlt::Complaint c =
      vlt::Complaint("DATA-IMG-004", "first\nsecond").found("\x1b]0;title\x07 \xe2\x80\xae right to left \x85 \xff");
  for (const auto format : {vlt::program::LogFormat::text, vlt::program::LogFormat::json}) {
    const std::string text = shown(c, format);
    for (const char bad : {'\x1b', '\x07', '\xff'}) CHECK(text.find(bad) == text.npos);
  }
  const std::string text = shown(c, vlt::program::LogFormat::text);
  CHECK(text.find("\\x1b]0;title\\x07 \\u{202e}") != text.npos);
  CHECK(text.find("first\n  second\n") != text.npos);  // lines of a table stay lines
}

TEST_CASE("colour is an addition, not a change", "[pages]") {
  std::string coloured = shown(everything, vlt::program::LogFormat::text, true);
  CHECK(coloured.find("\033[1;31merror[DATA-IMG-004]\033[0m") != coloured.npos);
  for (std::size_t at; (at = coloured.find('\033')) != coloured.npos;)
    coloured.erase(at, coloured.find('m', at) - at + 1);
  CHECK(coloured == shown(everything, vlt::program::LogFormat::text));
  setenv("NO_COLOR", "1", 1);
  CHECK_FALSE(vlt::program::colour_is_welcome(2));
  unsetenv("NO_COLOR");
}

TEST_CASE("a program turns what it throws into an exit code", "[pages]") {
  std::ostringstream out;
  vlt::program::Messages messages(out, "sft_main", "build 7");
  const auto run = [&](auto body) { return vlt::program::run_program(messages, body); };
  CHECK(run([] { return vlt::ExitCode::ok; }) == 0);
  CHECK(out.str().empty());
  CHECK(run([]() -> vlt::ExitCode { throw vlt::Error(vlt::ExitCode::model, everything); }) == 4);
  CHECK(run([]() -> vlt::ExitCode { throw std::bad_alloc(); }) == 9);
  CHECK(run([]() -> vlt::ExitCode { throw std::invalid_argument("shapes differ"); }) == 1);
  const std::string text = out.str();
  CHECK(text.find("internal error: shapes differ") != text.npos);
  CHECK(text.find("build 7") != text.npos);
  CHECK(text.find("MEM-ALLOC-001") != text.npos);
}

TEST_CASE("foreign text is quoted and cut", "[pages]") {
  CHECK(vlt::quoted("a\"b\\c") == "\"a\\\"b\\\\c\"");
  const std::string cut = vlt::quoted(std::string(79, 'x') + "\xe6\xbc\xa2" + "yy");
  CHECK(cut == "\"" + std::string(79, 'x') + "\xe6\xbc\xa2...\"");
}

TEST_CASE("of several ranks each names itself in errors, and the first speaks for all") {
  const auto said = [](int rank, vlt::program::LogFormat format) {
    std::ostringstream out;
    vlt::program::Messages messages(out, "sft_main", "build 7");
    messages.use(format);
    messages.speak_for(rank);
    messages.warning(vlt::Complaint("DATA-SPLIT-042", "few records"));
    messages.notice("evaluation is off");
    messages.error(
        vlt::Error(vlt::ExitCode::usage, vlt::Complaint("OPT-NAME-001", "there is no such option").help("see --help")));
    return out.str();
  };
  CHECK(said(0, vlt::program::LogFormat::text) ==
        "sft_main[0]: warning[DATA-SPLIT-042]: few records\nsft_main[0]: note: evaluation is off\n"
        "sft_main[0]: error[OPT-NAME-001]: there is no such option\n  help: see --help\n");
  CHECK(said(2, vlt::program::LogFormat::text) ==
        "sft_main[2]: error[OPT-NAME-001]: there is no such option\n  help: see --help\n");
  CHECK(said(2, vlt::program::LogFormat::json) ==
        "{\"level\": \"error\", \"program\": \"sft_main\", \"rank\": 2, \"exit\": 2, "
        "\"code\": \"OPT-NAME-001\", \"what\": \"there is no such option\", \"help\": \"see --help\"}\n");
}
