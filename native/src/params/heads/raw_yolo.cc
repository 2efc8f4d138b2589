#include "params/heads/raw_yolo.h"

#include <string>

#include "params/error.h"
#include "params/head_outputs.h"

namespace sluice {
namespace {

using Levels = std::vector<std::vector<float>>;

/** The anchors that YOLOv5 was published with, for strides up to 32 and up to 64. */
const Levels kAnchorsP5{{10, 13, 16, 30, 33, 23}, {30, 61, 62, 45, 59, 119}, {116, 90, 156, 198, 373, 326}};
const Levels kAnchorsP6{{19, 27, 44, 40, 38, 94},
                        {96, 68, 86, 152, 180, 137},
                        {140, 301, 303, 264, 238, 542},
                        {436, 615, 739, 380, 925, 792}};

[[noreturn]] void RefuseConfiguration(const DetectionSpec& spec, const std::string& why) {
  throw Error(ErrorCode::kModelInvalid, "task " + spec.task + ": " + why);
}

/** The strides of the specification, or those of the usual ones that give so many cells. */
std::vector<std::int32_t> StridesFor(const DetectionSpec& spec, std::int64_t cells) {
  const std::vector<std::int32_t> usual{8, 16, 32};
  const std::vector<std::int32_t> large{8, 16, 32, 64};
  if (!spec.strides.empty()) return spec.strides;
  return CellsOf(spec, large) == cells ? large : usual;
}

Levels AnchorsFor(const DetectionSpec& spec, std::size_t levels) {
  if (spec.task == "yolox_raw") {
    if (!spec.anchors.empty()) RefuseConfiguration(spec, "postprocess.anchors has no meaning; remove it");
    return Levels(levels, std::vector<float>(2, 0));
  }
  if (!spec.anchors.empty()) return spec.anchors;
  if (levels == kAnchorsP5.size()) return kAnchorsP5;
  if (levels == kAnchorsP6.size()) return kAnchorsP6;
  RefuseConfiguration(spec, "postprocess.anchors is needed for " + std::to_string(levels) + " strides");
}

/** How many anchors each level has. */
std::size_t CountAnchors(const DetectionSpec& spec, const Levels& anchors, std::size_t levels) {
  if (levels > RawYoloHead::kMaxLevels) {
    RefuseConfiguration(spec, std::to_string(levels) + " strides are too many; " +
                                  std::to_string(RawYoloHead::kMaxLevels) + " is the most");
  }
  if (anchors.size() != levels) {
    RefuseConfiguration(spec, "postprocess.anchors has " + std::to_string(anchors.size()) + " levels, and there are " +
                                  std::to_string(levels) + " strides");
  }
  for (const std::vector<float>& level : anchors) {
    const std::size_t most = 2 * RawYoloHead::kMaxAnchors;
    if (level.size() != anchors[0].size() || level.empty() || level.size() % 2 != 0 || level.size() > most) {
      RefuseConfiguration(spec, "each level of postprocess.anchors needs as many pairs of width and height, 1 to " +
                                    std::to_string(RawYoloHead::kMaxAnchors));
    }
  }
  return anchors[0].size() / 2;
}

}  // namespace

RawYoloHead MakeRawYoloHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                            const std::vector<const float*>& data) {
  const int found = FindOutput(outputs, 3);
  const auto index = static_cast<std::size_t>(found);
  const std::int64_t given = found < 0 ? 0 : outputs[index].dims[2];
  const std::vector<std::int32_t> strides = StridesFor(spec, given);
  const Levels anchors = AnchorsFor(spec, strides.size());
  const std::size_t count = CountAnchors(spec, anchors, strides.size());
  const std::int64_t cells = CellsOf(spec, strides);
  if (found < 0 || given != cells || outputs[index].dims[0] != static_cast<std::int64_t>(count) ||
      outputs[index].dims[1] < 6) {
    RefuseOutputs(spec, "[1," + std::to_string(count) + ",5+C," + std::to_string(cells) + "]", outputs);
  }
  const std::int64_t classes = outputs[index].dims[1] - 5;
  CheckClasses(spec, classes);

  RawYoloHead head{};
  head.values = data[index];
  head.cells = static_cast<std::uint32_t>(cells);
  head.anchors = static_cast<std::int32_t>(count);
  head.classes = static_cast<std::int32_t>(classes);
  head.anchor_free = spec.task == "yolox_raw";
  head.level_count = static_cast<std::int32_t>(strides.size());
  std::uint32_t end = 0;
  for (std::size_t i = 0; i < strides.size(); i++) {
    const std::int32_t columns = CellsOf(spec.width, strides[i]);
    end += static_cast<std::uint32_t>(columns * CellsOf(spec.height, strides[i]));
    head.levels[i] = {end, columns, strides[i], {}};
    for (std::size_t k = 0; k < anchors[i].size(); k++) head.levels[i].anchors[k / 2][k % 2] = anchors[i][k];
  }
  return head;
}

}  // namespace sluice
