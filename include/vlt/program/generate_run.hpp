#pragma once
#include <cstdio>
#include <filesystem>
#include <vlt/io/line_file.hpp>
#include <vlt/pretrained/build_model.hpp>
#include <vlt/pretrained/model_weights.hpp>
#include <vlt/program/generate_job.hpp>
#include <vlt/train/answer.hpp>
#include <vlt/train/evaluate.hpp>
#include <vlt/train/plan_run.hpp>

namespace vlt::program {

// generate_main in one precision: reads the model, then answers one question, a list of them, or whoever types.
template <IsPolicy P> class GenerateRun {
 public:
  GenerateRun(GenerateJob& job, const ModelKinds<P>& kinds)
      : job_(job),
        o_(job.options),
        m_(job.model.description),
        model_(
            ModelBuilder<P>(kinds, job.compiled, m_).attached(job.model.vision_adapters, job.model.language_adapters)),
        registry_(frozen(model_)),
        weights_(registry_, m_),
        store_(registry_),
        images_(o_.data_path.empty() ? "/" : o_.image_folder, m_.processor) {
    if (!model_.language.can_generate())
      throw Error(ExitCode::model, Complaint("MODEL-GENERATE-001", "the blocks of this model cannot generate")
                                       .at(m_.folders.language)
                                       .expected("an attention with extend() and kv_width()")
                                       .found("blocks of the family " + m_.language.family)
                                       .help("such a model can be trained and evaluated: sft_main --eval_only"));
    weights_.read_into(store_, *job_.threads, 0);
  }

  ExitCode operator()() {
    if (!o_.data_path.empty()) return list();
    Answerer<P> answer(model_, *job_.threads, m_, images_);
    if (o_.prompt.empty()) return interactive(answer);
    require_text(o_.prompt);
    say(answer, conversation(o_.prompt), o_.image);
    return ExitCode::ok;
  }

 private:
  GenerateJob& job_;
  const GenerateOptions& o_;
  const ModelDescription& m_;
  AnyVlm<P> model_;
  registry_t<P> registry_;
  ModelWeights<P> weights_;  // compared with the model before the store takes memory
  store_t<P> store_;
  data::ImageReader images_;

  static registry_t<P> frozen(AnyVlm<P>& model) {
    auto registry = choose<P>(model, nothing);
    choose_panels(registry);
    return registry;
  }
  Sampling sampling() const { return {o_.max_new_tokens, o_.temperature, o_.top_p, std::uint64_t(o_.seed)}; }

  data::Conversation conversation(const std::string& question) const {
    data::Conversation c;
    c.turns.push_back({question, ""});
    c.images = o_.image.size();
    return c;
  }
  // A file that the user named, as a name in the folder `/`.
  static std::string beneath_root(const std::string& file) {
    std::error_code problem;
    std::string path = std::filesystem::weakly_canonical(file, problem).string();
    if (problem) path = std::filesystem::absolute(file).string();
    return path.substr(1);
  }
  // An answer on the terminal, as it is made.
  std::string say(Answerer<P>& answer, const data::Conversation& c, const std::vector<std::string>& files) {
    std::vector<std::string> names;
    for (const std::string& file : files) names.push_back(beneath_root(file));
    const std::string text = answer(c, names, sampling(), std::uint64_t(c.turns.size() - 1),
                                    [&](const std::string& more) { job_.out << more << std::flush; });
    job_.out << "\n" << std::flush;
    return text;
  }
  // A dialogue about the pictures of --image: each line is a question; an empty line or the end of input ends it. A
  // line that cannot be asked is told, and the dialogue goes on as if it had not been typed.
  ExitCode interactive(Answerer<P>& answer) {
    data::Conversation c;
    for (std::string line; job_.out << "> " << std::flush, next_line(line);) {
      data::Conversation longer = c.turns.empty() ? conversation(line) : c;
      if (!c.turns.empty()) longer.turns.push_back({line, ""});
      try {
        require_text(line);
        longer.turns.back().answer = say(answer, longer, o_.image);
        c = std::move(longer);
      } catch (const QuestionError& e) { job_.messages.error(e); }
    }
    return ExitCode::ok;
  }
  // The next line, and no more of it than is needed to see that it is too long. False if there is none.
  bool next_line(std::string& line) const {
    line.clear();
    int c;
    while ((c = job_.in.get()) != std::istream::traits_type::eof() && c != '\n')
      if (line.size() <= most_bytes) line += char(c);
    return !line.empty();
  }
  static constexpr std::size_t most_bytes = std::size_t(1) << 20;  // of a question: far more than a model reads
  static void require_text(const std::string& question) {
    if (question.size() > most_bytes)
      throw QuestionError("a question is too long", "at most " + std::to_string(most_bytes) + " bytes", "more",
                          "ask in fewer words");
    if (const auto at = utf8::invalid_byte(question))
      throw QuestionError("a question is not UTF-8", "text in UTF-8", "a wrong byte, number " + std::to_string(*at),
                          "set the terminal to UTF-8");
  }

  ExitCode list() {
    const data::SampleBuilder builder(m_.tokenizer, m_.chat_template,
                                      {m_.max_seq_len, m_.pictures(), data::Truncation::error});
    data::DataOptions d;
    d.data_path = o_.data_path, d.image_folder = o_.image_folder, d.train_split_ratio = 0;
    data::RunData data = data::load_data(d, builder, images_.pictures(), *job_.threads);
    auto source = std::make_shared<data::SampleSource>(*data.source);
    if (o_.max_records > 0 && source->data.size() > o_.max_records) {
      source->data.records.resize(std::size_t(o_.max_records));
      source->data.sizes.resize(std::size_t(o_.max_records));
    }
    if (o_.permute_images) permute_images(source->data.records, std::uint64_t(o_.seed)), source->measure();
    AnswerScore score;
    answer_all(source->data.records, score);
    token_accuracy(source, score);
    char line[160];
    std::snprintf(line, sizeof line, "exact match %.2f %% (%lld of %lld answers), token accuracy %.2f %%%s\n",
                  100 * score.match(), static_cast<long long>(score.exact), static_cast<long long>(score.questions),
                  100 * score.token_accuracy(), o_.permute_images ? ", pictures permuted" : "");
    job_.out << line << std::flush;
    return ExitCode::ok;
  }
  void answer_all(const std::deque<data::Record>& records, AnswerScore& score) {
    Answerer<P> answer(model_, *job_.threads, m_, images_);
    std::optional<LineFile> output;
    if (!o_.output.empty()) output.emplace(o_.output, "the answers", LineFile::Existing::refuse);
    for (std::size_t i = 0; i < records.size(); ++i)
      for (const Question& q : questions_of(records[i], Index(i))) {
        AnswerLine a{records[i].id,
                     q.conversation.turns.back().question,
                     {},
                     q.conversation.turns.back().answer,
                     q.turn,
                     q.images,
                     false};
        a.answer = answer(q.conversation, q.images, sampling(), std::uint64_t(score.questions));
        a.exact = same_answer(a.answer, a.expected);
        ++score.questions, score.exact += a.exact;
        if (output) output->write(json_of(a));
        if (score.questions <= o_.show) print(a);
      }
  }
  void print(const AnswerLine& a) {
    std::string images;
    for (const auto& i : a.images) images += (images.empty() ? "" : ", ") + i;
    job_.out << (a.exact ? "right  " : "wrong  ") << (images.empty() ? "(no picture)" : images) << "  "
             << escaped(a.question) << "\n       " << escaped(a.answer)
             << (a.exact ? "" : "   (expected: " + escaped(a.expected) + ")") << "\n"
             << std::flush;
  }
  // Share of the reference answers' tokens that are the likeliest ones, given the true text before them.
  void token_accuracy(std::shared_ptr<const data::SampleSource> source, AnswerScore& score) {
    std::vector<Index> all(std::size_t(source->data.size()));
    std::iota(all.begin(), all.end(), Index(0));
    const data::BatchPlan batches({all, 0, false}, source->data.sizes, {.sequences = 8});
    const data::MicroBatchSize largest = batches.largest();
    typename AnyVlm<P>::host_pixels x;
    x.rows = largest.tiles, x.cols = x.stride = source->floats_per_image;
    const PassPlan plan = plan_evaluation(model_, *job_.threads, x, empty_batch(model_, largest));
    EngineSettings settings;
    settings.groups = int(o_.data_path.size()), settings.count_correct = true;
    Engine<P::precision, AnyVlm<P>, P::device> engine(model_, store_, *job_.threads, plan.arena_bytes, settings);
    dist::Single single;
    const EvaluationResult r = evaluate(model_, engine, {source, batches, {}}, single, [](const data::LostSample&) {});
    score.supervised = r.supervised, score.correct = Index(std::llround(r.accuracy * double(r.supervised)));
  }
};

template <IsPolicy P> ExitCode run_generate(GenerateJob& job, const ModelKinds<P>& kinds) {
  return GenerateRun<P>(job, kinds)();
}

}  // namespace vlt::program
