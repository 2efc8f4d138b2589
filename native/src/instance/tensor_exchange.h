#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cuda/buffer.h"
#include "cuda/stream.h"
#include "instance/phases.h"
#include "tensorrt/lane_pool.h"

namespace sluice {

/** An input of a request, in memory of the host that stays the caller's. */
struct TensorView {
  std::string name;
  std::vector<std::int64_t> shape;
  const void* data;
  std::size_t bytes;
};

/** A request for tensors. */
struct TensorBatch {
  /** Each input of the plan once. */
  std::vector<TensorView> inputs;
  /** Names of the outputs that are wanted; nothing: all. */
  std::optional<std::vector<std::string>> outputs;
};

/** An output, in memory that is the exchange's until its next Run. */
struct FoundTensor {
  std::string name;
  nvinfer1::DataType type;
  std::vector<std::int64_t> shape;
  const void* data;
  std::size_t bytes;
};

/** The way of tensors to a lane and back, through page-locked memory that only grows. Belongs to one instance. */
class TensorExchange {
 public:
  /**
   * Runs the engine on the inputs as they are, on a lane of the pool. Throws std::out_of_range where an input is missing
   * or its bytes do not fit its shape, and Error: kInvalidRequest where the plan does not take a shape.
   */
  template <typename Lane>
  std::vector<FoundTensor> Run(tensorrt::LanePool<Lane>& pool, const cuda::Stream& stream, const TensorBatch& batch,
                               GpuPhases* phases);

 private:
  /** The inputs in the order of the plan. */
  static std::vector<const TensorView*> Ordered(const TensorBatch& batch,
                                                const std::vector<tensorrt::TensorInfo>& inputs);
  void Upload(std::size_t input, const TensorView& tensor, void* memory, cudaStream_t stream);
  FoundTensor Download(std::size_t output, const tensorrt::TensorInfo& info, std::vector<std::int64_t> shape,
                       const void* memory, cudaStream_t stream);
  static bool Wants(const TensorBatch& batch, const std::string& name);

  std::vector<cuda::PinnedBuffer> inputs_;
  std::vector<cuda::PinnedBuffer> outputs_;
  cuda::Event preprocess_start_{cuda::Event::Use::kTiming};
  cuda::Event infer_start_{cuda::Event::Use::kTiming};
  cuda::Event postprocess_start_{cuda::Event::Use::kTiming};
  cuda::Event end_{cuda::Event::Use::kTiming};
};

template <typename Lane>
std::vector<FoundTensor> TensorExchange::Run(tensorrt::LanePool<Lane>& pool, const cuda::Stream& stream,
                                             const TensorBatch& batch, GpuPhases* phases) {
  *phases = {};
  const std::vector<tensorrt::TensorInfo>& outputs = pool.engine().outputs();
  const std::vector<const TensorView*> inputs = Ordered(batch, pool.engine().inputs());
  std::vector<std::vector<std::int64_t>> shapes;
  for (const TensorView* input : inputs) shapes.push_back(input->shape);
  std::vector<FoundTensor> found;
  {
    typename tensorrt::LanePool<Lane>::Lease lease = pool.Take();
    Lane& lane = lease.lane;
    try {
      lane.SetInputShapes(shapes);
      cuda::WaitFor(stream.get(), lane.free());
      preprocess_start_.Record(stream.get());
      for (std::size_t i = 0; i < inputs.size(); i++) Upload(i, *inputs[i], lane.input_memory(i), stream.get());
      infer_start_.Record(stream.get());
      lane.Enqueue(stream.get());
      postprocess_start_.Record(stream.get());
      for (std::size_t i = 0; i < outputs.size(); i++) {
        if (!Wants(batch, outputs[i].name)) continue;
        found.push_back(Download(i, outputs[i], lane.OutputShape(i), lane.output_memory(i), stream.get()));
      }
      end_.Record(stream.get());
      lane.free().Record(stream.get());
    } catch (...) {
      // Nobody may use the lane's memory, nor this one's, while copies are under way.
      cuda::CheckQuietly(cudaStreamSynchronize(stream.get()), "cudaStreamSynchronize");
      throw;
    }
  }
  end_.Synchronize();
  phases->preprocess = cuda::MicrosecondsBetween(preprocess_start_, infer_start_);
  phases->infer = cuda::MicrosecondsBetween(infer_start_, postprocess_start_);
  phases->postprocess = cuda::MicrosecondsBetween(postprocess_start_, end_);
  return found;
}

}  // namespace sluice
