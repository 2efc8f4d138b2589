#include <cmath>
#include <cstring>
#include <limits>

#include "cuda/centerface.h"
#include "decoders/centerface.h"
#include "gpu_test.h"
#include "random.h"

namespace sluice::test {
namespace {

/** The maps of a batch of pictures on the host. */
struct Maps {
  std::int32_t columns;
  std::int32_t rows;
  int count;
  std::vector<float> heat, scale, offset, landmarks;

  std::size_t cells() const { return static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows); }

  CenterFaceMaps Picture(int index) const {
    const auto view = [&](const std::vector<float>& map, std::size_t planes) {
      return FloatView{map.data() + static_cast<std::size_t>(index) * planes * cells(), planes * cells()};
    };
    return {view(heat, 1), view(scale, 2), view(offset, 2), view(landmarks, 10)};
  }
};

std::vector<float> AnyMap(fuzz::Random* random, std::size_t length, double low, double high, bool spoilt) {
  std::vector<float> map(length);
  for (float& value : map) {
    value = static_cast<float>(spoilt && random->OneIn(200) ? random->Extreme() : random->Real(low, high));
  }
  return map;
}

/** Scores of one picture: faces here and there, many or no candidates, ties. */
void AddHeat(fuzz::Random* random, const Maps& maps, bool spoilt, std::vector<float>* heat) {
  const std::int64_t kind = random->Integer(0, 5);
  const double grain = random->OneIn(2) ? 1.0 / 16 : 0;
  const std::size_t begin = heat->size();
  for (std::size_t cell = 0; cell < maps.cells(); cell++) {
    double score = kind == 0   ? 0
                   : kind == 1 ? random->Real(0.4, 1)
                   : kind == 2 ? 0.75
                   : kind == 3 ? random->Real(-1, 1)
                               : random->Real(0, 0.1);
    if (grain > 0) score = std::floor(score / grain) * grain;
    if (kind == 3 && random->OneIn(20)) score = random->OneIn(2) ? 0.0 : -0.0;
    if (spoilt && random->OneIn(300)) score = random->Extreme();
    heat->push_back(static_cast<float>(score));
  }
  for (std::int64_t face = kind >= 4 ? random->Integer(1, 60) : 0; face > 0; face--) {
    const std::int64_t x = random->Integer(0, maps.columns - 1);
    const std::int64_t y = random->Integer(0, maps.rows - 1);
    for (std::int64_t dy = -2; dy <= 2; dy++) {
      for (std::int64_t dx = -2; dx <= 2; dx++) {
        if (x + dx < 0 || x + dx >= maps.columns || y + dy < 0 || y + dy >= maps.rows) continue;
        const double score = random->Real(0.6, 1) * std::exp(-0.3 * static_cast<double>(dx * dx + dy * dy));
        (*heat)[begin + static_cast<std::size_t>((y + dy) * maps.columns + x + dx)] = static_cast<float>(score);
      }
    }
  }
}

Maps AnyMaps(fuzz::Random* random) {
  Maps maps;
  const bool large = random->OneIn(4);
  maps.columns = static_cast<std::int32_t>(large ? random->Integer(60, 200) : random->Integer(1, 60));
  maps.rows = static_cast<std::int32_t>(large ? random->Integer(60, 200) : random->Integer(1, 60));
  maps.count = static_cast<int>(random->Integer(1, 5));
  const std::size_t cells = maps.cells() * static_cast<std::size_t>(maps.count);
  const bool spoilt = random->OneIn(2);
  for (int i = 0; i < maps.count; i++) AddHeat(random, maps, spoilt, &maps.heat);
  const double size = random->Real(0, 4);
  maps.scale = AnyMap(random, 2 * cells, size - 1, size, spoilt);
  maps.offset = AnyMap(random, 2 * cells, 0, 1, spoilt);
  maps.landmarks = AnyMap(random, 10 * cells, 0, 1, spoilt);
  return maps;
}

cuda::CenterFaceRow AnyRequest(fuzz::Random* random) {
  cuda::CenterFaceRow request;
  const double scale = random->Real(0.1, 4);
  const double angle = random->OneIn(2) ? 0 : random->Real(-4, 4);
  request.matrix = {{scale * std::cos(angle), -scale * std::sin(angle), random->Real(-50, 50), scale * std::sin(angle),
                     scale * std::cos(angle), random->Real(-50, 50)}};
  if (random->OneIn(20)) request.matrix.m[random->Integer(0, 5)] = random->OneIn(2) ? 1e36 : -3e38;
  request.score_threshold = random->OneIn(8) ? random->Real(-1, 0) : random->Real(0, 0.6);
  request.nms_threshold = random->OneIn(10) ? static_cast<double>(random->Integer(0, 1)) : random->Real(0, 1);
  request.max_detections = static_cast<std::int32_t>(random->Integer(0, random->OneIn(2) ? 1000 : 40));
  return request;
}

/** A batch on the device. Results go to memory of the host, as a server wants them. */
class Decoder {
 public:
  Decoder(const Maps& maps, NmsRule rule, const std::vector<cuda::CenterFaceRow>& requests, std::int32_t capacity) {
    const auto count = static_cast<std::size_t>(maps.count);
    const std::size_t length = count * static_cast<std::size_t>(capacity) * kCenterFaceColumns;
    float* out = out_.Room<float>(std::max<std::size_t>(length, 1));
    std::memset(out, 0xff, length * sizeof(float));
    batch_ = {Upload(&heat_, maps.heat),
              Upload(&scale_, maps.scale),
              Upload(&offset_, maps.offset),
              Upload(&landmarks_, maps.landmarks),
              maps.columns,
              maps.rows,
              rule,
              Upload(&requests_, requests),
              maps.count,
              capacity,
              out,
              counts_.Room<std::int32_t>(count),
              scratch_.Room<char>(cuda::CenterFaceScratchBytes(maps.count))};
  }

