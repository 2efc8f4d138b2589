#include <cstring>

#include "cpu/pool_tokens.h"
#include "cuda/pool_tokens.h"
#include "gpu_test.h"
#include "random.h"

namespace sluice::test {

bool TestPoolTokens() {
  Group group("pool_tokens");
  cuda::Stream stream;
  cuda::DeviceBuffer value_buffer;
  cuda::DeviceBuffer token_buffer;
  cuda::DeviceBuffer out_buffer;
  for (std::uint64_t seed = 1; seed <= 200; seed++) {
    group.Case();
    fuzz::Random random(seed);
    const std::int64_t rows = random.Integer(1, 17);
    const std::int64_t length = random.Integer(1, 130);
    const std::int64_t width = random.Integer(1, random.OneIn(5) ? 1100 : 130);
    const Pooling pooling = random.OneIn(3) ? Pooling::kCls : Pooling::kMean;
    std::vector<float> values(static_cast<std::size_t>(rows * length * width));
    for (float& value : values) value = static_cast<float>(random.Real(-1, 1) * (random.OneIn(50) ? 1e30 : 1));
    std::vector<std::int32_t> tokens(static_cast<std::size_t>(rows));
    for (std::int32_t& count : tokens) count = static_cast<std::int32_t>(random.Integer(1, length));
    std::vector<float> expected(static_cast<std::size_t>(rows * width));
    PoolTokens({values.data(), values.size()}, {tokens.data(), tokens.size(), length}, pooling,
               {expected.data(), expected.size()});
    float* out = out_buffer.Room<float>(expected.size());
    const cuda::TokenVectors texts{Upload(&value_buffer, values), rows, length, width, Upload(&token_buffer, tokens)};
    cuda::LaunchPoolTokens(texts, pooling, out, stream.get());
    const std::vector<float> result = Download(out, expected.size());
    if (std::memcmp(result.data(), expected.data(), expected.size() * sizeof(float)) != 0) {
      group.Fail("seed %d, %ld x %ld x %ld: not the same as on the CPU", static_cast<int>(seed),
                 static_cast<long>(rows), static_cast<long>(length), static_cast<long>(width));
    }
  }
  return group.Finish("the same to the bit");
}

void BenchPoolTokens() {
  constexpr std::int64_t kRows = 16;
  constexpr std::int64_t kLength = 128;
  constexpr std::int64_t kWidth = 768;
  cuda::Stream stream;
  cuda::DeviceBuffer value_buffer;
  cuda::DeviceBuffer token_buffer;
  cuda::DeviceBuffer out_buffer;
  float* out = out_buffer.Room<float>(kRows * kWidth);
  const cuda::TokenVectors texts{Upload(&value_buffer, std::vector<float>(kRows * kLength * kWidth, 0.5f)), kRows,
                                 kLength, kWidth, Upload(&token_buffer, std::vector<std::int32_t>(kRows, kLength))};
  Bench("pool_tokens_16x128x768", stream, [&] { cuda::LaunchPoolTokens(texts, Pooling::kMean, out, stream.get()); });
}

}  // namespace sluice::test
