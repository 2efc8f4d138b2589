#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

/** Bytes that the caller keeps alive, from front to back. Reading beyond their end gives zeros and is remembered. */
class ByteReader {
 public:
  ByteReader(const std::uint8_t* data, std::size_t length) : data_(data), length_(length) {}

  std::size_t left() const { return length_ - at_; }
  const std::uint8_t* here() const { return data_ + at_; }
  /** Whether nothing was read beyond the end. */
  bool sound() const { return sound_; }

  std::uint32_t Byte() {
    if (at_ == length_) {
      sound_ = false;
      return 0;
    }
    return data_[at_++];
  }

  /** Two bytes, the high one first. */
  std::uint32_t Short() {
    const std::uint32_t high = Byte();
    return high << 8 | Byte();
  }

  void Skip(std::size_t count) {
    if (count > left()) {
      sound_ = false;
      count = left();
    }
    at_ += count;
  }

  /** The next `count` bytes as a reader of their own, fewer where there are fewer. */
  ByteReader Take(std::size_t count) {
    const std::uint8_t* begin = here();
    const std::size_t before = left();
    Skip(count);
    return {begin, before - left()};
  }

 private:
  const std::uint8_t* data_;
  std::size_t length_;
  std::size_t at_ = 0;
  bool sound_ = true;
};

}  // namespace sluice
