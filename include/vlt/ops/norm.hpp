#pragma once
#include <vlt/ops/layer_norm.hpp>
#include <vlt/ops/rms_norm.hpp>
