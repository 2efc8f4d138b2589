#pragma once

#include <stdexcept>

#include "random.h"

namespace sluice::fuzz {

/** Each makes up arguments, calls one operator and checks what can be known of any result. */
void FuzzWarp(Random* random);
/** Pictures and tensors of up to 8192x8192 pixels. */
void FuzzGiantWarp(Random* random);
void FuzzNms(Random* random);
void FuzzDetections(Random* random);
void FuzzL2Normalize(Random* random);
void FuzzAlignFivePoints(Random* random);
void FuzzActivate(Random* random);
void FuzzPoolTokens(Random* random);
void FuzzJpegHeader(Random* random);

/** A result that cannot be right; a refused argument is a std::out_of_range instead. */
inline void Expect(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

}  // namespace sluice::fuzz
