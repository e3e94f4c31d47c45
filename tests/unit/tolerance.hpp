#pragma once
#include <boost/json.hpp>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

// The allowed error of a check, by its name in tests/tolerances.json, which gives the reason.
inline double tolerance(const std::string& name) {
  static const boost::json::value all = [] {
    std::ifstream file(VLT_TEST_DIR "/tolerances.json");
    if (!file) throw std::runtime_error("tests/tolerances.json cannot be read");
    std::ostringstream text;
    text << file.rdbuf();
    return boost::json::parse(text.str());
  }();
  return all.at(name).at("value").to_number<double>();
}
