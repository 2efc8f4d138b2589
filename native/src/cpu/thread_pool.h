#pragma once

#include <functional>

namespace sluice {

/** Most threads that one call may ask for. */
constexpr int kMaxThreads = 256;

/**
 * Calls `body(begin, end)` on pieces of at most `grain` that together cover 0 to `count`, on the calling thread and up
 * to `threads - 1` threads of the process-wide pool, and returns when all are done. The first exception of a piece is
 * thrown again here. Pieces must not depend on one another. May be called from any number of threads at once: a busy
 * pool leaves the work to its callers.
 */
void ParallelFor(int count, int grain, int threads, const std::function<void(int begin, int end)>& body);

}  // namespace sluice
