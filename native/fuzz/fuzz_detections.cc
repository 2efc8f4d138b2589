#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include "cpu/nms.h"
#include "decoders/detections.h"
#include "family_shapes.h"
#include "fuzz_operators.h"
#include "params/any_head.h"
#include "params/detection_row.h"
#include "params/error.h"
#include "params/head_outputs.h"

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

namespace {

constexpr const char* kTasks[] = {"centerface",  "yolov5",     "yolox",      "yolov5_raw", "yolox_raw", "yolov8",
                                  "yolov8_pose", "yolov8_seg", "yolov8_obb", "yolov10",    "nothing"};

DetectionSpec AnySpec(Random* random) {
  DetectionSpec spec{};
  const bool family = random->OneIn(3);
  spec.task = family ? kFamilies[random->Integer(0, std::size(kFamilies) - 1)]
                     : kTasks[random->Integer(0, std::size(kTasks) - 1)];
  spec.width = static_cast<std::int32_t>(random->OneIn(50) ? random->Integer(-1, 40000) : 32 * random->Integer(1, 3));
  spec.height = static_cast<std::int32_t>(random->OneIn(50) ? random->Integer(-1, 40000) : random->Integer(1, 80));
  const std::int64_t levels = random->OneIn(4) ? random->Integer(0, 8) : 0;
  for (std::int64_t i = 0; i < levels; i++) {
    spec.strides.push_back(static_cast<std::int32_t>(random->OneIn(50) ? random->Integer(-1, 9) : 8 << i % 3));
    if (random->OneIn(8)) continue;
    spec.anchors.emplace_back();
    for (std::int64_t k = random->Integer(1, 3); k > 0; k--) {
      for (const double side : {random->Real(1, 50), random->OneIn(9) ? random->Extreme() : random->Real(1, 50)}) {
        spec.anchors.back().push_back(static_cast<float>(side));
      }
    }
  }
  spec.key_points = static_cast<std::int32_t>(random->OneIn(3) ? random->Integer(random->OneIn(20) ? -1 : 0, 4) : 0);
  spec.logits = random->OneIn(3);
  spec.labels = static_cast<std::int32_t>(random->OneIn(20) ? random->Integer(-1, 4) : 0);
  spec.nms_rule = random->OneIn(2) ? NmsRule::kFast : NmsRule::kGreedy;
  spec.class_agnostic = random->OneIn(3);
  spec.max_detections = 100;
  return spec;
}

/** Shapes that mostly fit the task. */
std::vector<OutputShape> AnyShapes(Random* random, const DetectionSpec& spec) {
  const std::int64_t side = std::clamp(spec.width, 1, 96);
  const std::vector<std::int32_t> usual{8, 16, 32};
  const std::vector<std::int32_t>& strides = StridesOr(spec, usual);
  const bool sound = std::all_of(strides.begin(), strides.end(), [](std::int32_t stride) { return stride > 0; });
  const std::int64_t cells = random->OneIn(5) || !sound ? random->Integer(1, 300) : CellsOf(spec, strides) % 1000;
  const std::int64_t columns = random->Integer(5, 70);
  const bool family = std::find(std::begin(kFamilies), std::end(kFamilies), spec.task) != std::end(kFamilies);
  std::vector<OutputShape> shapes;
  if (family && sound && std::clamp(spec.width, 1, 96) == spec.width && spec.height > 0 && spec.height <= 80) {
    shapes = FamilyShapes(random, spec);
  } else if (spec.task == "centerface") {
    for (const std::int64_t planes : {1, 2, 2, 10}) {
      shapes.push_back({"map", {planes, (std::clamp(spec.height, 1, 80) + 3) / 4, (side + 3) / 4}});
    }
  } else if (spec.task == "yolov5_raw" || spec.task == "yolox_raw") {
    shapes.push_back({"output", {spec.task == "yolox_raw" ? 1 : random->Integer(1, 3), columns, cells}});
  } else if (spec.task == "yolov10") {
    shapes.push_back({"output0", {cells, 6 + random->Integer(2, 3) * std::max(spec.key_points, 0)}});
  } else {
    shapes.push_back({"output0", {cells, columns}});
    if (random->OneIn(2)) std::swap(shapes[0].dims[0], shapes[0].dims[1]);
    if (random->OneIn(2)) shapes.push_back({"output1", {random->Integer(1, 40), 2, 3}});
  }
  if (random->OneIn(30)) shapes.pop_back();
  if (random->OneIn(30) && !shapes.empty()) shapes[0].dims[0] = random->Integer(-1, 3);
  return shapes;
}

std::vector<Exact<float>> AnyValues(Random* random, const std::vector<OutputShape>& shapes) {
  std::vector<Exact<float>> values;
  for (const OutputShape& shape : shapes) {
    std::int64_t length = 1;
    for (const std::int64_t dim : shape.dims) length *= std::max<std::int64_t>(dim, 0);
    values.emplace_back(static_cast<std::size_t>(length));
    for (std::int64_t i = 0; i < length; i++) {
      const double value = random->OneIn(4) ? random->Real(-5, 40) : random->Real(0, 1);
      values.back().data[i] = static_cast<float>(random->OneIn(100) ? random->Extreme() : value);
    }
  }
  return values;
}

void CheckRows(const float* rows, std::int32_t written, std::int32_t columns, const DetectionRequest& request) {
  Expect(written >= 0 && written <= request.max_detections, "more rows than allowed");
  for (std::int32_t i = 0; i < written; i++) {
    const float* row = rows + i * columns;
    for (int column = 0; column < columns; column++) Expect(std::isfinite(row[column]), "a value that is not finite");
    Expect(row[4] > request.score_threshold, "a row below the threshold");
    Expect(row[0] <= row[2] && row[1] <= row[3], "a box inside out");
    const auto label = static_cast<std::int32_t>(row[5]);
    Expect(label >= 0 && static_cast<float>(label) == row[5], "a class that is none");
    Expect(Wants(request.classes, request.class_words, label), "a class that nobody asked for");
    if (i > 0) Expect(row[4] <= row[4 - columns], "the rows are not sorted");
  }
}

}  // namespace

