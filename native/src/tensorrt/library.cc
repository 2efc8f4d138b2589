#include "tensorrt/library.h"

#include <NvOnnxParser.h>
#include <dlfcn.h>

#include <cstdint>
#include <string>
#include <utility>

#include "cuda/check.h"
#include "params/error.h"
#include "tensorrt/logger.h"

namespace sluice::tensorrt {
namespace {

/** What the major number is multiplied by in getInferLibVersion: 8.6.1 is 8601, and 10.6.0 is 100600. */
constexpr std::int32_t kMajorUnit = NV_TENSORRT_MAJOR >= 10 ? 10000 : 1000;
constexpr std::int32_t kHeaderVersion = NV_TENSORRT_MAJOR * kMajorUnit + NV_TENSORRT_MINOR * 100 + NV_TENSORRT_PATCH;

std::string VersionText(std::int32_t version) {
  return std::to_string(version / kMajorUnit) + "." + std::to_string(version % kMajorUnit / 100) + "." +
         std::to_string(version % 100);
}

/** A library that stays until the process ends: what it created, and the threads it started, may live as long. */
class Library {
 public:
  Library(const std::string& name, int flags)
      : file_("lib" + name + ".so." + std::to_string(NV_TENSORRT_MAJOR)), handle_(dlopen(file_.c_str(), flags)) {
    if (handle_ == nullptr) Unusable(dlerror());
  }

  template <typename Function>
  Function* Symbol(const char* name) const {
    void* symbol = dlsym(handle_, name);
    if (symbol == nullptr) Unusable(std::string("it has no function ") + name);
    return reinterpret_cast<Function*>(symbol);
  }

  [[noreturn]] void Unusable(const std::string& reason) const {
    throw Error(ErrorCode::kDeviceUnavailable, "cannot use " + file_ + ": " + reason + "; install TensorRT " +
                                                   std::to_string(NV_TENSORRT_MAJOR) +
                                                   ", or put the folder that has it on LD_LIBRARY_PATH");
  }

 private:
  std::string file_;
  void* handle_;
};

/** libnvinfer. Its symbols are open to all, for the plugin libraries that are loaded after it. */
struct Infer {
  Library library{"nvinfer", RTLD_NOW | RTLD_GLOBAL};
  std::int32_t version = library.Symbol<decltype(getInferLibVersion)>("getInferLibVersion")();
  decltype(&createInferRuntime_INTERNAL) create_runtime =
      library.Symbol<decltype(createInferRuntime_INTERNAL)>("createInferRuntime_INTERNAL");
  decltype(&createInferBuilder_INTERNAL) create_builder =
      library.Symbol<decltype(createInferBuilder_INTERNAL)>("createInferBuilder_INTERNAL");
  decltype(&createInferRefitter_INTERNAL) create_refitter =
      library.Symbol<decltype(createInferRefitter_INTERNAL)>("createInferRefitter_INTERNAL");
  decltype(&getPluginRegistry) plugin_registry = library.Symbol<decltype(getPluginRegistry)>("getPluginRegistry");

  Infer() {
    // Interfaces only ever grow within a major version: an older library lacks functions that the headers promise.
    if (version >= kHeaderVersion) return;
    library.Unusable("it is version " + VersionText(version) + ", and this build needs " + VersionText(kHeaderVersion) +
                     " or a later one");
  }

  static const Infer& Instance() {
    static const Infer instance;
    return instance;
  }
};

/** libnvonnxparser, which only building and refitting need. */
struct OnnxParser {
  Library library{"nvonnxparser", RTLD_NOW | RTLD_LOCAL};
  decltype(&createNvOnnxParser_INTERNAL) create_parser =
      library.Symbol<decltype(createNvOnnxParser_INTERNAL)>("createNvOnnxParser_INTERNAL");
#if NV_TENSORRT_MAJOR >= 10
  decltype(&createNvOnnxParserRefitter_INTERNAL) create_refitter =
      library.Symbol<decltype(createNvOnnxParserRefitter_INTERNAL)>("createNvOnnxParserRefitter_INTERNAL");
#endif

  static const OnnxParser& Instance() {
    // It takes its own symbols from libnvinfer, which may have been found by the path of LD_LIBRARY_PATH alone.
    Infer::Instance();
    static const OnnxParser instance;
    return instance;
  }
};

/** Without a driver the builder's constructor ends the process, so CUDA is asked first. */
void RequireGpu() {
  int count = 0;
  SLUICE_CUDA(cudaGetDeviceCount(&count));
}

template <typename T>
std::unique_ptr<T> Own(void* created, const char* what) {
  // Where CUDA does not start, TensorRT 10 answers with a null pointer that a cast to a base class has moved by a few
  // hundred bytes.
  if (reinterpret_cast<std::uintptr_t>(created) < 4096) Fail(what);
  return std::unique_ptr<T>(static_cast<T*>(created));
}

}  // namespace

std::string LibraryVersion() { return VersionText(Infer::Instance().version); }

std::unique_ptr<nvinfer1::IRuntime> CreateRuntime() {
  RequireGpu();
  return Own<nvinfer1::IRuntime>(Infer::Instance().create_runtime(&Logger::Instance(), NV_TENSORRT_VERSION),
                                 "TensorRT cannot start its runtime");
}

std::unique_ptr<nvinfer1::IBuilder> CreateBuilder() {
  RequireGpu();
  return Own<nvinfer1::IBuilder>(Infer::Instance().create_builder(&Logger::Instance(), NV_TENSORRT_VERSION),
                                 "TensorRT cannot start its builder");
}

std::unique_ptr<nvinfer1::IRefitter> CreateRefitter(nvinfer1::ICudaEngine& engine) {
  return Own<nvinfer1::IRefitter>(Infer::Instance().create_refitter(&engine, &Logger::Instance(), NV_TENSORRT_VERSION),
                                  "TensorRT cannot refit the engine");
}

std::unique_ptr<nvonnxparser::IParser> CreateParser(nvinfer1::INetworkDefinition& network) {
  return Own<nvonnxparser::IParser>(
      OnnxParser::Instance().create_parser(&network, &Logger::Instance(), NV_ONNX_PARSER_VERSION),
      "TensorRT cannot start its ONNX parser");
}

std::unique_ptr<nvonnxparser::IParserRefitter> CreateParserRefitter([[maybe_unused]] nvinfer1::IRefitter& refitter) {
#if NV_TENSORRT_MAJOR >= 10
  return Own<nvonnxparser::IParserRefitter>(
      OnnxParser::Instance().create_refitter(&refitter, &Logger::Instance(), NV_ONNX_PARSER_VERSION),
      "TensorRT cannot take the weights of an ONNX file");
#else
  throw Error(
      ErrorCode::kModelInvalid,
      "TensorRT takes the weights of an ONNX file from version 10 on; this build has " + VersionText(kHeaderVersion));
#endif
}

nvinfer1::IPluginRegistry& PluginRegistry() {
  return *Require(Infer::Instance().plugin_registry(), "TensorRT has no plugin registry");
}

void RegisterStandardPlugins() {
  Infer::Instance();
  static const bool registered = [] {
    const std::string file = "libnvinfer_plugin.so." + std::to_string(NV_TENSORRT_MAJOR);
    void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return false;
    using Register = bool(void* logger, const char* name_space);
    auto* const function = reinterpret_cast<Register*>(dlsym(handle, "initLibNvInferPlugins"));
    return function != nullptr && function(&Logger::Instance(), "");
  }();
  static_cast<void>(registered);
}

}  // namespace sluice::tensorrt
