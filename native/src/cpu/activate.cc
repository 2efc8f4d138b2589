#include "cpu/activate.h"

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "params/check.h"

namespace sluice {
namespace {

void Softmax(float* row, std::size_t length, std::vector<double>* exponentials) {
  float greatest = -std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < length; i++) greatest = row[i] > greatest ? row[i] : greatest;
  double sum = 0;
  for (std::size_t i = 0; i < length; i++) {
    (*exponentials)[i] = std::exp(static_cast<double>(row[i]) - greatest);
    sum += (*exponentials)[i];
  }
  for (std::size_t i = 0; i < length; i++) row[i] = static_cast<float>((*exponentials)[i] / sum);
}

void Sigmoid(float* values, std::size_t length) {
  for (std::size_t i = 0; i < length; i++) {
    values[i] = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(values[i]))));
  }
}

}  // namespace

void Activate(const MutableFloatView& values, std::int64_t rows, ClassActivation activation) {
  if (rows < 0) Refuse("rows is ", rows, "; it must not be negative");
  const std::uint64_t count = static_cast<std::uint64_t>(rows);
  if (count == 0 ? values.length != 0 : values.length % count != 0) {
    Refuse("values has ", values.length, " values, which ", rows, " rows cannot share equally");
  }
  if (count == 0 || activation == ClassActivation::kNone) return;
  if (activation == ClassActivation::kSigmoid) return Sigmoid(values.data, values.length);
  const std::size_t length = values.length / count;
  std::vector<double> exponentials(length);
  for (std::size_t begin = 0; begin < values.length; begin += length) {
    Softmax(values.data + begin, length, &exponentials);
  }
}

}  // namespace sluice
