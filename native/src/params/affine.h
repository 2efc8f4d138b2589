#pragma once

#include <cstdint>

#include "params/host_device.h"

namespace sluice {

struct Point {
  double x;
  double y;
};

/** Row-major 2x3 map between pixel grids: x' = m0 x + m1 y + m2, y' = m3 x + m4 y + m5. Plain data, for kernels too. */
struct Affine {
  double m[6];

  SLUICE_HOST_DEVICE Point operator()(double x, double y) const {
    return {m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]};
  }

  SLUICE_HOST_DEVICE bool axis_aligned() const { return m[1] == 0 && m[3] == 0; }
};

/** Refuses values that are not finite; `name` is the argument's. */
void CheckAffine(const Affine& matrix, const char* name);

/** The map back. Refuses a matrix that has none. */
Affine Inverse(const Affine& matrix, const char* name);

/** `matrix`, which leads to a grid of `width` x `height`, on to one of `columns` x `rows` that covers the same area. */
Affine ToGrid(const Affine& matrix, std::int32_t width, std::int32_t height, std::int32_t columns, std::int32_t rows);

}  // namespace sluice
