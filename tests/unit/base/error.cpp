// A complaint is filled by name, and an Error says what matters of it in one sentence.
#include <vlt/base/error.hpp>

#include <catch2/catch.hpp>

using vlt::Complaint;

TEST_CASE("a complaint holds what was said under each name") {
  const Complaint c =
      Complaint("A-1", "what").at("place").expected("expected").found("found").help("help").note("note");
  CHECK(c.code() == "A-1");
  CHECK(c.what() == "what");
  CHECK(c.place() == "place");
  CHECK(c.expected() == "expected");
  CHECK(c.found() == "found");
  CHECK(c.help() == "help");
  CHECK(c.note() == "note");
  CHECK(Complaint("A-1", "what").help("one").help("two").help() == "two");
}

TEST_CASE("exit codes are the numbers that scripts know") {
  using vlt::ExitCode;
  int number = 0;
  for (const ExitCode code :
       {ExitCode::ok, ExitCode::internal, ExitCode::usage, ExitCode::data, ExitCode::model, ExitCode::checkpoint,
        ExitCode::write, ExitCode::numeric, ExitCode::peer, ExitCode::memory, ExitCode::preempted, ExitCode::stalled})
    CHECK(static_cast<int>(code) == number++);
}

TEST_CASE("a wider place stands before a narrower one, and a family before its code") {
  CHECK(Complaint("A-1", "what").within("file").place() == "file");
  CHECK(Complaint("A-1", "what").at("$[3]").within("file").place() == "file  $[3]");
  CHECK(Complaint("ST-013", "what").of_family("MODEL").code() == "MODEL-ST-013");
}

TEST_CASE("an error's sentence names the place, what was expected and what was found") {
  const auto sentence = [](const Complaint& c) { return std::string(vlt::Error(vlt::ExitCode::data, c).what()); };
  CHECK(sentence(Complaint("A-1", "it is cut off")) == "it is cut off");
  CHECK(sentence(Complaint("A-1", "it is cut off").help("copy it again")) == "it is cut off");
  CHECK(sentence(Complaint("A-1", "it is cut off").at("a.png").expected("9 bytes").found("3")) ==
        "a.png: it is cut off; expected 9 bytes; found 3");
}
