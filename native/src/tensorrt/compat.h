#pragma once

#include <NvInfer.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace sluice::tensorrt {

/** What differs between the versions of TensorRT that this compiles for: 8.6, 10 and 11. */

/** Whether the types of a network are those of its ONNX file and nothing else. From 11 on all networks are such. */
constexpr bool kAlwaysStronglyTyped = NV_TENSORRT_MAJOR >= 11;
constexpr bool kHasStronglyTyped = NV_TENSORRT_MAJOR >= 10;
constexpr bool kHasStrippedPlans = NV_TENSORRT_MAJOR >= 10;
constexpr bool kHasSameComputeCapability =
    NV_TENSORRT_MAJOR > 10 || (NV_TENSORRT_MAJOR == 10 && NV_TENSORRT_MINOR >= 9);

/** A dimension's type: 32 bits wide in version 8. */
using DimensionValue = std::remove_extent_t<decltype(nvinfer1::Dims::d)>;

/** Device memory of an execution context that uses `profile`. Version 8 tells what the largest of all needs. */
inline std::uint64_t ActivationBytes(const nvinfer1::ICudaEngine& engine, [[maybe_unused]] std::int32_t profile) {
#if NV_TENSORRT_MAJOR > 10 || (NV_TENSORRT_MAJOR == 10 && NV_TENSORRT_MINOR >= 1)
  return static_cast<std::uint64_t>(engine.getDeviceMemorySizeForProfileV2(profile));
#elif NV_TENSORRT_MAJOR == 10
  return engine.getDeviceMemorySizeForProfile(profile);
#else
  return engine.getDeviceMemorySize();
#endif
}

/** A context without activation memory, which UseActivationMemory gives it before it runs. Null when it fails. */
inline std::unique_ptr<nvinfer1::IExecutionContext> CreateBareContext(nvinfer1::ICudaEngine& engine) {
#if NV_TENSORRT_MAJOR >= 10
  return std::unique_ptr<nvinfer1::IExecutionContext>(
      engine.createExecutionContext(nvinfer1::ExecutionContextAllocationStrategy::kUSER_MANAGED));
#else
  return std::unique_ptr<nvinfer1::IExecutionContext>(engine.createExecutionContextWithoutDeviceMemory());
#endif
}

inline void UseActivationMemory(nvinfer1::IExecutionContext& context, void* memory,
                                [[maybe_unused]] std::uint64_t bytes) {
#if NV_TENSORRT_MAJOR > 10 || (NV_TENSORRT_MAJOR == 10 && NV_TENSORRT_MINOR >= 1)
  context.setDeviceMemoryV2(memory, static_cast<std::int64_t>(bytes));
#else
  context.setDeviceMemory(memory);
#endif
}

inline nvinfer1::NetworkDefinitionCreationFlags NetworkFlags([[maybe_unused]] bool strongly_typed) {
#if NV_TENSORRT_MAJOR >= 11
  return 0;
#elif NV_TENSORRT_MAJOR == 10
  return strongly_typed ? 1U << static_cast<std::uint32_t>(nvinfer1::NetworkDefinitionCreationFlag::kSTRONGLY_TYPED)
                        : 0;
#else
  return 1U << static_cast<std::uint32_t>(nvinfer1::NetworkDefinitionCreationFlag::kEXPLICIT_BATCH);
#endif
}

/** Lets layers of a weakly typed network run in these precisions beside fp32. */
inline void AllowPrecisions([[maybe_unused]] nvinfer1::IBuilderConfig& config, [[maybe_unused]] bool fp16,
                            [[maybe_unused]] bool int8) {
#if NV_TENSORRT_MAJOR < 11
  if (fp16) config.setFlag(nvinfer1::BuilderFlag::kFP16);
  if (int8) config.setFlag(nvinfer1::BuilderFlag::kINT8);
#endif
}

/** The same of bfloat16, which version 8 has not. */
inline void AllowBf16([[maybe_unused]] nvinfer1::IBuilderConfig& config) {
#if NV_TENSORRT_MAJOR == 10
  config.setFlag(nvinfer1::BuilderFlag::kBF16);
#endif
}

/** Gives a weakly typed tensor at the edge of the network float32, whatever type its file gives it. */
inline void MakeFloat([[maybe_unused]] nvinfer1::ITensor& tensor) {
#if NV_TENSORRT_MAJOR < 11
  tensor.setType(nvinfer1::DataType::kFLOAT);
#endif
}

/** Leaves out of the plan the weights that a refitter puts back: the same ones, unless `others_too`. */
inline void StripPlan([[maybe_unused]] nvinfer1::IBuilderConfig& config, [[maybe_unused]] bool others_too) {
#if NV_TENSORRT_MAJOR >= 10
  config.setFlag(nvinfer1::BuilderFlag::kSTRIP_PLAN);
  if (!others_too) config.setFlag(nvinfer1::BuilderFlag::kREFIT_IDENTICAL);
#endif
}

/** Only where kHasSameComputeCapability. */
inline nvinfer1::HardwareCompatibilityLevel SameComputeCapability() {
#if NV_TENSORRT_MAJOR > 10 || (NV_TENSORRT_MAJOR == 10 && NV_TENSORRT_MINOR >= 9)
  return nvinfer1::HardwareCompatibilityLevel::kSAME_COMPUTE_CAPABILITY;
#else
  return nvinfer1::HardwareCompatibilityLevel::kNONE;
#endif
}

}  // namespace sluice::tensorrt
