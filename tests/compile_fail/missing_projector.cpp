// expected: Put a Projector between them
#include <vlt/models/clip_vit.hpp>
#include <vlt/models/llama.hpp>
#include <vlt/models/projector.hpp>
#include <vlt/models/vlm.hpp>
using P = vlt::Policy<>;
#ifdef MISTAKE
vlt::Vlm<vlt::ClipVit<P>, vlt::GivenFeatures<P>, vlt::LlamaDecoder<P>> model;
#else
vlt::Vlm<vlt::ClipVit<P>, vlt::BaselineProjector<P>, vlt::LlamaDecoder<P>> model;
#endif
int main() { return int(model.language.width()); }
