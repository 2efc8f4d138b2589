/**
 * Calls the operators with random arguments, valid and not, and stops at the first result that cannot be right. Built
 * with AddressSanitizer and UndefinedBehaviorSanitizer, which stop at the first access out of bounds.
 *
 *   fuzz_operators [iterations] [seed]
 *
 * Ends with one line that counts what was done; the same seed does the same.
 */
#include "fuzz_operators.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <stdexcept>
#include <string>

int main(int argc, char** argv) {
  using namespace sluice::fuzz;
  const long long iterations = argc > 1 ? std::atoll(argv[1]) : 10000;
  const unsigned long long seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  constexpr void (*kOperators[])(Random*) = {FuzzWarp,       FuzzWarp,        FuzzWarp,
                                             FuzzWarp,       FuzzNms,         FuzzDetections,
                                             FuzzJpegHeader, FuzzL2Normalize, FuzzAlignFivePoints,
                                             FuzzActivate,   FuzzPoolTokens};
  long long refused = 0;
  for (long long i = 0; i < iterations; i++) {
    Random random(seed * 1000003 + static_cast<unsigned long long>(i));
    try {
      if (i % 4000 == 1000) {
        FuzzGiantWarp(&random);
      } else {
        kOperators[random.Integer(0, std::size(kOperators) - 1)](&random);
      }
    } catch (const std::out_of_range&) {
      refused++;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "iteration %lld of seed %llu: %s\n", i, seed, error.what());
      return 1;
    }
  }
  std::printf("fuzz_operators: %lld iterations done, %lld refused, seed %llu\n", iterations, refused, seed);
  return 0;
}
