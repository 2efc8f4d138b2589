#pragma once

#include <cstdint>
#include <vector>

#include "params/nms_params.h"
#include "params/rotated_box.h"

namespace sluice {

/** Nms for turned boxes, all finite, which lie best first: indices of those that stay, in order. */
std::vector<std::uint32_t> RotatedNms(const std::vector<RotatedBox>& boxes, const NmsParams& params);

}  // namespace sluice
