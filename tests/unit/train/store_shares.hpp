#pragma once
#include <cstring>
#include <unit/device.hpp>
#include <vlt/optim/parameter_store.hpp>

// What ranks hold of a model, taken out of their stores.
namespace store_shares {
using namespace vlt;

// A rank's share of the masters, zeros elsewhere: summed over ranks they are the whole.
template <class Store> std::vector<double> masters(Store& store) {
  std::vector<double> all;
  store.sections([&]<class T, Device X>(const Section<T, X>& s) {
    if (s.kind != SectionKind::master) return;
    const auto& u = store.unit(s.unit);
    const auto slot = std::find_if(u.trained.begin(), u.trained.end(), [&](auto& t) { return t.param == s.param; });
    const Range mine = intersection(u.share, slot->range);
    const auto held = values_of(s.values);
    for (Index e = 0; e < s.whole; ++e)
      all.push_back(mine.holds(slot->range.begin + e) ? double(held[e - s.range.begin]) : 0);
  });
  return all;
}

// All sections of a store as bytes, in their order.
using Saved = std::vector<std::vector<char>>;
template <class Store> Saved save(Store& store) {
  Saved saved;
  store.sections([&]<class T, Device X>(const Section<T, X>& s) {
    const auto values = values_of(s.values);
    saved.emplace_back(values.size() * sizeof(T));
    if (!values.empty()) std::memcpy(saved.back().data(), values.data(), saved.back().size());
  });
  return saved;
}

}  // namespace store_shares
