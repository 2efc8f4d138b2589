#include "tensorrt/build_engine.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cuda/device.h"
#include "tensorrt/builder_config.h"
#include "tensorrt/calibrator.h"
#include "tensorrt/compat.h"
#include "tensorrt/files.h"
#include "tensorrt/library.h"
#include "tensorrt/logger.h"
#include "tensorrt/onnx_network.h"
#include "tensorrt/plugins.h"
#include "tensorrt/profiles.h"
#include "tensorrt/progress_monitor.h"
#include "tensorrt/progress_writer.h"
#include "tensorrt/timing_cache.h"

namespace sluice::tensorrt {
namespace {

/** The build proper lies between these parts of the whole; before it the file is parsed, after it the plan is tried. */
constexpr double kParsed = 0.02;
constexpr double kBuilt = 0.98;

using Severity = nvinfer1::ILogger::Severity;

/** TensorRT's log goes to the progress too, as long as this lives. */
class LogForwarding {
 public:
  explicit LogForwarding(ProgressWriter& progress) {
    Logger::Instance().Forward([&progress](Severity severity, const std::string& text) {
      progress.Log(severity == Severity::kINFO ? "info" : severity == Severity::kWARNING ? "warn" : "error", text);
    });
  }
  ~LogForwarding() { Logger::Instance().Forward(nullptr); }
  LogForwarding(const LogForwarding&) = delete;
  LogForwarding& operator=(const LogForwarding&) = delete;
};

/** Null where no calibration is asked for, or the file makes it needless. */
std::unique_ptr<Calibrator> AttachCalibrator(nvinfer1::IBuilder& builder, const nvinfer1::INetworkDefinition& network,
                                             nvinfer1::IBuilderConfig& config, const EngineBuildSpec& spec,
                                             bool quantized) {
  if (spec.precision != Precision::kInt8 || !spec.calibration) return nullptr;
  if (quantized) {
    Logger::Instance().log(Severity::kWARNING, "the calibration is not used: the ONNX file is quantised already");
    return nullptr;
  }
  const BuildProfile profile = ProfileOfBatch(spec.profiles.front(), spec.calibration->batch_size);
  std::vector<CalibrationTensor> tensors;
  for (std::int32_t i = 0; i < network.getNbInputs(); i++) {
    const nvinfer1::ITensor& input = *network.getInput(i);
    tensors.push_back({input.getName(), TunedShape(input, profile)});
  }
  auto calibrator = std::make_unique<Calibrator>(*spec.calibration, std::move(tensors));
  calibrator->Attach(config, MakeProfile(builder, network, profile));
  return calibrator;
}

/** Plugins of TensorRT itself that a version-compatible plan has to bring along. */
void SerializeOwnPlugins(const nvonnxparser::IParser& parser, nvinfer1::IBuilderConfig& config) {
  std::int64_t count = 0;
  const char* const* const files = parser.getUsedVCPluginLibraries(count);
  if (count > 0) config.setPluginsToSerialize(files, static_cast<std::int32_t>(count));
}

std::unique_ptr<nvinfer1::IHostMemory> Build(nvinfer1::IBuilder& builder, const EngineBuildSpec& spec,
                                             ProgressWriter& progress) {
  progress.Progress(0, "Parsing the ONNX file");
  const OnnxNetwork onnx = ParseOnnx(builder, spec);
  nvinfer1::INetworkDefinition& network = *onnx.network;
  const bool quantized = HasQuantizeLayers(network);
  CheckPrecision(spec, quantized);
  progress.Progress(kParsed, "Preparing the build");

  // Used by the configuration, so destroyed after it.
  std::unique_ptr<Calibrator> calibrator;
  std::optional<TimingCache> timing_cache;
#if NV_TENSORRT_MAJOR >= 10
  ProgressMonitor monitor(progress, kParsed, kBuilt,
                          [&calibrator] { return calibrator != nullptr && calibrator->failed(); });
#endif
  const std::unique_ptr<nvinfer1::IBuilderConfig> config = CreateConfig(builder, spec, network, quantized);
#if NV_TENSORRT_MAJOR >= 10
  config->setProgressMonitor(&monitor);
#endif
  AddProfiles(builder, network, *config, spec.profiles);
  calibrator = AttachCalibrator(builder, network, *config, spec, quantized);
  if (spec.version_compatible) SerializeOwnPlugins(*onnx.parser, *config);
  if (spec.timing_cache_file) timing_cache.emplace(*config, *spec.timing_cache_file);

  std::unique_ptr<nvinfer1::IHostMemory> plan(builder.buildSerializedNetwork(network, *config));
  if (calibrator != nullptr) calibrator->RethrowError();
  Require(plan.get(), "TensorRT cannot build an engine from " + spec.onnx_file);
  if (timing_cache) timing_cache->Save();
  return plan;
}

/** Loads the plan, which is also the proof that it can be loaded. */
EngineBuildResult Inspect(const nvinfer1::IHostMemory& plan, const EngineBuildSpec& spec) {
  const std::unique_ptr<nvinfer1::IRuntime> runtime = CreateRuntime();
  // A version-compatible plan brings the code that runs it along.
  if (spec.version_compatible) runtime->setEngineHostCodeAllowed(true);
  const std::unique_ptr<nvinfer1::ICudaEngine> engine(Require(runtime->deserializeCudaEngine(plan.data(), plan.size()),
                                                              "TensorRT cannot load the engine that it has built"));
  EngineBuildResult result = {plan.size(), {}, engine->getNbLayers()};
  for (std::int32_t i = 0; i < engine->getNbOptimizationProfiles(); i++) {
    result.activation_bytes.push_back(ActivationBytes(*engine, i));
  }
  return result;
}

}  // namespace

EngineBuildResult BuildEngine(const EngineBuildSpec& spec) {
  CheckSpec(spec);
  // Builders of one process disturb each other, and would share the log.
  static std::mutex one_at_a_time;
  const std::lock_guard<std::mutex> lock(one_at_a_time);
  const cuda::DeviceScope device(spec.device);
  ProgressWriter progress(spec.progress_fd);
  const LogForwarding forwarding(progress);
  Logger::Instance().TakeErrors();

  RegisterStandardPlugins();
  LoadPlugins(spec.plugins);
  const std::unique_ptr<nvinfer1::IBuilder> builder = CreateBuilder();
  const std::unique_ptr<nvinfer1::IHostMemory> plan = Build(*builder, spec, progress);
  progress.Progress(kBuilt, "Loading the engine");
  EngineBuildResult result = Inspect(*plan, spec);
  WriteFileAtomically(spec.plan_file, plan->data(), plan->size());
  progress.Progress(1, "Done");
  return result;
}

}  // namespace sluice::tensorrt
