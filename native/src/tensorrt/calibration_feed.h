#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "cuda/buffer.h"
#include "tensorrt/build_engine.h"

namespace sluice::tensorrt {

/** An input of the network and the shape of one calibration batch of it. */
struct CalibrationTensor {
  std::string name;
  std::vector<std::int64_t> shape;
};

/** The calibration batches of all inputs, read from their files one after the other into device memory. */
class CalibrationFeed {
 public:
  /** Opens the files. Throws Error kModelInvalid where one is missing, too many, or not of whole batches. */
  CalibrationFeed(const CalibrationSpec& spec, const std::vector<CalibrationTensor>& tensors);

  /** Brings the next batch to the device; false after the last one. */
  bool Next();

  /** The current batch of an input. Throws Error where there is none of that name. */
  void* DeviceMemory(const std::string& name) const;

 private:
  struct Source {
    std::string name;
    std::string file;
    std::ifstream stream;
    std::size_t batch_bytes;
    std::size_t batches;
    cuda::DeviceBuffer memory;
  };

  static Source Open(const CalibrationInput& input, const CalibrationTensor& tensor);

  std::vector<Source> sources_;
  std::vector<char> batch_;
  std::size_t next_ = 0;
};

}  // namespace sluice::tensorrt
