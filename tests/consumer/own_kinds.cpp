#include "own_kinds.hpp"

// quote: kinds
vlt::program::Kinds<vlt::Build> own_kinds() {
  auto kinds = vlt::compiled_in_kinds();
  kinds.add_projector<NormFirst>().add_family<PreviousTokenFamily>();
  return kinds;
}
// end of quote
