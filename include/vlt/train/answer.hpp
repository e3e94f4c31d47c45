#pragma once
#include <vlt/data/image_reader.hpp>
#include <vlt/pretrained/model_description.hpp>
#include <vlt/train/answer_ends.hpp>
#include <vlt/train/generate.hpp>
#include <vlt/train/question_list.hpp>

namespace vlt {

// A question that cannot be asked (exit 2, OPT-PROMPT-024); another one may be.
class QuestionError : public Error {
 public:
  QuestionError(std::string what, std::string expected, std::string found, std::string help)
      : Error(ExitCode::usage, Complaint("OPT-PROMPT-024", std::move(what))
                                   .at("the question")
                                   .expected(std::move(expected))
                                   .found(std::move(found))
                                   .help(std::move(help))) {}
};

// Turns conversations into answers: renders the prompt, reads the pictures, generates, decodes.
template <IsPolicy P> class Answerer {
 public:
  Answerer(AnyVlm<P>& model, Threads& threads, const ModelDescription& m, const data::ImageReader& images,
           const typename Generator<P>::Memory* lender = nullptr, RankedWeights weights = {})
      : m_(m),
        images_(images),
        pictures_(m.pictures()),
        renderer_(m.chat_template),
        encoder_(*m.tokenizer),
        generator_(model, threads, m.tokenizer->id(m.chat_template.mark), answer_ends(m), lender, weights) {}

  // The answer to the last question of a conversation. `number` names it for random draws; emit hears of new text.
  std::string operator()(const data::Conversation& c, const std::vector<std::string>& images, const Sampling& sampling,
                         std::uint64_t number, const std::function<void(const std::string&)>& emit = {}) {
    const data::PromptTokens tokens = data::encode_prompt(encoder_, renderer_.prompt(c));
    Prompt prompt;
    prompt.sample.id.assign(tokens.ids.begin(), tokens.ids.end());
    prompt.sample.label.assign(tokens.ids.size(), -1);
    for (const data::ImagePosition& image : tokens.images)
      prompt.layouts.push_back(pictures_.layout(images_.append(images.at(image.image), prompt.pixels)));
    refuse_if_long(prompt);
    AnswerText text(*m_.tokenizer);
    generator_(prompt, sampling, number, [&](std::int32_t id) {
      const std::string more = text.add(id);
      if (emit && !more.empty()) emit(more);
    });
    if (const std::string more = text.rest(); emit && !more.empty()) emit(more);
    return trimmed(text.text());
  }

 private:
  // A model computes with all of a question at once, so that its memory has a bound only if the question has.
  void refuse_if_long(const Prompt& prompt) const {
    std::size_t length = prompt.sample.id.size() - prompt.layouts.size();
    for (const ImageLayout& picture : prompt.layouts) length += picture.row.size();
    if (Index(length) > m_.max_seq_len)
      throw QuestionError("a question is too long, with the turns and pictures that belong to it",
                          "at most " + std::to_string(m_.max_seq_len) + " tokens", std::to_string(length) + " tokens",
                          "ask in fewer words, or raise --max_seq_len");
  }

  const ModelDescription& m_;
  const data::ImageReader& images_;
  image::PictureRules pictures_;
  data::Renderer renderer_;
  text::Encoder encoder_;
  Generator<P> generator_;
};

}  // namespace vlt
