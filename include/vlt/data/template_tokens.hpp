#pragma once
#include <vlt/data/builtin_templates.hpp>
#include <vlt/data/tokenizer.hpp>

namespace vlt {

// What the built-in templates take from a tokenizer whose configuration names these EOS and BOS tokens.
inline TemplateTokens template_tokens(const Tokenizer& tokenizer, const std::string& eos, const std::string& bos) {
  return {tokenizer.is_special("</s>") ? "</s>" : eos, bos};
}

// An end that is not one special token would merge with what follows it, and be learnt in pieces; an image mark must be
// one token too.
inline void check_template(const ChatTemplate& t, const Tokenizer& tokenizer) {
  t.check();
  require(tokenizer.is_special(t.end), "template: `end` (\"" + t.end + "\") is not a special token of this tokenizer");
  require(tokenizer.is_special(t.mark),
          "template: the image mark (\"" + t.mark + "\") is not a special token of this tokenizer");
}

}  // namespace vlt
