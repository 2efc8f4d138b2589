#pragma once

#include <cstdint>

#include "params/views.h"

namespace sluice {

/**
 * Scales each of `rows` rows of equal length to unit Euclidean length, in place; sums are in double precision. A row of
 * zeros stays, and so does a row with a value that is not finite, for the caller to see.
 */
void L2Normalize(const MutableFloatView& values, std::int64_t rows);

}  // namespace sluice
