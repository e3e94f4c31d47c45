#pragma once
#include <memory>
#include <vector>
#include <vlt/tensor/buffer.hpp>
#include <vlt/tensor/matrix.hpp>

namespace vlt {

// Numbers that a layer is made with and never changes, (rows, cols), in the memory of the device. Copies share them.
template <class T, Device D> class ConstantTable {
 public:
  ConstantTable() = default;
  // values: rows of `cols` numbers each.
  ConstantTable(const std::vector<double>& values, Index cols) : rows_(Index(values.size()) / cols), cols_(cols) {
    Buffer<T, D> memory(rows_ * cols_);
    memory.copy_from_host(std::vector<T>(values.begin(), values.end()));
    values_ = std::make_shared<const Buffer<T, D>>(std::move(memory));
  }

  Matrix<T, D> view() const {
    if (!values_) return {};
    return {values_->address(), rows_, cols_, cols_};
  }

 private:
  std::shared_ptr<const Buffer<T, D>> values_;
  Index rows_ = 0, cols_ = 0;
};

}  // namespace vlt
