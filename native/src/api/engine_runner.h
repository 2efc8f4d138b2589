#pragma once

#include <NvInfer.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "cuda/buffer.h"
#include "cuda/stream.h"
#include "sluice/sluice.h"
#include "tensorrt/engine.h"

namespace sluice {

/**
 * An engine with what it takes to run it: a context for each profile, the activation memory that they share, a stream,
 * and buffers for the tensors. One thread at a time, with the engine's device as its current one. The members are
 * declared in the order in which they need one another.
 */
class EngineRunner {
 public:
  /** Throws Error. */
  explicit EngineRunner(const tensorrt::EngineSource& source);

  const std::vector<TensorDescription>& inputs() const { return inputs_; }
  const std::vector<TensorDescription>& outputs() const { return outputs_; }
  std::int64_t max_batch() const;
  std::size_t memory_bytes() const;

  /** Runs a batch and waits for it. Throws Error; nothing is under way on the device after that. */
  std::vector<HostTensor> Run(const std::vector<HostTensor>& inputs);

 private:
  /** A tensor on its way: copies from and to memory that is not page-locked would make the stream wait. */
  struct Place {
    cuda::PinnedBuffer host;
    cuda::DeviceBuffer device;
  };
  struct Context {
    std::unique_ptr<nvinfer1::IExecutionContext> execution;
    /** Those of its inputs; empty: not set yet. */
    std::vector<std::vector<std::int64_t>> shapes;
  };

  Context& ContextFor(const std::vector<HostTensor>& inputs);
  bool Fits(std::size_t profile, const std::vector<HostTensor>& inputs) const;
  [[noreturn]] void RefuseShapes(const std::vector<HostTensor>& inputs) const;
  void EnqueueInputs(nvinfer1::IExecutionContext& context, const std::vector<HostTensor>& inputs);
  std::vector<HostTensor> MakeOutputs(nvinfer1::IExecutionContext& context);

  std::shared_ptr<tensorrt::Engine> engine_;
  std::vector<TensorDescription> inputs_;
  std::vector<TensorDescription> outputs_;
  cuda::Stream stream_;
  cuda::Event done_{cuda::Event::Use::kWaiting};
  cuda::DeviceBuffer activations_;
  std::vector<Place> input_places_;
  std::vector<Place> output_places_;
  std::vector<Context> contexts_;
};

}  // namespace sluice
