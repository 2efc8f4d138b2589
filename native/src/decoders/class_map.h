#pragma once

#include <cstdint>

#include "params/class_map.h"

namespace sluice {

/**
 * The class of each pixel of a picture of `width` x `height`, from the cell that it lies in. `labels` and, unless it is
 * null, `probabilities` have a byte for each pixel, row after row; `counts` tells the pixels of each of MapClasses.
 */
void DecodeClassMap(const ClassScores& scores, const Affine& to_cells, std::int32_t width, std::int32_t height,
                    std::uint8_t* labels, std::uint8_t* probabilities, std::uint32_t* counts);

}  // namespace sluice
