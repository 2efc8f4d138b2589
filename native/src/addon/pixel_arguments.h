#pragma once

#include "addon/argument.h"
#include "params/pixels.h"
#include "params/warp_normalize_params.h"

namespace sluice::addon {

/** Readers of the shapes that native.ts and native-gpu.ts share: PixelView, PixelRect, Normalization, border. */

/** The picture's memory is taken last; see Argument. */
PixelView PixelsOf(const Argument& argument);

Window WindowOf(const Argument& argument);

Border BorderOf(const Argument& argument);

/** Of an object with the fields `color`, `scale`, `mean` and `std`. */
Normalization NormalizationOf(const Argument& argument);

}  // namespace sluice::addon
