#pragma once

#include <sstream>
#include <stdexcept>

namespace sluice {

/**
 * Refuses an argument. The message starts with its name as the caller knows it (`options.pad`). Operators check all
 * arguments before they touch memory, so that no input can make them read or write out of bounds.
 */
template <typename... Parts>
[[noreturn]] void Refuse(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  throw std::out_of_range(text.str());
}

}  // namespace sluice
