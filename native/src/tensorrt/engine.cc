#include "tensorrt/engine.h"

#include <NvOnnxParser.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <mutex>

#include "cuda/check.h"
#include "params/error.h"
#include "tensorrt/compat.h"
#include "tensorrt/library.h"
#include "tensorrt/logger.h"
#include "tensorrt/plugins.h"

namespace sluice::tensorrt {
namespace {

std::vector<char> ReadPlan(const std::string& file) {
  std::ifstream stream(file, std::ios::binary | std::ios::ate);
  if (!stream) throw Error(ErrorCode::kModelInvalid, file + " cannot be read: " + std::strerror(errno));
  std::vector<char> bytes(static_cast<std::size_t>(stream.tellg()));
  stream.seekg(0);
  if (!stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    throw Error(ErrorCode::kModelInvalid, file + " cannot be read to its end");
  }
  return bytes;
}

std::size_t FreeDeviceBytes() {
  std::size_t free = 0;
  std::size_t total = 0;
  SLUICE_CUDA(cudaMemGetInfo(&free, &total));
  return free;
}

std::vector<std::int64_t> ShapeOf(const nvinfer1::Dims& dims) {
  return std::vector<std::int64_t>(dims.d, dims.d + std::max(dims.nbDims, 0));
}

TensorInfo InfoOf(const nvinfer1::ICudaEngine& engine, const char* name) {
  const bool on_host = engine.getTensorLocation(name) == nvinfer1::TensorLocation::kHOST;
  return {name, ShapeOf(engine.getTensorShape(name)), engine.getTensorDataType(name), on_host};
}

}  // namespace

std::string EngineSource::Key() const {
  std::string key = std::to_string(device) + '\n' + plan_file + '\n' + weights_file;
  for (const std::string& plugin : plugins) key += '\n' + plugin;
  return key;
}

std::shared_ptr<Engine> Engine::Load(const EngineSource& source) {
  RegisterStandardPlugins();
  LoadPlugins(source.plugins);
  const std::vector<char> plan = ReadPlan(source.plan_file);
  // One at a time, so that the memory that goes is this engine's.
  static std::mutex loading;
  const std::lock_guard<std::mutex> lock(loading);
  std::shared_ptr<Engine> engine(new Engine);
  const std::size_t before = FreeDeviceBytes();
  Logger::Instance().TakeErrors();
  engine->runtime_ = CreateRuntime();
#if NV_TENSORRT_MAJOR > 8 || NV_TENSORRT_MINOR >= 6
  if (source.version_compatible) engine->runtime_->setEngineHostCodeAllowed(true);
#endif
  engine->engine_.reset(Require(engine->runtime_->deserializeCudaEngine(plan.data(), plan.size()),
                                source.plan_file + " is no plan that this TensorRT and GPU can run"));
  if (!source.weights_file.empty()) engine->Refit(source.weights_file);
  const std::size_t after = FreeDeviceBytes();
  engine->weight_bytes_ = before > after ? before - after : 0;
  engine->ReadTensors();
  return engine;
}

void Engine::Refit(const std::string& weights_file) {
#if NV_TENSORRT_MAJOR >= 10
  const std::unique_ptr<nvinfer1::IRefitter> refitter = CreateRefitter(*engine_);
  const std::unique_ptr<nvonnxparser::IParserRefitter> parser = CreateParserRefitter(*refitter);
  const bool refitted = parser->refitFromFile(weights_file.c_str()) && refitter->refitCudaEngine();
  if (refitted) return;
  std::string reason;
  for (std::int32_t i = 0; i < parser->getNbErrors(); i++) reason += std::string("; ") + parser->getError(i)->desc();
  Fail("the weights of " + weights_file + " do not fit the plan" + reason);
#else
  throw Error(ErrorCode::kModelInvalid, weights_file + ": plans without weights need TensorRT 10 or newer");
#endif
}

void Engine::ReadTensors() {
  for (std::int32_t i = 0; i < engine_->getNbIOTensors(); i++) {
    const char* name = engine_->getIOTensorName(i);
    const bool input = engine_->getTensorIOMode(name) == nvinfer1::TensorIOMode::kINPUT;
    (input ? inputs_ : outputs_).push_back(InfoOf(*engine_, name));
  }
  if (inputs_.empty() || outputs_.empty()) {
    throw Error(ErrorCode::kModelInvalid, "the plan has no input or no output");
  }
}

int Engine::profiles() const { return engine_->getNbOptimizationProfiles(); }

std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>> Engine::InputRange(std::size_t input,
                                                                                  int profile) const {
  const char* name = inputs_.at(input).name.c_str();
  return {ShapeOf(engine_->getProfileShape(name, profile, nvinfer1::OptProfileSelector::kMIN)),
          ShapeOf(engine_->getProfileShape(name, profile, nvinfer1::OptProfileSelector::kMAX))};
}

bool Engine::Takes(std::size_t input, int profile, const std::vector<std::int64_t>& shape) const {
  const auto [least, most] = InputRange(input, profile);
  bool fits = shape.size() == least.size() && shape.size() == most.size();
  for (std::size_t i = 0; fits && i < shape.size(); i++) fits = least[i] <= shape[i] && shape[i] <= most[i];
  return fits;
}

int Engine::ProfileFor(const std::vector<std::int64_t>& shape) const {
  for (int profile = 0; profile < profiles(); profile++) {
    if (Takes(0, profile, shape)) return profile;
  }
  return -1;
}

int Engine::ProfileForAll(const std::vector<std::vector<std::int64_t>>& shapes) const {
  for (int profile = 0; profile < profiles(); profile++) {
    bool fits = true;
    for (std::size_t i = 0; fits && i < shapes.size(); i++) {
      // An input of one shape need not be in any profile.
      fits = IsOpen(inputs_[i].shape) ? Takes(i, profile, shapes[i]) : shapes[i] == inputs_[i].shape;
    }
    if (fits) return profile;
  }
  return -1;
}

std::string Engine::Range(std::size_t input) const {
  if (!IsOpen(inputs_.at(input).shape)) return ShapeText(inputs_.at(input).shape);
  std::string text;
  for (int profile = 0; profile < profiles(); profile++) {
    const auto [least, most] = InputRange(input, profile);
    if (profile > 0) text += ", ";
    text += ShapeText(least) + " to " + ShapeText(most);
  }
  return text;
}

std::size_t Engine::ActivationBytes() const {
  std::uint64_t most = 0;
  for (int profile = 0; profile < profiles(); profile++) {
    most = std::max(most, tensorrt::ActivationBytes(*engine_, profile));
  }
  return static_cast<std::size_t>(most);
}

std::unique_ptr<nvinfer1::IExecutionContext> Engine::CreateContext(int profile, cudaStream_t stream) {
  std::unique_ptr<nvinfer1::IExecutionContext> context = CreateBareContext(*engine_);
  if (context == nullptr) Fail("an execution context cannot be created");
  if (profiles() > 1 && !context->setOptimizationProfileAsync(profile, stream)) {
    Fail("optimisation profile " + std::to_string(profile) + " cannot be set");
  }
  return context;
}

nvinfer1::Dims DimsOf(const std::vector<std::int64_t>& shape) {
  nvinfer1::Dims dims{};
  dims.nbDims = static_cast<std::int32_t>(shape.size());
  for (std::size_t i = 0; i < shape.size(); i++) dims.d[i] = static_cast<DimensionValue>(shape[i]);
  return dims;
}

bool IsOpen(const std::vector<std::int64_t>& shape) {
  return std::any_of(shape.begin(), shape.end(), [](std::int64_t size) { return size < 0; });
}

std::optional<std::vector<std::int64_t>> KnownShape(const nvinfer1::Dims& dims) {
  std::vector<std::int64_t> shape = ShapeOf(dims);
  if (dims.nbDims < 0 || IsOpen(shape)) return std::nullopt;
  return shape;
}

std::string ShapeText(const std::vector<std::int64_t>& shape) {
  if (shape.empty()) return "a scalar";
  std::string text;
  for (std::size_t i = 0; i < shape.size(); i++) {
    if (i > 0) text += 'x';
    text += std::to_string(shape[i]);
  }
  return text;
}

}  // namespace sluice::tensorrt
