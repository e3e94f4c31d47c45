#pragma once
#include <string>
#include <vlt/data/builtin_templates.hpp>
#include <vlt/data/template_file.hpp>
#include <vlt/io/file.hpp>
#include <vlt/text/tokenizer.hpp>

namespace vlt::data {

// What the built-in templates take from a tokenizer whose configuration names these EOS and BOS tokens.
inline TemplateTokens template_tokens(const text::Tokenizer& tokenizer, const std::string& eos,
                                      const std::string& bos) {
  return {tokenizer.is_special("</s>") ? "</s>" : eos, bos};
}

// Refuses (exit 4, MODEL-TOK-017) a template whose end of turn or image mark is not one special token of this
// tokenizer: an end in pieces would merge with what follows it, and be learnt wrongly.
inline void check_template(const ChatTemplate& t, const text::Tokenizer& tokenizer) {
  t.check();
  const auto need = [&](const std::string& token, const char* role) {
    if (tokenizer.is_special(token)) return;
    text::refuse_tokenizer("TOK-017", std::string("the template needs a special token that this tokenizer lacks"),
                           std::string("--template: $.") + role, "a special token of the tokenizer", quoted(token),
                           "choose a --template that fits the language model, or write one as a JSON file");
  };
  need(t.end, "end");
  need(t.mark, "mark");
}

// The template that --template asks for: a built-in one by its name, or a JSON file (a name with a slash or .json).
inline ChatTemplate select_template(const std::string& option, const TemplateTokens& tokens) {
  const bool file = option.find('/') != std::string::npos || option.ends_with(".json");
  if (!file) return builtin_template(option, tokens);
  return parse_template(read_whole_file(option, 1 << 20, blame_option), option);
}

}  // namespace vlt::data
