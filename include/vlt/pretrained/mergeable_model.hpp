#pragma once
#include <vlt/pretrained/build_model.hpp>
#include <vlt/pretrained/exported_model.hpp>
#include <vlt/pretrained/model_weights.hpp>
#include <vlt/pretrained/probe_logits.hpp>

namespace vlt {

// A model read from its folders into row-major weights; nothing of it trains, and its adapters can be folded in.
template <IsPolicy P> class MergeableModel {
 public:
  MergeableModel(const ModelKinds<P>& kinds, const CompiledIn& compiled, const ExportedModel& e, Threads& threads)
      : MergeableModel(ModelBuilder<P>(kinds, compiled, e.description).attached(e.vision_adapters, e.language_adapters),
                       e.description, threads) {}
  MergeableModel(const MergeableModel&) = delete;

  store_t<P>& store() { return *store_; }
  const WeightOrigin& origin() const { return origin_; }

  std::vector<float> probed() { return probe_logits<P>(model_, threads_, m_); }
  // As if there were no adapters.
  std::vector<float> probed_base() {
    const auto adapters = exchange_adapters({});
    std::vector<float> logits = probed();
    exchange_adapters(adapters);
    return logits;
  }

  // W += (alpha / r) B A for every adapter, which then is zero.
  void merge() {
    for (const LinearRef& l : store_->registry().linears)
      run_in_own_memory<P::device>(threads_, [&](Scope& s) { l.merge(l.layer, l.which, s); });
    exchange_adapters({});
  }

  // Rounds weights as they will be stored. Throws NUM-MERGE-002 for one that its type cannot hold: f16 is narrow.
  void round(const std::map<ComponentKind, hub::StoredType>& types) {
    std::vector<float> row;
    std::vector<char> bytes;
    for (std::size_t i = 0; i < params().size(); ++i) {
      const auto& p = params()[i];
      const auto type = types.find(p.component);
      if (p.adapter || type == types.end() || hub::facts(type->second).bytes > 2) continue;
      row.resize(std::size_t(p.value->cols)), bytes.resize(2 * row.size());
      for (Index r = 0; r < p.value->rows; ++r) {
        store_->read(int(i), r, row);
        hub::from_floats(type->second, row, bytes.data()), hub::to_floats(type->second, bytes.data(), row);
        if (hub::first_not_finite(row)) refuse_weight(p.name(), type->second);
        store_->write(int(i), r, row);
      }
    }
  }

 private:
  AnyVlm<P> model_;
  const ModelDescription& m_;
  Threads& threads_;
  std::unique_ptr<store_t<P>> store_;
  WeightOrigin origin_;

  MergeableModel(AnyVlm<P> model, const ModelDescription& m, Threads& threads)
      : model_(std::move(model)), m_(m), threads_(threads) {
    auto registry = choose<P>(model_, nothing);
    ModelWeights<P> weights(registry, m_);
    store_ = std::make_unique<store_t<P>>(std::move(registry));
    origin_ = weights.read_into(*store_, threads_, 0);
  }
  const auto& params() const { return store_->registry().params; }

  // Gives the adapters' matrices other numbers, zeros where there are none, and returns the old ones.
  std::vector<std::vector<float>> exchange_adapters(const std::vector<std::vector<float>>& numbers) {
    std::vector<std::vector<float>> old;
    for (std::size_t i = 0; i < params().size(); ++i) {
      if (!params()[i].adapter) continue;
      auto& now = old.emplace_back(std::size_t(params()[i].value->size()));
      store_->read(int(i), 0, now);
      store_->write(int(i), 0, numbers.empty() ? std::vector<float>(now.size()) : numbers[old.size() - 1]);
    }
    return old;
  }
  [[noreturn]] static void refuse_weight(const std::string& name, hub::StoredType type) {
    throw Error(ExitCode::numeric,
                Complaint("NUM-MERGE-002", "a weight with its adapter is beyond the type it is stored in")
                    .at(name)
                    .expected("a finite number in " + std::string(hub::facts(type).name))
                    .help("store the base in bf16 or fp32, and merge again")
                    .note("nothing was written"));
  }
};

}  // namespace vlt
