#include "params/any_head.h"

#include <algorithm>
#include <limits>
#include <string>

#include "params/check.h"
#include "params/error.h"
#include "params/pixels.h"

namespace sluice {
namespace {

using Maker = AnyHead (*)(const DetectionSpec&, const std::vector<OutputShape>&, const std::vector<const float*>&);

/** A maker of one head as a maker of any. */
template <typename Head, Head (*make)(const DetectionSpec&, const std::vector<OutputShape>&,
                                      const std::vector<const float*>&)>
AnyHead Any(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
            const std::vector<const float*>& data) {
  return make(spec, outputs, data);
}

struct Family {
  const char* task;
  Maker make;
};

constexpr Family kFamilies[] = {
    {"centerface", Any<CenterFaceHead, MakeCenterFaceHead>},
    {"yolov5", Any<YoloHead, MakeYoloHead>},
    {"yolox", Any<YoloHead, MakeYoloHead>},
    {"yolov5_raw", Any<RawYoloHead, MakeRawYoloHead>},
    {"yolox_raw", Any<RawYoloHead, MakeRawYoloHead>},
    {"yolov8", Any<YoloV8Head, MakeYoloV8Head>},
    {"yolov8_pose", Any<YoloV8Head, MakeYoloV8Head>},
    {"yolov8_seg", Any<YoloV8Head, MakeYoloV8Head>},
    {"yolov8_obb", Any<YoloV8ObbHead, MakeYoloV8ObbHead>},
    {"yolov10", Any<RowsHead, MakeRowsHead>},
    {"centernet", Any<CenterNetHead, MakeCenterNetHead>},
    {"dbface", Any<DbFaceHead, MakeDbFaceHead>},
    {"rtdetr", Any<RtDetrHead, MakeRtDetrHead>},
    {"efficient_nms", Any<EfficientNmsHead, MakeEfficientNmsHead>},
    {"retinaface", Any<RetinaFaceHead, MakeRetinaFaceHead>},
    {"scrfd", Any<ScrfdHead, MakeScrfdHead>},
};

const Family* FamilyOf(const std::string& task) {
  const auto* found = std::find_if(std::begin(kFamilies), std::end(kFamilies),
                                   [&](const Family& family) { return task == family.task; });
  return found == std::end(kFamilies) ? nullptr : found;
}

/** What would make arithmetic of the makers go wrong. */
void CheckSpec(const DetectionSpec& spec) {
  if (spec.width < 1 || spec.width > kMaxSide) Refuse("spec.width is ", spec.width, "; it must be 1 to ", kMaxSide);
  if (spec.height < 1 || spec.height > kMaxSide) Refuse("spec.height is ", spec.height, "; it must be 1 to ", kMaxSide);
  for (const std::int32_t stride : spec.strides) {
    if (stride < 1 || stride > kMaxSide) Refuse("spec.strides has ", stride, "; each must be 1 to ", kMaxSide);
  }
  if (spec.key_points < 0 || spec.key_points > 1000) {
    Refuse("spec.keyPoints is ", spec.key_points, "; it must be 0 to 1000");
  }
  if (spec.labels < 0) Refuse("spec.labels is ", spec.labels, "; it must not be negative");
}

/** Indices of 32 bits reach every value of what a head reads of one picture. */
void CheckSizes(const std::vector<OutputShape>& outputs) {
  for (const OutputShape& output : outputs) {
    std::int64_t values = 1;
    for (const std::int64_t dim : output.dims) {
      if (dim >= 1 && values <= std::numeric_limits<std::int32_t>::max() / dim) {
        values *= dim;
        continue;
      }
      throw Error(ErrorCode::kModelInvalid, "output " + output.name + " has a dimension of " + std::to_string(dim) +
                                                ", which no detector can read");
    }
  }
}

}  // namespace

AnyHead MakeHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                 const std::vector<const float*>& data) {
  const Family* family = FamilyOf(spec.task);
  if (family == nullptr) throw Error(ErrorCode::kModelInvalid, "no detector has the task " + spec.task);
  CheckSpec(spec);
  if (data.size() != outputs.size()) {
    Refuse("outputs has ", data.size(), " items; the model has ", outputs.size(), " outputs");
  }
  CheckSizes(outputs);
  const AnyHead head = family->make(spec, outputs, data);
  const std::int32_t columns = LayoutOf(head).columns();
  if (columns > kMaxColumns) {
    throw Error(ErrorCode::kModelInvalid, "a detection would have " + std::to_string(columns) + " values; " +
                                              std::to_string(kMaxColumns) + " is the most");
  }
  return head;
}

HeadLayout LayoutOf(const AnyHead& head) {
  return std::visit([](const auto& found) { return found.layout(); }, head);
}

}  // namespace sluice
