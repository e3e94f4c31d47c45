#pragma once
#include <csignal>
#include <functional>
#include <iostream>
#include <map>
#include <vlt/options/option_pages.hpp>
#include <vlt/options/parse_options.hpp>
#include <vlt/pretrained/exported_model.hpp>
#include <vlt/program/check_options.hpp>
#include <vlt/program/explain.hpp>
#include <vlt/program/kinds.hpp>
#include <vlt/program/settings.hpp>
#include <vlt/program/sft_job.hpp>
#include <vlt/report/audit_page.hpp>
#include <vlt/report/debug_samples.hpp>

namespace vlt::program {

// Continues a job in one precision: builds, plans, trains. A program has one of these for each that is compiled in.
using SftRunner = std::function<ExitCode(SftJob&)>;

// sft_main without its precisions: reads the command line, describes the model, audits the data, hands over.
class SftProgram {
 public:
  SftProgram(const KnownKinds& known, CompiledIn compiled, std::map<std::string, SftRunner> runners, Messages& messages,
             std::ostream& out, dist::World& world)
      : runners_(std::move(runners)),
        job_{{},
             sft_option_table(known.projector_names()),
             {},
             known,
             std::move(compiled),
             messages,
             out,
             world,
             {},
             {},
             {},
             {},
             {},
             {},
             {}} {
    if (world.size() > 1) messages.speak_for(world.rank());
  }

  ExitCode operator()(const Words& args) {
    read_options(args);
    if (pages()) return ExitCode::ok;
    SftOptions& o = job_.options;
    SftOptionCheck(job_.table, o)();
    job_.messages.use(o.log_format == "json" ? LogFormat::json : LogFormat::text);
    const auto runner = runners_.find(o.precision);
    if (!o.validate_only && runner == runners_.end())
      CompiledIn::need(o.precision, job_.compiled.precisions, "PRECISIONS", "--precision");
    job_.threads = std::make_unique<Threads>(SftJob::threads_for(o));
    if (!o.plan && !o.validate_only && !o.eval_only) make_output();
    describe();
    if (!o.data_path.empty()) read_data();
    return o.validate_only ? ExitCode::ok : runner->second(job_);
  }

 private:
  std::map<std::string, SftRunner> runners_;
  SftJob job_;

  void read_options(const Words& args) {
    OptionReader<SftOptions> reader(job_.table, job_.options);
    reader.command_line(args);
    if (const std::string& file = job_.options.config; !file.empty())
      reader.config_file(read_settings(open_file(file, blame_option), job_.options), file);
    job_.given = reader.given();
  }
  void make_output() {
    if (job_.world.rank() == 0) job_.output = std::make_unique<OutputFolder>(job_.options.output_dir);
    job_.world.barrier();
  }
  // Pages that are printed instead of any work.
  bool pages() const {
    const SftOptions& o = job_.options;
    if (o.help) job_.out << "sft_main: fine-tunes a vision-language model\n" << help_page(job_.table);
    else if (o.version) job_.out << job_.compiled << "  image decoders: " << image::ImageDecoder::id() << "\n";
    else if (o.print_limits) print_limits();
    else if (!o.explain.empty()) job_.out << explanation(o.explain);
    else if (o.print_options_md) job_.out << markdown_page(job_.table, "sft_main");
    else return false;
    return true;
  }

  void print_limits() const {
    for (const auto& row : job_.table.rows)
      if (row.name.starts_with("limit_")) job_.out << row.name << " " << option_value(job_.options, row) << "\n";
  }

  void describe() {
    job_.choice = training_choice(job_.options);
    if (job_.options.from_checkpoint.empty())
      job_.model = describe_base_model(job_.known, base_model_request(job_.options));
    else
      continue_from(
          describe_exported_model(job_.known, job_.options.from_checkpoint.front(), job_.options, llava_request()));
    for (const Complaint& c : job_.model.tokenizer_folder.warnings) job_.messages.warning(c);
    if (job_.model.max_seq_len <= job_.model.tokens_per_image && !job_.options.image_folder.empty())
      refuse_option(
          Complaint("OPT-LENGTH-018", "a sequence has no room for a picture and a word")
              .at("--max_seq_len")
              .expected("more than the " + std::to_string(job_.model.tokens_per_image) + " tokens of a picture")
              .found(std::to_string(job_.model.max_seq_len)));
  }

