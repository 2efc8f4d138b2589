#pragma once

#include <cstdint>

#include "params/class_map.h"
#include "params/views.h"

namespace sluice {

/**
 * Turns each of `rows` rows of equal length into probabilities, in place; exponentials and sums are in double precision.
 * Softmax subtracts the greatest value first, so that none overflows; a row with NaN or positive infinity becomes NaN.
 */
void Activate(const MutableFloatView& values, std::int64_t rows, ClassActivation activation);

}  // namespace sluice
