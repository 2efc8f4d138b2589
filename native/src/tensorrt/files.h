#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sluice::tensorrt {

/** The bytes of a file, or nothing where there is no such file. Throws Error when it is there and cannot be read. */
std::optional<std::vector<char>> ReadFileIfThere(const std::string& file);

/**
 * Writes a file so that nobody ever sees half of it, not even after a power cut: beside it first, then in its place.
 * Throws Error kModelInvalid with the reason.
 */
void WriteFileAtomically(const std::string& file, const void* data, std::size_t bytes);

/** Keeps out other processes that take the same lock. It is on the folder of `file`: no lock file stays behind. */
class FolderLock {
 public:
  /** Waits for it. Where a file system has no locks, nobody is kept out. */
  explicit FolderLock(const std::string& file);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_;
};

}  // namespace sluice::tensorrt
