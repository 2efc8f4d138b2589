#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "cpu/activate.h"
#include "cuda/activate.h"
#include "gpu_test.h"
#include "random.h"

namespace sluice::test {
namespace {

std::vector<float> AnyScores(fuzz::Random* random, std::int64_t rows, std::int64_t length) {
  std::vector<float> values(static_cast<std::size_t>(rows * length));
  for (std::int64_t r = 0; r < rows; r++) {
    const std::int64_t kind = random->Integer(0, 9);
    const double size = kind == 0 ? 0 : kind == 1 ? 1e-30 : kind == 2 ? 3e38 : kind == 3 ? 100 : 5;
    for (std::int64_t i = 0; i < length; i++) {
      values[static_cast<std::size_t>(r * length + i)] = static_cast<float>(random->Real(-1, 1) * size);
    }
    if (kind < 7) continue;
    const float infinity = std::numeric_limits<float>::infinity();
    values[static_cast<std::size_t>(r * length + random->Integer(0, length - 1))] =
        kind == 7 ? infinity : kind == 8 ? -infinity : std::numeric_limits<float>::quiet_NaN();
  }
  return values;
}

}  // namespace

bool TestActivate() {
  Group group("activate");
  cuda::Stream stream;
  cuda::DeviceBuffer buffer;
  double largest = 0;
  std::size_t differing = 0;
  std::size_t compared = 0;
  for (std::uint64_t seed = 1; seed <= 200; seed++) {
    group.Case();
    fuzz::Random random(seed);
    const std::int64_t rows = random.OneIn(40) ? random.Integer(65000, 70000) : random.Integer(1, 40);
    const std::int64_t length = rows > 40 ? random.Integer(1, 20) : random.Integer(1, random.OneIn(5) ? 5000 : 600);
    const ClassActivation activation = random.OneIn(2) ? ClassActivation::kSoftmax : ClassActivation::kSigmoid;
    std::vector<float> expected = AnyScores(&random, rows, length);
    const std::vector<float> input = expected;
    Activate({expected.data(), expected.size()}, rows, activation);
    std::vector<float> results[2];
    for (std::vector<float>& result : results) {
      float* values = Upload(&buffer, input);
      cuda::LaunchActivate(values, rows, length, activation, stream.get());
      result = Download(values, input.size());
    }
    if (std::memcmp(results[0].data(), results[1].data(), input.size() * sizeof(float)) != 0) {
      group.Fail("seed %d: two runs differ", static_cast<int>(seed));
    }
    for (std::size_t i = 0; i < input.size(); i++) {
      compared++;
      const bool both_nan = std::isnan(results[0][i]) && std::isnan(expected[i]);
      if (both_nan || results[0][i] == expected[i]) continue;
      differing++;
      const double difference = std::abs(static_cast<double>(results[0][i]) - expected[i]);
      largest = std::max(largest, difference);
      // One rounding of a float near 1.
      if (!(difference <= 6e-8)) {
        group.Fail("seed %d, %ld x %ld, value %zu: %.9g instead of %.9g", static_cast<int>(seed),
                   static_cast<long>(rows), static_cast<long>(length), i, static_cast<double>(results[0][i]),
                   static_cast<double>(expected[i]));
      }
    }
  }
  return group.Finish("%zu of %zu values differ, by at most %.3g", differing, compared, largest);
}

void BenchActivate() {
  cuda::Stream stream;
  cuda::DeviceBuffer buffer;
  float* values = Upload(&buffer, std::vector<float>(64 * 1000, 0.5f));
  Bench("softmax_64x1000", stream,
        [&] { cuda::LaunchActivate(values, 64, 1000, ClassActivation::kSoftmax, stream.get()); });
}

}  // namespace sluice::test
