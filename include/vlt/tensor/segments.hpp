#pragma once
#include <algorithm>
#include <vector>
#include <vlt/base/config.hpp>

namespace vlt {

enum class TokenKind : std::uint8_t { text, image };

// Where one row stands in its sequence, as masks and positions see it.
struct Place {
  Index position = 0;
  TokenKind kind = TokenKind::text;
};

// Describes a packed batch: which rows form a sequence, and where in it each row stands. Nothing is padded.
struct Segments {
  std::vector<Index> offset{0};  // (sequences + 1): sequence i owns rows [offset[i], offset[i + 1])
  std::vector<Place> place;      // (rows)

  Index sequences() const { return Index(offset.size()) - 1; }
  Index rows() const { return offset.back(); }
  Index begin(Index i) const { return offset[i]; }
  Index end(Index i) const { return offset[i + 1]; }
  Index longest() const {
    Index n = 0;
    for (Index i = 0; i < sequences(); ++i) n = std::max(n, end(i) - begin(i));
    return n;
  }

  // Appends one sequence whose tokens are of these kinds; positions count from `first`.
  void append(const std::vector<TokenKind>& kinds, Index first = 0) {
    for (TokenKind k : kinds) place.push_back({first++, k});
    offset.push_back(Index(place.size()));
  }
  void append(Index count, TokenKind kind = TokenKind::text) {
    for (Index i = 0; i < count; ++i) place.push_back({i, kind});
    offset.push_back(Index(place.size()));
  }
};

// `sequences` sequences of `each` tokens: images in a vision tower, queries of a perceiver.
inline Segments equal_segments(Index sequences, Index each, TokenKind kind = TokenKind::image) {
  Segments s;
  for (Index i = 0; i < sequences; ++i) s.append(each, kind);
  return s;
}

}  // namespace vlt
