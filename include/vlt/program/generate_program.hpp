#pragma once
#include <iostream>
#include <map>
#include <vlt/base/cores.hpp>
#include <vlt/io/line_file.hpp>
#include <vlt/io/standard_streams.hpp>
#include <vlt/options/option_pages.hpp>
#include <vlt/options/parse_options.hpp>
#include <vlt/program/generate_job.hpp>
#include <vlt/program/kinds.hpp>

namespace vlt::program {

// generate_main without its precisions: reads the command line, describes the model, hands over.
class GenerateProgram {
 public:
  GenerateProgram(const KnownKinds& known, CompiledIn compiled, std::map<std::string, GenerateRunner> runners,
                  Messages& messages, std::istream& in, std::ostream& out)
      : runners_(std::move(runners)), job_{{},       generate_option_table(),
                                           known,    std::move(compiled),
                                           messages, in,
                                           out,      {},
                                           {}} {}

  ExitCode operator()(const Words& args) {
    GenerateOptions& o = job_.options;
    OptionReader<GenerateOptions> reader(job_.table, o);
    reader.command_line(args);
    if (!o.config.empty()) reader.config_file(read_settings(open_file(o.config, blame_option), o), o.config);
    if (pages()) return require_written(job_.out), ExitCode::ok;
    job_.messages.use(o.log_format == "json" ? LogFormat::json : LogFormat::text);
    check(reader.given());
    const std::string precision = o.precision != "auto" ? o.precision : preferred();
    const auto runner = runners_.find(precision);
    if (runner == runners_.end()) CompiledIn::need(precision, job_.compiled.precisions, "PRECISIONS", "--precision");
    const int cores = int(allowed_cores().size());
    job_.threads = std::make_unique<Threads>(o.num_threads > 0 ? int(o.num_threads) : cores);
    describe();
    const ExitCode code = runner->second(job_);
    require_written(job_.out);
    return code;
  }

 private:
  std::map<std::string, GenerateRunner> runners_;
  GenerateJob job_;

  bool pages() const {
    const GenerateOptions& o = job_.options;
    if (o.help)
      job_.out << help_page(job_.table,
                            {"generate_main",
                             "answers questions about pictures",
                             {"--model run/epoch-1 --image cat.jpg --prompt \"What is this?\""}},
                            *o.help);
    else if (o.version) job_.out << job_.compiled;
    else if (o.print_options_md) job_.out << markdown_page(job_.table, "generate_main");
    else return false;
    return true;
  }
  std::string preferred() const {
    const char* first = Device::cpu == Device::avx512_bf16 ? "bf16" : "fp32";
    return runners_.contains(first) ? first : runners_.begin()->first;
  }
  void check(const std::set<std::string>& given) const {
    const GenerateOptions& o = job_.options;
    if (o.model.empty()) refuse_option(missing_option("--model"));
    const auto conflict = [&](bool wrong, const char* option, const char* what) {
      if (wrong && given.contains(option))
        refuse_option(Complaint("OPT-CONFLICT-009", what)
                          .at(std::string("--") + option)
                          .expected("options that go together")
                          .found("this one as well"));
    };
    const bool list = !o.data_path.empty();
    for (const char* option : {"image", "prompt"}) conflict(list, option, "--data_path asks for a list of questions");
    for (const char* option : {"image_folder", "output", "permute_images", "max_records", "show"})
      conflict(!list, option, "this option belongs to --data_path");
    if (LineFile::precious(o.output)) LineFile::refuse_existing(o.output);
    conflict(o.temperature == 0, "top_p", "without --temperature the likeliest token is taken");
  }
  void describe() {
    const std::string& words = job_.options.chat_template;
    job_.model = describe_exported_model(job_.known, job_.options.model, job_.options, {words, {}, {}, 0});
    if (!words.empty()) describe_model::read_template(job_.model.description, words);
    if (job_.options.max_seq_len > 0) job_.model.description.max_seq_len = job_.options.max_seq_len;
  }
};

// The part of a job that depends on its precision. Instantiated once for each (generate_run.hpp has the body).
template <IsPolicy P> ExitCode run_generate(GenerateJob& job, const ModelKinds<P>& kinds);

// Everything behind `int main` of generate_main: answers questions with a model of the given kinds.
template <class Build> int generate_main(int argc, char** argv, const Kinds<Build>& kinds) {
  prepare_streams();
  Messages messages(std::cerr, "generate_main", kinds.compiled().version, colour_is_welcome(2));
  std::map<std::string, GenerateRunner> runners;
  Build::policies::for_each([&]<class P>(std::type_identity<P>) {
    runners[name(P::precision)] = [&](GenerateJob& job) { return run_generate<P>(job, kinds.template models<P>()); };
  });
  return run_program(messages, [&] {
    GenerateProgram program(kinds.known(), kinds.compiled(), std::move(runners), messages, std::cin, std::cout);
    return program({argv + 1, argv + argc});
  });
}

}  // namespace vlt::program
