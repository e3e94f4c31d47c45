#pragma once
#include <map>
#include <vlt/base/rng.hpp>
#include <vlt/data/record.hpp>
#include <vlt/data/sample_source.hpp>
#include <vlt/io/json_line.hpp>

namespace vlt {

// One question of a record: its earlier turns with their reference answers, then the question without its own.
struct Question {
  Index record = 0, turn = 0;
  data::Conversation conversation;  // turns up to this one
  std::vector<std::string> images;  // that they mention
};

// Every question of a record. Pictures without a mark belong to the first turn, as in training.
inline std::vector<Question> questions_of(const data::Record& r, Index number) {
  std::vector<Question> all;
  const auto placed = data::place_images(r.conversation);
  std::size_t images = 0;
  for (std::size_t t = 0; t < r.conversation.turns.size(); ++t) {
    Question q{number, Index(t), r.conversation, {}};
    q.conversation.turns.resize(t + 1);
    images += placed[t].slot.size() + placed[t].inside.size();
    q.conversation.images = images;
    q.images.assign(r.images.begin(), r.images.begin() + std::ptrdiff_t(images));
    all.push_back(std::move(q));
  }
  return all;
}

inline void swap_images(data::Record& a, data::Record& b) {
  std::swap(a.images, b.images), std::swap(a.sizes, b.sizes);
}

// Each record gets the pictures of another one with as many pictures (Sattolo's permutation has no fixed point).
inline void permute_images(std::deque<data::Record>& records, std::uint64_t seed) {
  std::map<std::size_t, std::vector<std::size_t>> by_count;
  for (std::size_t i = 0; i < records.size(); ++i)
    if (!records[i].images.empty()) by_count[records[i].images.size()].push_back(i);
  const RandomStream random{seed, stream_of("permute_images")};
  std::uint64_t draw = 0;
  for (auto& [count, members] : by_count)
    for (std::size_t i = members.size(); i-- > 1;)
      swap_images(records[members[i]], records[members[random.below(draw++, i)]]);
}

// An answer beside what it should have been.
struct AnswerLine {
  std::string id, question, answer, expected;
  Index turn = 0;
  std::vector<std::string> images;
  bool exact = false;
};

inline std::string trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  return begin == text.npos ? std::string()
                            : std::string(text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1));
}
inline bool same_answer(const std::string& a, const std::string& b) { return trimmed(a) == trimmed(b); }

inline std::string json_of(const AnswerLine& a) {
  JsonLine line;
  line.add("id", a.id).add("turn", a.turn).raw("images", json_list(a.images, [](auto& i) { return json_string(i); }));
  line.add("question", a.question).add("answer", a.answer).add("expected", a.expected).add("exact", a.exact);
  return line.text();
}

// What a list of answers amounts to.
struct AnswerScore {
  Index questions = 0, exact = 0;
  Index supervised = 0, correct = 0;  // tokens of the reference answers, each predicted from the true ones before it
  double match() const { return questions > 0 ? double(exact) / double(questions) : 0; }
  double token_accuracy() const { return supervised > 0 ? double(correct) / double(supervised) : 0; }
};

}  // namespace vlt
