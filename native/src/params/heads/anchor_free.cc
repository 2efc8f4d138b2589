#include "params/heads/anchor_free.h"

#include <string>

#include "params/head_outputs.h"

namespace sluice {
namespace {

constexpr std::int32_t kPosePoints = 17;

/** Whether the places run along the second dimension: told by how many the strides give, else by which is larger. */
bool PlacesLast(const DetectionSpec& spec, const std::vector<std::int64_t>& dims) {
  static const std::vector<std::int32_t> kUsual{8, 16, 32};
  static const std::vector<std::int32_t> kLarge{8, 16, 32, 64};
  for (const auto* strides : {&StridesOr(spec, kUsual), &StridesOr(spec, kLarge)}) {
    const std::int64_t cells = CellsOf(spec, *strides);
    if ((dims[0] == cells) != (dims[1] == cells)) return dims[1] == cells;
  }
  return dims[1] > dims[0];
}

/** `extra` values follow the scores of each place; `what` they are is part of the expectation. */
template <Suppression suppression>
AnchorFreeHead<suppression> Make(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                                 const std::vector<const float*>& data, std::int64_t extra, const std::string& what) {
  const int found = FindOutput(outputs, 2);
  const auto index = static_cast<std::size_t>(found);
  const std::string expected = "[1,4+C" + what + ",A] or [1,A,4+C" + what + "]";
  if (found < 0 || outputs[index].dims[0] < 1 || outputs[index].dims[1] < 1) RefuseOutputs(spec, expected, outputs);
  const std::vector<std::int64_t>& dims = outputs[index].dims;
  const bool places_last = PlacesLast(spec, dims);
  const std::int64_t columns = places_last ? dims[0] : dims[1];
  const std::int64_t places = places_last ? dims[1] : dims[0];
  const std::int64_t classes = columns - 4 - extra;
  if (classes < 1) RefuseOutputs(spec, expected, outputs);
  AnchorFreeHead<suppression> head{};
  head.values = data[index];
  head.places = static_cast<std::uint32_t>(places);
  head.step = places_last ? 1 : static_cast<std::size_t>(columns);
  head.plane = places_last ? static_cast<std::size_t>(places) : 1;
  head.columns = static_cast<std::int32_t>(columns);
  head.classes = static_cast<std::int32_t>(classes);
  head.point_values = 2;
  head.logits = spec.logits;
  return head;
}

YoloV8Head MakePose(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                    const std::vector<const float*>& data) {
  const std::int32_t points = spec.key_points > 0 ? spec.key_points : kPosePoints;
  const std::string count = std::to_string(points);
  const auto make = [&](std::int32_t values) {
    const std::string what = "+" + count + "*" + (values == 3 ? "3" : "2");
    YoloV8Head head = Make<Suppression::kBoxes>(spec, outputs, data, std::int64_t{points} * values, what);
    head.points = points;
    head.point_values = values;
    return head;
  };
  // Points of two values are rare: only where three leave no class, or another number of them than the labels tell.
  const YoloV8Head pairs = make(2);
  const std::int32_t classes = pairs.classes - points;
  const bool two = classes < 1 || (spec.labels > 0 && classes != spec.labels && pairs.classes == spec.labels);
  return two ? pairs : make(3);
}

YoloV8Head MakeSegmentation(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                            const std::vector<const float*>& data) {
  // Prototypes of masks [M, h, w]. The decoder tells the M coefficients of each box; what makes masks of both comes after.
  const int prototypes = FindOutput(outputs, 3);
  if (prototypes < 0) RefuseOutputs(spec, "[1,4+C+M,A] or [1,A,4+C+M] and [1,M,h,w]", outputs);
  const std::int64_t masks = outputs[static_cast<std::size_t>(prototypes)].dims[0];
  YoloV8Head head = Make<Suppression::kBoxes>(spec, outputs, data, masks, "+" + std::to_string(masks));
  head.coefficients = static_cast<std::int32_t>(masks);
  return head;
}

}  // namespace

YoloV8Head MakeYoloV8Head(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                          const std::vector<const float*>& data) {
  YoloV8Head head = spec.task == "yolov8_pose"  ? MakePose(spec, outputs, data)
                    : spec.task == "yolov8_seg" ? MakeSegmentation(spec, outputs, data)
                                                : Make<Suppression::kBoxes>(spec, outputs, data, 0, "");
  CheckClasses(spec, head.classes);
  return head;
}

YoloV8ObbHead MakeYoloV8ObbHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                                const std::vector<const float*>& data) {
  const YoloV8ObbHead head = Make<Suppression::kRotated>(spec, outputs, data, 1, "+1");
  CheckClasses(spec, head.classes);
  return head;
}

}  // namespace sluice