  void Launch(const cuda::Stream& stream) const { cuda::LaunchDecodeCenterFace(batch_, stream.get()); }

  const float* row(int picture, std::int32_t index) const {
    return batch_.out + (static_cast<std::size_t>(picture) * static_cast<std::size_t>(batch_.capacity) +
                         static_cast<std::size_t>(index)) * kCenterFaceColumns;
  }
  std::int32_t count(int picture) const { return batch_.counts[picture]; }

 private:
  cuda::DeviceBuffer heat_, scale_, offset_, landmarks_, requests_, scratch_;
  cuda::PinnedBuffer out_, counts_;
  cuda::CenterFaceBatch batch_;
};

struct Statistics {
  std::int64_t rows = 0;
  std::int64_t over_full = 0;
  std::int64_t differing = 0;
  double largest = 0;
};

/** Compares one picture's rows with the CPU's. */
void Compare(const char* what, const Maps& maps, NmsRule rule, const cuda::CenterFaceRow& request, int picture,
             const Decoder& decoder, std::int32_t capacity, Group* group, Statistics* statistics) {
  group->Case();
  const CenterFaceParams params{maps.columns,           maps.rows, request.score_threshold,
                                {rule, request.nms_threshold}, request.max_detections, request.matrix};
  std::vector<float> expected(static_cast<std::size_t>(request.max_detections) * kCenterFaceColumns);
  const CenterFaceMaps cpu_maps = maps.Picture(picture);
  const std::int32_t count = DecodeCenterFace(cpu_maps, params, {expected.data(), expected.size()});
  const auto above = std::count_if(cpu_maps.heat.data, cpu_maps.heat.data + cpu_maps.heat.length,
                                   [&](float score) { return score > request.score_threshold; });
  statistics->over_full += above > kCenterFaceMaxCandidates;
  statistics->rows += count;
  if (decoder.count(picture) != count) {
    group->Fail("%s, picture %d, %dx%d, %ld candidates: %d rows instead of %d", what, picture, maps.columns, maps.rows,
                static_cast<long>(above), decoder.count(picture), count);
    return;
  }
  for (std::int32_t i = 0; i < count; i++) {
    const float* actual = decoder.row(picture, i);
    const float* wanted = expected.data() + static_cast<std::size_t>(i) * kCenterFaceColumns;
    for (int column = 0; column < kCenterFaceColumns; column++) {
      if (std::memcmp(actual + column, wanted + column, sizeof(float)) == 0) continue;
      statistics->differing++;
      const double difference = std::abs(static_cast<double>(actual[column]) - wanted[column]);
      const double allowed = column == 4 ? 0 : std::max(1e-3, 1e-6 * std::abs(static_cast<double>(wanted[column])));
      if (difference <= 1e-3) statistics->largest = std::max(statistics->largest, difference);
      if (difference <= allowed) continue;
      group->Fail("%s, picture %d, row %d of %d, column %d: %.9g instead of %.9g", what, picture, i, count, column,
                  static_cast<double>(actual[column]), static_cast<double>(wanted[column]));
      return;
    }
  }
  std::uint32_t after = 0xffffffffu;
  if (count < capacity) std::memcpy(&after, decoder.row(picture, count), sizeof(after));
  if (after != 0xffffffffu) group->Fail("%s, picture %d: something is written after its %d rows", what, picture, count);
}

/** 16 pictures of 160x160 cells with 20 faces each. */
Maps MakeBenchMaps(bool full) {
  fuzz::Random random(1);
  Maps maps{160, 160, 16, {}, {}, {}, {}};
  const std::size_t cells = maps.cells() * 16;
  maps.heat = AnyMap(&random, cells, full ? 0.6 : 0, full ? 1 : 0.1, false);
  for (int face = 0; face < 16 * 20; face++) {
    const std::int64_t x = random.Integer(2, 157);
    const std::int64_t y = random.Integer(2, 157);
    for (std::int64_t d = 0; d < 25; d++) {
      const auto cell = static_cast<std::size_t>((face % 16 * 160 + y + d / 5 - 2) * 160 + x + d % 5 - 2);
      maps.heat[cell] = static_cast<float>(0.9 - 0.02 * static_cast<double>(std::abs(d - 12)));
    }
  }
  maps.scale = AnyMap(&random, 2 * cells, 2, 2.5, false);
  maps.offset = AnyMap(&random, 2 * cells, 0, 1, false);
  maps.landmarks = AnyMap(&random, 10 * cells, 0, 1, false);
  return maps;
}

}  // namespace

