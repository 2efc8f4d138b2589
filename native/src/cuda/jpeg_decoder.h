#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "params/jpeg_header.h"

namespace sluice::cuda {

/** A JPEG in memory. */
struct JpegFile {
  const std::uint8_t* data;
  std::size_t length;
};

using sluice::JpegHeader;

/**
 * JPEGs to interleaved RGB8 in device memory, a batch at a time, by nvJPEG: the GPU's own decoding engine where it has
 * one, else CUDA cores. Any thread, one batch at a time: the engine gains nothing from two at once, and each decoder
 * takes memory, so the instances of a device share one.
 */
class JpegDecoder {
 public:
  /** The decoder of the current device for batches of up to `max_batch`; it goes with its last user. Throws Error. */
  static std::shared_ptr<JpegDecoder> Join(int max_batch);
  explicit JpegDecoder(int max_batch);
  ~JpegDecoder();
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  /** `hardware`, or `cuda` with why the hardware engine is not used: to be logged once. */
  const std::string& backend() const;

  /**
   * ReadJpegHeader, and what nvJPEG says of the file; host work of a few microseconds and a look at each byte. Never
   * throws for a bad file.
   */
  JpegHeader Inspect(const JpegFile& file);

  /**
   * Waits on the host until `stream` is idle, then decodes files that Inspect took, and waits for that too. `out[i]` is
   * device memory for height x width x 3 bytes without padding. Throws Error kBadImage when a file of the batch is broken:
   * the caller then decodes them on the CPU.
   */
  void Decode(const std::vector<JpegFile>& files, const std::vector<JpegHeader>& headers,
              const std::vector<std::uint8_t*>& out, cudaStream_t stream);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::cuda
