#include "params/affine.h"

#include <cmath>

#include "params/check.h"

namespace sluice {

void CheckAffine(const Affine& matrix, const char* name) {
  for (int i = 0; i < 6; i++) {
    if (!std::isfinite(matrix.m[i])) Refuse(name, "[", i, "] is ", matrix.m[i], "; it must be finite");
  }
}

}  // namespace sluice
