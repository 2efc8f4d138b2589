#include <algorithm>
#include <cmath>

#include "cpu/activate.h"
#include "cpu/pool_tokens.h"
#include "fuzz_operators.h"

namespace sluice::fuzz {

void FuzzActivate(Random* random) {
  const std::int64_t rows = random->Integer(random->OneIn(50) ? -1 : 0, 9);
  const std::int64_t length = random->Integer(0, 70);
  const std::int64_t wished = std::abs(rows) * length + (random->OneIn(50) ? 1 : 0);
  const bool softmax = random->OneIn(2);
  Exact<float> values(static_cast<std::size_t>(wished));
  bool ordinary = true;
  for (std::size_t i = 0; i < values.length; i++) {
    const bool extreme = random->OneIn(200);
    ordinary = ordinary && !extreme;
    values.data[i] = static_cast<float>(extreme ? random->Extreme() : random->Real(-90, 90));
  }
  Activate({values.data.get(), values.length}, rows, softmax ? ClassActivation::kSoftmax : ClassActivation::kSigmoid);
  for (std::size_t i = 0; i < values.length; i++) {
    Expect(std::isnan(values.data[i]) || (values.data[i] >= 0 && values.data[i] <= 1), "a score is no probability");
  }
  for (std::int64_t r = 0; softmax && ordinary && length > 0 && r < rows; r++) {
    double sum = 0;
    for (std::int64_t i = 0; i < length; i++) sum += values.data[r * length + i];
    Expect(std::abs(sum - 1) < 1e-5, "the probabilities of a row are not 1 together");
  }
}

void FuzzPoolTokens(Random* random) {
  const std::int64_t rows = random->Integer(random->OneIn(50) ? 0 : 1, 6);
  const std::int64_t length = random->Integer(random->OneIn(50) ? -1 : 1, 9);
  const std::int64_t width = random->Integer(0, 12);
  Exact<std::int32_t> tokens(static_cast<std::size_t>(rows));
  for (std::size_t row = 0; row < tokens.length; row++) {
    const std::int64_t most = std::max<std::int64_t>(length, 1);
    const std::int64_t count = random->OneIn(100) ? random->Integer(-2, 12) : random->Integer(1, most);
    tokens.data[row] = static_cast<std::int32_t>(count);
  }
  const std::int64_t wished = rows * std::abs(length) * width + (random->OneIn(100) ? 1 : 0);
  Exact<float> values(static_cast<std::size_t>(wished));
  for (std::size_t i = 0; i < values.length; i++) values.data[i] = static_cast<float>(random->Real(-1, 1));
  Exact<float> out(static_cast<std::size_t>(rows * width + (random->OneIn(100) ? 1 : 0)));
  PoolTokens({values.data.get(), values.length}, {tokens.data.get(), tokens.length, length},
             random->OneIn(2) ? Pooling::kMean : Pooling::kCls, {out.data.get(), out.length});
  for (std::size_t i = 0; i < out.length; i++) {
    Expect(out.data[i] >= -1 && out.data[i] <= 1, "a vector lies outside those of its tokens");
  }
}

}  // namespace sluice::fuzz
