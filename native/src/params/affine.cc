#include "params/affine.h"

#include <cmath>

#include "params/check.h"

namespace sluice {

void CheckAffine(const Affine& matrix, const char* name) {
  for (int i = 0; i < 6; i++) {
    if (!std::isfinite(matrix.m[i])) Refuse(name, "[", i, "] is ", matrix.m[i], "; it must be finite");
  }
}

Affine Inverse(const Affine& matrix, const char* name) {
  const double* m = matrix.m;
  const double determinant = m[0] * m[4] - m[1] * m[3];
  if (!std::isfinite(determinant) || determinant == 0) Refuse(name, " cannot be inverted");
  const double a = m[4] / determinant;
  const double b = -m[1] / determinant;
  const double d = -m[3] / determinant;
  const double e = m[0] / determinant;
  return {{a, b, -(a * m[2] + b * m[5]), d, e, -(d * m[2] + e * m[5])}};
}

Affine ToGrid(const Affine& matrix, std::int32_t width, std::int32_t height, std::int32_t columns, std::int32_t rows) {
  const double x = static_cast<double>(columns) / width;
  const double y = static_cast<double>(rows) / height;
  const double* m = matrix.m;
  return {{m[0] * x, m[1] * x, (m[2] + 0.5) * x - 0.5, m[3] * y, m[4] * y, (m[5] + 0.5) * y - 0.5}};
}

}  // namespace sluice
