#include <catch2/catch.hpp>
#include <set>
#include <vlt/train/question_list.hpp>

using namespace vlt;

namespace {

data::Record record(std::vector<std::string> images, std::vector<data::Turn> turns) {
  data::Record r;
  r.id = "7", r.images = std::move(images);
  r.conversation.turns = std::move(turns), r.conversation.images = r.images.size();
  return r;
}

}  // namespace

TEST_CASE("a question has the turns and the pictures up to it") {
  const auto q = questions_of(record({"a", "b"}, {{"<image>\nx", "1"}, {"y", "2"}, {"<image>\nz", "3"}}), 5);
  REQUIRE(q.size() == 3);
  CHECK(q[0].images == std::vector<std::string>{"a"});
  CHECK(q[1].images == std::vector<std::string>{"a"});
  CHECK(q[2].images == std::vector<std::string>{"a", "b"});
  CHECK(q[1].conversation.turns.size() == 2);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK((q[i].record == 5 && q[i].turn == Index(i) && q[i].conversation.images == q[i].images.size()));
  CHECK_NOTHROW(data::place_images(q[1].conversation));
}

TEST_CASE("pictures without marks belong to the first turn") {
  const auto q = questions_of(record({"a", "b"}, {{"x", "1"}, {"y", "2"}}), 0);
  CHECK(q[0].images.size() == 2);
  CHECK(q[1].images.size() == 2);
}

TEST_CASE("permuted pictures: none stays, none is lost, groups do not mix") {
  std::deque<data::Record> records;
  for (int i = 0; i < 9; ++i) records.push_back(record({"one" + std::to_string(i)}, {{"<image>x", "1"}}));
  for (int i = 0; i < 4; ++i)
    records.push_back(record({"l" + std::to_string(i), "r" + std::to_string(i)}, {{"<image><image>x", "1"}}));
  records.push_back(record({}, {{"x", "1"}}));
  for (std::size_t i = 0; i < records.size(); ++i) records[i].sizes.assign(records[i].images.size(), {int(i) + 1, 1});
  const auto before = records;
  permute_images(records, 3);
  std::multiset<std::string> all, then;
  for (std::size_t i = 0; i < records.size(); ++i) {
    CHECK(records[i].images.size() == before[i].images.size());
    CHECK((records[i].images != before[i].images || records[i].images.empty()));
    all.insert(before[i].images.begin(), before[i].images.end());
    then.insert(records[i].images.begin(), records[i].images.end());
  }
  CHECK(all == then);
  CHECK(records[0].images == before[std::size_t(records[0].sizes[0].height - 1)].images);  // they go along
  auto again = before;
  permute_images(again, 3);
  for (std::size_t i = 0; i < records.size(); ++i) CHECK(again[i].images == records[i].images);
  again = before;
  permute_images(again, 4);
  CHECK(again[0].images != records[0].images);
}

TEST_CASE("answers are compared without the blanks around them") {
  CHECK(same_answer(" a cat\n", "a cat"));
  CHECK(!same_answer("a cat", "A cat"));
  CHECK(trimmed(" \n").empty());
}

TEST_CASE("an answer is a line of JSON") {
  AnswerLine a{"x", "What?", "a \"cat\"", "dog", 2, {"a.png", "b.png"}, true};
  CHECK(json_of(a) == R"({"id": "x", "turn": 2, "images": ["a.png", "b.png"], "question": "What?", )"
                      R"("answer": "a \"cat\"", "expected": "dog", "exact": true})");
  CHECK(json_of(AnswerLine()) ==
        R"({"id": "", "turn": 0, "images": [], "question": "", "answer": "", "expected": "", "exact": false})");
}

TEST_CASE("a score is a share, and 0 of nothing") {
  AnswerScore s;
  CHECK((s.questions == 0 && s.exact == 0 && s.supervised == 0 && s.correct == 0));
  CHECK((s.match() == 0 && s.token_accuracy() == 0));
  s.questions = 1, s.exact = 1, s.supervised = 1, s.correct = 1;
  CHECK((s.match() == 1 && s.token_accuracy() == 1));
  s.questions = 8, s.exact = 2, s.supervised = 50, s.correct = 5;
  CHECK((s.match() == 0.25 && s.token_accuracy() == 0.1));
}

TEST_CASE("blanks around an answer are blanks, tabs and ends of lines") {
  CHECK(trimmed(" \t\r\na cat\n\r\t ") == "a cat");
  CHECK(trimmed("a") == "a");
  CHECK(trimmed("").empty());
}
