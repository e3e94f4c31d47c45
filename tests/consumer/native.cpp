#include "training.hpp"

std::vector<double> train_on_this_machine(int steps) { return train<vlt::Device::cpu>(steps); }
