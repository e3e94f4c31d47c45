#pragma once
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vlt/data/builtin_templates.hpp>
#include <vlt/data/render.hpp>
#include <vlt/text/bpe_trainer.hpp>
#include <vlt/text/encoder.hpp>

// Texts and a tokenizer that the tests of this folder share.
namespace vlt_test {

// Pieces that break tokenizers: blanks of all kinds, marks, joiners, look-alikes; and any code point.
inline std::string random_text(std::mt19937& random, std::size_t pieces) {
  static const char* known[] = {" ",          "  ",   "\n",     "\r\n",     "the",          " cat",   "'s",     "'LL",
                                "12",         "9",    "\u00e9", "e\u0301",  "\u6f22\u5b57", "\u00a0", "\u2028", "\t",
                                "<|im_end|>", "<|im", "_",      "-",        "\u0001",       "\u180e", "\ud55c", "</s>",
                                "<image>",    "<s>",  "\u0323", "[/INST] ", "{text}\n"};
  std::string s;
  for (std::size_t i = 0; i < pieces; ++i) {
    if (random() % 4 != 0) {
      s += known[random() % std::size(known)];
      continue;
    }
    const std::uint32_t code = random() % 0x110000;
    vlt::utf8::append(s, code >= 0xD800 && code < 0xE000 ? ' ' : code);
  }
  return s;
}

// A vocabulary trained on what the templates write, with every special token that they need.
inline vlt::text::TokenizerFile small_tokenizer_file(std::size_t vocabulary = 700, bool splits_digits = false) {
  vlt::text::BpeTrainerOptions options{
      vocabulary, 2, {"<|endoftext|>", "<|im_start|>", "<|im_end|>", "</s>", "<s>", "<|eot_id|>", "<|image|>"}};
  if (splits_digits)
    options.pre_tokenizers.insert(options.pre_tokenizers.begin(), vlt::text::TokenizerFile::Digits{true});
  vlt::text::BpeTrainer trainer(options);
  const vlt::data::Conversation conversation{"", false, {{"What is this cat?", "A cat.\n\nA dog, 12 dogs."}}, 0};
  for (int i = 0; i < 3; ++i)
    for (const auto& name : vlt::data::builtin_template_names)
      trainer.feed(vlt::data::Renderer(vlt::data::builtin_template(name, {"</s>", "<s>"}))(conversation).text);
  vlt::text::TokenizerFile file = trainer.train();
  vlt::text::add_special_token(file, "<image>");
  return file;
}

// A conversation of odd texts with images at the edges of its questions.
inline vlt::data::Conversation random_conversation(std::mt19937& random) {
  const auto text = [&] { return random_text(random, 1 + random() % 6); };
  vlt::data::Conversation c{text(), random() % 3 == 0, {}, 0};
  for (auto turns = 1 + random() % 3; turns > 0; --turns) {
    std::string question;
    while (question.empty() || question.find("<image>") != question.npos) question = text();
    for (auto n = random() % 3; n > 0; --n, ++c.images) question = "<image>\n" + question;
    c.turns.push_back({question, text()});
  }
  return c;
}

// The Error that f ends with.
template <class F> vlt::Complaint complaint_of(F f, vlt::ExitCode exit) {
  try {
    f();
  } catch (const vlt::Error& e) {
    CHECK(e.exit() == exit);
    return e.complaint();
  }
  FAIL("nothing was refused");
  return {};
}

}  // namespace vlt_test
