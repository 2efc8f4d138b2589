#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "sluice/sluice.h"

namespace sluice::test {

/** A group of claims. Prints those that do not hold and, in the end, one line. */
class Claims {
 public:
  explicit Claims(std::string name) : name_(std::move(name)) {}

  void Hold(bool holds, const std::string& claim) {
    count_++;
    if (holds) return;
    failures_++;
    std::printf("  %s: %s\n", name_.c_str(), claim.c_str());
  }

  /** What throws an Error of that code, with `part` in its message. */
  template <typename Work>
  void Refused(ErrorCode code, const std::string& part, const std::string& claim, Work work) {
    std::string outcome = "it did not throw";
    try {
      work();
    } catch (const Error& error) {
      if (error.code() == code && std::string(error.what()).find(part) != std::string::npos) return Hold(true, claim);
      outcome = std::string(CodeName(error.code())) + ": " + error.what();
    } catch (const std::exception& error) {
      outcome = std::string("no Error of ours: ") + error.what();
    }
    Hold(false, claim + "; " + outcome);
  }

  /** Runs claims that may throw, and prints the line. */
  template <typename Work>
  bool Run(Work work) {
    try {
      work(*this);
    } catch (const std::exception& error) {
      Hold(false, std::string("it threw: ") + error.what());
    }
    const bool ok = failures_ == 0 && count_ > 0;
    std::printf("%s %s: %d claims, %d failures\n", ok ? "ok" : "not ok", name_.c_str(), count_, failures_);
    std::fflush(stdout);
    return ok;
  }

 private:
  std::string name_;
  int count_ = 0;
  int failures_ = 0;
};

using Tensors = std::vector<HostTensor>;

/** Random inputs of `rows` rows, otherwise of the shapes of `side` of the first profile. */
inline Tensors RandomInputs(
    const Infer& infer, std::int64_t rows, unsigned seed,
    std::vector<std::int64_t> TensorDescription::Range::*side = &TensorDescription::Range::most) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> values(-1, 1);
  Tensors inputs;
  for (const TensorDescription& input : infer.inputs()) {
    std::vector<std::int64_t> shape = input.profiles.front().*side;
    shape.front() = rows;
    inputs.emplace_back(std::move(shape));
    std::generate_n(inputs.back().data(), inputs.back().numel(), [&] { return values(generator); });
  }
  return inputs;
}

/** Greatest difference, where the expected values are below 1, else relative to them; infinite for other shapes. */
inline double Difference(const HostTensor& tensor, const HostTensor& expected) {
  if (tensor.shape() != expected.shape()) return INFINITY;
  double most = 0;
  for (std::size_t i = 0; i < tensor.numel(); i++) {
    const double wanted = expected.data()[i];
    const double difference = std::abs(tensor.data()[i] - wanted) / std::max(1.0, std::abs(wanted));
    // What is not a number is not equal either.
    if (!(difference <= most)) most = std::isnan(difference) ? INFINITY : difference;
  }
  return most;
}

inline double Difference(const Tensors& tensors, const Tensors& expected) {
  if (tensors.size() != expected.size()) return INFINITY;
  double most = 0;
  for (std::size_t i = 0; i < tensors.size(); i++) most = std::max(most, Difference(tensors[i], expected[i]));
  return most;
}

/** What needs no GPU: tensors, .npy files, which are written to `folder`, and letterboxes. */
bool TestHost(const std::string& folder);

}  // namespace sluice::test