bool TestCenterFace() {
  Group group("centerface");
  cuda::Stream stream;
  Statistics statistics;
  for (int seed = 1; seed <= 300; seed++) {
    fuzz::Random random(static_cast<std::uint64_t>(seed));
    const Maps maps = AnyMaps(&random);
    const NmsRule rule = random.OneIn(2) ? NmsRule::kFast : NmsRule::kGreedy;
    std::vector<cuda::CenterFaceRow> requests;
    std::int32_t capacity = static_cast<std::int32_t>(random.Integer(0, 3));
    for (int i = 0; i < maps.count; i++) requests.push_back(AnyRequest(&random));
    for (const cuda::CenterFaceRow& request : requests) capacity = std::max(capacity, request.max_detections);
    const Decoder decoder(maps, rule, requests, capacity);
    decoder.Launch(stream);
    stream.Synchronize();
    char what[64];
    std::snprintf(what, sizeof(what), "seed %d, %s", seed, rule == NmsRule::kFast ? "fast" : "greedy");
    for (int i = 0; i < maps.count; i++) {
      Compare(what, maps, rule, requests[static_cast<std::size_t>(i)], i, decoder, capacity, &group, &statistics);
    }
  }
  if (statistics.over_full == 0) group.Fail("no picture had more candidates than are suppressed");
  return group.Finish("%ld rows, %ld over-full pictures, %ld values differ, by at most %.3g px (of those below 1e-3)",
                      static_cast<long>(statistics.rows), static_cast<long>(statistics.over_full),
                      static_cast<long>(statistics.differing), statistics.largest);
}

void BenchCenterFace() {
  cuda::Stream stream;
  const struct {
    const char* name;
    bool full;
    NmsRule rule;
  } kBenches[] = {{"centerface_fast_16x160x160_20_faces", false, NmsRule::kFast},
                  {"centerface_greedy_16x160x160_20_faces", false, NmsRule::kGreedy},
                  {"centerface_fast_16x160x160_all_candidates", true, NmsRule::kFast},
                  {"centerface_greedy_16x160x160_all_candidates", true, NmsRule::kGreedy}};
  for (const auto& bench : kBenches) {
    const Maps maps = MakeBenchMaps(bench.full);
    const std::vector<cuda::CenterFaceRow> requests(16, {{{2, 0, 0, 0, 2, -280}}, 0.5, 0.3, 200});
    const Decoder decoder(maps, bench.rule, requests, 200);
    Bench(bench.name, stream, [&] { decoder.Launch(stream); });
    std::printf("  %d rows of the first picture\n", decoder.count(0));
  }
}

}  // namespace sluice::test
