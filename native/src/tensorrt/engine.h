#pragma once

#include <NvInfer.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::tensorrt {

/** Where an engine comes from. */
struct EngineSource {
  std::string plan_file;
  /** The ONNX file that a plan without weights takes them from; empty: the plan has them. */
  std::string weights_file;
  /** Loaded before the plan. */
  std::vector<std::string> plugins;
  /** Of the current device. */
  int device = 0;
  /** Lets a version-compatible plan bring its own host code. */
  bool version_compatible = false;

  /** Equal for sources that yield the same engine. */
  std::string Key() const;
};

/** An input or output. */
struct TensorInfo {
  std::string name;
  /** -1 where the profile decides. */
  std::vector<std::int64_t> shape;
  nvinfer1::DataType type;
  /** Sizes of other tensors: TensorRT reads or writes it in memory of the host. */
  bool on_host;
};

/**
 * A plan with its weights on a device, shared by everything that runs it: any thread. The members are declared in the
 * order in which they need one another, so that they go in the reverse one.
 */
class Engine {
 public:
  /** Reads, deserialises and, for a plan without weights, refits. Throws Error with the reason. */
  static std::shared_ptr<Engine> Load(const EngineSource& source);

  const std::vector<TensorInfo>& inputs() const { return inputs_; }
  const std::vector<TensorInfo>& outputs() const { return outputs_; }
  int profiles() const;
  /** The least and the greatest shape that a profile takes for an input. */
  std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>> InputRange(std::size_t input, int profile) const;
  /** The first profile that takes `shape` as the first input; -1: none. */
  int ProfileFor(const std::vector<std::int64_t>& shape) const;
  /** The first profile that takes `shapes` as the inputs, all of them; -1: none. */
  int ProfileForAll(const std::vector<std::vector<std::int64_t>>& shapes) const;
  /** What the profiles allow for an input, for messages: `1x3x640x640 to 16x3x640x640`. */
  std::string Range(std::size_t input = 0) const;
  /** Device memory that a context needs, whichever profile it is on. */
  std::size_t ActivationBytes() const;
  /** Device memory of the weights, as it was measured when they were loaded. */
  std::size_t weight_bytes() const { return weight_bytes_; }
  /** A context without activation memory, on a profile. */
  std::unique_ptr<nvinfer1::IExecutionContext> CreateContext(int profile, cudaStream_t stream);

 private:
  Engine() = default;
  void Refit(const std::string& weights_file);
  void ReadTensors();
  bool Takes(std::size_t input, int profile, const std::vector<std::int64_t>& shape) const;

  std::unique_ptr<nvinfer1::IRuntime> runtime_;
  std::unique_ptr<nvinfer1::ICudaEngine> engine_;
  std::vector<TensorInfo> inputs_;
  std::vector<TensorInfo> outputs_;
  std::size_t weight_bytes_ = 0;
};

/** A shape as TensorRT has it. */
nvinfer1::Dims DimsOf(const std::vector<std::int64_t>& shape);

/** Whether a shape of the engine leaves sizes to the profiles, or to the data. */
bool IsOpen(const std::vector<std::int64_t>& shape);

/** The shape that `dims` tells; nothing where it depends on the data. */
std::optional<std::vector<std::int64_t>> KnownShape(const nvinfer1::Dims& dims);

/** `16x3x640x640`; `a scalar`. */
std::string ShapeText(const std::vector<std::int64_t>& shape);

}  // namespace sluice::tensorrt
