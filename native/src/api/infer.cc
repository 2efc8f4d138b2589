#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "api/engine_runner.h"
#include "api/require_device.h"
#include "cuda/device.h"
#include "sluice/sluice.h"

namespace sluice {
namespace {

using Outputs = std::vector<HostTensor>;

Error Stopped() { return {ErrorCode::kShuttingDown, "the engine was stopped; open the plan again"}; }

tensorrt::EngineSource SourceOf(const std::string& plan_file, const InferOptions& options) {
  return {plan_file, options.weights_file, options.plugins, options.device, options.version_compatible};
}

}  // namespace

/** The engine, the queue of commits and the thread that answers them. */
class Infer::Worker {
 public:
  Worker(const std::string& plan_file, const InferOptions& options)
      : device_(options.device), max_waiting_(options.max_waiting) {
    if (max_waiting_ < 1) throw Error(ErrorCode::kInvalidRequest, "max_waiting is 0; it must be 1 or more");
    RequireDevice(device_);
    const cuda::DeviceScope scope(device_);
    runner_ = std::make_unique<EngineRunner>(SourceOf(plan_file, options));
    try {
      thread_ = std::thread([this] { AnswerCommits(); });
    } catch (const std::exception& error) {
      // While the device is still the current one.
      runner_.reset();
      throw Error(ErrorCode::kInternal, std::string("no thread can be started: ") + error.what());
    }
  }

  ~Worker() {
    Stop();
    try {
      const cuda::DeviceScope scope(device_);
      runner_.reset();
    } catch (const Error&) {
      // The device is lost; what TensorRT frees fails quietly.
    }
  }

  const EngineRunner& runner() const { return *runner_; }

  std::size_t memory_bytes() {
    const std::lock_guard<std::mutex> turn(running_);
    return runner_->memory_bytes();
  }

  Outputs Run(const std::vector<HostTensor>& inputs) {
    const std::lock_guard<std::mutex> turn(running_);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (stopped_) throw Stopped();
    }
    const cuda::DeviceScope scope(device_);
    return runner_->Run(inputs);
  }

  std::future<Outputs> Commit(std::vector<HostTensor> inputs) {
    Job job{std::move(inputs), {}};
    std::future<Outputs> future = job.promise.get_future();
    std::unique_lock<std::mutex> lock(mutex_);
    room_.wait(lock, [this] { return stopped_ || jobs_.size() < max_waiting_; });
    if (stopped_) {
      job.promise.set_exception(std::make_exception_ptr(Stopped()));
    } else {
      jobs_.push_back(std::move(job));
      work_.notify_one();
    }
    return future;
  }

  void Stop() {
    std::deque<Job> unanswered;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopped_ = true;
      unanswered.swap(jobs_);
    }
    work_.notify_all();
    room_.notify_all();
    for (Job& job : unanswered) job.promise.set_exception(std::make_exception_ptr(Stopped()));
    // Another thread may be stopping too, and both return when the thread has ended.
    const std::lock_guard<std::mutex> joining(joining_);
    if (thread_.joinable()) thread_.join();
  }

 private:
  struct Job {
    std::vector<HostTensor> inputs;
    std::promise<Outputs> promise;
  };

  void AnswerCommits() {
    for (;;) {
      std::unique_lock<std::mutex> lock(mutex_);
      work_.wait(lock, [this] { return stopped_ || !jobs_.empty(); });
      if (stopped_) return;
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      room_.notify_one();
      Answer(job);
    }
  }

  /** A promise is settled once, whatever happens: with the outputs or with what was thrown. */
  void Answer(Job& job) {
    Outputs outputs;
    try {
      const std::lock_guard<std::mutex> turn(running_);
      const cuda::DeviceScope scope(device_);
      outputs = runner_->Run(job.inputs);
    } catch (...) {
      job.promise.set_exception(std::current_exception());
      return;
    }
    job.promise.set_value(std::move(outputs));
  }

  const int device_;
  const std::size_t max_waiting_;
  std::unique_ptr<EngineRunner> runner_;
  /** Held by whoever runs. Taken before mutex_ where both are. */
  std::mutex running_;
  /** Guards what follows, up to the thread. */
  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable room_;
  std::deque<Job> jobs_;
  bool stopped_ = false;
  std::mutex joining_;
  std::thread thread_;
};

void Infer::Close::operator()(Worker* worker) const noexcept { delete worker; }

Infer::Infer(const std::string& plan_file, const InferOptions& options) : worker_(new Worker(plan_file, options)) {}

const std::vector<TensorDescription>& Infer::inputs() const { return worker_->runner().inputs(); }

const std::vector<TensorDescription>& Infer::outputs() const { return worker_->runner().outputs(); }

std::int64_t Infer::max_batch() const { return worker_->runner().max_batch(); }

std::size_t Infer::device_memory_bytes() const { return worker_->memory_bytes(); }

std::vector<HostTensor> Infer::Forward(const std::vector<HostTensor>& inputs) { return worker_->Run(inputs); }

std::future<std::vector<HostTensor>> Infer::Commit(std::vector<HostTensor> inputs) {
  return worker_->Commit(std::move(inputs));
}

void Infer::Stop() { worker_->Stop(); }

}  // namespace sluice
