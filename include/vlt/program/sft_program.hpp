#pragma once
#include <functional>
#include <iostream>
#include <map>
#include <vlt/dist/compare_ranks.hpp>
#include <vlt/dist/seat.hpp>
#include <vlt/io/file_hash.hpp>
#include <vlt/io/standard_streams.hpp>
#include <vlt/options/option_pages.hpp>
#include <vlt/options/parse_options.hpp>
#include <vlt/program/check_options.hpp>
#include <vlt/program/explain.hpp>
#include <vlt/program/kinds.hpp>
#include <vlt/program/sft_resume.hpp>
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
        job_{.options = {},
             .table = sft_option_table(known.projector_names()),
             .settings = {},
             .known = known,
             .compiled = std::move(compiled),
             .messages = messages,
             .out = out,
             .world = world,
             .threads = {},
             .output = {},
             .model = {},
             .data = {},
             .images = {},
             .skipped = {}} {
    if (world.size() > 1) messages.speak_for(world.rank());
  }

  ExitCode operator()(const Words& args) {
    read_options(args);
    if (pages()) return require_written(job_.out), ExitCode::ok;
    const SftOptions& o = job_.options;
    dist::compare_ranks(job_.world, options_and_build());
    SftOptionCheck(job_.table, o)();
    job_.messages.use(o.log_format == "json" ? LogFormat::json : LogFormat::text);
    job_.world.wait_at_most(o.comm_timeout_s);
    job_.seats = dist::take_seat(job_.world, dist::launch_of_environment(), o.local_rank, o.num_threads == 0);
    const auto runner = runners_.find(o.precision);
    if (!o.validate_only && runner == runners_.end())
      CompiledIn::need(o.precision, job_.compiled.precisions, "PRECISIONS", "--precision");
    if (o.precision == name(Precision::f16) && !o.validate_only)
      job_.messages.notice("--precision fp16 computes through fp32 on a CPU: bf16 is faster and safer there");
    require_new_folder(o.data_debug_path, "--data_debug_path");
    const bool training = sft_settings(o, job_.world).writes();
    if (training) make_output();
    job_.start = find_start(o, training, job_.messages, job_.world);
    describe();
    if (job_.world.size() > 1) job_.say(dist::seats_table(job_.seats));
    if (o.zero_stage > 0 && job_.world.size() == 1)
      job_.messages.notice("--zero_stage " + std::to_string(o.zero_stage) +
                           " changes nothing: one process has nobody to share with (docs/scaling.md)");
    if (o.eval_only && o.cache_vision_features != "off")
      job_.messages.notice("--cache_vision_features changes nothing: an evaluation sees every picture once");
    job_.threads = std::make_unique<Threads>(job_.settings.threads);
    if (!o.data_path.empty()) read_data();
    if (training) job_.facts = run_facts(job_);
    if (job_.start.checkpoint) compare_with_checkpoint(job_);
    const ExitCode code = job_.settings.task == SftTask::audit ? ExitCode::ok : runner->second(job_);
    if (!job_.settings.writes()) require_written(job_.out);
    return code;
  }

 private:
  std::map<std::string, SftRunner> runners_;
  SftJob job_;
  std::set<std::string> given_;  // options that are not left at their defaults

  void read_options(const Words& args) {
    OptionReader<SftOptions> reader(job_.table, job_.options);
    reader.command_line(args);
    if (const std::string& file = job_.options.config; !file.empty())
      reader.config_file(read_settings(open_file(file, blame_option), job_.options), file);
    given_ = reader.given();
  }
  void make_output() {
    const SftOptions& o = job_.options;
    if (job_.world.rank() == 0) job_.output = std::make_unique<OutputFolder>(o.output_dir, expected_output(o));
    job_.world.barrier();
  }
  std::vector<dist::RankFact> options_and_build() const {
    std::vector<dist::RankFact> facts{{"sft_main --version", job_.compiled.version + ", " + instruction_set()}};
    for (const auto& row : job_.table.rows)
      if (row.name != "local_rank")  // each its own
        facts.push_back({"--" + row.name, option_value(job_.options, row)});
    return facts;
  }
  // Pages that are printed instead of any work, by one rank.
  bool pages() const {
    const SftOptions& o = job_.options;
    std::ostream silent(nullptr);
    std::ostream& out = job_.speaks() ? job_.out : silent;
    if (o.help) out << help_page(job_.table, introduction(), *o.help);
    else if (o.version)
      out << job_.compiled << "  image decoders: " << image::ImageDecoder::id()
          << "\n  MPI: " << dist::mpi_of_this_build() << "\n";
    else if (o.print_limits) print_limits(out);
    else if (!o.explain.empty()) out << explanation(o.explain);
    else if (o.print_options_md) out << markdown_page(job_.table, "sft_main");
    else return false;
    return true;
  }

  static ProgramPage introduction() {
    return {"sft_main",
            "fine-tunes a vision-language model",
            {"--lm_model_name_or_path SmolLM2-135M --vision_model_name_or_path clip-vit-base-patch16",
             "--data_path train.json --image_folder images --output_dir run --precision bf16",
             "--lang_lora_dim 16 --lang_lora_module_name q_proj,v_proj --only_optimize_lora"}};
  }
  void print_limits(std::ostream& out) const {
    for (const auto& row : job_.table.rows)
      if (row.name.starts_with("limit_")) out << row.name << " " << option_value(job_.options, row) << "\n";
  }

  void repeat_adapter_names(const SftOptions& o) {
    TrainingChoice& c = job_.settings.choice;
    if (given_.contains("lang_lora_module_name"))
      c.language_adapters.repeated = settings::comma_separated(o.lang_lora_module_name);
    if (given_.contains("vis_lora_module_name"))
      c.vision_adapters.repeated = settings::comma_separated(o.vis_lora_module_name);
  }
  void describe() {
    const SftOptions& o = job_.options;
    const std::string& folder = job_.start.model_folder;
    if (folder.empty()) {
      SftOptionCheck(job_.table, o).need_both_halves();
      job_.model = describe_base_model(job_.known, base_model_request(o));
      job_.settings = sft_settings(o, job_.world);
    } else {
      ExportedModel from = describe_exported_model(job_.known, folder, o, llava_request(o, given_));
      check_same_model(o, given_, from);
      job_.options = continued(o, from);
      SftOptionCheck(job_.table, job_.options).need_frozen_tower();
      job_.settings = sft_settings(job_.options, job_.world, &from);
      repeat_adapter_names(o);
      job_.model = std::move(from.description);
    }
    if (job_.start.checkpoint) job_.settings.training.began_with = ranks_at_the_beginning(*job_.start.checkpoint);
    for (const Complaint& c : job_.model.tokenizer_folder.warnings) job_.messages.warning(c);
    if (job_.model.max_seq_len <= job_.model.tokens_per_image && !job_.settings.data.image_folder.empty())
      refuse_option(
          Complaint("OPT-LENGTH-018", "a sequence has no room for a picture and a word")
              .at("--max_seq_len")
              .expected("more than the " + std::to_string(job_.model.tokens_per_image) + " tokens of a picture")
              .found(std::to_string(job_.model.max_seq_len)));
  }

  void read_data() {
    const SftSettings& set = job_.settings;
    const ModelDescription& m = job_.model;
    job_.world.does(dist::RankPhase::reading_data);
    job_.images.emplace(set.data.image_folder, m.processor, set.images);
    const data::SampleBuilder builder(m.tokenizer, m.chat_template, {m.max_seq_len, m.pictures(), set.truncation});
    data::DataOptions data = set.data;
    data.bad = job_.bad_sample_rules();
    job_.open_list();
    try {
      job_.data = data::load_data(data, builder, job_.images->pictures(), *job_.threads,
                                  [&](const data::RecordFault& f) { job_.list(f); });
    } catch (const data::BadRecords& e) {
      const auto& faults = e.faults();
      for (std::size_t i = 1; i < faults.size(); ++i) job_.messages.error(Error(ExitCode::data, faults[i]));
      throw;
    }
    dist::compare_ranks(job_.world, data_facts());
    for (const Complaint& c : job_.data->data().warnings) job_.messages.warning(c);
    job_.say(report::audit_table(job_.data->data(), job_.data->split));
    if (set.task != SftTask::audit) data::check_split(job_.data->split, set.trains());
    if (!set.samples_folder.empty() && job_.speaks()) write_samples();
  }
  // What every rank must have read alike: the names and the sizes of all records, in their order.
  std::vector<dist::RankFact> data_facts() const {
    StreamHash names, sizes;
    for (const data::Record& r : job_.data->data().records) names.add(r.id).add("\n");
    for (const data::SampleSize& s : job_.data->data().sizes) sizes.add(std::to_string(s.tokens) + "\n");
    return {{"--data_path, names of records", names.text()}, {"--data_path, tokens of records", sizes.text()}};
  }
  // The first training samples: in the order of the files for an audit, else in that of the first epoch.
  void write_samples() {
    const data::Dataset& data = job_.data->data();
    std::vector<Index> first = job_.data->samples;
    if (job_.settings.task == SftTask::audit) {
      const auto place = [&](Index sample) { return data.members(sample).front(); };
      std::sort(first.begin(), first.end(), [&](Index a, Index b) { return place(a) < place(b); });
    } else if (!first.empty()) {
      first = job_.data->train_order(job_.settings.seed).epoch(0);
    }
    first.resize(std::min<std::size_t>(10, first.size()));
    report::write_debug_page(job_.settings.samples_folder, report::debug_samples(*job_.data->source, *job_.images,
                                                                                 first, job_.model.chat_template.mark));
    job_.say("wrote " + std::to_string(first.size()) + " samples to " + job_.settings.samples_folder + "\n");
  }
};

