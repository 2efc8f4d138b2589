#include "cuda/jpeg_decoder.h"

#include <nvjpeg.h>

#include <map>
#include <mutex>
#include <utility>

#include "cuda/check.h"
#include "cuda/stream.h"
#include "params/error.h"

namespace sluice::cuda {
namespace {

#ifdef NVJPEG_FLAGS_UPSAMPLING_WITH_INTERPOLATION
// Chroma between its samples as libjpeg computes it, on which the CPU's decoding rests.
constexpr unsigned kFlags = NVJPEG_FLAGS_UPSAMPLING_WITH_INTERPOLATION;
#else
constexpr unsigned kFlags = NVJPEG_FLAGS_DEFAULT;
#endif

/** nvJPEG rounds its own memory up to these, so that pictures of other sizes rarely make it allocate. */
constexpr std::size_t kDevicePadding = 1 << 20;
constexpr std::size_t kPinnedPadding = 1 << 18;

const char* StatusName(nvjpegStatus_t status) {
  switch (status) {
    case NVJPEG_STATUS_SUCCESS:
      return "NVJPEG_STATUS_SUCCESS";
    case NVJPEG_STATUS_NOT_INITIALIZED:
      return "NVJPEG_STATUS_NOT_INITIALIZED";
    case NVJPEG_STATUS_INVALID_PARAMETER:
      return "NVJPEG_STATUS_INVALID_PARAMETER";
    case NVJPEG_STATUS_BAD_JPEG:
      return "NVJPEG_STATUS_BAD_JPEG";
    case NVJPEG_STATUS_JPEG_NOT_SUPPORTED:
      return "NVJPEG_STATUS_JPEG_NOT_SUPPORTED";
    case NVJPEG_STATUS_ALLOCATOR_FAILURE:
      return "NVJPEG_STATUS_ALLOCATOR_FAILURE";
    case NVJPEG_STATUS_EXECUTION_FAILED:
      return "NVJPEG_STATUS_EXECUTION_FAILED";
    case NVJPEG_STATUS_ARCH_MISMATCH:
      return "NVJPEG_STATUS_ARCH_MISMATCH";
    case NVJPEG_STATUS_INTERNAL_ERROR:
      return "NVJPEG_STATUS_INTERNAL_ERROR";
    case NVJPEG_STATUS_IMPLEMENTATION_NOT_SUPPORTED:
      return "NVJPEG_STATUS_IMPLEMENTATION_NOT_SUPPORTED";
    case NVJPEG_STATUS_INCOMPLETE_BITSTREAM:
      return "NVJPEG_STATUS_INCOMPLETE_BITSTREAM";
  }
  return "an unknown status";
}

ErrorCode CodeOf(nvjpegStatus_t status) {
  switch (status) {
    case NVJPEG_STATUS_ALLOCATOR_FAILURE:
      return ErrorCode::kDeviceOutOfMemory;
    case NVJPEG_STATUS_BAD_JPEG:
    case NVJPEG_STATUS_JPEG_NOT_SUPPORTED:
    case NVJPEG_STATUS_INCOMPLETE_BITSTREAM:
    // Broken files end in these too. Where the device is at fault, the stream says so.
    case NVJPEG_STATUS_EXECUTION_FAILED:
    case NVJPEG_STATUS_INTERNAL_ERROR:
      return ErrorCode::kBadImage;
    default:
      return ErrorCode::kInternal;
  }
}

void CheckJpeg(nvjpegStatus_t status, const char* what) {
  if (status == NVJPEG_STATUS_SUCCESS) return;
  throw Error(CodeOf(status), std::string(what) + " failed: " + StatusName(status));
}

#define SLUICE_NVJPEG(call) CheckJpeg((call), #call)

/** Owns one of nvJPEG's objects. */
template <typename Handle, nvjpegStatus_t (*destroy)(Handle)>
class Owned {
 public:
  Owned() = default;
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() {
    // Nothing can be done about a failure here, and a broken device is told of elsewhere.
    if (handle_ != nullptr) destroy(handle_);
  }

  Handle get() const { return handle_; }
  Handle* slot() { return &handle_; }

 private:
  Handle handle_ = nullptr;
};

}  // namespace

/** Destroyed from the last to the first: the handle outlives what it made. */
struct JpegDecoder::Parts {
  explicit Parts(int most) : max_batch(most), pointers(most), lengths(most), images(most) {}

  void Open() {
    const nvjpegStatus_t status = nvjpegCreateEx(NVJPEG_BACKEND_HARDWARE, nullptr, nullptr, kFlags, handle.slot());
    if (status == NVJPEG_STATUS_SUCCESS) {
      backend = "hardware";
    } else {
      const bool lacking = status == NVJPEG_STATUS_ARCH_MISMATCH;
      backend = std::string("cuda (the decoding engine is not used: ") +
                (lacking ? "this GPU has none" : StatusName(status)) + ")";
      SLUICE_NVJPEG(nvjpegCreateEx(NVJPEG_BACKEND_DEFAULT, nullptr, nullptr, kFlags, handle.slot()));
    }
    SLUICE_NVJPEG(nvjpegSetDeviceMemoryPadding(kDevicePadding, handle.get()));
    SLUICE_NVJPEG(nvjpegSetPinnedMemoryPadding(kPinnedPadding, handle.get()));
    SLUICE_NVJPEG(nvjpegJpegStateCreate(handle.get(), state.slot()));
    SLUICE_NVJPEG(nvjpegJpegStreamCreate(handle.get(), parsed.slot()));
    // Whatever size it is given, this makes the engine's decoder take its memory from a pool from then on; decoding is
    // right without it.
    constexpr int kAnySide = 1;
    nvjpegDecodeBatchedPreAllocate(handle.get(), state.get(), max_batch, kAnySide, kAnySide, NVJPEG_CSS_444,
                                   NVJPEG_OUTPUT_RGBI);
    Prepare(max_batch);
  }

