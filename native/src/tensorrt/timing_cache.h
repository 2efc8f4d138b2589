#pragma once

#include <NvInfer.h>

#include <memory>
#include <string>
#include <vector>

namespace sluice::tensorrt {

/**
 * What TensorRT has learnt about the speed of kernels, in a file that builds share. Nothing that goes wrong with it
 * stops a build: it is told as a warning, and the build takes longer. Outlives the use of the configuration.
 */
class TimingCache {
 public:
  /** Reads the file where it is there and is of this GPU and TensorRT, else starts an empty one. */
  TimingCache(nvinfer1::IBuilderConfig& config, std::string file);

  /** After a build: writes what was learnt, together with what other processes have written meanwhile. */
  void Save();

 private:
  /** Null where TensorRT does not take it. */
  std::unique_ptr<nvinfer1::ITimingCache> Parse(const std::vector<char>& data);

  nvinfer1::IBuilderConfig& config_;
  std::string file_;
  std::unique_ptr<nvinfer1::ITimingCache> cache_;
};

}  // namespace sluice::tensorrt
