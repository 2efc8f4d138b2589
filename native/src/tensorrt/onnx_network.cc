#include "tensorrt/onnx_network.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>

#include "params/error.h"
#include "tensorrt/compat.h"
#include "tensorrt/library.h"
#include "tensorrt/logger.h"
#include "tensorrt/plugin_creator.h"

namespace sluice::tensorrt {
namespace {

constexpr int kMostErrors = 5;

std::string Describe(const nvonnxparser::IParserError& error) {
  if (error.node() < 0) return error.desc();
  std::string text = "node " + std::to_string(error.node());
#if NV_TENSORRT_MAJOR >= 10
  const char* name = error.nodeName();
  const char* type = error.nodeOperator();
  if (name != nullptr && *name != 0) text += std::string(" \"") + name + "\"";
  if (type != nullptr && *type != 0) text += std::string(" (") + type + ")";
  if (error.localFunctionStackSize() > 0) text += std::string(" in function ") + error.localFunctionStack()[0];
#endif
  return text + ": " + error.desc();
}

[[noreturn]] void FailToParse(const nvonnxparser::IParser& parser, const std::string& file) {
  std::string text = "cannot parse " + file;
  const int count = parser.getNbErrors();
  // Without errors of its own, the parser's words are in the log; so are the names of nodes before version 10.
  if (count == 0) Fail(text);
  for (int i = 0; i < std::min(count, kMostErrors); i++) text += (i == 0 ? ": " : "; ") + Describe(*parser.getError(i));
  if (count > kMostErrors) text += "; and " + std::to_string(count - kMostErrors) + " more";
  const std::string plugin = TakePluginError();
  if (!plugin.empty()) text += "; " + plugin;
  if (NV_TENSORRT_MAJOR < 10) Fail(text);
  Logger::Instance().TakeErrors();
  throw Error(ErrorCode::kModelInvalid, text);
}

void MakeLinear(nvinfer1::ITensor& tensor) {
  tensor.setAllowedFormats(1U << static_cast<std::uint32_t>(nvinfer1::TensorFormat::kLINEAR));
}

/** Makes a tensor at the edge of the network linear, and float32 where it is of less precision and types are free. */
void MakeLinearFloat(nvinfer1::ITensor& tensor, bool strongly_typed) {
  if (tensor.getType() == nvinfer1::DataType::kHALF && !strongly_typed) MakeFloat(tensor);
  MakeLinear(tensor);
}

/** Whole numbers are for who runs the plan to judge: texts have them, pictures have not. */
void RefuseHalf(const nvinfer1::ITensor& tensor, const char* role) {
  if (tensor.getType() != nvinfer1::DataType::kHALF) return;
  throw Error(ErrorCode::kModelInvalid,
              std::string("the ") + role + " \"" + tensor.getName() +
                  "\" is not float32; export the model with float32 inputs and outputs (modelopt.onnx.autocast keeps " +
                  "those of its source with --keep_io_types)");
}

void KeepEdges(const nvinfer1::INetworkDefinition& network) {
  for (std::int32_t i = 0; i < network.getNbInputs(); i++) MakeLinear(*network.getInput(i));
  for (std::int32_t i = 0; i < network.getNbOutputs(); i++) MakeLinear(*network.getOutput(i));
}

void PrepareEdges(const nvinfer1::INetworkDefinition& network, bool strongly_typed) {
  for (std::int32_t i = 0; i < network.getNbInputs(); i++) {
    nvinfer1::ITensor& input = *network.getInput(i);
    MakeLinearFloat(input, strongly_typed);
    RefuseHalf(input, "input");
  }
  for (std::int32_t i = 0; i < network.getNbOutputs(); i++) {
    nvinfer1::ITensor& output = *network.getOutput(i);
    MakeLinearFloat(output, strongly_typed);
    RefuseHalf(output, "output");
  }
}

}  // namespace

OnnxNetwork ParseOnnx(nvinfer1::IBuilder& builder, const EngineBuildSpec& spec) {
  const std::string& file = spec.onnx_file;
  const bool strongly_typed = spec.precision == Precision::kStronglyTyped;
  if (!std::ifstream(file)) throw Error(ErrorCode::kModelInvalid, "cannot read " + file);
  OnnxNetwork onnx;
  onnx.network.reset(Require(builder.createNetworkV2(NetworkFlags(strongly_typed)), "TensorRT cannot start a network"));
  onnx.parser = CreateParser(*onnx.network);
  // Before version 10 this was a plugin by default, which version- and hardware-compatible plans cannot have.
  onnx.parser->setFlag(nvonnxparser::OnnxParserFlag::kNATIVE_INSTANCENORM);
  TakePluginError();
  const auto verbosity = static_cast<int>(nvinfer1::ILogger::Severity::kWARNING);
  if (!onnx.parser->parseFromFile(file.c_str(), verbosity)) FailToParse(*onnx.parser, file);
  if (onnx.network->getNbInputs() == 0) throw Error(ErrorCode::kModelInvalid, file + " has no inputs");
  if (spec.keep_types) KeepEdges(*onnx.network);
  else PrepareEdges(*onnx.network, strongly_typed || kAlwaysStronglyTyped);
  return onnx;
}

bool HasEdge(const nvinfer1::INetworkDefinition& network, nvinfer1::DataType type) {
  for (std::int32_t i = 0; i < network.getNbInputs(); i++) {
    if (network.getInput(i)->getType() == type) return true;
  }
  for (std::int32_t i = 0; i < network.getNbOutputs(); i++) {
    if (network.getOutput(i)->getType() == type) return true;
  }
  return false;
}

bool HasQuantizeLayers(const nvinfer1::INetworkDefinition& network) {
  for (std::int32_t i = 0; i < network.getNbLayers(); i++) {
    const nvinfer1::LayerType type = network.getLayer(i)->getType();
    if (type == nvinfer1::LayerType::kQUANTIZE || type == nvinfer1::LayerType::kDEQUANTIZE) return true;
  }
  return false;
}

}  // namespace sluice::tensorrt
