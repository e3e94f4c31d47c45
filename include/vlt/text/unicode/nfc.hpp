#pragma once
#include <algorithm>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>
#include <vlt/base/utf8.hpp>
#include <vlt/text/unicode/unicode_compositions.hpp>
#include <vlt/text/unicode/unicode_decompositions.hpp>
#include <vlt/text/unicode/unicode_singletons.hpp>

namespace vlt::text {

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

  // Is the text in normal form already, as far as one look at each character can tell?
  bool unchanged(std::string_view text) const {
    for (std::size_t i = 0; i < text.size();) {
      const auto c = utf8::at(text, i);
      if (kinds_[c.code] != 0) return false;
      i += c.length;
    }
    return true;
  }

  // The normal form of a text, character by character.
  std::vector<Change> operator()(std::string_view text) const {
    Composer composer(*this);
    for (const Change c : decompose(text)) composer.take(c);
    return composer.finish();
  }

 private:
  static constexpr std::uint8_t starter_that_may_change = 255;
  static constexpr std::uint32_t first_syllable = 0xAC00, lead = 0x1100, vowel = 0x1161, tail = 0x11A7, leads = 19,
                                 vowels = 21, tails = 28;
  std::unique_ptr<std::uint8_t[]> kinds_ =
      std::make_unique<std::uint8_t[]>(0x110000);  // combining class, 0 if nothing can happen, or 255

  Nfc() {
    for (const auto& s : unicode::singletons) kinds_[s.whole] = starter_that_may_change;
    for (const auto& d : unicode::decompositions) kinds_[d.whole] = starter_that_may_change;
    for (const auto& c : unicode::compositions) kinds_[c.whole] = 0;  // falls apart and comes together again
    for (const auto& c : unicode::compositions) kinds_[c.second] = starter_that_may_change;
    for (std::uint32_t c = vowel; c < vowel + vowels; ++c) kinds_[c] = starter_that_may_change;
    for (std::uint32_t c = tail + 1; c < tail + tails; ++c) kinds_[c] = starter_that_may_change;
    for (const auto& r : unicode::combining_classes)
      for (std::uint32_t c = r.first; c <= r.last; ++c) kinds_[c] = std::uint8_t(r.value);
  }
  int combining_class(std::uint32_t c) const { return kinds_[c] == starter_that_may_change ? 0 : kinds_[c]; }

  // Puts decomposed characters together again: a starter swallows the marks that it has a whole form with, unless a
  // mark of the same class or a higher one stands between.
  class Composer {
   public:
    explicit Composer(const Nfc& nfc) : nfc_(nfc) {}

    void take(Change c) {
      const int k = nfc_.combining_class(c.code);
      if (!open_) return begin(c, k);
      if (last_ < k) {
        if (const std::uint32_t whole = compose(starter_.code, c.code)) {
          starter_ = {whole, starter_.change + c.change - 1};
          return;
        }
      }
      if (k != 0) {
        marks_.push_back(c), last_ = k;
        return;
      }
      flush();
      starter_ = c;
    }
    std::vector<Change> finish() {
      if (open_) flush();
      return std::move(out_);
    }

   private:
    const Nfc& nfc_;
    std::vector<Change> out_;
    std::vector<Change> marks_;  // behind the starter, not composed with it
    int last_ = -1;              // the class of the last of them
    bool open_ = false;          // is there a starter that may still grow?
    Change starter_{};

    void begin(Change c, int k) {
      if (k != 0) out_.push_back(c);
      else starter_ = c, open_ = true;
    }
    void flush() {
      out_.push_back(starter_);
      out_.insert(out_.end(), marks_.begin(), marks_.end());
      marks_.clear(), last_ = -1;
    }
  };

  // Takes a text apart and puts the marks between two starters in the order of their classes.
  class Decomposer {
   public:
    explicit Decomposer(const Nfc& nfc) : nfc_(nfc) {}

    void push(std::uint32_t code, bool first) {
      if (nfc_.combining_class(code) == 0) sort();
      out_.push_back({code, first ? 0 : 1});
    }
    std::vector<Change> finish() {
      sort();
      return std::move(out_);
    }

   private:
    const Nfc& nfc_;
    std::vector<Change> out_;
    std::size_t sorted_ = 0;

    void sort() {
      std::stable_sort(out_.begin() + std::ptrdiff_t(sorted_), out_.end(), [&](const Change& a, const Change& b) {
        return nfc_.combining_class(a.code) < nfc_.combining_class(b.code);
      });
      sorted_ = out_.size();
    }
  };

  std::vector<Change> decompose(std::string_view text) const {
    Decomposer parts(*this);
    for (std::size_t i = 0; i < text.size();) {
      const auto c = utf8::at(text, i);
      i += c.length;
      if (const std::uint32_t s = c.code - first_syllable; s < leads * vowels * tails) {
        parts.push(lead + s / (vowels * tails), true);
        parts.push(vowel + s % (vowels * tails) / tails, false);
        if (s % tails != 0) parts.push(tail + s % tails, false);
      } else if (const auto* single = find(unicode::singletons, c.code)) {
        parts.push(single->part, true);
      } else if (const auto* several = find(unicode::decompositions, c.code)) {
        for (int k = 0; k < 4 && several->parts[k] != 0; ++k) parts.push(several->parts[k], k == 0);
      } else {
        parts.push(c.code, true);
      }
    }
    return parts.finish();
  }
  // The entry for a character in a table sorted by `whole`.
  template <class Entry, std::size_t N> static const Entry* find(const Entry (&table)[N], std::uint32_t code) {
    const auto* at = std::lower_bound(std::begin(table), std::end(table), code,
                                      [](const Entry& e, std::uint32_t c) { return e.whole < c; });
    return at != std::end(table) && at->whole == code ? at : nullptr;
  }

  // The one character that two make, or 0.
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

}  // namespace vlt::text
