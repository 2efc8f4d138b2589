#include <cmath>
#include <cstring>
#include <limits>

#include "cpu/l2_normalize.h"
#include "cuda/l2_normalize.h"
#include "gpu_test.h"
#include "random.h"

namespace sluice::test {
namespace {

std::vector<float> AnyValues(fuzz::Random* random, std::int64_t rows, std::int64_t length) {
  std::vector<float> values(static_cast<std::size_t>(rows * length));
  for (std::int64_t r = 0; r < rows; r++) {
    const std::int64_t kind = random->Integer(0, 9);
    const double size = kind == 0 ? 0 : kind == 1 ? 1e-30 : kind == 2 ? 1e30 : 1;
    for (std::int64_t i = 0; i < length; i++) {
      values[static_cast<std::size_t>(r * length + i)] = static_cast<float>(random->Real(-1, 1) * size);
    }
    if (kind == 3 || kind == 4) {
      values[static_cast<std::size_t>(r * length + random->Integer(0, length - 1))] =
          kind == 3 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
    }
  }
  return values;
}

}  // namespace

bool TestL2Normalize() {
  Group group("l2_normalize");
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
    std::vector<float> expected = AnyValues(&random, rows, length);
    const std::vector<float> input = expected;
    L2Normalize({expected.data(), expected.size()}, rows);
    std::vector<float> results[2];
    for (std::vector<float>& result : results) {
      float* values = Upload(&buffer, input);
      cuda::LaunchL2Normalize(values, rows, length, stream.get());
      result = Download(values, input.size());
    }
    if (std::memcmp(results[0].data(), results[1].data(), input.size() * sizeof(float)) != 0) {
      group.Fail("seed %d: two runs differ", static_cast<int>(seed));
    }
    for (std::size_t i = 0; i < input.size(); i++) {
      compared++;
      if (std::memcmp(&results[0][i], &expected[i], sizeof(float)) == 0) continue;
      differing++;
      const double difference = std::abs(static_cast<double>(results[0][i]) - expected[i]);
      largest = std::max(largest, difference);
      // Values that are not finite stay as they are, to the bit.
      if (!(difference <= 1e-6)) {
        group.Fail("seed %d, %ld x %ld, value %zu: %.9g instead of %.9g", static_cast<int>(seed),
                   static_cast<long>(rows), static_cast<long>(length), i, static_cast<double>(results[0][i]),
                   static_cast<double>(expected[i]));
      }
    }
  }
  return group.Finish("%zu of %zu values differ, by at most %.3g", differing, compared, largest);
}

void BenchL2Normalize() {
  cuda::Stream stream;
  cuda::DeviceBuffer buffer;
  float* values = Upload(&buffer, std::vector<float>(64 * 512, 0.5f));
  Bench("l2_normalize_64x512", stream, [&] { cuda::LaunchL2Normalize(values, 64, 512, stream.get()); });
}

}  // namespace sluice::test
