#pragma once

#include <NvInfer.h>
#include <NvOnnxParser.h>

#include <memory>
#include <string>

namespace sluice::tensorrt {

/** A parsed ONNX file. The parser owns weights that the network uses. */
struct OnnxNetwork {
  std::unique_ptr<nvinfer1::INetworkDefinition> network;
  std::unique_ptr<nvonnxparser::IParser> parser;
};

/**
 * Parses a file into a network whose inputs and outputs are linear float32, whatever precision the layers get; outputs
 * of integers stay as they are. Throws Error kModelInvalid, naming the nodes and what the parser has against them.
 */
OnnxNetwork ParseOnnx(nvinfer1::IBuilder& builder, const std::string& file, bool strongly_typed);

/** Whether the file says itself where values are quantised, by QuantizeLinear or DequantizeLinear. */
bool HasQuantizeLayers(const nvinfer1::INetworkDefinition& network);

}  // namespace sluice::tensorrt
