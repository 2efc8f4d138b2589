#include <cmath>
#include <vector>

#include "cpu/nms.h"
#include "decoders/centerface.h"
#include "fuzz_operators.h"

namespace sluice::fuzz {
namespace {

NmsParams AnyNms(Random* random) {
  return {random->OneIn(2) ? NmsRule::kFast : NmsRule::kGreedy,
          random->OneIn(50) ? random->Extreme() : random->Real(0, 1)};
}

double Overlap(const Box& a, const Box& b) {
  const double width = std::fmin(a.right, b.right) - std::fmax(a.left, b.left);
  const double height = std::fmin(a.bottom, b.bottom) - std::fmax(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const auto area = [](const Box& box) {
    return (static_cast<double>(box.right) - box.left) * (static_cast<double>(box.bottom) - box.top);
  };
  return width * height / (area(a) + area(b) - width * height);
}

}  // namespace

void FuzzNms(Random* random) {
  const std::size_t count = static_cast<std::size_t>(random->OneIn(200) ? 2000 : random->Integer(0, 80));
  Exact<Box> boxes(count);
  for (std::size_t i = 0; i < count; i++) {
    const double left = random->Real(0, 30);
    const double top = random->Real(0, 30);
    boxes.data[i] = {static_cast<float>(left),
                     static_cast<float>(top),
                     static_cast<float>(left + random->Real(-1, 20)),
                     static_cast<float>(top + random->Real(-1, 20)),
                     static_cast<float>(random->Integer(0, 9)),
                     static_cast<float>(random->Integer(0, 2))};
    if (random->OneIn(20)) boxes.data[i].right = static_cast<float>(random->Extreme());
    if (random->OneIn(20)) boxes.data[i].score = static_cast<float>(random->Extreme());
  }
  const NmsParams params = AnyNms(random);
  const std::vector<std::uint32_t> kept = Nms(boxes.data.get(), count, params);
  Expect(kept.size() <= count, "more boxes stay than came");
  for (std::size_t k = 0; k < kept.size(); k++) {
    Expect(kept[k] < count, "an index beyond the boxes");
    const Box& box = boxes.data[kept[k]];
    Expect(std::isfinite(box.score) && std::isfinite(box.right), "a box that is not finite stays");
    if (k > 0) Expect(boxes.data[kept[k - 1]].score >= box.score, "the boxes are not sorted");
    for (std::size_t j = 0; j < k && k < 100; j++) {
      const Box& better = boxes.data[kept[j]];
      const bool over = better.label == box.label && Overlap(better, box) > params.iou_threshold + 1e-6;
      Expect(!over, "two boxes stay that overlap");
    }
  }
}

void FuzzCenterFace(Random* random) {
  CenterFaceParams params;
  params.columns = static_cast<std::int32_t>(random->OneIn(30) ? random->Integer(-1, 200) : random->Integer(1, 20));
  params.rows = static_cast<std::int32_t>(random->OneIn(30) ? random->Integer(-1, 200) : random->Integer(1, 20));
  params.score_threshold = random->OneIn(50) ? random->Extreme() : random->Real(-0.1, 1);
  params.nms = AnyNms(random);
  params.max_detections = static_cast<std::int32_t>(random->Integer(random->OneIn(50) ? -1 : 0, 30));
  params.matrix = {{random->Real(0.1, 4), 0, random->Real(-50, 50), 0, random->Real(0.1, 4), random->Real(-50, 50)}};
  if (random->OneIn(10)) params.matrix.m[random->Integer(0, 5)] = random->Extreme();

  const auto cells = static_cast<std::size_t>(std::abs(params.columns * params.rows));
  const auto make = [&](std::size_t planes, double low, double high) {
    Exact<float> map(planes * cells + (random->OneIn(300) ? 1 : 0));
    for (std::size_t i = 0; i < map.length; i++) {
      map.data[i] = static_cast<float>(random->OneIn(100) ? random->Extreme() : random->Real(low, high));
    }
    return map;
  };
  const Exact<float> heat = make(1, 0, 1);
  const Exact<float> scale = make(2, -1, 3);
  const Exact<float> offset = make(2, 0, 1);
  const Exact<float> landmarks = make(10, 0, 1);
  const auto view = [](const Exact<float>& map) { return FloatView{map.data.get(), map.length}; };
  const CenterFaceMaps maps{view(heat), view(scale), view(offset), view(landmarks)};

  const std::int64_t needed = std::int64_t{kCenterFaceColumns} * std::max(params.max_detections, 0);
  Exact<float> out(static_cast<std::size_t>(random->OneIn(100) && needed > 0 ? needed - 1 : needed));
  const std::int32_t written = DecodeCenterFace(maps, params, {out.data.get(), out.length});
  Expect(written >= 0 && written <= params.max_detections, "more rows than allowed");
  for (std::int32_t i = 0; i < written; i++) {
    const float* row = out.data.get() + i * kCenterFaceColumns;
    for (int column = 0; column < kCenterFaceColumns; column++) {
      Expect(std::isfinite(row[column]), "a value that is not finite");
    }
    Expect(row[4] > params.score_threshold, "a row below the threshold");
    Expect(row[0] <= row[2] && row[1] <= row[3], "a box inside out");
    if (i > 0) Expect(row[4] <= row[4 - kCenterFaceColumns], "the rows are not sorted");
  }
}

}  // namespace sluice::fuzz
