#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>
#include <vlt/io/base64.hpp>
#include <vlt/text/write_tokenizer_json.hpp>

namespace vlt::text {
namespace sentencepiece_json {

namespace bj = boost::json;

// A text as a regular expression that fits nothing else.
inline std::string literally(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view(R"(\^$.|?*+()[]{}/-#&~ )").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

inline bj::object replace(const char* kind, const std::string& pattern, const std::string& content) {
  return {{"type", "Replace"}, {"pattern", bj::object{{kind, pattern}}}, {"content", content}};
}

inline bj::value sequence(const char* list, bj::array steps) {
  if (steps.empty()) return nullptr;
  return bj::object{{"type", "Sequence"}, {list, std::move(steps)}};
}

inline bj::value normalizer(const TokenizerFile::SentencePiece& s) {
  const std::string blank = s.escape_whitespaces ? "\u2581" : " ";
  bj::array steps;
  if (!s.charsmap.empty())
    steps.push_back(bj::object{{"type", "Precompiled"}, {"precompiled_charsmap", base64(s.charsmap)}});
  if (s.remove_extra_whitespaces) {
    steps.push_back(replace("Regex", "\\A +", ""));
    steps.push_back(replace("Regex", "[ " + blank + "]+\\z", ""));
    steps.push_back(replace("Regex", " {2,}", " "));
  }
  if (s.add_dummy_prefix) steps.push_back(bj::object{{"type", "Prepend"}, {"prepend", blank}});
  if (s.escape_whitespaces) steps.push_back(replace("String", " ", blank));
  return sequence("normalizers", std::move(steps));
}

inline bj::value pre_tokenizer(const TokenizerFile& file, std::vector<std::string> symbols) {
  bj::array steps;
  if (!file.pre_tokenizers.empty())
    steps.push_back(
        bj::object{{"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", "first"}, {"split", false}});
  if (!symbols.empty()) {
    std::stable_sort(symbols.begin(), symbols.end(), [](auto& a, auto& b) { return a.size() > b.size(); });
    std::string any;
    for (const auto& symbol : symbols) any += (any.empty() ? "" : "|") + literally(symbol);
    steps.push_back(bj::object{
        {"type", "Split"}, {"pattern", bj::object{{"Regex", any}}}, {"behavior", "Isolated"}, {"invert", false}});
  }
  if (steps.size() == 1) return steps[0];
  return sequence("pretokenizers", std::move(steps));
}

// A merge for each way to make a piece of two others, the best score first.
inline bj::array merges(const TokenizerFile::Model& model) {
  using Type = SentencePieceModel::Type;
  std::unordered_map<std::string_view, std::size_t> ids;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < model.pieces.size(); ++i) {
    if (model.pieces[i].type != Type::normal && model.pieces[i].type != Type::unused) continue;
    ids.emplace(model.pieces[i].text, i);
    order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return model.pieces[a].score > model.pieces[b].score; });
  bj::array out;
  for (const std::size_t i : order) {
    const std::string_view text = model.pieces[i].text;
    for (std::size_t cut = utf8::at(text, 0).length; cut < text.size(); cut += utf8::at(text, cut).length)
      if (ids.contains(text.substr(0, cut)) && ids.contains(text.substr(cut)))
        out.push_back(bj::array{bj::string(text.substr(0, cut)), bj::string(text.substr(cut))});
  }
  return out;
}

inline bj::array decoders(const TokenizerFile& file) {
  bj::array steps;
  for (const auto& step : file.decoders) {
    if (const auto* r = std::get_if<TokenizerFile::Replace>(&step)) steps.push_back(replace("String", r->from, r->to));
    if (std::holds_alternative<TokenizerFile::ByteFallback>(step))
      steps.push_back(bj::object{{"type", "ByteFallback"}});
    if (std::holds_alternative<TokenizerFile::Fuse>(step)) steps.push_back(bj::object{{"type", "Fuse"}});
    if (const auto* s = std::get_if<TokenizerFile::Strip>(&step))
      steps.push_back(bj::object{{"type", "Strip"}, {"content", s->content}, {"start", s->start}, {"stop", s->stop}});
  }
  return steps;
}

}  // namespace sentencepiece_json

// The tokenizer.json that stands for a tokenizer.model (`file`: of sentencepiece_tokenizer), for Hugging Face's
// library. It gives sentencepiece's ids but where that library cannot: its way of applying rules for characters
// differs for some combining marks and jamo, and it has no unused pieces.
inline boost::json::object sentencepiece_object(const TokenizerFile& file) {
  namespace sj = sentencepiece_json;
  namespace bj = boost::json;
  const auto& rewriting = std::get<TokenizerFile::SentencePiece>(file.normalizers.front());
  bj::object model = tokenizer_json::model_object(file.model);
  model["merges"] = sj::merges(file.model);
  model["unk_token"] = file.model.unk_token, model["fuse_unk"] = true;
  model["byte_fallback"] = file.model.byte_fallback;
  model["ignore_merges"] = !rewriting.symbols.empty();  // so that a symbol is found whole
  bj::array added;
  for (const auto& token : file.added) added.push_back(tokenizer_json::added_token_object(token));
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", std::move(added)},
          {"normalizer", sj::normalizer(rewriting)},
          {"pre_tokenizer", sj::pre_tokenizer(file, rewriting.symbols)},
          {"post_processor", nullptr},
          {"decoder", sj::sequence("decoders", sj::decoders(file))},
          {"model", std::move(model)}};
}

}  // namespace vlt::text
