#include "tensorrt/build_engine.h"

#include <cstddef>
#include <cstdint>

#include "addon/argument.h"
#include "addon/gpu/functions.h"

namespace sluice::addon::gpu {
namespace {

using tensorrt::BuildProfile;
using tensorrt::CalibrationAlgorithm;
using tensorrt::CalibrationInput;
using tensorrt::CalibrationSpec;
using tensorrt::EngineBuildResult;
using tensorrt::EngineBuildSpec;
using tensorrt::HardwareCompatibility;
using tensorrt::InputRange;
using tensorrt::Precision;
using tensorrt::SizeRange;

std::string TextOf(const Argument& value) { return value.Text(); }
std::int32_t Int32Of(const Argument& value) { return value.Int32(); }

std::uint64_t BytesOf(const Argument& value) {
  const std::int64_t bytes = value.Integer();
  if (bytes < 0) value.Mismatch("a number of bytes");
  return static_cast<std::uint64_t>(bytes);
}

SizeRange RangeOf(const Argument& value) {
  return {value.Field("min").Int32(), value.Field("opt").Int32(), value.Field("max").Int32()};
}

InputRange InputRangeOf(const Argument& value) {
  const auto shape = [&value](const char* key) {
    return value.Field(key).List([](const Argument& size) { return size.Integer(); });
  };
  return {value.Field("name").Text(), shape("min"), shape("opt"), shape("max")};
}

BuildProfile ProfileOf(const Argument& value) {
  const Argument length = value.Field("length");
  const Argument inputs = value.Field("inputs");
  return {RangeOf(value.Field("batch")), value.Field("height").Optional(RangeOf), value.Field("width").Optional(RangeOf),
          length.IsUndefined() ? std::nullopt : length.Optional(RangeOf),
          inputs.IsUndefined() ? std::vector<InputRange>{} : inputs.List(InputRangeOf)};
}

CalibrationInput CalibrationInputOf(const Argument& value) {
  return {value.Field("name").Text(), value.Field("file").Text()};
}

CalibrationSpec CalibrationOf(const Argument& value) {
  CalibrationSpec spec;
  spec.algorithm = value.Field("algorithm").OneOf<CalibrationAlgorithm>({
      {"entropy", CalibrationAlgorithm::kEntropy},
      {"minmax", CalibrationAlgorithm::kMinMax},
  });
  spec.inputs = value.Field("inputs").List(CalibrationInputOf);
  spec.batch_size = value.Field("batchSize").Int32();
  spec.cache_file = value.Field("cacheFile").Optional(TextOf);
  return spec;
}

EngineBuildSpec SpecOf(const Argument& value) {
  EngineBuildSpec spec;
  spec.onnx_file = value.Field("onnxFile").Text();
  spec.plan_file = value.Field("planFile").Text();
  spec.device = value.Field("device").Int32();
  spec.precision = value.Field("precision").OneOf<Precision>({
      {"fp32", Precision::kFp32},
      {"fp16", Precision::kFp16},
      {"int8", Precision::kInt8},
      {"strongly_typed", Precision::kStronglyTyped},
  });
  spec.tf32 = value.Field("tf32").Boolean();
  const Argument keep_types = value.Field("keepTypes");
  spec.keep_types = !keep_types.IsUndefined() && keep_types.Boolean();
  spec.profiles = value.Field("profiles").List(ProfileOf);
  spec.plugins = value.Field("plugins").List(TextOf);
  spec.optimization_level = value.Field("optimizationLevel").Int32();
  spec.workspace_bytes = value.Field("workspaceBytes").Optional(BytesOf);
  spec.aux_streams = value.Field("auxStreams").Optional(Int32Of);
  spec.version_compatible = value.Field("versionCompatible").Boolean();
  spec.strip_weights = value.Field("stripWeights").Boolean();
  spec.refit = value.Field("refit").Boolean();
  spec.hardware_compatibility = value.Field("hardwareCompatibility").OneOf<HardwareCompatibility>({
      {"none", HardwareCompatibility::kNone},
      {"ampere_plus", HardwareCompatibility::kAmperePlus},
      {"same_compute_capability", HardwareCompatibility::kSameComputeCapability},
  });
  spec.timing_cache_file = value.Field("timingCacheFile").Optional(TextOf);
  spec.calibration = value.Field("calibration").Optional(CalibrationOf);
  spec.progress_fd = value.Field("progressFd").Optional(Int32Of);
  return spec;
}

}  // namespace

Napi::Value BuildEngine(const Napi::CallbackInfo& info) {
  const EngineBuildResult built = tensorrt::BuildEngine(SpecOf(Argument(info[0], "spec")));
  Napi::Env env = info.Env();
  Napi::Array activations = Napi::Array::New(env, built.activation_bytes.size());
  for (std::size_t i = 0; i < built.activation_bytes.size(); i++) {
    const auto bytes = static_cast<double>(built.activation_bytes[i]);
    activations.Set(static_cast<std::uint32_t>(i), Napi::Number::New(env, bytes));
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("planBytes", Napi::Number::New(env, static_cast<double>(built.plan_bytes)));
  result.Set("activationBytes", activations);
  result.Set("layers", Napi::Number::New(env, built.layers));
  return result;
}

}  // namespace sluice::addon::gpu
