#include "tensorrt/calibration_feed.h"

#include <algorithm>
#include <ios>
#include <utility>

#include "cuda/check.h"
#include "params/error.h"

namespace sluice::tensorrt {
namespace {

[[noreturn]] void Refuse(const std::string& reason) { throw Error(ErrorCode::kModelInvalid, reason); }

std::string Text(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t size : shape) text += (text.empty() ? "" : " x ") + std::to_string(size);
  return text;
}

}  // namespace

CalibrationFeed::CalibrationFeed(const CalibrationSpec& spec, const std::vector<CalibrationTensor>& tensors) {
  for (const CalibrationTensor& tensor : tensors) {
    const auto input = std::find_if(spec.inputs.begin(), spec.inputs.end(),
                                    [&](const CalibrationInput& one) { return one.name == tensor.name; });
    if (input == spec.inputs.end()) Refuse("the calibration has no file for the input \"" + tensor.name + "\"");
    sources_.push_back(Open(*input, tensor));
    if (sources_.back().batches != sources_.front().batches) {
      Refuse(sources_.back().file + " has " + std::to_string(sources_.back().batches) + " batches, and " +
             sources_.front().file + " has " + std::to_string(sources_.front().batches));
    }
  }
  for (const CalibrationInput& input : spec.inputs) {
    if (std::none_of(tensors.begin(), tensors.end(), [&](const auto& tensor) { return tensor.name == input.name; })) {
      Refuse("the calibration has a file for \"" + input.name + "\", which is no input of the model");
    }
  }
}

CalibrationFeed::Source CalibrationFeed::Open(const CalibrationInput& input, const CalibrationTensor& tensor) {
  std::ifstream stream(input.file, std::ios::binary | std::ios::ate);
  if (!stream) Refuse("cannot read the calibration file " + input.file);
  const auto bytes = static_cast<std::size_t>(stream.tellg());
  stream.seekg(0);
  std::size_t batch_bytes = sizeof(float);
  for (const std::int64_t size : tensor.shape) batch_bytes *= static_cast<std::size_t>(size);
  if (bytes == 0 || bytes % batch_bytes != 0) {
    Refuse("the calibration file " + input.file + " has " + std::to_string(bytes) + " bytes; one or more batches of " +
           std::to_string(batch_bytes) + " are needed, float32 of " + Text(tensor.shape) + " for the input \"" +
           tensor.name + "\"");
  }
  return {tensor.name, input.file, std::move(stream), batch_bytes, bytes / batch_bytes, {}};
}

bool CalibrationFeed::Next() {
  if (sources_.empty() || next_ == sources_.front().batches) return false;
  for (Source& source : sources_) {
    batch_.resize(std::max(batch_.size(), source.batch_bytes));
    if (!source.stream.read(batch_.data(), static_cast<std::streamsize>(source.batch_bytes))) {
      Refuse("cannot read batch " + std::to_string(next_) + " of the calibration file " + source.file);
    }
    void* const memory = source.memory.Room<char>(source.batch_bytes);
    SLUICE_CUDA(cudaMemcpy(memory, batch_.data(), source.batch_bytes, cudaMemcpyHostToDevice));
  }
  next_++;
  return true;
}

void* CalibrationFeed::DeviceMemory(const std::string& name) const {
  for (const Source& source : sources_) {
    if (source.name == name) return source.memory.as<void>();
  }
  Refuse("TensorRT asks for calibration data of \"" + name + "\", which is no input of the model");
}

}  // namespace sluice::tensorrt
