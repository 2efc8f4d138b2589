#pragma once

#include <NvInfer.h>

#include <memory>
#include <string>

// From NvOnnxParser.h, which only the files that parse include.
namespace nvonnxparser {
class IParser;
class IParserRefitter;
}  // namespace nvonnxparser

namespace sluice::tensorrt {

/**
 * TensorRT's libraries, loaded when they are first needed, so that a process without a GPU does without them. Everything
 * here throws Error kDeviceUnavailable, naming the library and what to do, where one cannot be loaded.
 */

/** `10.6.0`: the library's, not the headers'. */
std::string LibraryVersion();

std::unique_ptr<nvinfer1::IRuntime> CreateRuntime();
std::unique_ptr<nvinfer1::IBuilder> CreateBuilder();
std::unique_ptr<nvinfer1::IRefitter> CreateRefitter(nvinfer1::ICudaEngine& engine);
std::unique_ptr<nvonnxparser::IParser> CreateParser(nvinfer1::INetworkDefinition& network);
std::unique_ptr<nvonnxparser::IParserRefitter> CreateParserRefitter(nvinfer1::IRefitter& refitter);

nvinfer1::IPluginRegistry& PluginRegistry();

/** Registers the plugins that come with TensorRT, once. Quietly does nothing where their library is missing. */
void RegisterStandardPlugins();

}  // namespace sluice::tensorrt
