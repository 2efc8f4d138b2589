#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "cuda/buffer.h"
#include "params/pixels.h"

namespace sluice::cuda {

/** A picture that outlives the batch which brought it to its device. */
struct KeptPicture {
  int device;
  DeviceBuffer memory;
  /** `data` is in `memory`. */
  PixelView view;
};

/**
 * The pictures that are kept, of all instances and devices of the process: later stages of a pipeline read them where
 * they are. Whoever reads one holds a pointer to it, so that a picture which is released meanwhile stays until then; its
 * memory is used again. Any thread.
 */
class KeptPictures {
 public:
  /** Never destroyed: threads may outlive static objects. */
  static KeptPictures& Instance();

  /** Takes over the memory of a picture that nothing writes any more. Returns its id. */
  std::int64_t Keep(int device, DeviceBuffer memory, const PixelView& view);
  /** Throws where no picture of that id is kept. */
  std::shared_ptr<const KeptPicture> Get(std::int64_t id);
  void Release(std::int64_t id);
  /** Memory of a picture of `device` that has been released, or none yet. */
  DeviceBuffer TakeMemory(int device);
  std::size_t count();

 private:
  void Reuse(KeptPicture* picture) noexcept;

  std::mutex mutex_;
  std::int64_t last_id_ = 0;
  std::map<std::int64_t, std::shared_ptr<const KeptPicture>> pictures_;
  std::map<int, std::vector<DeviceBuffer>> free_;
};

/** Copies the rows of a picture to the host, which waits; `out` has room for SpanOf(view) bytes. */
void Download(const KeptPicture& picture, std::uint8_t* out);

}  // namespace sluice::cuda
