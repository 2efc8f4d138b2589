#include "instance/text_instance.h"

#include <algorithm>
#include <cstring>

#include "instance/classification_task.h"
#include "params/check.h"
#include "params/error.h"
#include "tensorrt/data_type.h"
#include "tensorrt/logger.h"

namespace sluice {
namespace {

std::unique_ptr<Task> MakeTextTask(const TextInstanceSpec& spec, const cuda::PinnedBuffer& tokens) {
  if (const auto* embedding = std::get_if<TextEmbeddingSpec>(&spec.task)) {
    return std::make_unique<TextEmbeddingTask>(*embedding, tokens);
  }
  return std::make_unique<ClassificationTask>(std::get<ClassificationSpec>(spec.task));
}

}  // namespace

TextInstance::TextInstance(const TextInstanceSpec& spec)
    : spec_(spec),
      pool_((SLUICE_CUDA(cudaSetDevice(spec.pool.engine.device)), tensorrt::ExecutionPool::Join(spec.pool))),
      task_(MakeTextTask(spec, tokens_)) {
  pool_->AddInstance();
  try {
    tensorrt::ExecutionPool::Lease lease = pool_->Take();
    lease.lane.SetRowLength(spec_.pool.lane.row_shape.front());
    task_->Check(lease.lane);
    for (const tensorrt::TensorInfo& input : lease.lane.input_tensors()) {
      input_names_.push_back(input.name);
      staging_.emplace_back();
    }
  } catch (...) {
    pool_->RemoveInstance();
    throw;
  }
}

TextInstance::~TextInstance() {
  cuda::CheckQuietly(cudaSetDevice(spec_.pool.engine.device), "cudaSetDevice");
  cuda::CheckQuietly(cudaStreamSynchronize(stream_.get()), "cudaStreamSynchronize");
  pool_->RemoveInstance();
}

std::vector<std::string> TextInstance::Notes() {
  std::vector<std::string> notes;
  for (const std::string& warning : tensorrt::Logger::Instance().TakeWarnings()) notes.push_back("TensorRT: " + warning);
  const std::string refusal = pool_->graph_refusal();
  if (!refusal.empty()) notes.push_back("runs without CUDA graphs: " + refusal);
  return notes;
}

ResultTables TextInstance::Run(const TextBatch& batch, GpuPhases* phases) {
  *phases = {};
  CheckBatch(batch);
  SLUICE_CUDA(cudaSetDevice(spec_.pool.engine.device));
  const cudaStream_t stream = stream_.get();
  const auto rows = static_cast<std::size_t>(batch.rows);
  std::copy(batch.tokens, batch.tokens + rows, tokens_.Room<std::int32_t>(rows));
  const std::vector<ResultRequest> requests(rows);
  {
    tensorrt::ExecutionPool::Lease lease = pool_->Take();
    tensorrt::ExecutionLane& lane = lease.lane;
    lane.SetRowLength(batch.length);
    cuda::WaitFor(stream, lane.free());
    preprocess_start_.Record(stream);
    EnqueueInputs(batch, lane);
    infer_start_.Record(stream);
    lane.Enqueue(batch.rows, stream);
    postprocess_start_.Record(stream);
    task_->Enqueue(lane, requests, stream);
    end_.Record(stream);
    lane.free().Record(stream);
  }
  end_.SynchronizeFor(rows);
  phases->preprocess = cuda::MicrosecondsBetween(preprocess_start_, infer_start_);
  phases->infer = cuda::MicrosecondsBetween(infer_start_, postprocess_start_);
  phases->postprocess = cuda::MicrosecondsBetween(postprocess_start_, end_);
  return task_->Collect();
}

std::vector<FoundTensor> TextInstance::Infer(const TensorBatch& batch, GpuPhases* phases) {
  SLUICE_CUDA(cudaSetDevice(spec_.pool.engine.device));
  return exchange_.Run(*pool_, stream_, batch, phases);
}

void TextInstance::CheckBatch(const TextBatch& batch) const {
  if (batch.rows < 1 || batch.rows > spec_.pool.lane.max_batch) {
    Refuse("tokens has ", batch.rows, " items; it must have 1 to ", spec_.pool.lane.max_batch);
  }
  const std::int64_t most = spec_.pool.lane.row_shape.front();
  if (batch.length < 1 || batch.length > most) Refuse("length is ", batch.length, "; it must be 1 to ", most);
  if (batch.inputs.size() != staging_.size()) {
    Refuse("inputs has ", batch.inputs.size(), " items; the plan has ", staging_.size(), " inputs");
  }
  for (std::int32_t row = 0; row < batch.rows; row++) {
    if (batch.tokens[row] >= 1 && batch.tokens[row] <= batch.length) continue;
    Refuse("tokens[", row, "] is ", batch.tokens[row], "; it must be 1 to ", batch.length);
  }
}

void TextInstance::EnqueueInputs(const TextBatch& batch, tensorrt::ExecutionLane& lane) {
  const std::size_t count = static_cast<std::size_t>(batch.rows) * static_cast<std::size_t>(batch.length);
  for (std::size_t i = 0; i < staging_.size(); i++) {
    const std::size_t width = tensorrt::BytesOfWholeNumber(lane.input_tensors()[i].type);
    char* staged = staging_[i].Room<char>(count * width);
    if (width == sizeof(std::int64_t)) {
      std::copy(batch.inputs[i], batch.inputs[i] + count, reinterpret_cast<std::int64_t*>(staged));
    } else {
      std::memcpy(staged, batch.inputs[i], count * width);
    }
    SLUICE_CUDA(cudaMemcpyAsync(lane.input_memory(i), staged, count * width, cudaMemcpyHostToDevice, stream_.get()));
  }
}

}  // namespace sluice
