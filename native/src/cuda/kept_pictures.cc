#include "cuda/kept_pictures.h"

#include <utility>

#include "params/check.h"

namespace sluice::cuda {
namespace {

/** Buffers of a device beyond this are freed. */
constexpr std::size_t kMostFree = 32;

}  // namespace

KeptPictures& KeptPictures::Instance() {
  static KeptPictures* const instance = new KeptPictures;
  return *instance;
}

std::int64_t KeptPictures::Keep(int device, DeviceBuffer memory, const PixelView& view) {
  std::shared_ptr<const KeptPicture> picture(new KeptPicture{device, std::move(memory), view},
                                             [this](const KeptPicture* done) { Reuse(const_cast<KeptPicture*>(done)); });
  const std::lock_guard lock(mutex_);
  last_id_ += 1;
  pictures_.emplace(last_id_, std::move(picture));
  return last_id_;
}

std::shared_ptr<const KeptPicture> KeptPictures::Get(std::int64_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = pictures_.find(id);
  if (found == pictures_.end()) Refuse("picture ", id, " is not kept any more");
  return found->second;
}

void KeptPictures::Release(std::int64_t id) {
  std::shared_ptr<const KeptPicture> last;
  {
    const std::lock_guard lock(mutex_);
    const auto found = pictures_.find(id);
    if (found == pictures_.end()) return;
    last = std::move(found->second);
    pictures_.erase(found);
  }
  // Outside the lock, which the end of the last pointer takes.
}

DeviceBuffer KeptPictures::TakeMemory(int device) {
  const std::lock_guard lock(mutex_);
  std::vector<DeviceBuffer>& free = free_[device];
  if (free.empty()) return {};
  DeviceBuffer memory = std::move(free.back());
  free.pop_back();
  return memory;
}

std::size_t KeptPictures::count() {
  const std::lock_guard lock(mutex_);
  return pictures_.size();
}

void KeptPictures::Reuse(KeptPicture* picture) noexcept {
  const std::unique_ptr<KeptPicture> owner(picture);
  const std::lock_guard lock(mutex_);
  std::vector<DeviceBuffer>& free = free_[picture->device];
  // What does not fit is freed with its owner; the driver finds the device by the address.
  if (free.size() < kMostFree) free.push_back(std::move(picture->memory));
}

void Download(const KeptPicture& picture, std::uint8_t* out) {
  SLUICE_CUDA(cudaSetDevice(picture.device));
  SLUICE_CUDA(cudaMemcpy(out, picture.view.data, SpanOf(picture.view), cudaMemcpyDeviceToHost));
}

}  // namespace sluice::cuda
