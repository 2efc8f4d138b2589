#include "instance/gpu_instance.h"

#include <cstring>
#include <utility>

#include "params/check.h"
#include "params/error.h"
#include "tensorrt/logger.h"

namespace sluice {

GpuInstance::GpuInstance(const GpuInstanceSpec& spec)
    : spec_(spec),
      pool_((SLUICE_CUDA(cudaSetDevice(spec.pool.engine.device)), tensorrt::ExecutionPool::Join(spec.pool))),
      decoder_(cuda::JpegDecoder::Join(spec.pool.lane.max_batch)),
      task_(MakeTask(spec.task)),
      slots_(static_cast<std::size_t>(spec.pool.lane.max_batch)) {
  pool_->AddInstance();
  try {
    tensorrt::ExecutionPool::Lease lease = pool_->Take();
    task_->Check(lease.lane);
  } catch (...) {
    pool_->RemoveInstance();
    throw;
  }
}

GpuInstance::~GpuInstance() {
  cuda::CheckQuietly(cudaSetDevice(spec_.pool.engine.device), "cudaSetDevice");
  cuda::CheckQuietly(cudaStreamSynchronize(decode_stream_.get()), "cudaStreamSynchronize");
  cuda::CheckQuietly(cudaStreamSynchronize(stream_.get()), "cudaStreamSynchronize");
  pool_->RemoveInstance();
}

std::vector<std::string> GpuInstance::Notes() {
  std::vector<std::string> notes{"JPEGs are decoded by nvJPEG: " + decoder_->backend()};
  for (const std::string& warning : tensorrt::Logger::Instance().TakeWarnings()) notes.push_back("TensorRT: " + warning);
  const std::string refusal = pool_->graph_refusal();
  if (!refusal.empty()) notes.push_back("runs without CUDA graphs: " + refusal);
  return notes;
}

std::vector<GpuPictureReply> GpuInstance::Decode(const std::vector<GpuPicture>& pictures) {
  if (pictures.size() > slots_.size()) {
    Refuse("pictures has ", pictures.size(), " items; ", slots_.size(), " is the most");
  }
  UseDevice();
  for (Slot& slot : slots_) {
    slot.view.data = nullptr;
    slot.kept.reset();
  }
  decode_start_.Record(decode_stream_.get());
  decoding_ = true;
  std::vector<GpuPictureReply> replies(pictures.size());
  DecodeJpegs(pictures, &replies);
  for (std::size_t i = 0; i < pictures.size(); i++) {
    if (pictures[i].is_jpeg) continue;
    if (pictures[i].kept != 0) {
      replies[i] = Borrow(i, pictures[i].kept);
      continue;
    }
    Upload(i, pictures[i].pixels);
    replies[i] = {pictures[i].pixels.width, pictures[i].pixels.height, ""};
  }
  return replies;
}

void GpuInstance::DecodeJpegs(const std::vector<GpuPicture>& pictures, std::vector<GpuPictureReply>* replies) {
  std::vector<std::size_t> places;
  std::vector<cuda::JpegFile> files;
  std::vector<cuda::JpegHeader> headers;
  std::vector<std::uint8_t*> out;
  for (std::size_t i = 0; i < pictures.size(); i++) {
    if (!pictures[i].is_jpeg) continue;
    cuda::JpegHeader header = decoder_->Inspect(pictures[i].jpeg);
    const std::int64_t pixels = std::int64_t{header.width} * header.height;
    if (header.refusal.empty() && pixels > spec_.max_picture_pixels) header.refusal = "it has too many pixels";
    (*replies)[i] = {header.width, header.height, header.refusal};
    if (!header.refusal.empty()) continue;
    Slot& slot = slots_[i];
    const std::int64_t stride = std::int64_t{header.width} * 3;
    auto* memory = slot.device.Room<std::uint8_t>(static_cast<std::size_t>(pixels) * 3);
    slot.view = {memory, static_cast<std::size_t>(pixels) * 3, PixelFormat::kRgb8, header.width, header.height, stride};
    places.push_back(i);
    files.push_back(pictures[i].jpeg);
    headers.push_back(header);
    out.push_back(memory);
  }
  if (files.empty()) return;
  try {
    decoder_->Decode(files, headers, out, decode_stream_.get());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kBadImage) throw;
    // One of them is broken; the CPU finds out which, and decodes the others.
    for (const std::size_t place : places) {
      slots_[place].view.data = nullptr;
      (*replies)[place].refusal = error.what();
    }
  }
}

void GpuInstance::Upload(std::size_t picture, const PixelView& pixels) {
  CheckPixels(pixels);
  if (picture >= slots_.size()) Refuse("picture is ", picture, "; ", slots_.size(), " is the most");
  UseDevice();
  Slot& slot = slots_[picture];
  const std::size_t bytes = SpanOf(pixels);
  // Through pinned memory: the copy then runs while the host goes on.
  auto* staging = slot.staging.Room<std::uint8_t>(bytes);
  auto* memory = slot.device.Room<std::uint8_t>(bytes);
  std::memcpy(staging, pixels.data, bytes);
  SLUICE_CUDA(cudaMemcpyAsync(memory, staging, bytes, cudaMemcpyHostToDevice, decode_stream_.get()));
  slot.view = pixels;
  slot.view.data = memory;
  slot.view.length = bytes;
}

