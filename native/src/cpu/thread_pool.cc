#include "cpu/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#if defined(__unix__) || defined(__APPLE__)
#include <dlfcn.h>
#endif

namespace sluice {
namespace {

/** One ParallelFor. Tickets in the pool's queue share it, so that one drawn late still finds it, closed. */
class Job {
 public:
  Job(int count, int grain, const std::function<void(int, int)>& body) : count_(count), grain_(grain), body_(&body) {}

  /** On a thread of the pool: joins unless the caller has already moved on. */
  void Help() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (closed_) return;
      helpers_++;
    }
    Work();
    const std::lock_guard<std::mutex> lock(mutex_);
    if (--helpers_ == 0) idle_.notify_all();
  }

  /** On the calling thread. */
  void Run() {
    Work();
    std::unique_lock<std::mutex> lock(mutex_);
    closed_ = true;
    idle_.wait(lock, [this] { return helpers_ == 0; });
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void Work() {
    try {
      for (;;) {
        const std::int64_t begin = next_.fetch_add(grain_);
        if (begin >= count_) return;
        (*body_)(static_cast<int>(begin), static_cast<int>(std::min<std::int64_t>(begin + grain_, count_)));
      }
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!error_) error_ = std::current_exception();
      next_ = count_;
    }
  }

  const std::int64_t count_;
  const std::int64_t grain_;
  /** The caller's; not touched once closed_ is set and helpers_ is 0. */
  const std::function<void(int, int)>* const body_;
  std::atomic<std::int64_t> next_{0};
  std::mutex mutex_;
  std::condition_variable idle_;
  int helpers_ = 0;
  bool closed_ = false;
  std::exception_ptr error_;
};

/**
 * Threads that wait for jobs, one fewer than processors. They are detached and the pool is never destroyed: the addon
 * is loaded by many environments that end in any order, and a destructor that joins at process exit could meet threads
 * that the process has already ended. For the same reason the addon's code must stay mapped when the last environment
 * closes it.
 */
class ThreadPool {
 public:
  static ThreadPool& Get() {
    static ThreadPool* const pool = new ThreadPool;
    return *pool;
  }

  void Enqueue(const std::shared_ptr<Job>& job, int helpers) {
    helpers = std::min(helpers, size_);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      for (int i = 0; i < helpers; i++) tickets_.push_back(job);
    }
    for (int i = 0; i < helpers; i++) wanted_.notify_one();
  }

 private:
  ThreadPool() {
    KeepCodeMapped();
    const int processors = static_cast<int>(std::thread::hardware_concurrency());
    const int wished = std::min(std::max(processors - 1, 1), kMaxThreads - 1);
    try {
      while (size_ < wished) {
        std::thread([this] { Serve(); }).detach();
        size_++;
      }
    } catch (const std::system_error&) {
      // The process may start no more threads: callers do what is left themselves.
    }
  }

  [[noreturn]] void Serve() {
    for (;;) {
      std::shared_ptr<Job> job;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wanted_.wait(lock, [this] { return !tickets_.empty(); });
        job = std::move(tickets_.front());
        tickets_.pop_front();
      }
      job->Help();
    }
  }

  static void KeepCodeMapped() {
#if defined(__unix__) || defined(__APPLE__)
    Dl_info module;
    static const char here = 0;
    if (dladdr(&here, &module) != 0 && module.dli_fname != nullptr) {
      dlopen(module.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
    }
#endif
  }

  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<std::shared_ptr<Job>> tickets_;
  /** Written by the constructor only. */
  int size_ = 0;
};

}  // namespace

void ParallelFor(int count, int grain, int threads, const std::function<void(int begin, int end)>& body) {
  const int pieces = (count + grain - 1) / grain;
  const int helpers = std::min(threads, pieces) - 1;
  if (helpers <= 0) {
    if (count > 0) body(0, count);
    return;
  }
  const auto job = std::make_shared<Job>(count, grain, body);
  ThreadPool::Get().Enqueue(job, helpers);
  job->Run();
}

}  // namespace sluice
