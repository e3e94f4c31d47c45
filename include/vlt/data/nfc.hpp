#pragma once
#include <algorithm>
#include <iterator>
#include <memory>
#include <string_view>
#include <vector>
#include <vlt/data/unicode_forms.hpp>
#include <vlt/base/utf8.hpp>

namespace vlt {

// Unicode normalization form C (UAX 15), with the tables and the bookkeeping of the tokenizers library: its Unicode is
// older than any other library's.
class Nfc {
 public:
  // A character of the result, and how many characters of the text it consumes less one: 0 replaces one, -n replaces 1
  // + n, 1 consumes none.
  struct Change {
    std::uint32_t code;
    int change;
  };

  static const Nfc& table() {
    static const Nfc t;
    return t;
  }

  bool unchanged(std::string_view text) const {
    for (std::size_t i = 0; i < text.size();) {
      const auto c = utf8::at(text, i);
      if (kinds_[c.code] != 0) return false;
      i += c.length;
    }
    return true;
  }

  std::vector<Change> operator()(std::string_view text) const {
    std::vector<Change> decomposed = decompose(text), out;
    std::vector<Change> marks;  // behind the starter, not composed with it
    int last = -1;              // the class of the last of them
    bool open = false;          // is there a starter that may still grow?
    Change starter{};
    for (const Change c : decomposed) {
      const int k = combining_class(c.code);
      if (!open) {
        if (k != 0) {
          out.push_back(c);
          continue;
        }
        starter = c, open = true;
        continue;
      }
      if (last < k) {
        if (const std::uint32_t whole = compose(starter.code, c.code)) {
          starter = {whole, starter.change + c.change - 1};
          continue;
        }
      }
      if (k != 0) {
        marks.push_back(c), last = k;
        continue;
      }
      out.push_back(starter);
      out.insert(out.end(), marks.begin(), marks.end());
      marks.clear(), last = -1, starter = c;
    }
    if (open) out.push_back(starter);
    out.insert(out.end(), marks.begin(), marks.end());
    return out;
  }

 private:
  static constexpr std::uint8_t starter_that_may_change = 255;
  static constexpr std::uint32_t first_syllable = 0xAC00, lead = 0x1100, vowel = 0x1161, tail = 0x11A7, leads = 19,
                                 vowels = 21, tails = 28;
  std::unique_ptr<std::uint8_t[]> kinds_ =
      std::make_unique<std::uint8_t[]>(0x110000);  // combining class, 0 if nothing can happen, or 255

  Nfc() {
    for (const auto& d : unicode::decompositions) kinds_[d.whole] = starter_that_may_change;
    for (const auto& c : unicode::compositions) kinds_[c.whole] = 0;  // falls apart and comes together again
    for (const auto& c : unicode::compositions) kinds_[c.second] = starter_that_may_change;
    for (std::uint32_t c = vowel; c < vowel + vowels; ++c) kinds_[c] = starter_that_may_change;
    for (std::uint32_t c = tail + 1; c < tail + tails; ++c) kinds_[c] = starter_that_may_change;
    for (const auto& r : unicode::combining_classes)
      for (std::uint32_t c = r.first; c <= r.last; ++c) kinds_[c] = std::uint8_t(r.value);
  }
  int combining_class(std::uint32_t c) const { return kinds_[c] == starter_that_may_change ? 0 : kinds_[c]; }

  std::vector<Change> decompose(std::string_view text) const {
    std::vector<Change> out;
    std::size_t sorted = 0;
    const auto by_class = [&](const Change& a, const Change& b) {
      return combining_class(a.code) < combining_class(b.code);
    };
    const auto sort = [&] {
      std::stable_sort(out.begin() + std::ptrdiff_t(sorted), out.end(), by_class);
      sorted = out.size();
    };
    const auto push = [&](std::uint32_t code, bool first) {
      if (combining_class(code) == 0) sort();
      out.push_back({code, first ? 0 : 1});
    };
    for (std::size_t i = 0; i < text.size();) {
      const auto c = utf8::at(text, i);
      i += c.length;
      if (const std::uint32_t s = c.code - first_syllable; s < leads * vowels * tails) {
        push(lead + s / (vowels * tails), true);
        push(vowel + s % (vowels * tails) / tails, false);
        if (s % tails) push(tail + s % tails, false);
        continue;
      }
      const auto* d = std::lower_bound(std::begin(unicode::decompositions), std::end(unicode::decompositions), c.code,
                                       [](const auto& x, std::uint32_t code) { return x.whole < code; });
      if (d == std::end(unicode::decompositions) || d->whole != c.code) {
        push(c.code, true);
        continue;
      }
      for (int k = 0; k < 4 && d->parts[k]; ++k) push(d->parts[k], k == 0);
    }
    sort();
    return out;
  }

  static std::uint32_t compose(std::uint32_t a, std::uint32_t b) {
    if (a - lead < leads && b - vowel < vowels) return first_syllable + ((a - lead) * vowels + (b - vowel)) * tails;
    if (const std::uint32_t s = a - first_syllable;
        s < leads * vowels * tails && s % tails == 0 && b - tail - 1 < tails - 1)
      return a + (b - tail);
    const auto less = [](const auto& x, std::pair<std::uint32_t, std::uint32_t> p) {
      return std::pair(x.first, x.second) < p;
    };
    const auto* c =
        std::lower_bound(std::begin(unicode::compositions), std::end(unicode::compositions), std::pair(a, b), less);
    return c != std::end(unicode::compositions) && c->first == a && c->second == b ? c->whole : 0;
  }
};

}  // namespace vlt
