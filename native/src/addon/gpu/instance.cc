#include "addon/gpu/instance.h"

#include <algorithm>

#include "addon/detection_arguments.h"
#include "addon/gpu/environment.h"
#include "addon/gpu/functions.h"
#include "addon/gpu/readers.h"
#include "addon/gpu/tensors.h"
#include "addon/translated.h"
#include "addon/pixel_arguments.h"

namespace sluice::addon::gpu {
namespace {

/** CHW of the network input. */
std::vector<std::int64_t> RowShapeOf(const Argument& spec) {
  const std::int32_t channels = ChannelsOf(NormalizationOf(spec).order);
  const std::int32_t height = spec.Field("height").Int32();
  const std::int32_t width = spec.Field("width").Int32();
  const bool focus = spec.Field("focus").Boolean();
  CheckFocus(focus, width, height);
  if (focus) return {4 * channels, height / 2, width / 2};
  return {channels, height, width};
}

decltype(TaskSpec::kind) TaskKindOf(const Argument& task) {
  const std::string kind = task.Field("kind").Text();
  if (kind == "embed") return EmbeddingSpec{task.Field("normalize").Boolean()};
  if (kind == "classify") return ClassificationSpecOf(task);
  if (kind == "segment") return SegmentationSpec{task.Field("activation").Activation(), task.Field("labels").Int32()};
  if (kind == "pose") {
    return PoseSpec{task.Field("heatMaps").Boolean(), task.Field("refinement").Refinement(),
                    task.Field("first").Int32(), task.Field("count").Int32()};
  }
  if (kind == "detect") return DetectionSpecOf(task.Field("detection"));
  task.Field("kind").Mismatch("'detect', 'embed', 'classify', 'segment' or 'pose'");
}

GpuInstanceSpec SpecOf(const Argument& spec) {
  GpuInstanceSpec result;
  result.pool = PoolOf(spec);
  result.pool.lane.row_shape = RowShapeOf(spec);
  result.task = {spec.Field("width").Int32(), spec.Field("height").Int32(), TaskKindOf(spec.Field("task"))};
  result.focus = spec.Field("focus").Boolean();
  result.pad = static_cast<float>(spec.Field("pad").Number());
  result.normalization = NormalizationOf(spec);
  result.max_picture_pixels = spec.Field("maxPicturePixels").Integer();
  return result;
}

GpuPicture PictureOf(const Argument& picture) {
  GpuPicture result{};
  const Argument jpeg = picture.Field("jpeg");
  result.is_jpeg = !jpeg.IsUndefined();
  if (result.is_jpeg) {
    const Napi::Uint8Array bytes = jpeg.Bytes();
    result.jpeg = {bytes.Data(), bytes.ByteLength()};
  } else if (const Argument kept = picture.Field("kept"); !kept.IsUndefined()) {
    result.kept = kept.Integer();
  } else {
    result.pixels = PixelsOf(picture.Field("pixels"));
  }
  return result;
}

GpuRow RowOf(const Argument& row) {
  GpuRow result{};
  result.picture = row.Field("picture").Int32();
  result.matrix = row.Field("matrix").Matrix();
  const Argument window = row.Field("window");
  result.has_window = !window.IsNull();
  if (result.has_window) result.window = WindowOf(window);
  result.border = BorderOf(row.Field("border"));
  const Argument area = row.Field("area");
  result.has_area = !area.IsNull();
  if (result.has_area) result.area = WindowOf(area);
  ResultRequest& asked = result.result;
  asked.matrix = row.Field("resultMatrix").Matrix();
  asked.width = row.Field("width").Side();
  asked.height = row.Field("height").Side();
  double box[4];
  row.Field("box").Numbers(box, 4);
  std::copy(box, box + 4, asked.box);
  asked.score_threshold = row.Field("scoreThreshold").Number();
  asked.nms_threshold = row.Field("nmsThreshold").Number();
  asked.max_detections = row.Field("maxDetections").Int32();
  asked.classes = row.Field("classIds").Optional(ClassBitsOf);
  asked.probability_map = row.Field("probabilityMap").Boolean();
  return result;
}

template <typename Array, typename Value>
Array ArrayOf(Napi::Env env, const std::vector<Value>& values) {
  Array result = Array::New(env, values.size());
  std::copy(values.begin(), values.end(), result.Data());
  return result;
}

Napi::Array MapsOf(Napi::Env env, const std::vector<std::vector<std::vector<std::uint8_t>>>& rows) {
  Napi::Array result = Napi::Array::New(env);
  for (const auto& row : rows) {
    Napi::Array maps = Napi::Array::New(env);
    for (const std::vector<std::uint8_t>& map : row) maps.Set(maps.Length(), ArrayOf<Napi::Uint8Array>(env, map));
    result.Set(result.Length(), maps);
  }
  return result;
}

Napi::Array MasksOf(Napi::Env env, const std::vector<std::vector<std::uint32_t>>& masks) {
  Napi::Array result = Napi::Array::New(env);
  for (const auto& mask : masks) result.Set(result.Length(), ArrayOf<Napi::Uint32Array>(env, mask));
  return result;
}

}  // namespace

void Instance::Define(Napi::Env env) {
  Environment::Of(env).instance_class = Napi::Persistent(DefineClass(
      env, "Instance",
      {
          InstanceMethod("notes", &Instance::Notes),
          InstanceMethod("decode", &Instance::Decode),
          InstanceMethod("upload", &Instance::Upload),
          InstanceMethod("run", &Instance::Run),
          InstanceMethod("tensors", &Instance::Tensors),
          InstanceMethod("infer", &Instance::Infer),
          InstanceMethod("keep", &Instance::Keep),
          InstanceMethod("close", &Instance::Close),
      }));
}

Instance::Instance(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Instance>(info) {
  Translate(info.Env(), [&] {
    instance_ = std::make_unique<GpuInstance>(SpecOf(Argument(info[0], "spec")));
  });
}

GpuInstance& Instance::Open(const Napi::CallbackInfo& info) {
  if (instance_ == nullptr) throw Napi::Error::New(info.Env(), "the instance is closed");
  return *instance_;
}

Napi::Value Instance::Notes(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value {
    Napi::Array result = Napi::Array::New(info.Env());
    for (const std::string& note : Open(info).Notes()) result.Set(result.Length(), note);
    return result;
  });
}

Napi::Value Instance::Decode(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value {
    const Napi::Env env = info.Env();
    GpuInstance& instance = Open(info);
    const std::vector<GpuPicture> pictures = Argument(info[0], "pictures").List(PictureOf);
    pictures_ = Napi::Persistent(info[0].As<Napi::Object>());
    Napi::Array result = Napi::Array::New(env);
    for (const GpuPictureReply& reply : instance.Decode(pictures)) {
      Napi::Object item = Napi::Object::New(env);
      if (reply.refusal.empty()) {
        item.Set("width", reply.width);
        item.Set("height", reply.height);
      } else {
        item.Set("refusal", reply.refusal);
      }
      result.Set(result.Length(), item);
    }
    return result;
  });
}

