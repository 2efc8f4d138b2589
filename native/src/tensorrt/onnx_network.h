#pragma once

#include <NvInfer.h>
#include <NvOnnxParser.h>

#include <memory>

#include "tensorrt/build_engine.h"

namespace sluice::tensorrt {

/** A parsed ONNX file. The parser owns weights that the network uses. */
struct OnnxNetwork {
  std::unique_ptr<nvinfer1::INetworkDefinition> network;
  std::unique_ptr<nvonnxparser::IParser> parser;
};

/**
 * Parses the file of `spec` into a network whose inputs and outputs are linear, and float32 whatever precision the layers
 * get; those of integers stay as they are, and all of them where the types are to be kept. Throws Error kModelInvalid,
 * naming the nodes and what the parser has against them.
 */
OnnxNetwork ParseOnnx(nvinfer1::IBuilder& builder, const EngineBuildSpec& spec);

/** Whether an input or output is of that type. */
bool HasEdge(const nvinfer1::INetworkDefinition& network, nvinfer1::DataType type);

/** Whether the file says itself where values are quantised, by QuantizeLinear or DequantizeLinear. */
bool HasQuantizeLayers(const nvinfer1::INetworkDefinition& network);

}  // namespace sluice::tensorrt
