#include <sluice/plugin.h>

#include <stdexcept>
#include <string>

/**
 * x * min(max(x / 6 + 0.5, 0), 1), which ONNX calls HardSwish, times a scale for each channel where the node has
 * weights [channels]. For tensors of any shape; the channels are dimension 1.
 */
namespace {

constexpr int kThreads = 256;

/** Null where there is no scale. */
struct Scales {
  const float* values;
  std::int64_t channels;
  /** Elements of one channel of one row. */
  std::int64_t plane;
};

__global__ void HSwishKernel(const float* in, float* out, std::int64_t count, Scales scales) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < count; i += stride) {
    const float x = in[i];
    const float y = x * fminf(fmaxf(x / 6 + 0.5f, 0.0f), 1.0f);
    out[i] = scales.values == nullptr ? y : y * scales.values[i / scales.plane % scales.channels];
  }
}

Scales ScalesOf(const sluice::Tensor& input, const std::vector<sluice::Tensor>& weights) {
  if (weights.empty()) return {nullptr, 1, 1};
  const std::int64_t channels = weights[0].Count();
  if (weights.size() > 1 || input.shape.size() < 2 || input.shape[1] != channels) {
    throw std::runtime_error("the weights are one scale for each channel, that is for each index of dimension 1");
  }
  std::int64_t plane = 1;
  for (std::size_t i = 2; i < input.shape.size(); i++) plane *= input.shape[i];
  return {weights[0].as<const float>(), channels, plane};
}

class HSwish final : public sluice::Plugin {
 public:
  // One input, one output of the same shape, float32, no settings: the defaults.

  void Enqueue(const std::vector<sluice::Tensor>& inputs, const std::vector<sluice::Tensor>& outputs,
               const std::vector<sluice::Tensor>& weights, void*, cudaStream_t stream) override {
    const std::int64_t count = inputs[0].Count();
    if (count == 0) return;
    const std::int64_t blocks = (count + kThreads - 1) / kThreads;
    HSwishKernel<<<static_cast<unsigned>(blocks < 65536 ? blocks : 65536), kThreads, 0, stream>>>(
        inputs[0].as<const float>(), outputs[0].as<float>(), count, ScalesOf(inputs[0], weights));
    const cudaError_t status = cudaGetLastError();
    if (status != cudaSuccess) throw std::runtime_error(std::string("launch failed: ") + cudaGetErrorString(status));
  }
};

}  // namespace

SLUICE_PLUGIN(HSwish);