  /** Readies the state for batches of `count`; what it holds already stays. */
  void Prepare(int count) {
    if (prepared == count) return;
    prepared = 0;
    constexpr int kCpuThreads = 1;
    SLUICE_NVJPEG(nvjpegDecodeBatchedInitialize(handle.get(), state.get(), count, kCpuThreads, NVJPEG_OUTPUT_RGBI));
    prepared = count;
  }

  const int max_batch;
  std::string backend;
  /** Held while `parsed` is in use. */
  std::mutex inspecting;
  /** Held from the call of nvJPEG until the device is done: only then may the state be used again. */
  std::mutex decoding;
  Owned<nvjpegHandle_t, nvjpegDestroy> handle;
  Owned<nvjpegJpegState_t, nvjpegJpegStateDestroy> state;
  /** For Inspect. */
  Owned<nvjpegJpegStream_t, nvjpegJpegStreamDestroy> parsed;
  /** The size of batch that the state is ready for; 0 for none. */
  int prepared = 0;
  Event passed{Event::Use::kWaiting};
  std::vector<const unsigned char*> pointers;
  std::vector<std::size_t> lengths;
  std::vector<nvjpegImage_t> images;
};

std::shared_ptr<JpegDecoder> JpegDecoder::Join(int max_batch) {
  struct Decoders {
    std::mutex mutex;
    std::map<std::pair<int, int>, std::weak_ptr<JpegDecoder>> by_device_and_size;
  };
  // Never destroyed: threads may outlive static objects.
  static Decoders* const decoders = new Decoders;
  int device = 0;
  SLUICE_CUDA(cudaGetDevice(&device));
  const std::lock_guard<std::mutex> lock(decoders->mutex);
  std::weak_ptr<JpegDecoder>& known = decoders->by_device_and_size[{device, max_batch}];
  std::shared_ptr<JpegDecoder> decoder = known.lock();
  if (decoder == nullptr) known = decoder = std::make_shared<JpegDecoder>(max_batch);
  return decoder;
}

JpegDecoder::JpegDecoder(int max_batch) : parts_(std::make_unique<Parts>(max_batch)) { parts_->Open(); }

JpegDecoder::~JpegDecoder() = default;

const std::string& JpegDecoder::backend() const { return parts_->backend; }

JpegHeader JpegDecoder::Inspect(const JpegFile& file) {
  JpegHeader header = ReadJpegHeader(file.data, file.length);
  if (!header.refusal.empty()) return header;
  const std::lock_guard<std::mutex> lock(parts_->inspecting);
  const nvjpegJpegStream_t parsed = parts_->parsed.get();
  const nvjpegStatus_t status = nvjpegJpegStreamParseHeader(parts_->handle.get(), file.data, header.length, parsed);
  if (status != NVJPEG_STATUS_SUCCESS) {
    header.refusal = std::string("nvJPEG does not read it: ") + StatusName(status);
    return header;
  }
  unsigned width = 0;
  unsigned height = 0;
  int unsupported = 1;
  // The decoder writes as many pixels as it believes in, so both readers must believe in the same.
  if (nvjpegJpegStreamGetFrameDimensions(parsed, &width, &height) != NVJPEG_STATUS_SUCCESS ||
      width != static_cast<unsigned>(header.width) || height != static_cast<unsigned>(header.height)) {
    header.refusal = "nvJPEG sees another size in it";
  } else if (nvjpegDecodeBatchedSupported(parts_->handle.get(), parsed, &unsupported) != NVJPEG_STATUS_SUCCESS ||
             unsupported != 0) {
    header.refusal = "the GPU's decoder does not take this kind of JPEG";
  }
  return header;
}

void JpegDecoder::Decode(const std::vector<JpegFile>& files, const std::vector<JpegHeader>& headers,
                         const std::vector<std::uint8_t*>& out, cudaStream_t stream) {
  Parts& parts = *parts_;
  const std::size_t count = files.size();
  if (count == 0) return;
  if (count > static_cast<std::size_t>(parts.max_batch) || headers.size() != count || out.size() != count) {
    throw Error(ErrorCode::kInternal, "a batch of JPEGs is larger than its decoder, or incomplete");
  }
  // The engine writes when it is called, not when its stream has come to it: neither earlier work nor an event on the
  // stream holds it back (https://github.com/meta-pytorch/torchcodec/pull/1634).
  Event idle(Event::Use::kWaiting);
  idle.Record(stream);
  idle.Synchronize();
  const std::lock_guard<std::mutex> lock(parts.decoding);
  for (std::size_t i = 0; i < count; i++) {
    parts.pointers[i] = files[i].data;
    parts.lengths[i] = headers[i].length;
    parts.images[i] = {};
    parts.images[i].channel[0] = out[i];
    parts.images[i].pitch[0] = static_cast<std::size_t>(headers[i].width) * 3;
  }
  parts.Prepare(static_cast<int>(count));
  const nvjpegStatus_t status = nvjpegDecodeBatched(parts.handle.get(), parts.state.get(), parts.pointers.data(),
                                                    parts.lengths.data(), parts.images.data(), stream);
  if (status == NVJPEG_STATUS_SUCCESS) {
    parts.passed.Record(stream);
    parts.passed.SynchronizeFor(count);
    return;
  }
  // A failed batch leaves its state in between, and perhaps work under way that still writes.
  parts.prepared = 0;
  SLUICE_CUDA(cudaStreamSynchronize(stream));
  throw Error(CodeOf(status), std::string("a JPEG of the batch cannot be decoded: ") + StatusName(status));
}

}  // namespace sluice::cuda
