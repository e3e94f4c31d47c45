#pragma once
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

// A second implementation of both transformers, written down from their definitions: vectors of doubles, one row at a
// time, no batch, no fusing, no blocks. Slow and plain on purpose; shares no code with the library.
namespace plain {

using Row = std::vector<double>;
using Rows = std::vector<Row>;
using Weights = std::map<std::string, Rows>;  // by the checkpoint's names; vectors are one row

inline Row linear(const Row& x, const Weights& w, const std::string& name) {
  const Rows& m = w.at(name + ".weight");
  Row y(m.size(), 0.0);
  for (std::size_t o = 0; o < m.size(); ++o) {
    for (std::size_t i = 0; i < x.size(); ++i) y[o] += m[o][i] * x[i];
    if (w.count(name + ".bias")) y[o] += w.at(name + ".bias")[0][o];
  }
  return y;
}
inline Row plus(Row a, const Row& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}
inline Row rms_norm(Row x, const Row& weight, double eps) {
  double square = 0;
  for (double v : x) square += v * v;
  for (std::size_t i = 0; i < x.size(); ++i) x[i] *= weight[i] / std::sqrt(square / double(x.size()) + eps);
  return x;
}
inline Row layer_norm(Row x, const Row& weight, const Row& bias, double eps) {
  double mean = 0, variance = 0;
  for (double v : x) mean += v / double(x.size());
  for (double v : x) variance += (v - mean) * (v - mean) / double(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = (x[i] - mean) / std::sqrt(variance + eps) * weight[i] + bias[i];
  return x;
}
// Pairs (i, i + d/2) of each head turn by position * theta^(-2i/d).
inline Row rotated(Row x, std::size_t head_dim, double position, double theta) {
  for (std::size_t h = 0; h < x.size(); h += head_dim)
    for (std::size_t i = 0; i < head_dim / 2; ++i) {
      const double angle = position * std::pow(theta, -2.0 * double(i) / double(head_dim));
      const double a = x[h + i], b = x[h + i + head_dim / 2];
      x[h + i] = a * std::cos(angle) - b * std::sin(angle);
      x[h + i + head_dim / 2] = b * std::cos(angle) + a * std::sin(angle);
    }
  return x;
}

// visible(softmax, query, key): the outputs of all softmaxes are added; one that sees nothing adds nothing.
using Visible = std::function<bool(int softmax, std::size_t query, std::size_t key)>;

inline Rows attention(const Rows& q, const Rows& k, const Rows& v, std::size_t head_dim, int softmaxes,
                      const Visible& visible) {
  const std::size_t heads = q[0].size() / head_dim, repeats = heads / (k[0].size() / head_dim);
  Rows out(q.size(), Row(q[0].size(), 0.0));
  for (std::size_t t = 0; t < q.size(); ++t)
    for (std::size_t h = 0; h < heads; ++h)
      for (int g = 0; g < softmaxes; ++g) {
        const std::size_t kv = h / repeats;
        Row weight(k.size(), 0.0);
        double sum = 0;
        for (std::size_t j = 0; j < k.size(); ++j) {
          if (!visible(g, t, j)) continue;
          double score = 0;
          for (std::size_t d = 0; d < head_dim; ++d) score += q[t][h * head_dim + d] * k[j][kv * head_dim + d];
          sum += weight[j] = std::exp(score / std::sqrt(double(head_dim)));
        }
        for (std::size_t j = 0; sum > 0 && j < k.size(); ++j)
          for (std::size_t d = 0; d < head_dim; ++d)
            out[t][h * head_dim + d] += weight[j] / sum * v[j][kv * head_dim + d];
      }
  return out;
}

struct Sizes {
  std::size_t depth, head_dim;
  double eps, theta;
  int softmaxes;
};

// LLaMA's blocks over one sequence of embeddings.
inline Rows llama(Rows x, const Weights& w, const Sizes& c, const Visible& visible) {
  for (std::size_t layer = 0; layer < c.depth; ++layer) {
    const std::string at = "model.layers." + std::to_string(layer) + ".";
    Rows q, k, v;
    for (std::size_t t = 0; t < x.size(); ++t) {
      const Row n = rms_norm(x[t], w.at(at + "input_layernorm.weight")[0], c.eps);
      q.push_back(rotated(linear(n, w, at + "self_attn.q_proj"), c.head_dim, double(t), c.theta));
      k.push_back(rotated(linear(n, w, at + "self_attn.k_proj"), c.head_dim, double(t), c.theta));
      v.push_back(linear(n, w, at + "self_attn.v_proj"));
    }
    const Rows o = attention(q, k, v, c.head_dim, c.softmaxes, visible);
    for (std::size_t t = 0; t < x.size(); ++t) {
      x[t] = plus(x[t], linear(o[t], w, at + "self_attn.o_proj"));
      const Row n = rms_norm(x[t], w.at(at + "post_attention_layernorm.weight")[0], c.eps);
      Row gate = linear(n, w, at + "mlp.gate_proj");
      const Row up = linear(n, w, at + "mlp.up_proj");
      for (std::size_t i = 0; i < gate.size(); ++i) gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
      x[t] = plus(x[t], linear(gate, w, at + "mlp.down_proj"));
    }
  }
  return x;
}

// CLIP's vision tower over one picture of size * size pixels, channel first; class token first, no final norm.
inline Rows clip(const Row& pixels, std::size_t size, std::size_t patch, const Weights& w, const Sizes& c) {
  const std::string root = "vision_model.";
  const Row& class_token = w.at(root + "embeddings.class_embedding")[0];
  const Rows& kernel = w.at(root + "embeddings.patch_embedding.weight");
  Rows x{class_token};
  for (std::size_t top = 0; top < size; top += patch)
    for (std::size_t left = 0; left < size; left += patch) {
      Row y(kernel.size(), 0.0);
      for (std::size_t o = 0; o < y.size(); ++o)
        for (std::size_t ch = 0; ch < 3; ++ch)
          for (std::size_t dy = 0; dy < patch; ++dy)
            for (std::size_t dx = 0; dx < patch; ++dx)
              y[o] += kernel[o][(ch * patch + dy) * patch + dx] * pixels[(ch * size + top + dy) * size + left + dx];
      x.push_back(y);
    }
  const auto norm = [&](const Row& r, const std::string& name) {
    return layer_norm(r, w.at(name + ".weight")[0], w.at(name + ".bias")[0], c.eps);
  };
  for (std::size_t t = 0; t < x.size(); ++t)
    x[t] = norm(plus(x[t], w.at(root + "embeddings.position_embedding.weight")[t]), root + "pre_layrnorm");
  for (std::size_t layer = 0; layer < c.depth; ++layer) {
    const std::string at = root + "encoder.layers." + std::to_string(layer) + ".";
    Rows q, k, v;
    for (const Row& r : x) {
      const Row n = norm(r, at + "layer_norm1");
      q.push_back(linear(n, w, at + "self_attn.q_proj")), k.push_back(linear(n, w, at + "self_attn.k_proj")),
          v.push_back(linear(n, w, at + "self_attn.v_proj"));
    }
    const Rows o = attention(q, k, v, c.head_dim, 1, [](int, std::size_t, std::size_t) { return true; });
    for (std::size_t t = 0; t < x.size(); ++t) {
      x[t] = plus(x[t], linear(o[t], w, at + "self_attn.out_proj"));
      Row inner = linear(norm(x[t], at + "layer_norm2"), w, at + "mlp.fc1");
      for (double& z : inner) z = z / (1 + std::exp(-1.702 * z));
      x[t] = plus(x[t], linear(inner, w, at + "mlp.fc2"));
    }
  }
  return x;
}

}  // namespace plain
