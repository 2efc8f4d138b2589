#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "params/detection_spec.h"
#include "random.h"

namespace sluice::test {

inline DetectionSpec SpecOf(const std::string& task, std::int32_t width, std::int32_t height) {
  return {task, width, height, {}, {}, 0, false, 0, NmsRule::kGreedy, false, 10000};
}

/** Makes values of outputs; ties by rounding scores to a grain. */
class Maker {
 public:
  explicit Maker(fuzz::Random* random)
      : random_(random),
        spoilt_(random->OneIn(2)),
        grain_(random->OneIn(2) ? 1.0 / 16 : 0),
        kind_(random->Integer(0, 3)) {}

  float Spoil(double value) const {
    return static_cast<float>(spoilt_ && random_->OneIn(300) ? random_->Extreme() : value);
  }
  /** Few, many or no candidates. */
  float Score() const {
    double score = kind_ == 0   ? 0
                   : kind_ == 1 ? random_->Real(0.4, 1)
                   : kind_ == 2 ? random_->Real(-1, 1)
                   : random_->OneIn(40) ? random_->Real(0.3, 1)
                                        : random_->Real(0, 0.1);
    if (grain_ > 0) score = std::floor(score / grain_) * grain_;
    return Spoil(score == 0 && random_->OneIn(2) ? -0.0 : score);
  }
  float Logit() const { return Spoil(kind_ == 1 ? random_->Real(-0.5, 4) : random_->Real(-8, 2)); }
  float Real(double low, double high) const { return Spoil(random_->Real(low, high)); }

 private:
  fuzz::Random* random_;
  bool spoilt_;
  double grain_;
  std::int64_t kind_;
};

inline std::int32_t Side(fuzz::Random* random) {
  return static_cast<std::int32_t>(32 * (random->OneIn(5) ? random->Integer(10, 20) : random->Integer(1, 6)));
}

}  // namespace sluice::test
