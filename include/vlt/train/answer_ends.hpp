#pragma once
#include <vlt/pretrained/model_description.hpp>

namespace vlt {

// The tokens that end an answer: the template's end of turn, and those at which transformers' generate() stops:
// eos_token_id, one or a list, of generation_config.json or, without that file, of config.json or its text_config.
inline std::vector<std::int32_t> answer_ends(const ModelDescription& m) {
  std::vector<std::int32_t> ends{m.tokenizer->id(m.chat_template.end)};
  const Folder folder(m.folders.language);
  auto file = folder.find("generation_config.json");
  if (!file) file = folder.open("config.json");
  const boost::json::value value = parse_json(read_settings(*file, m.limits), file->name());
  const Json root(value, file->name() + ": $");
  auto eos = root.find("eos_token_id");
  if (const auto text = root.find("text_config"); text && !eos) eos = text->find("eos_token_id");
  if (eos && eos->is_array())
    for (std::size_t i = 0; i < eos->array().size(); ++i) ends.push_back(std::int32_t((*eos)[i].integer()));
  else if (eos) ends.push_back(std::int32_t(eos->integer()));
  return ends;
}

}  // namespace vlt
