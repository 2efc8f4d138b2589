#pragma once

#include <cstdint>
#include <vector>

#include "params/affine.h"

namespace sluice {

/** The prototypes that the masks of one picture are mixed from: `planes` maps of `rows` x `columns`. */
struct MaskPrototypes {
  const float* data;
  std::int32_t planes;
  std::int32_t rows;
  std::int32_t columns;
};

/** One object: a coefficient for each plane, and its box in the picture. */
struct MaskObject {
  const float* coefficients;
  float left;
  float top;
  float right;
  float bottom;
};

/**
 * The object's mask in a picture of `width` x `height`, as COCO's run lengths: columns one after the other, in turn
 * outside and inside, outside first. A pixel is inside where it lies in the box and the mixed prototypes, interpolated
 * between cells, are above 0, which is a probability above one half. `to_cells` leads from picture to prototypes.
 */
std::vector<std::uint32_t> DecodeMask(const MaskPrototypes& prototypes, const MaskObject& object,
                                      const Affine& to_cells, std::int32_t width, std::int32_t height);

/** The mask as a byte for each pixel, row after row: 255 inside, 0 outside. */
void FillMask(const std::vector<std::uint32_t>& runs, std::int32_t width, std::int32_t height, std::uint8_t* out);

}  // namespace sluice
