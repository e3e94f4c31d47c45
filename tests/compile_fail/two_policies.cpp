// expected: Use one Policy for both
#include <vlt/models/clip_vit.hpp>
#include <vlt/models/llama.hpp>
#include <vlt/models/projector.hpp>
#include <vlt/models/vlm.hpp>
using P = vlt::Policy<>;
#ifdef MISTAKE
using Q = vlt::Policy<vlt::Device::cpu, vlt::Precision::f64>;
#else
using Q = P;
#endif
vlt::Vlm<vlt::ClipVit<P>, vlt::BaselineProjector<Q>, vlt::LlamaDecoder<Q>> model;
int main() { return int(model.language.width()); }
