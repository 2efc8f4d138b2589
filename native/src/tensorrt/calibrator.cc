#include "tensorrt/calibrator.h"

#include <string>
#include <utility>

#include "params/error.h"
#include "tensorrt/files.h"
#include "tensorrt/logger.h"

namespace sluice::tensorrt {
namespace {

#if NV_TENSORRT_MAJOR < 11
/** One of TensorRT's calibrator interfaces. The algorithm is the type of its base. */
template <typename Base>
class Interface final : public Base {
 public:
  explicit Interface(Calibrator& calibrator) : calibrator_(calibrator) {}

  std::int32_t getBatchSize() const noexcept override { return calibrator_.batch_size(); }
  bool getBatch(void* bindings[], const char* names[], std::int32_t count) noexcept override {
    return calibrator_.GetBatch(bindings, names, count);
  }
  const void* readCalibrationCache(std::size_t& bytes) noexcept override { return calibrator_.ReadCache(bytes); }
  void writeCalibrationCache(const void* data, std::size_t bytes) noexcept override {
    calibrator_.WriteCache(data, bytes);
  }

 private:
  Calibrator& calibrator_;
};
#endif

}  // namespace

Calibrator::Calibrator(const CalibrationSpec& spec, std::vector<CalibrationTensor> tensors)
    : spec_(spec), tensors_(std::move(tensors)) {
  if (spec_.cache_file) cache_ = ReadFileIfThere(*spec_.cache_file);
  if (cache_ && cache_->empty()) cache_.reset();
  if (!cache_) feed_.emplace(spec_, tensors_);
}

Calibrator::~Calibrator() = default;

void Calibrator::Attach([[maybe_unused]] nvinfer1::IBuilderConfig& config,
                        [[maybe_unused]] const nvinfer1::IOptimizationProfile& profile) {
#if NV_TENSORRT_MAJOR < 11
  if (spec_.algorithm == CalibrationAlgorithm::kEntropy) {
    interface_ = std::make_unique<Interface<nvinfer1::IInt8EntropyCalibrator2>>(*this);
  } else {
    interface_ = std::make_unique<Interface<nvinfer1::IInt8MinMaxCalibrator>>(*this);
  }
  config.setInt8Calibrator(interface_.get());
  if (!config.setCalibrationProfile(&profile)) Fail("TensorRT refuses the calibration profile");
#else
  throw Error(ErrorCode::kModelInvalid, "TensorRT has no calibration from version 11 on");
#endif
}

void Calibrator::RethrowError() const {
  if (error_) std::rethrow_exception(error_);
}

bool Calibrator::GetBatch(void** bindings, const char* const* names, std::int32_t count) noexcept try {
  if (failed_) return false;
  // A cache that TensorRT did not take.
  if (!feed_) feed_.emplace(spec_, tensors_);
  if (!feed_->Next()) return false;
  for (std::int32_t i = 0; i < count; i++) bindings[i] = feed_->DeviceMemory(names[i]);
  return true;
} catch (...) {
  error_ = std::current_exception();
  failed_ = true;
  return false;
}

const void* Calibrator::ReadCache(std::size_t& bytes) const noexcept {
  bytes = cache_ ? cache_->size() : 0;
  return cache_ ? cache_->data() : nullptr;
}

void Calibrator::WriteCache(const void* data, std::size_t bytes) noexcept try {
  // After a failure these are the scales of half the pictures.
  if (spec_.cache_file && !failed_) WriteFileAtomically(*spec_.cache_file, data, bytes);
} catch (const std::exception& error) {
  const std::string text = std::string("the calibration is not kept: ") + error.what();
  Logger::Instance().log(nvinfer1::ILogger::Severity::kWARNING, text.c_str());
} catch (...) {
}

}  // namespace sluice::tensorrt
