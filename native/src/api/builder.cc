#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "api/require_device.h"
#include "sluice/sluice.h"
#include "tensorrt/build_engine.h"

namespace sluice {
namespace {

tensorrt::Precision PrecisionOf(NumberFormat format) {
  switch (format) {
    case NumberFormat::kFp32:
      return tensorrt::Precision::kFp32;
    case NumberFormat::kFp16:
      return tensorrt::Precision::kFp16;
    case NumberFormat::kInt8:
      return tensorrt::Precision::kInt8;
    case NumberFormat::kStronglyTyped:
      return tensorrt::Precision::kStronglyTyped;
  }
  throw Error(ErrorCode::kInvalidRequest, "the precision is none of NumberFormat");
}

tensorrt::HardwareCompatibility CompatibilityOf(Compatibility compatibility) {
  switch (compatibility) {
    case Compatibility::kNone:
      return tensorrt::HardwareCompatibility::kNone;
    case Compatibility::kAmperePlus:
      return tensorrt::HardwareCompatibility::kAmperePlus;
    case Compatibility::kSameComputeCapability:
      return tensorrt::HardwareCompatibility::kSameComputeCapability;
  }
  throw Error(ErrorCode::kInvalidRequest, "the compatibility is none of Compatibility");
}

tensorrt::SizeRange RangeOf(const SizeRange& range) { return {range.min, range.opt, range.max}; }

std::optional<tensorrt::SizeRange> RangeOf(const std::optional<SizeRange>& range) {
  if (!range) return std::nullopt;
  return RangeOf(*range);
}

tensorrt::CalibrationSpec CalibrationOf(Calibration calibration) {
  tensorrt::CalibrationSpec spec{};
  spec.algorithm = calibration.algorithm == Calibration::Algorithm::kEntropy
                       ? tensorrt::CalibrationAlgorithm::kEntropy
                       : tensorrt::CalibrationAlgorithm::kMinMax;
  for (Calibration::Input& input : calibration.inputs) {
    spec.inputs.push_back({std::move(input.name), std::move(input.file)});
  }
  spec.batch_size = calibration.batch_size;
  if (!calibration.cache_file.empty()) spec.cache_file = std::move(calibration.cache_file);
  return spec;
}

}  // namespace

struct Builder::Spec {
  tensorrt::EngineBuildSpec build{};
};

Builder::Builder() : spec_(std::make_unique<Spec>()) {
  tensorrt::EngineBuildSpec& build = spec_->build;
  build.precision = tensorrt::Precision::kFp32;
  build.profiles = {{{1, 1, 1}, std::nullopt, std::nullopt}};
  build.optimization_level = 3;
  build.hardware_compatibility = tensorrt::HardwareCompatibility::kNone;
}
Builder::Builder(Builder&&) noexcept = default;
Builder& Builder::operator=(Builder&&) noexcept = default;
Builder::~Builder() = default;

Builder& Builder::Device(int index) {
  spec_->build.device = index;
  return *this;
}

Builder& Builder::Precision(NumberFormat format) {
  spec_->build.precision = PrecisionOf(format);
  return *this;
}

Builder& Builder::Tf32(bool allowed) {
  spec_->build.tf32 = allowed;
  return *this;
}

Builder& Builder::MaxBatch(std::int32_t rows) {
  spec_->build.profiles = {{{1, rows, rows}, std::nullopt, std::nullopt}};
  return *this;
}

Builder& Builder::Profiles(std::vector<Profile> profiles) {
  spec_->build.profiles.clear();
  for (const Profile& profile : profiles) {
    spec_->build.profiles.push_back({RangeOf(profile.batch), RangeOf(profile.height), RangeOf(profile.width)});
  }
  return *this;
}

Builder& Builder::Plugins(std::vector<std::string> files) {
  spec_->build.plugins = std::move(files);
  return *this;
}

Builder& Builder::OptimizationLevel(std::int32_t level) {
  spec_->build.optimization_level = level;
  return *this;
}

Builder& Builder::WorkspaceBytes(std::uint64_t bytes) {
  spec_->build.workspace_bytes = bytes;
  return *this;
}

Builder& Builder::AuxStreams(std::int32_t streams) {
  spec_->build.aux_streams = streams;
  return *this;
}

Builder& Builder::VersionCompatible(bool compatible) {
  spec_->build.version_compatible = compatible;
  return *this;
}

Builder& Builder::HardwareCompatibility(Compatibility compatibility) {
  spec_->build.hardware_compatibility = CompatibilityOf(compatibility);
  return *this;
}

Builder& Builder::StripWeights(bool strip) {
  spec_->build.strip_weights = strip;
  return *this;
}

Builder& Builder::Refit(bool refit) {
  spec_->build.refit = refit;
  return *this;
}

Builder& Builder::TimingCache(std::string file) {
  spec_->build.timing_cache_file = std::move(file);
  return *this;
}

Builder& Builder::Calibrate(Calibration calibration) {
  spec_->build.calibration = CalibrationOf(std::move(calibration));
  return *this;
}

Builder& Builder::ProgressTo(int descriptor) {
  spec_->build.progress_fd = descriptor;
  return *this;
}

Builder::Result Builder::Build(const std::string& onnx_file, const std::string& plan_file) const {
  tensorrt::EngineBuildSpec build = spec_->build;
  build.onnx_file = onnx_file;
  build.plan_file = plan_file;
  RequireDevice(build.device);
  const tensorrt::EngineBuildResult result = tensorrt::BuildEngine(build);
  return {result.plan_bytes, result.activation_bytes, result.layers};
}

}  // namespace sluice
