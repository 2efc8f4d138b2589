#include "addon/detection_arguments.h"

namespace sluice::addon {

DetectionSpec DetectionSpecOf(const Argument& argument) {
  DetectionSpec spec;
  spec.task = argument.Field("task").Text();
  spec.width = argument.Field("width").Int32();
  spec.height = argument.Field("height").Int32();
  spec.strides = argument.Field("strides").List([](const Argument& stride) { return stride.Int32(); });
  spec.anchors = argument.Field("anchors").List([](const Argument& level) {
    return level.List([](const Argument& side) { return static_cast<float>(side.Number()); });
  });
  spec.key_points = argument.Field("keyPoints").Int32();
  spec.logits = argument.Field("logits").Boolean();
  spec.labels = argument.Field("labels").Int32();
  spec.nms_rule =
      argument.Field("nmsRule").OneOf<NmsRule>({{"fast", NmsRule::kFast}, {"greedy", NmsRule::kGreedy}});
  spec.class_agnostic = argument.Field("classAgnostic").Boolean();
  spec.max_detections = argument.Field("maxDetections").Int32();
  return spec;
}

std::vector<std::uint32_t> ClassBitsOf(const Argument& ids) {
  std::vector<std::uint32_t> bits(1);
  for (const std::int64_t id : ids.List([](const Argument& item) { return item.Integer(); })) {
    if (id < 0 || id >= kMaxClasses) continue;
    const auto word = static_cast<std::size_t>(id / 32);
    if (word >= bits.size()) bits.resize(word + 1);
    bits[word] |= std::uint32_t{1} << (id % 32);
  }
  return bits;
}

Napi::Object LayoutObject(Napi::Env env, const HeadLayout& layout) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("rotated", layout.rotated);
  result.Set("points", layout.points);
  result.Set("pointValues", layout.point_values);
  result.Set("values", layout.values);
  return result;
}

}  // namespace sluice::addon
