#include <cmath>
#include <cstring>
#include <limits>

#include "cuda/class_map.h"
#include "decoders/class_map.h"
#include "gpu_test.h"
#include "random.h"

namespace sluice::test {
namespace {

std::vector<float> AnyScores(fuzz::Random* random, std::size_t count) {
  std::vector<float> values(count);
  for (float& value : values) {
    // Few values, so that many are equal.
    value = random->OneIn(3) ? static_cast<float>(random->Integer(-2, 2)) : static_cast<float>(random->Real(-5, 5));
    if (random->OneIn(50)) value = std::numeric_limits<float>::quiet_NaN();
    if (random->OneIn(60)) value = std::numeric_limits<float>::infinity();
  }
  return values;
}

struct Maps {
  std::vector<std::uint8_t> labels;
  std::vector<std::uint8_t> probabilities;
  std::vector<std::uint32_t> counts;
};

}  // namespace

bool TestClassMap() {
  Group group("class_map");
  cuda::Stream stream;
  std::size_t pixels = 0;
  std::size_t differing = 0;
  for (std::uint64_t seed = 1; seed <= 150; seed++) {
    group.Case();
    fuzz::Random random(seed);
    ClassScores scores{};
    scores.planes = static_cast<std::int32_t>(random.OneIn(4) ? 1 : random.Integer(2, 40));
    scores.rows = static_cast<std::int32_t>(random.Integer(1, 60));
    scores.columns = static_cast<std::int32_t>(random.Integer(1, 60));
    scores.planar = random.OneIn(2);
    scores.activation = static_cast<ClassActivation>(random.Integer(0, 2));
    const int count = static_cast<int>(random.Integer(1, 5));
    const std::size_t length = static_cast<std::size_t>(scores.cells() * scores.planes);
    const std::vector<float> values = AnyScores(&random, length * static_cast<std::size_t>(count));
    const auto classes = static_cast<std::size_t>(MapClasses(scores));

    std::vector<cuda::DeviceBuffer> memory(static_cast<std::size_t>(count) * 2);
    cuda::DeviceBuffer device_scores;
    cuda::DeviceBuffer device_counts;
    cuda::DeviceBuffer scratch;
    cuda::PinnedBuffer rows;
    auto* row = rows.Room<cuda::ClassMapRow>(static_cast<std::size_t>(count));
    cuda::ClassMapBatch batch{};
    auto* counts = Upload(&device_counts, std::vector<std::uint32_t>(classes * static_cast<std::size_t>(count), 0));
    std::vector<Maps> expected(static_cast<std::size_t>(count));
    for (int i = 0; i < count; i++) {
      const auto width = static_cast<std::int32_t>(random.Integer(1, 200));
      const auto height = static_cast<std::int32_t>(random.Integer(1, 200));
      const std::size_t size = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
      const Affine to_cells{{random.Real(-1, 1), random.Real(-0.5, 0.5), random.Real(-5, 60), random.Real(-0.5, 0.5),
                             random.Real(-1, 1), random.Real(-5, 60)}};
      auto* labels = memory[static_cast<std::size_t>(2 * i)].Room<std::uint8_t>(size);
      auto* probabilities = memory[static_cast<std::size_t>(2 * i + 1)].Room<std::uint8_t>(size);
      const bool with_probabilities = !random.OneIn(3);
      row[i] = {to_cells, width, height, labels, with_probabilities ? probabilities : nullptr,
                counts + static_cast<std::size_t>(i) * classes};
      batch.most_width = std::max(batch.most_width, width);
      batch.most_height = std::max(batch.most_height, height);
      Maps& maps = expected[static_cast<std::size_t>(i)];
      maps.labels.resize(size);
      maps.probabilities.resize(with_probabilities ? size : 0);
      maps.counts.resize(classes);
      ClassScores own = scores;
      own.data = values.data() + length * static_cast<std::size_t>(i);
      DecodeClassMap(own, to_cells, width, height, maps.labels.data(),
                     with_probabilities ? maps.probabilities.data() : nullptr, maps.counts.data());
    }
    batch.scores = scores;
    batch.scores.data = Upload(&device_scores, values);
    batch.rows = row;
    batch.count = count;
    batch.scratch = scratch.Room<CellClass>(static_cast<std::size_t>(count) * static_cast<std::size_t>(scores.cells()));
    cuda::LaunchDecodeClassMap(batch, stream.get());
    for (int i = 0; i < count; i++) {
      const Maps& maps = expected[static_cast<std::size_t>(i)];
      const std::vector<std::uint8_t> labels = Download(row[i].labels, maps.labels.size());
      const std::vector<std::uint32_t> found = Download(row[i].counts, classes);
      std::vector<std::uint8_t> probabilities;
      if (row[i].probabilities != nullptr) probabilities = Download(row[i].probabilities, maps.probabilities.size());
      pixels += labels.size();
      for (std::size_t at = 0; at < probabilities.size(); at++) {
        if (probabilities[at] == maps.probabilities[at]) continue;
        differing++;
        // The exponential function of device and host may round apart, by less than a level.
        if (std::abs(probabilities[at] - maps.probabilities[at]) > 1) group.Fail("seed %d: a probability", static_cast<int>(seed));
      }
      if (labels != maps.labels || found != maps.counts) group.Fail("seed %d: labels differ", static_cast<int>(seed));
    }
  }
  return group.Finish("%zu pixels, %zu probabilities differ, by a level", pixels, differing);
}

void BenchClassMap() {
  constexpr int kCount = 16;
  cuda::Stream stream;
  cuda::DeviceBuffer device_scores;
  cuda::DeviceBuffer maps;
  cuda::DeviceBuffer counts;
  cuda::DeviceBuffer scratch;
  cuda::PinnedBuffer rows;
  cuda::ClassMapBatch batch{};
  batch.scores = {nullptr, 21, 160, 160, true, ClassActivation::kSoftmax};
  batch.scores.data = Upload(&device_scores, std::vector<float>(kCount * 21 * 160 * 160, 0.5f));
  auto* row = rows.Room<cuda::ClassMapRow>(kCount);
  auto* labels = maps.Room<std::uint8_t>(std::size_t{kCount} * 1280 * 720);
  auto* count = counts.Room<std::uint32_t>(std::size_t{kCount} * 21);
  for (int i = 0; i < kCount; i++) {
    row[i] = {{{0.125, 0, 0, 0, 0.125, 35}}, 1280, 720, labels + std::size_t{1280} * 720 * static_cast<std::size_t>(i),
              nullptr, count + 21 * i};
  }
  batch.rows = row;
  batch.count = kCount;
  batch.most_width = 1280;
  batch.most_height = 720;
  batch.scratch = scratch.Room<CellClass>(std::size_t{kCount} * 160 * 160);
  Bench("class_map_16x21x160x160_to_1280x720", stream, [&] { cuda::LaunchDecodeClassMap(batch, stream.get()); });
}

}  // namespace sluice::test
