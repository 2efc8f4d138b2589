#include "addon/detections.h"

#include "addon/detection_arguments.h"
#include "addon/operators.h"
#include "addon/translated.h"
#include "decoders/detections.h"
#include "params/check.h"

namespace sluice::addon {
namespace {

/** What one thread's environment keeps for the addon. */
struct EnvironmentData {
  Napi::FunctionReference detections_class;
};

OutputShape OutputOf(const Argument& output) {
  return {output.Field("name").Text(),
          output.Field("shape").List([](const Argument& dim) { return dim.Integer(); })};
}

}  // namespace

void Detections::Define(Napi::Env env) {
  auto* data = new EnvironmentData;
  data->detections_class = Napi::Persistent(DefineClass(env, "Detections",
                                                        {
                                                            InstanceAccessor<&Detections::Columns>("columns"),
                                                            InstanceAccessor<&Detections::Layout>("layout"),
                                                            InstanceMethod("decode", &Detections::Decode),
                                                        }));
  env.SetInstanceData(data);
}

Detections::Detections(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Detections>(info) {
  Translate(info.Env(), [&] {
    spec_ = DetectionSpecOf(Argument(info[0], "spec"));
    outputs_ = Argument(info[1], "outputs").List(OutputOf);
    layout_ = LayoutOf(MakeHead(spec_, outputs_, std::vector<const float*>(outputs_.size())));
    for (const OutputShape& output : outputs_) {
      std::size_t length = 1;
      for (const std::int64_t dim : output.dims) length *= static_cast<std::size_t>(dim);
      lengths_.push_back(length);
    }
  });
}

Napi::Value Detections::Columns(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), layout_.columns());
}

Napi::Value Detections::Layout(const Napi::CallbackInfo& info) { return LayoutObject(info.Env(), layout_); }

Napi::Value Detections::Decode(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value {
    const std::int32_t row = Argument(info[1], "row").Int32();
    const Argument options(info[2], "request");
    DetectionRequest request{};
    request.matrix = options.Field("matrix").Matrix();
    request.score_threshold = options.Field("scoreThreshold").Number();
    request.nms_threshold = options.Field("nmsThreshold").Number();
    request.max_detections = options.Field("maxDetections").Int32();
    const auto classes = options.Field("classIds").Optional(ClassBitsOf);
    if (classes.has_value()) {
      request.classes = classes->data();
      request.class_words = static_cast<std::int32_t>(classes->size());
    }
    // Memory last; see Argument.
    const auto arrays = Argument(info[0], "outputs").List([](const Argument& output) { return output.Floats(); });
    const Napi::Float32Array out = Argument(info[3], "out").Floats();
    std::vector<const float*> data;
    for (std::size_t i = 0; i < arrays.size() && i < lengths_.size(); i++) {
      const std::size_t pictures = arrays[i].ElementLength() / lengths_[i];
      if (pictures * lengths_[i] != arrays[i].ElementLength()) {
        Refuse("outputs[", i, "] has ", arrays[i].ElementLength(), " values; a picture has ", lengths_[i]);
      }
      if (row < 0 || static_cast<std::size_t>(row) >= pictures) {
        Refuse("row is ", row, "; outputs[", i, "] has ", pictures, " pictures");
      }
      data.push_back(arrays[i].Data() + static_cast<std::size_t>(row) * lengths_[i]);
    }
    data.resize(arrays.size());
    const AnyHead head = MakeHead(spec_, outputs_, data);
    return Napi::Number::New(info.Env(), DecodeDetections(head, request, spec_, View(out)));
  });
}

Napi::Value OpenDetections(const Napi::CallbackInfo& info) {
  return info.Env().GetInstanceData<EnvironmentData>()->detections_class.New({info[0], info[1]});
}

}  // namespace sluice::addon
