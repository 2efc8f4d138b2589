#include <cmath>

#include "cpu/l2_normalize.h"
#include "cpu/similarity.h"
#include "fuzz_operators.h"

namespace sluice::fuzz {

void FuzzL2Normalize(Random* random) {
  const std::int64_t rows = random->Integer(random->OneIn(50) ? -1 : 0, 9);
  const std::int64_t wished = std::abs(rows) * random->Integer(0, 70) + (random->OneIn(50) ? 1 : 0);
  Exact<float> values(static_cast<std::size_t>(wished));
  for (std::size_t i = 0; i < values.length; i++) {
    values.data[i] = static_cast<float>(random->OneIn(100) ? random->Extreme() : random->Real(-1, 1));
  }
  L2Normalize({values.data.get(), values.length}, rows);
  const std::int64_t length = rows == 0 ? 0 : wished / rows;
  for (std::int64_t r = 0; r < rows; r++) {
    double sum = 0;
    for (std::int64_t i = 0; i < length; i++) {
      const double value = values.data[r * length + i];
      sum += value * value;
    }
    Expect(!std::isfinite(sum) || sum == 0 || std::abs(sum - 1) < 1e-5, "a row is not of unit length");
  }
}

void FuzzAlignFivePoints(Random* random) {
  Exact<float> points(static_cast<std::size_t>(random->OneIn(30) ? random->Integer(0, 12) : 2 * kFacePoints));
  const double step = random->OneIn(5) ? 0 : 1;
  for (std::size_t i = 0; i < points.length; i++) {
    points.data[i] = static_cast<float>(random->OneIn(50) ? random->Extreme() : 50 + step * random->Real(-50, 50));
  }
  Exact<float> model(2 * kFacePoints);
  for (std::size_t i = 0; i < model.length; i++) model.data[i] = static_cast<float>(random->Real(0, 112));
  const Affine matrix = AlignFivePoints({points.data.get(), points.length}, {model.data.get(), model.length});
  for (const double value : matrix.m) Expect(std::isfinite(value), "a map that is not finite");
  Expect(matrix.m[0] == matrix.m[4] && matrix.m[1] == -matrix.m[3], "a map that is no similarity");
}

}  // namespace sluice::fuzz