void FuzzDetections(Random* random) {
  const DetectionSpec spec = AnySpec(random);
  const std::vector<OutputShape> shapes = AnyShapes(random, spec);
  const std::vector<Exact<float>> values = AnyValues(random, shapes);
  std::vector<const float*> data;
  for (const Exact<float>& output : values) data.push_back(output.data.get());
  if (random->OneIn(200)) data.push_back(nullptr);

  DetectionRequest request{};
  request.matrix = {{random->Real(0.1, 4), 0, random->Real(-50, 50), 0, random->Real(0.1, 4), random->Real(-50, 50)}};
  if (random->OneIn(10)) request.matrix.m[random->Integer(0, 5)] = random->Extreme();
  request.score_threshold = random->OneIn(50) ? random->Extreme() : random->Real(-0.1, 1);
  request.nms_threshold = AnyNms(random).iou_threshold;
  request.max_detections = static_cast<std::int32_t>(random->Integer(random->OneIn(50) ? -1 : 0, 30));
  Exact<std::uint32_t> classes(static_cast<std::size_t>(random->Integer(1, 2)));
  classes.data[0] = static_cast<std::uint32_t>(random->Integer(0, 255));
  if (random->OneIn(3)) {
    request.classes = classes.data.get();
    request.class_words = static_cast<std::int32_t>(classes.length);
  }
  try {
    const AnyHead head = MakeHead(spec, shapes, data);
    const std::int32_t columns = LayoutOf(head).columns();
    const std::int64_t needed = std::int64_t{columns} * std::max(request.max_detections, 0);
    Exact<float> out(static_cast<std::size_t>(random->OneIn(100) && needed > 0 ? needed - 1 : needed));
    const std::int32_t written = DecodeDetections(head, request, spec, {out.data.get(), out.length});
    CheckRows(out.data.get(), written, columns, request);
  } catch (const Error& error) {
    // Outputs that do not fit are refused like arguments.
    Expect(error.code() == ErrorCode::kModelInvalid, error.what());
    throw std::out_of_range(error.what());
  }
}

}  // namespace sluice::fuzz
