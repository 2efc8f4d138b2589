#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cuda/buffer.h"
#include "cuda/jpeg_decoder.h"
#include "cuda/kept_pictures.h"
#include "cuda/stream.h"
#include "cuda/warp_normalize.h"
#include "instance/phases.h"
#include "instance/task.h"
#include "instance/tensor_exchange.h"
#include "tensorrt/execution_lane.h"

namespace sluice {

/** Documented at GpuInstanceSpec in server/runtime/native-gpu.ts. */
struct GpuInstanceSpec {
  tensorrt::PoolSpec<tensorrt::ExecutionLane> pool;
  TaskSpec task;
  bool focus;
  float pad;
  Normalization normalization;
  std::int64_t max_picture_pixels;
};

/**
 * A picture that the caller keeps in memory until the next Run has returned: a JPEG file, or pixels; or one that an
 * instance of the device has kept there.
 */
struct GpuPicture {
  bool is_jpeg;
  /** Its id among cuda::KeptPictures; 0: it is none of them. */
  std::int64_t kept;
  cuda::JpegFile jpeg;
  PixelView pixels;
};

/** Its size as stored, or why the CPU has to decode it. */
struct GpuPictureReply {
  std::int32_t width = 0;
  std::int32_t height = 0;
  std::string refusal;
};

/** A row of a batch. */
struct GpuRow {
  /** Place of its picture among those of the last Decode. */
  std::int32_t picture;
  /** Network input to stored picture. */
  Affine matrix;
  bool has_window;
  Window window;
  Border border;
  bool has_area;
  Window area;
  ResultRequest result;
};

/**
 * One instance of a model on a GPU: streams with their buffers, on an engine, lanes and a JPEG decoder that it shares with
 * its fellows. One thread at a time; every call makes the device the thread's current one.
 *
 * In order: JPEG decoding, which the host waits for, and copies of pixels; then, with a lane of the pool: one launch that
 * samples and normalises the whole batch, the engine, one launch that decodes its outputs; results land in pinned memory.
 * The host waits again at the end. Nothing is allocated once the largest batch and pictures have been seen.
 */
class GpuInstance {
 public:
  explicit GpuInstance(const GpuInstanceSpec& spec);
  ~GpuInstance();
  GpuInstance(const GpuInstance&) = delete;
  GpuInstance& operator=(const GpuInstance&) = delete;

  /** What operators should know. */
  std::vector<std::string> Notes();

  std::vector<GpuPictureReply> Decode(const std::vector<GpuPicture>& pictures);
  void Upload(std::size_t picture, const PixelView& pixels);
  ResultTables Run(const std::vector<GpuRow>& rows, GpuPhases* phases);
  const tensorrt::Engine& engine() const { return pool_->engine(); }
  /** As TensorExchange::Run: past the pictures and the task. */
  std::vector<FoundTensor> Infer(const TensorBatch& batch, GpuPhases* phases);
  /** Keeps a picture of the last Decode beyond the next one; after Run. Returns its id among cuda::KeptPictures. */
  std::int64_t Keep(std::size_t picture);

 private:
  /** A picture in device memory. */
  struct Slot {
    cuda::DeviceBuffer device;
    cuda::PinnedBuffer staging;
    /** Set where the picture is one that was kept: its memory is not the slot's. */
    std::shared_ptr<const cuda::KeptPicture> kept;
    /** `data` is device memory; null while there is no picture. */
    PixelView view{};
  };

  void UseDevice() const;
  GpuPictureReply Borrow(std::size_t picture, std::int64_t id);
  void DecodeJpegs(const std::vector<GpuPicture>& pictures, std::vector<GpuPictureReply>* replies);
  void CheckRows(const std::vector<GpuRow>& rows) const;
  const cuda::WarpRow* StageRows(const std::vector<GpuRow>& rows);

  const GpuInstanceSpec spec_;
  // In the order in which they need one another: the pool's engine outlives the stream's work.
  std::shared_ptr<tensorrt::ExecutionPool> pool_;
  std::shared_ptr<cuda::JpegDecoder> decoder_;
  /** Where pictures come to the device. Its few small kernels would wait long behind those of another instance's engine. */
  cuda::Stream decode_stream_{cuda::Stream::Priority::kHigh};
  cuda::Stream stream_;
  std::unique_ptr<Task> task_;
  std::vector<Slot> slots_;
  cuda::PinnedBuffer rows_;
  TensorExchange exchange_;
  cuda::Event decode_start_{cuda::Event::Use::kTiming};
  cuda::Event decode_end_{cuda::Event::Use::kTiming};
  cuda::Event preprocess_start_{cuda::Event::Use::kTiming};
  cuda::Event infer_start_{cuda::Event::Use::kTiming};
  cuda::Event postprocess_start_{cuda::Event::Use::kTiming};
  cuda::Event end_{cuda::Event::Use::kTiming};
  bool decoding_ = false;
};

}  // namespace sluice
