#include <cmath>
#include <cstring>

#include "cuda/heat_peaks.h"
#include "gpu_test.h"
#include "random.h"

namespace sluice::test {
namespace {

/** Maps of one kind: nothing but ties, mostly ties, all different; some with values that are no numbers. */
std::vector<float> MakeMaps(fuzz::Random* random, std::size_t size) {
  const auto kind = random->Integer(0, 3);
  const bool spoilt = random->OneIn(2);
  std::vector<float> values(size);
  for (float& value : values) {
    const double drawn = random->Real(-1, 1);
    value = static_cast<float>(kind == 0 ? 0.25 : kind == 1 ? std::floor(drawn * 4) / 4 : drawn);
    if (value == 0 && random->OneIn(2)) value = -0.0f;
    if (spoilt && random->OneIn(20)) value = static_cast<float>(random->Extreme());
  }
  return values;
}

}  // namespace

bool TestHeatPeaks() {
  Group group("heat_peaks");
  cuda::Stream stream;
  cuda::DeviceBuffer map_buffer;
  cuda::DeviceBuffer out_buffer;
  for (std::uint64_t seed = 1; seed <= 300; seed++) {
    group.Case();
    fuzz::Random random(seed);
    const auto count = static_cast<std::int32_t>(random.Integer(1, 17));
    HeatMaps maps{};
    maps.points = static_cast<std::int32_t>(random.Integer(1, 20));
    maps.rows = static_cast<std::int32_t>(random.Integer(1, random.OneIn(4) ? 100 : 12));
    maps.columns = static_cast<std::int32_t>(random.Integer(1, random.OneIn(4) ? 100 : 12));
    maps.stride_x = random.Real(0.5, 16);
    maps.stride_y = random.Real(0.5, 16);
    maps.refinement = random.OneIn(2) ? PeakRefinement::kQuarter : PeakRefinement::kNone;
    const auto cells = static_cast<std::size_t>(maps.points) * static_cast<std::size_t>(maps.rows) *
                       static_cast<std::size_t>(maps.columns);
    std::vector<float> values = MakeMaps(&random, cells * static_cast<std::size_t>(count));
    // A map without a number.
    if (random.OneIn(4)) std::fill_n(values.begin(), cells / static_cast<std::size_t>(maps.points), std::nanf(""));
    const std::size_t found = static_cast<std::size_t>(count) * static_cast<std::size_t>(maps.points) * 3;
    std::vector<float> expected(found);
    for (std::int32_t region = 0; region < count; region++) {
      maps.data = values.data() + static_cast<std::size_t>(region) * cells;
      FindHeatPeaks(maps, expected.data() + static_cast<std::size_t>(region) * maps.points * 3);
    }
    maps.data = Upload(&map_buffer, values);
    float* out = out_buffer.Room<float>(found);
    cuda::LaunchFindHeatPeaks(maps, count, out, stream.get());
    const std::vector<float> result = Download(out, found);
    for (std::size_t at = 0; at < found; at++) {
      // Whatever is not a number is as good as any other.
      const bool same = std::isnan(expected[at]) ? std::isnan(result[at])
                                                 : std::memcmp(&result[at], &expected[at], sizeof(float)) == 0;
      if (same) continue;
      group.Fail("seed %d, value %d: %g on the GPU, %g on the CPU", static_cast<int>(seed), static_cast<int>(at),
                 static_cast<double>(result[at]), static_cast<double>(expected[at]));
      break;
    }
  }
  return group.Finish("the same to the bit");
}

void BenchHeatPeaks() {
  constexpr std::int32_t kRegions = 16;
  cuda::Stream stream;
  cuda::DeviceBuffer map_buffer;
  cuda::DeviceBuffer out_buffer;
  HeatMaps maps{nullptr, 136, 64, 48, 4, 4, PeakRefinement::kQuarter};
  fuzz::Random random(1);
  maps.data = Upload(&map_buffer, MakeMaps(&random, std::size_t{kRegions} * 136 * 64 * 48));
  float* out = out_buffer.Room<float>(std::size_t{kRegions} * 136 * 3);
  Bench("heat_peaks_16x136x64x48", stream, [&] { cuda::LaunchFindHeatPeaks(maps, kRegions, out, stream.get()); });
}

}  // namespace sluice::test
