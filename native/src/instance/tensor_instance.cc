#include "instance/tensor_instance.h"

#include "tensorrt/logger.h"

namespace sluice {

TensorInstance::TensorInstance(const TensorInstanceSpec& spec)
    : spec_(spec),
      pool_((SLUICE_CUDA(cudaSetDevice(spec.engine.device)), tensorrt::TensorPool::Join(spec))) {
  pool_->AddInstance();
}

TensorInstance::~TensorInstance() {
  cuda::CheckQuietly(cudaSetDevice(spec_.engine.device), "cudaSetDevice");
  cuda::CheckQuietly(cudaStreamSynchronize(stream_.get()), "cudaStreamSynchronize");
  pool_->RemoveInstance();
}

std::vector<std::string> TensorInstance::Notes() {
  std::vector<std::string> notes;
  for (const std::string& warning : tensorrt::Logger::Instance().TakeWarnings()) notes.push_back("TensorRT: " + warning);
  return notes;
}

std::vector<FoundTensor> TensorInstance::Infer(const TensorBatch& batch, GpuPhases* phases) {
  SLUICE_CUDA(cudaSetDevice(spec_.engine.device));
  return exchange_.Run(*pool_, stream_, batch, phases);
}

}  // namespace sluice
