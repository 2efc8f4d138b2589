#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>

namespace sluice::fuzz {

/** Seeded choices. */
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::int64_t Integer(std::int64_t first, std::int64_t last) {
    return first + static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(last - first + 1));
  }

  bool OneIn(std::int64_t n) { return Integer(1, n) == 1; }

  double Real(double low, double high) { return low + (high - low) * (static_cast<double>(engine_() >> 11) * 0x1p-53); }

  /** A side of a picture: mostly small, as borders are where mistakes are, now and then large. */
  std::int32_t Side() {
    const std::int64_t kind = Integer(1, 1000);
    if (kind <= 600) return static_cast<std::int32_t>(Integer(1, 12));
    if (kind <= 900) return static_cast<std::int32_t>(Integer(1, 70));
    return static_cast<std::int32_t>(Integer(1, 400));
  }

  /** Numbers that arithmetic goes wrong with, and ordinary ones. */
  double Extreme() {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const double values[] = {0,     -0.0,    1,      -1,           0.5,       1e-320,
                             1e-30, 32767,   -32768, 2147483648.0, 1e18,      -1e18,
                             1e30,  -1e30,   1e300,  -1e300,       kInfinity, -kInfinity,
                             -1e-9, 65535.5, 3e38,   -3e38,        88.8,      std::numeric_limits<double>::quiet_NaN()};
    return OneIn(2) ? values[Integer(0, std::size(values) - 1)] : Real(-100, 100);
  }

 private:
  std::mt19937_64 engine_;
};

/** Heap memory of exactly `length` values, so that a sanitizer sees the first byte read beyond. */
template <typename T>
struct Exact {
  explicit Exact(std::size_t n) : data(new T[n]()), length(n) {}

  std::unique_ptr<T[]> data;
  std::size_t length;
};

inline void Fill(Random* random, Exact<std::uint8_t>* bytes) {
  // A long picture repeats itself: what counts is that all of it may be read.
  constexpr std::size_t kPeriod = 65521;
  for (std::size_t i = 0; i < bytes->length; i++) {
    bytes->data[i] = i < kPeriod ? static_cast<std::uint8_t>(random->Integer(0, 255)) : bytes->data[i - kPeriod];
  }
}

}  // namespace sluice::fuzz
