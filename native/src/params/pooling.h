#pragma once

namespace sluice {

/** How the vectors of a text's tokens become one: the first token's, or the mean of them. */
enum class Pooling { kNone, kCls, kMean };

}  // namespace sluice
