#include "cpu/l2_normalize.h"

#include <cmath>
#include <cstddef>

#include "params/check.h"

namespace sluice {
namespace {

double SumOfSquares(const float* row, std::size_t length) {
  // Four sums, because a single one would wait for each addition.
  double sums[4] = {0, 0, 0, 0};
  std::size_t i = 0;
  for (; i + 4 <= length; i += 4) {
    for (std::size_t lane = 0; lane < 4; lane++) {
      const double value = row[i + lane];
      sums[lane] += value * value;
    }
  }
  for (; i < length; i++) sums[0] += static_cast<double>(row[i]) * row[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace

void L2Normalize(const MutableFloatView& values, std::int64_t rows) {
  if (rows < 0) Refuse("rows is ", rows, "; it must not be negative");
  const std::uint64_t count = static_cast<std::uint64_t>(rows);
  if (count == 0 ? values.length != 0 : values.length % count != 0) {
    Refuse("values has ", values.length, " values, which ", rows, " rows cannot share equally");
  }
  if (count == 0) return;
  const std::size_t length = values.length / count;
  for (std::size_t begin = 0; begin < values.length; begin += length) {
    float* row = values.data + begin;
    // Squares of floats and their sums fit a double: the sum is finite exactly when all values are.
    const double sum = SumOfSquares(row, length);
    if (!std::isfinite(sum) || sum == 0) continue;
    const double scale = 1 / std::sqrt(sum);
    for (std::size_t i = 0; i < length; i++) row[i] = static_cast<float>(row[i] * scale);
  }
}

}  // namespace sluice
