// Compiled and asked for its symbols: one block of one kind, forward and backward (see run.sh).
#include <vlt/nn/pre_norm_block.hpp>
using namespace vlt;

using P = Policy<Device::cpu, Precision::bf16, Tuning::KIND>;
using Block = LlamaBlock<P, mask::Mmca>;

void forward(Block& b, Scope& s, Block::in x, Block::out y, Block::saved& k) { b.forward(s, x, y, k); }
void backward(Block& b, Scope& s, Block::out dy, Block::in dx, Block::saved& k) { b.backward(s, dy, overwrite(dx), k); }
