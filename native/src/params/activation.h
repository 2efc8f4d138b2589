#pragma once

namespace sluice {

/** What turns the scores of classes into probabilities. */
enum class Activation { kNone, kSoftmax, kSigmoid };

}  // namespace sluice
