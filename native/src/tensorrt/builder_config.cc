#include "tensorrt/builder_config.h"

#include <optional>
#include <string>

#include "params/error.h"
#include "tensorrt/compat.h"
#include "tensorrt/logger.h"
#include "tensorrt/onnx_network.h"

namespace sluice::tensorrt {
namespace {

using nvinfer1::BuilderFlag;

[[noreturn]] void Refuse(const std::string& reason) { throw Error(ErrorCode::kModelInvalid, reason); }

void CheckRange(const std::optional<SizeRange>& range, const char* name) {
  if (!range || (1 <= range->min && range->min <= range->opt && range->opt <= range->max)) return;
  Refuse(std::string("the ") + name + " of a profile goes from " + std::to_string(range->min) + " by " +
         std::to_string(range->opt) + " to " + std::to_string(range->max) + "; 1 <= min <= opt <= max is asked for");
}

void NeedsVersion(bool has, const char* what, const char* version) {
  if (has) return;
  Refuse(std::string(what) + " needs TensorRT " + version + "; this build has " + std::to_string(NV_TENSORRT_MAJOR) +
         "." + std::to_string(NV_TENSORRT_MINOR));
}

void AllowTypesOfEdges(nvinfer1::IBuilderConfig& config, const nvinfer1::INetworkDefinition& network) {
  AllowPrecisions(config, HasEdge(network, nvinfer1::DataType::kHALF), HasEdge(network, nvinfer1::DataType::kINT8));
#if NV_TENSORRT_MAJOR >= 10
  if (HasEdge(network, nvinfer1::DataType::kBF16)) AllowBf16(config);
#endif
}

const char* NameOf(Precision precision) {
  switch (precision) {
    case Precision::kFp16:
      return "fp16";
    case Precision::kInt8:
      return "int8";
    case Precision::kStronglyTyped:
      return "strongly_typed";
    case Precision::kFp32:
      break;
  }
  return "fp32";
}

}  // namespace

void CheckSpec(const EngineBuildSpec& spec) {
  if (spec.profiles.empty()) Refuse("an engine needs an optimisation profile");
  for (const BuildProfile& profile : spec.profiles) {
    CheckRange(profile.batch, "batch");
    CheckRange(profile.height, "height");
    CheckRange(profile.width, "width");
  }
  if (spec.optimization_level < 0 || spec.optimization_level > 5) Refuse("the optimisation level goes from 0 to 5");
  if (spec.aux_streams && *spec.aux_streams < 0) Refuse("the number of auxiliary streams cannot be negative");
  if (spec.workspace_bytes && *spec.workspace_bytes == 0) Refuse("the workspace cannot be of 0 bytes");
  if (spec.calibration && spec.precision != Precision::kInt8) Refuse("a calibration is for int8 alone");
  if (spec.calibration && spec.calibration->batch_size < 1) Refuse("a calibration batch has at least 1 row");
  NeedsVersion(spec.precision != Precision::kStronglyTyped || kHasStronglyTyped, "precision strongly_typed", "10");
  NeedsVersion(!spec.strip_weights || kHasStrippedPlans, "a plan without weights", "10");
  NeedsVersion(
      spec.hardware_compatibility != HardwareCompatibility::kSameComputeCapability || kHasSameComputeCapability,
      "hardware compatibility same_compute_capability", "10.9");
}

void CheckPrecision(const EngineBuildSpec& spec, bool quantized) {
  const bool lower = spec.precision == Precision::kFp16 || spec.precision == Precision::kInt8;
  if (!lower || quantized) return;
  if (kAlwaysStronglyTyped) {
    Refuse(std::string("TensorRT ") + std::to_string(NV_TENSORRT_MAJOR) +
           " takes the precision from the ONNX file, and " + NameOf(spec.precision) +
           " was asked for: convert the file with NVIDIA's Model Optimizer (modelopt.onnx.autocast " +
           "for fp16, modelopt.onnx.quantization for int8) and ask for strongly_typed");
  }
  if (spec.precision == Precision::kInt8 && !spec.calibration) {
    Refuse(
        "int8 needs a calibration, or an ONNX file with QuantizeLinear and DequantizeLinear, and there is neither; "
        "give calibration pictures, or quantise the file with NVIDIA's Model Optimizer");
  }
}

std::unique_ptr<nvinfer1::IBuilderConfig> CreateConfig(nvinfer1::IBuilder& builder, const EngineBuildSpec& spec,
                                                       const nvinfer1::INetworkDefinition& network, bool quantized) {
  std::unique_ptr<nvinfer1::IBuilderConfig> config(
      Require(builder.createBuilderConfig(), "TensorRT cannot start a builder configuration"));
  // It is on unless it is taken away.
  if (!spec.tf32) config->clearFlag(BuilderFlag::kTF32);
  // Beside int8, what has no integer kernel runs in fp16, which costs less than fp32 and loses next to nothing more.
  // Without int8, a quantised file is refused whatever else is asked for; where types are fixed, so are the flags.
  if (spec.precision != Precision::kStronglyTyped) {
    AllowPrecisions(*config, spec.precision == Precision::kFp16 || spec.precision == Precision::kInt8,
                    spec.precision == Precision::kInt8 || quantized);
    // No tensor may be of a type that is not allowed, those at the edges included.
    if (spec.keep_types) AllowTypesOfEdges(*config, network);
  }
  config->setBuilderOptimizationLevel(spec.optimization_level);
  if (spec.workspace_bytes) config->setMemoryPoolLimit(nvinfer1::MemoryPoolType::kWORKSPACE, *spec.workspace_bytes);
  if (spec.aux_streams) config->setMaxAuxStreams(*spec.aux_streams);
  if (spec.version_compatible) config->setFlag(BuilderFlag::kVERSION_COMPATIBLE);
  if (spec.refit) config->setFlag(BuilderFlag::kREFIT);
  if (spec.strip_weights) StripPlan(*config, spec.refit);
  if (spec.hardware_compatibility == HardwareCompatibility::kAmperePlus) {
    config->setHardwareCompatibilityLevel(nvinfer1::HardwareCompatibilityLevel::kAMPERE_PLUS);
  } else if (spec.hardware_compatibility == HardwareCompatibility::kSameComputeCapability) {
    config->setHardwareCompatibilityLevel(SameComputeCapability());
  }
  return config;
}

}  // namespace sluice::tensorrt
