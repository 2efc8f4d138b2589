#include "tensorrt/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "params/error.h"

namespace sluice::tensorrt {
namespace {

[[noreturn]] void Refuse(const char* verb, const std::string& file) {
  throw Error(ErrorCode::kModelInvalid, std::string("cannot ") + verb + " " + file + ": " + std::strerror(errno));
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

std::string FolderOf(const std::string& file) {
  const std::size_t slash = file.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : file.substr(0, slash);
}

/** A name that nobody else writes to. */
std::string NameBeside(const std::string& file) {
  static std::atomic<unsigned> count{0};
  return file + ".tmp-" + std::to_string(getpid()) + "-" + std::to_string(count++);
}

void WriteAndFlush(const std::string& file, const char* data, std::size_t bytes) {
  const Descriptor descriptor(open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (descriptor.get() < 0) Refuse("write", file);
  while (bytes > 0) {
    const ssize_t written = write(descriptor.get(), data, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) Refuse("write", file);
    data += written;
    bytes -= static_cast<std::size_t>(written);
  }
  if (fsync(descriptor.get()) != 0) Refuse("write", file);
}

}  // namespace

std::optional<std::vector<char>> ReadFileIfThere(const std::string& file) {
  const Descriptor descriptor(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.get() < 0) {
    if (errno == ENOENT) return std::nullopt;
    Refuse("read", file);
  }
  struct stat status = {};
  if (fstat(descriptor.get(), &status) != 0) Refuse("read", file);
  std::vector<char> data(static_cast<std::size_t>(status.st_size));
  std::size_t size = 0;
  while (size < data.size()) {
    const ssize_t count = read(descriptor.get(), data.data() + size, data.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) Refuse("read", file);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  data.resize(size);
  return data;
}

void WriteFileAtomically(const std::string& file, const void* data, std::size_t bytes) {
  const std::string temporary = NameBeside(file);
  try {
    WriteAndFlush(temporary, static_cast<const char*>(data), bytes);
    if (std::rename(temporary.c_str(), file.c_str()) != 0) Refuse("write", file);
  } catch (...) {
    unlink(temporary.c_str());
    throw;
  }
  // The new name is safe once the folder is; a file system that cannot do that loses no more than the name.
  const Descriptor folder(open(FolderOf(file).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0) fsync(folder.get());
}

FolderLock::FolderLock(const std::string& file)
    : descriptor_(open(FolderOf(file).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (descriptor_ < 0) return;
  while (flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {
  }
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace sluice::tensorrt