GpuPictureReply GpuInstance::Borrow(std::size_t picture, std::int64_t id) {
  Slot& slot = slots_[picture];
  slot.kept = cuda::KeptPictures::Instance().Get(id);
  const int device = spec_.pool.engine.device;
  if (slot.kept->device != device) Refuse("picture ", id, " is on GPU ", slot.kept->device, ", not on ", device);
  slot.view = slot.kept->view;
  return {slot.view.width, slot.view.height, ""};
}

std::int64_t GpuInstance::Keep(std::size_t picture) {
  if (picture >= slots_.size() || slots_[picture].view.data == nullptr || slots_[picture].kept != nullptr) {
    Refuse("picture is ", picture, ", which the instance has not decoded");
  }
  UseDevice();
  // A picture that no row was made of may still be on its way.
  SLUICE_CUDA(cudaStreamSynchronize(decode_stream_.get()));
  cuda::KeptPictures& pictures = cuda::KeptPictures::Instance();
  const int device = spec_.pool.engine.device;
  Slot& slot = slots_[picture];
  cuda::DeviceBuffer memory = pictures.TakeMemory(device);
  slot.device.Swap(memory);
  const PixelView view = slot.view;
  slot.view.data = nullptr;
  return pictures.Keep(device, std::move(memory), view);
}

ResultTables GpuInstance::Run(const std::vector<GpuRow>& rows, GpuPhases* phases) {
  *phases = {};
  CheckRows(rows);
  UseDevice();
  const cudaStream_t stream = stream_.get();
  const bool decoded = decoding_;
  if (decoded) {
    decode_end_.Record(decode_stream_.get());
    cuda::WaitFor(stream, decode_end_);
  }
  decoding_ = false;

  cuda::WarpBatch warp{};
  warp.rows = StageRows(rows);
  warp.count = static_cast<int>(rows.size());
  warp.layout = {spec_.task.width, spec_.task.height, ChannelsOf(spec_.normalization.order), spec_.focus};
  warp.pad = spec_.pad;
  warp.order = spec_.normalization.order;
  warp.levels = MakeLevelMap(spec_.normalization);
  std::vector<ResultRequest> requests;
  requests.reserve(rows.size());
  for (const GpuRow& row : rows) requests.push_back(row.result);
  {
    tensorrt::ExecutionPool::Lease lease = pool_->Take();
    tensorrt::ExecutionLane& lane = lease.lane;
    cuda::WaitFor(stream, lane.free());
    preprocess_start_.Record(stream);
    warp.out = lane.input();
    cuda::LaunchWarpNormalize(warp, stream);
    infer_start_.Record(stream);
    lane.Enqueue(warp.count, stream);
    postprocess_start_.Record(stream);
    task_->Enqueue(lane, requests, stream);
    end_.Record(stream);
    lane.free().Record(stream);
  }
  end_.SynchronizeFor(rows.size());
  if (decoded) phases->decode = cuda::MicrosecondsBetween(decode_start_, decode_end_);
  phases->preprocess = cuda::MicrosecondsBetween(preprocess_start_, infer_start_);
  phases->infer = cuda::MicrosecondsBetween(infer_start_, postprocess_start_);
  phases->postprocess = cuda::MicrosecondsBetween(postprocess_start_, end_);
  return task_->Collect();
}

std::vector<FoundTensor> GpuInstance::Infer(const TensorBatch& batch, GpuPhases* phases) {
  UseDevice();
  return exchange_.Run(*pool_, stream_, batch, phases);
}

void GpuInstance::UseDevice() const { SLUICE_CUDA(cudaSetDevice(spec_.pool.engine.device)); }

void GpuInstance::CheckRows(const std::vector<GpuRow>& rows) const {
  if (rows.empty() || rows.size() > slots_.size()) {
    Refuse("rows has ", rows.size(), " items; it must have 1 to ", slots_.size());
  }
  for (const GpuRow& row : rows) {
    if (row.picture < 0 || static_cast<std::size_t>(row.picture) >= slots_.size() ||
        slots_[static_cast<std::size_t>(row.picture)].view.data == nullptr) {
      Refuse("row.picture is ", row.picture, ", which has not been decoded");
    }
    CheckAffine(row.matrix, "row.matrix");
    CheckAffine(row.result.matrix, "row.resultMatrix");
    const PixelView& view = slots_[static_cast<std::size_t>(row.picture)].view;
    if (row.has_window) CheckWindow(row.window, view);
    if (row.has_area) CheckArea(row.area, spec_.task.width, spec_.task.height);
  }
}

const cuda::WarpRow* GpuInstance::StageRows(const std::vector<GpuRow>& rows) {
  auto* staged = rows_.Room<cuda::WarpRow>(rows.size());
  for (std::size_t i = 0; i < rows.size(); i++) {
    const PixelView& view = slots_[static_cast<std::size_t>(rows[i].picture)].view;
    const Window picture{0, 0, view.width, view.height};
    const Window input{0, 0, spec_.task.width, spec_.task.height};
    staged[i] = {view, rows[i].matrix, rows[i].has_window ? rows[i].window : picture, rows[i].border,
                 rows[i].has_area ? rows[i].area : input};
  }
  return staged;
}

}  // namespace sluice
