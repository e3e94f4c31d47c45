#pragma once
#include <string_view>
#include <vlt/base/fixed_string.hpp>
#include <vlt/base/type_list.hpp>
#include <vlt/models/mlp_projector.hpp>
#include <vlt/models/perceiver.hpp>
#include <vlt/models/projector.hpp>
#include <vlt/models/vit_projector.hpp>

namespace vlt {

// The projectors of this library. CMake's VLT_SFT_PROJECTORS says which of them a program can make.
using ProjectorKinds = TypeList<BaselineKind, VitKind, PerceiverKind, MlpKind>;

}  // namespace vlt
