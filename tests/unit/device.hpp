#pragma once
#include <span>
#include <type_traits>
#include <vector>
#include <vlt/tensor/buffer.hpp>
#include <vlt/tensor/matrix.hpp>

// The device whose code the unit tests run (CMake: VLT_TEST_DEVICE). Tests of one instruction set name that instead.
#ifndef VLT_TEST_DEVICE
#define VLT_TEST_DEVICE cpu
#endif
inline constexpr vlt::Device under_test = vlt::Device::VLT_TEST_DEVICE;

// Memory for an arena in which every number of whatever type is a NaN.
inline vlt::Buffer<std::byte, under_test> memory_of_nans(std::size_t bytes) {
  vlt::Buffer<std::byte, under_test> memory{vlt::Index(bytes)};
  memory.copy_from_host(std::vector<std::byte>(bytes, std::byte(0xff)));
  return memory;
}

// The elements of a matrix, row by row, wherever it lies; and a matrix given them.
template <class T, vlt::Device D> std::vector<std::remove_const_t<T>> values_of(vlt::Matrix<T, D> m) {
  std::vector<std::remove_const_t<T>> values(std::size_t(m.size()));
  for (vlt::Index r = 0; r < m.rows; ++r)
    vlt::Memory<D>::copy_to_host(values.data() + r * m.cols, m.data + r * m.stride, std::size_t(m.cols) * sizeof(T));
  return values;
}
template <class T, vlt::Device D>
void set_values(vlt::Matrix<T, D> m, std::type_identity_t<std::span<const T>> values) {
  vlt::require(m.size() == vlt::Index(values.size()), "a matrix was given another number of values than it has");
  for (vlt::Index r = 0; r < m.rows; ++r)
    vlt::Memory<D>::copy_from_host(m.data + r * m.stride, values.data() + r * m.cols, std::size_t(m.cols) * sizeof(T));
}
template <class T, vlt::Device D> void fill_values(vlt::Matrix<T, D> m, std::type_identity_t<T> value) {
  set_values(m, std::vector<T>(std::size_t(m.size()), value));
}
// Appends the elements to other numbers.
template <class T, vlt::Device D> void append_values(std::vector<double>& all, vlt::Matrix<T, D> m) {
  for (const auto v : values_of(m)) all.push_back(double(v));
}
