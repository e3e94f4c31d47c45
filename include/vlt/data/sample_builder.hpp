#pragma once
#include <memory>
#include <vlt/data/labels.hpp>
#include <vlt/data/record.hpp>
#include <vlt/data/template_tokens.hpp>
#include <vlt/image/picture_rules.hpp>
#include <vlt/io/blame.hpp>
#include <vlt/tensor/sample.hpp>

namespace vlt::data {

// What to do with a conversation that is too long.
enum class Truncation : std::uint8_t { drop_turns, drop_sample, error };

// What of a conversation was left out: whole last turns; the end of the only answer left; everything.
enum class Cut : std::uint8_t { none, turns, answer, sample };

struct LengthRules {
  Index max_seq_len = 4096;          // tokens of a sequence, those of images included
  image::PictureRules pictures = 1;  // how many tokens an image becomes
  Truncation truncation = Truncation::drop_turns;
};

// A record as the model sees it. `sample.id` has one image token for each image; the sequence has those of its layout.
struct PreparedSample {
  Sample sample;
  std::vector<std::string> images;  // names, in the order of their image tokens
  std::vector<image::Size> sizes;   // of these, if their layouts depend on it
  Index tiles = 0;                  // of all images
  Index tokens = 0;                 // of the spliced sequence
  Index supervised = 0;             // of these, how many are learnt
  Cut cut = Cut::none;
  Index turns_left_out = 0;
  Rendered rendered;                     // the whole text, of which the first tokens were taken
  std::vector<text::ByteRange> offsets;  // of each token in the text
};

// Turns records into samples: template, tokenizer, labels, length. It never changes once built; each thread brings an
// encoder of its own.
class SampleBuilder {
 public:
  // The template's image mark and its end must be special tokens of the tokenizer.
  SampleBuilder(std::shared_ptr<const text::Tokenizer> tokenizer, const ChatTemplate& chat, const LengthRules& rules)
      : tokenizer_(std::move(tokenizer)), renderer_(chat), rules_(rules), image_(tokenizer_->id(chat.mark)) {
    check_template(chat, *tokenizer_);
    require(rules.max_seq_len > 1, "a sequence has at least two tokens");
  }

  const text::Tokenizer& tokenizer() const { return *tokenizer_; }
  const LengthRules& rules() const { return rules_; }
  Index image_id() const { return image_; }  // what splice() replaces

  // Throws Error (exit 3) without a place if the record has no sample under these rules: DATA-LENGTH-040,
  // DATA-LENGTH-041 and what Renderer and label() refuse.
  PreparedSample prepare(const Record& record, text::Encoder& encoder) const {
    PreparedSample p;
    p.rendered = renderer_(record.conversation);
    LabelledTokens t = label(encoder, p.rendered);
    const std::size_t keep = cut(record, t, p);
    std::size_t images = 0;
    for (std::size_t i = 0; i < keep; ++i) {
      p.sample.id.push_back(t.ids[i]);
      p.sample.label.push_back(t.supervised[i] ? t.ids[i] : -1);
      p.supervised += i > 0 && t.supervised[i];
      if (images < t.images.size() && t.images[images].token == i) add_image(record, t.images[images++].image, p);
    }
    p.tokens = length(record, t, keep);
    if (p.supervised == 0 && p.cut != Cut::sample)
      refuse("LENGTH-040", "0 supervised tokens after cut at " + std::to_string(rules_.max_seq_len),
             "an answer that begins before token " + std::to_string(rules_.max_seq_len),
             std::to_string(length(record, t, t.ids.size())) + " tokens, those of images included",
             "raise --max_seq_len");
    p.offsets = std::move(t.offsets);
    return p;
  }

 private:
  std::shared_ptr<const text::Tokenizer> tokenizer_;
  Renderer renderer_;
  LengthRules rules_;
  std::int32_t image_;

  [[noreturn]] static void refuse(const char* code, std::string what, std::string expected, std::string found,
                                  std::string help) {
    blame_data.raise(
        Complaint(code, std::move(what)).expected(std::move(expected)).found(std::move(found)).help(std::move(help)));
  }
  image::Size size_of(const Record& record, std::size_t image) const {
    return rules_.pictures.vary() ? record.sizes.at(image) : image::Size{};
  }
  void add_image(const Record& record, std::size_t image, PreparedSample& p) const {
    p.images.push_back(record.images.at(image));
    p.tiles += rules_.pictures.tiles(size_of(record, image));
    if (rules_.pictures.vary()) p.sizes.push_back(size_of(record, image));
  }
  // Tokens of the sequence that the first n ids become.
  Index length(const Record& record, const LabelledTokens& t, std::size_t n) const {
    Index tokens = Index(n);
    for (const ImagePosition& image : t.images)
      if (image.token < n) tokens += rules_.pictures.tokens(size_of(record, image.image)) - 1;
    return tokens;
  }
  // How many ids fit.
  std::size_t fitting(const Record& record, const LabelledTokens& t) const {
    std::size_t n = 0, images = 0;
    for (Index used = 0; n < t.ids.size(); ++n) {
      const bool image = images < t.images.size() && t.images[images].token == n;
      used += image ? rules_.pictures.tokens(size_of(record, t.images[images++].image)) : 1;
      if (used > rules_.max_seq_len) break;
    }
    return n;
  }
  // How many ids stay, and what that leaves out.
  std::size_t cut(const Record& record, const LabelledTokens& t, PreparedSample& p) const {
    const std::size_t fits = fitting(record, t);
    if (fits == t.ids.size()) return fits;
    if (rules_.truncation == Truncation::error)
      refuse("LENGTH-041", "the conversation is longer than --max_seq_len",
             "at most " + std::to_string(rules_.max_seq_len) + " tokens, those of images included",
             std::to_string(length(record, t, t.ids.size())),
             "raise --max_seq_len, or let --truncation leave turns out");
    if (rules_.truncation == Truncation::drop_sample) {
      p.cut = Cut::sample;
      return 0;
    }
    return cut_turns(record, t, fits, p);
  }
  std::size_t cut_turns(const Record& record, const LabelledTokens& t, std::size_t fits, PreparedSample& p) const {
    const auto& ends = p.rendered.turn_ends;
    for (std::size_t turns = ends.size(); turns-- > 0;) {
      const auto behind = std::partition_point(t.offsets.begin(), t.offsets.end(),
                                               [&](const text::ByteRange& r) { return r.end <= ends[turns]; });
      const auto n = std::size_t(behind - t.offsets.begin());
      if (n > fits) continue;
      p.turns_left_out = Index(record.conversation.turns.size() - turns - 1);
      p.cut = p.turns_left_out > 0 ? Cut::turns : Cut::none;  // what stands behind the last end is not learnt
      return n;
    }
    p.cut = Cut::answer;
    p.turns_left_out = Index(record.conversation.turns.size()) - 1;
    while (fits > 0 && t.offsets[fits].begin < t.offsets[fits - 1].end) --fits;  // no part of a character
    return fits;
  }
};

}  // namespace vlt::data