  LlavaRequest llava_request() const {
    const SftOptions& o = job_.options;
    LlavaRequest w{o.chat_template, {}, {}, o.max_seq_len};
    if (job_.given.contains("vision_feature_layer")) w.vision_feature_layer = o.vision_feature_layer;
    if (job_.given.contains("vision_feature_select")) w.vision_feature_select = o.vision_feature_select;
    return w;
  }
  // What the folder says holds; the options say it too from here on.
  void continue_from(ExportedModel e) {
    SftOptions& o = job_.options;
    check_same_model(o, job_.given, e);
    job_.model = std::move(e.description);
    if (e.vision_adapters.rank > 0) job_.choice.vision_adapters = e.vision_adapters;
    if (e.language_adapters.rank > 0) job_.choice.language_adapters = e.language_adapters;
    const ModelDescription& m = job_.model;
    o.enable_mmca_attention = m.mask == MaskKind::mmca, o.vis_proj = m.projector.name, o.max_seq_len = m.max_seq_len;
    o.vision_feature_layer = m.vision_feature_layer;
    o.vision_feature_select = m.drops_class_token() ? "patch" : "full";
    o.lang_lora_dim = job_.choice.language_adapters.rank, o.vis_lora_dim = job_.choice.vision_adapters.rank;
    o.chat_template = m.template_name;
  }

  void read_data() {
    const SftOptions& o = job_.options;
    const ModelDescription& m = job_.model;
    job_.images.emplace(o.image_folder, m.processor, job_.image_limits());
    const data::SampleBuilder builder(m.tokenizer, m.chat_template,
                                      {o.max_seq_len, m.pictures(), truncation(o.truncation)});
    if (job_.output) job_.skipped.open(job_.output->file(OutputFolder::bad_records));
    try {
      job_.data = data::load_data(data_options(), builder, job_.images->pictures(), *job_.threads,
                                  [&](const data::RecordFault& f) { job_.list(f); });
    } catch (const data::BadRecords& e) {
      const auto& faults = e.faults();
      for (std::size_t i = 1; i < faults.size(); ++i) job_.messages.error(Error(ExitCode::data, faults[i]));
      throw;
    }
    for (const Complaint& c : job_.data->data().warnings) job_.messages.warning(c);
    job_.say(report::audit_table(job_.data->data(), job_.data->split));
    if (!o.eval_only && !o.validate_only) data::check_training_split(job_.data->split);
    if (!o.data_debug_path.empty() && job_.speaks()) write_samples();
  }
  // The first training samples: in the order of the files for an audit, else in that of the first epoch.
  void write_samples() {
    const auto& split = job_.data->split;
    std::vector<Index> first = split.train;
    if (job_.options.validate_only) {
      std::sort(first.begin(), first.end());
    } else if (!first.empty()) {
      first = job_.data->train_order(std::uint64_t(job_.options.seed)).epoch(0);
    }
    first.resize(std::min<std::size_t>(10, first.size()));
    report::write_debug_page(job_.options.data_debug_path, report::debug_samples(*job_.data->source, *job_.images,
                                                                                 first, job_.model.chat_template.mark));
    job_.say("wrote " + std::to_string(first.size()) + " samples to " + job_.options.data_debug_path + "\n");
  }
  data::DataOptions data_options() const {
    const SftOptions& o = job_.options;
    data::DataOptions d;
    d.data_path = o.data_path, d.dataset_samples = o.dataset_samples, d.image_folder = o.image_folder;
    d.train_split_ratio = o.data_train_split_ratio, d.seed = std::uint32_t(o.seed);
    d.limits = job_.record_limits(), d.bad = job_.bad_sample_rules();
    return d;
  }
  static data::Truncation truncation(const std::string& word) {
    return word == "error"         ? data::Truncation::error
           : word == "drop_sample" ? data::Truncation::drop_sample
                                   : data::Truncation::drop_turns;
  }
};

// The part of a job that depends on its precision. Instantiated once for each (sft_run.hpp has the body).
template <IsPolicy P> ExitCode run_sft(SftJob& job, const ModelKinds<P>& kinds);

// Everything behind `int main` of sft_main: fine-tunes a vision-language model of the given kinds.
template <class Build> int sft_main(int argc, char** argv, const Kinds<Build>& kinds) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed terminal does not end a training
  Messages messages(std::cerr, "sft_main", kinds.compiled().version, colour_is_welcome(2));
  dist::Single world;
  std::map<std::string, SftRunner> runners;
  Build::policies::for_each([&]<class P>(std::type_identity<P>) {
    runners[name(P::precision)] = [&](SftJob& job) { return run_sft<P>(job, kinds.template models<P>()); };
  });
  return run_program(messages, [&] {
    SftProgram program(kinds.known(), kinds.compiled(), std::move(runners), messages, std::cout, world);
    return program({argv + 1, argv + argc});
  });
}

}  // namespace vlt::program
