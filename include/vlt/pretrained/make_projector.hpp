#pragma once
#include <vlt/models/projector_kinds.hpp>
#include <vlt/pretrained/model_kinds.hpp>

// The body of make_projector: only files that instantiate a kind include this.
namespace vlt {

template <IsPolicy P, class Kind> AnyProjector<P> make_projector(const ProjectorSizes& sizes) {
  AnyProjector<P> made(Kind::template make<P>(sizes));
  Segments image;
  image.append(sizes.tower_tokens(), TokenKind::image);
  require(made.out_segments(image).end(0) == projector_facts<Kind>().tokens_per_image(sizes),
          std::string("the projector ") + Kind::name + " says that an image is another number of tokens than it gives");
  return made;
}

}  // namespace vlt
