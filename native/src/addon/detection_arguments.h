#pragma once

#include <cstdint>
#include <vector>

#include "addon/argument.h"
#include "params/detection_head.h"
#include "params/detection_spec.h"

namespace sluice::addon {

/** Readers of the shapes that native.ts and native-gpu.ts share: DetectionSpec, class ids. */

DetectionSpec DetectionSpecOf(const Argument& argument);

/** Words of bits for a list of class ids, as DetectionRequest has them; ids that no model can have are left out. */
std::vector<std::uint32_t> ClassBitsOf(const Argument& ids);

/** `{rotated, points, pointValues, values}`. */
Napi::Object LayoutObject(Napi::Env env, const HeadLayout& layout);

}  // namespace sluice::addon
