#pragma once
#include <exception>
#include <vlt/base/parallel.hpp>
#include <vlt/data/audit.hpp>

namespace vlt::data {

// How many records make one conversation.
struct JoinRules {
  std::vector<Index> records;  // of each file, at most; 1: they stay alone
  Index images = 8;            // of a conversation, at most

  bool any() const {
    return std::any_of(records.begin(), records.end(), [](Index n) { return n > 1; });
  }
};

// Joins records of a file that follow each other into conversations, each of as many as the rules allow and as fit
// uncut into a sequence; the next record then begins the next one. What fits is found out by building the samples, on
// all threads; the result does not depend on their number.
class SampleGrouping {
 public:
  SampleGrouping(Dataset& data, const SampleBuilder& builder, JoinRules rules, Threads& threads)
      : data_(data),
        builder_(builder),
        rules_(std::move(rules)),
        threads_(threads),
        encoders_(std::size_t(threads.count()), text::Encoder(builder.tokenizer())) {
    require(rules_.records.size() == data.files.size(), "every file has a number of records to be joined");
  }

  // What becomes of these records: numbers of samples of the data set, which gets those that are joined. A conversation
  // stands where its first record stood.
  std::vector<Index> operator()(const std::vector<Index>& records) {
    std::vector<std::vector<Index>> of_file(rules_.records.size());
    for (const Index r : records) of_file[file_of(r)].push_back(r);
    std::vector<std::vector<Fit>> fits;
    for (std::size_t f = 0; f < of_file.size(); ++f) fits.push_back(cut(of_file[f], rules_.records[f]));
    std::vector<std::size_t> fit(of_file.size(), 0), in_hand(of_file.size(), 0);  // of a file; records still to come
    std::vector<Index> samples;
    for (const Index r : records) {
      const std::size_t f = file_of(r);
      if (in_hand[f] == 0) {
        const Fit& next = fits[f][fit[f]++];
        samples.push_back(next.members.size() == 1 ? r : data_.join(next.members, next.size));
        in_hand[f] = next.members.size();
      }
      --in_hand[f];
    }
    return samples;
  }

 private:
  // Records that go together, and how large that is.
  struct Fit {
    std::vector<Index> members;
    SampleSize size;
    std::exception_ptr broken;
  };
  static constexpr std::size_t at_once = 64;  // conversations that a thread tries before the team meets

  Dataset& data_;
  const SampleBuilder& builder_;
  JoinRules rules_;
  Threads& threads_;
  std::vector<text::Encoder> encoders_;

  std::size_t file_of(Index record) const { return data_.records.at(std::size_t(record)).place.file; }

  // Cuts a file's records into conversations. Where one begins depends on where the last one ended: the team tries many
  // as if all were complete, and begins anew behind the first that is not.
  std::vector<Fit> cut(const std::vector<Index>& records, Index most) {
    std::vector<Fit> all;
    for (std::size_t begin = 0; begin < records.size();) {
      const auto step = std::size_t(most);
      std::vector<Fit> tried(std::min((records.size() - begin + step - 1) / step, at_once * encoders_.size()));
      threads_.run([&](int thread, int count) {
        for (std::size_t i = std::size_t(thread); i < tried.size(); i += std::size_t(count))
          tried[i] = first_of(std::span(records).subspan(begin + i * step), step, encoders_[std::size_t(thread)]);
      });
      for (Fit& fit : tried) {
        if (fit.broken) std::rethrow_exception(fit.broken);
        begin += fit.members.size();
        const bool complete = fit.members.size() == step;
        all.push_back(std::move(fit));
        if (!complete) break;
      }
    }
    return all;
  }
  // As many of the records, at most `most`, as fit.
  Fit first_of(std::span<const Index> records, std::size_t most, text::Encoder& encoder) const {
    Fit fit;
    try {
      for (std::size_t n = std::min(most, records.size()); n > 1; --n) {
        fit.members.assign(records.begin(), records.begin() + std::ptrdiff_t(n));
        if (fits(fit, encoder)) return fit;
      }
    } catch (...) { fit.broken = std::current_exception(); }
    fit.members.assign(1, records.front());
    return fit;
  }
  bool fits(Fit& fit, text::Encoder& encoder) const {
    Index images = 0;
    for (const Index member : fit.members) images += Index(data_.records[std::size_t(member)].images.size());
    if (images > rules_.images) return false;
    try {
      const PreparedSample p = builder_.prepare(join_records(data_.records, fit.members.front(), fit.members), encoder);
      fit.size = size_of(p);
      return p.cut == Cut::none;
    } catch (const Error& e) {
      if (e.exit() != ExitCode::data) throw;
      return false;  // too long, under --truncation error
    }
  }
};

}  // namespace vlt::data
