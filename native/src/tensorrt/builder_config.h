#pragma once

#include <NvInfer.h>

#include <memory>

#include "tensorrt/build_engine.h"

namespace sluice::tensorrt {

/** Throws Error kModelInvalid where a specification contradicts itself, or asks for what this TensorRT lacks. */
void CheckSpec(const EngineBuildSpec& spec);

/**
 * Throws Error kModelInvalid where the precision asked for has no source: integers need either a calibration or a file
 * with QuantizeLinear and DequantizeLinear (`quantized`), and from TensorRT 11 on all precision comes from the file.
 */
void CheckPrecision(const EngineBuildSpec& spec, bool quantized);

/**
 * Everything of the specification that is a setting for `network`; profiles, calibrator and timing cache come on top.
 * `quantized` as above.
 */
std::unique_ptr<nvinfer1::IBuilderConfig> CreateConfig(nvinfer1::IBuilder& builder, const EngineBuildSpec& spec,
                                                       const nvinfer1::INetworkDefinition& network, bool quantized);

}  // namespace sluice::tensorrt
