#include <sluice/plugin.h>

#include <stdexcept>
#include <string>

/**
 * For tests of what the server does when the device is lost: a copy that writes to an address of nobody once an element
 * of its input equals the number in `info`. It waits for that number because engines are also run while they are built.
 */
namespace {

constexpr int kThreads = 256;

__global__ void CrashKernel(const float* in, float* out, std::int64_t count, float trigger) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= count) return;
  if (in[i] == trigger) *reinterpret_cast<volatile int*>(8) = 1;
  out[i] = in[i];
}

class Crash final : public sluice::Plugin {
 public:
  void Configure(const std::string& info) override { trigger_ = std::stof(info); }

  void Enqueue(const std::vector<sluice::Tensor>& inputs, const std::vector<sluice::Tensor>& outputs,
               const std::vector<sluice::Tensor>&, void*, cudaStream_t stream) override {
    const std::int64_t count = inputs[0].Count();
    if (count == 0) return;
    CrashKernel<<<static_cast<unsigned>((count + kThreads - 1) / kThreads), kThreads, 0, stream>>>(
        inputs[0].as<const float>(), outputs[0].as<float>(), count, trigger_);
    const cudaError_t status = cudaGetLastError();
    if (status != cudaSuccess) throw std::runtime_error(std::string("launch failed: ") + cudaGetErrorString(status));
  }

 private:
  float trigger_ = 0;
};

}  // namespace

SLUICE_PLUGIN(Crash);