Napi::Value Instance::Upload(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value {
    GpuInstance& instance = Open(info);
    const std::int32_t picture = Argument(info[0], "picture").Int32();
    instance.Upload(static_cast<std::size_t>(std::max(picture, 0)), PixelsOf(Argument(info[1], "pixels")));
    return info.Env().Undefined();
  });
}

Napi::Value Instance::Run(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value {
    const Napi::Env env = info.Env();
    GpuInstance& instance = Open(info);
    const std::vector<GpuRow> rows = Argument(info[0], "rows").List(RowOf);
    GpuPhases phases{};
    const ResultTables tables = instance.Run(rows, &phases);
    Napi::Object result = Napi::Object::New(env);
    result.Set("columns", tables.columns);
    result.Set("layout", tables.layout.has_value() ? LayoutObject(env, *tables.layout) : env.Null());
    result.Set("counts", ArrayOf<Napi::Int32Array>(env, tables.counts));
    result.Set("values", ArrayOf<Napi::Float32Array>(env, tables.values));
    result.Set("masks", MasksOf(env, tables.masks));
    result.Set("maps", MapsOf(env, tables.maps));
    result.Set("phases", PhasesOf(env, phases));
    return result;
  });
}

Napi::Value Instance::Keep(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value {
    GpuInstance& instance = Open(info);
    const std::int32_t picture = Argument(info[0], "picture").Int32();
    const std::int64_t id = instance.Keep(static_cast<std::size_t>(std::max(picture, 0)));
    return Napi::Number::New(info.Env(), static_cast<double>(id));
  });
}

Napi::Value Instance::Tensors(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value { return TensorsOf(info.Env(), Open(info).engine()); });
}

Napi::Value Instance::Infer(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value { return gpu::Infer(info, Open(info)); });
}

Napi::Value Instance::Close(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value {
    instance_.reset();
    pictures_.Reset();
    return info.Env().Undefined();
  });
}

Napi::Value OpenInstance(const Napi::CallbackInfo& info) {
  return Environment::Of(info.Env()).instance_class.New({info[0]});
}

}  // namespace sluice::addon::gpu
