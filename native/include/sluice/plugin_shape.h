#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace sluice {

/**
 * A dimension while an engine is built, when it may be known only as an expression of the dimensions of the inputs.
 * Numbers convert to it: `{input[0], 2 * input[1], CeilDiv(input[2], 2)}`.
 */
class Extent {
 public:
  enum class Operation { kNumber, kKnown, kSum, kDifference, kProduct, kFloorDiv, kCeilDiv, kMax, kMin };

  Extent(std::int64_t number) : node_(std::make_shared<Node>(Node{Operation::kNumber, number, nullptr, {}, {}})) {}

  friend Extent operator+(const Extent& a, const Extent& b) { return {Operation::kSum, a, b}; }
  friend Extent operator-(const Extent& a, const Extent& b) { return {Operation::kDifference, a, b}; }
  friend Extent operator*(const Extent& a, const Extent& b) { return {Operation::kProduct, a, b}; }
  friend Extent FloorDiv(const Extent& a, const Extent& b) { return {Operation::kFloorDiv, a, b}; }
  friend Extent CeilDiv(const Extent& a, const Extent& b) { return {Operation::kCeilDiv, a, b}; }
  friend Extent Max(const Extent& a, const Extent& b) { return {Operation::kMax, a, b}; }
  friend Extent Min(const Extent& a, const Extent& b) { return {Operation::kMin, a, b}; }

  // For the server.
  struct Node {
    Operation operation;
    std::int64_t number;
    const void* known;
    std::shared_ptr<const Node> left;
    std::shared_ptr<const Node> right;
  };
  static Extent Known(const void* dimension) {
    Extent extent(0);
    extent.node_ = std::make_shared<Node>(Node{Operation::kKnown, 0, dimension, {}, {}});
    return extent;
  }
  const Node& node() const { return *node_; }

 private:
  Extent(Operation operation, const Extent& left, const Extent& right)
      : node_(std::make_shared<Node>(Node{operation, 0, nullptr, left.node_, right.node_})) {}

  std::shared_ptr<const Node> node_;
};

/** A shape while an engine is built, and one while it runs. */
using SymbolicShape = std::vector<Extent>;
using Shape = std::vector<std::int64_t>;

}  // namespace sluice
