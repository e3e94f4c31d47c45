#pragma once
#include <string>
#include <string_view>
#include <vlt/base/nearest.hpp>
#include <vlt/data/chat_template.hpp>

namespace vlt::data {

// What a template takes from the tokenizer: its own end of turn, and what opens a text.
struct TemplateTokens {
  std::string end, bos;  // end: "</s>" if the vocabulary has it, else EOS
};

inline constexpr std::string_view builtin_template_names[] = {
    "default", "llama_2", "llama_3", "vicuna", "llava", "llava_next", "llama-3.2-vision", "chatml", "plain"};

namespace template_words {

inline const std::string helpful =
    "You are a helpful language and vision assistant. You are able to understand the visual content that the user "
    "provides, and assist the user with a variety of tasks using natural language.";
inline const std::string user_chat =
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, "
    "and polite answers to the user's questions.";
inline const std::string human_chat =
    "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, "
    "and polite answers to the human's questions.";
inline const std::string block = "### Image:\n<image>\n\n";
inline const std::string header = "<|start_header_id|>", headed = "<|end_header_id|>\n\n", turn_end = "<|eot_id|>";
inline const std::string llama_3_user = header + "user" + headed;
inline const std::string llama_3_assistant = turn_end + header + "assistant" + headed;

}  // namespace template_words

[[noreturn]] inline void refuse_template_name(std::string_view name) {
  std::string known;
  for (const auto& n : builtin_template_names) known += (known.empty() ? "" : ", ") + std::string(n);
  const std::string nearest = nearest_name(name, builtin_template_names);
  throw Error(ExitCode::usage, Complaint("OPT-TEMPLATE-001", "there is no such template")
                                   .at("--template")
                                   .expected(known + ", or a JSON file (name.json)")
                                   .found(quoted(name))
                                   .help(nearest.empty() ? "" : "did you mean " + nearest + "?"));
}

// The template of this name (OPT-TEMPLATE-001 if there is none), in the words of the tokenizer that will read it.
inline ChatTemplate builtin_template(std::string_view name, const TemplateTokens& tokens) {
  using namespace template_words;
  ChatTemplate t;
  t.end = tokens.end;
  if (name == "default") {
    t.system = "{system}\n\n";
    t.default_system = helpful;
    t.image = block;
    t.user = "{image}### Question:\n{text}\n\n### Answer:\n";
  } else if (name == "llama_2") {  // the system block opens the first [INST]
    t.system = "[INST] <<SYS>>\n{system}\n\n\n<</SYS>>\n\n";
    t.default_system = helpful;
    t.image = block;
    t.user = "{image}{text} [/INST] ";
    t.separator = tokens.bos + "[INST] ";
  } else if (name == "llama_3") {
    t.system = header + "system" + headed + "{system}\n\n" + turn_end;
    t.default_system = helpful;
    t.image = block;
    t.user = "{image}" + llama_3_user + "{text}" + llama_3_assistant;
    t.end = turn_end;
  } else if (name == "vicuna") {
    t.system = "{system} ";
    t.default_system = user_chat;
    t.image = block;
    t.user = "{image}USER: {text} ASSISTANT: ";
  } else if (name == "llava" || name == "llava_next") {
    t.system = "{system} ";
    t.default_system = human_chat;
    t.user = "USER: {image}{text} ASSISTANT: ";
  } else if (name == "llama-3.2-vision") {
    t.system = header + "system" + headed + "{system}" + turn_end;
    t.image = t.mark = "<|image|>";
    t.user = llama_3_user + "{image}{text}" + llama_3_assistant;
  } else if (name == "chatml") {
    t.system = "<|im_start|>system\n{system}<|im_end|>\n";
    t.user = "<|im_start|>user\n{image}{text}<|im_end|>\n<|im_start|>assistant\n";
    t.end = "<|im_end|>";
    t.separator = t.tail = "\n";
  } else if (name == "plain") {
    t.system = "{system}\n";
    t.user = "{image}{text}\n";
    t.separator = "\n";
  } else {
    refuse_template_name(name);
  }
  t.check();
  return t;
}

}  // namespace vlt::data