// The part of a job that depends on its precision. Instantiated once for each (sft_run.hpp has the body).
template <IsPolicy P> ExitCode run_sft(SftJob& job, const ModelKinds<P>& kinds);

// Everything behind `int main` of sft_main: fine-tunes a vision-language model of the given kinds.
template <class Build> int sft_main(int argc, char** argv, const Kinds<Build>& kinds) {
  prepare_streams();
  Messages messages(std::cerr, "sft_main", kinds.compiled().version, colour_is_welcome(2));
  std::unique_ptr<dist::World> world;
  std::map<std::string, SftRunner> runners;
  Build::policies::for_each([&]<class P>(std::type_identity<P>) {
    runners[name(P::precision)] = [&](SftJob& job) { return run_sft<P>(job, kinds.template models<P>()); };
  });
  const int code = run_program(messages, [&] {
    world = dist::world_of_this_job();
    SftProgram program(kinds.known(), kinds.compiled(), std::move(runners), messages, std::cout, *world);
    const ExitCode end = program({argv + 1, argv + argc});
    world->barrier();  // a rank that hangs now would be waited for without end where MPI ends
    return end;
  });
  const bool together = code == 0 || code == static_cast<int>(ExitCode::preempted);  // all ranks end alike
  if (!together && world) world->abort(static_cast<ExitCode>(code));                 // others may wait for this one
  return code;
}

}  // namespace vlt::program
