// What the library's schedules and optimiser do with given numbers.
//   probe_optim                  reads lines `KIND STEPS WARMUP RATE COUNT` and prints the factors of the first COUNT
//                                updates on a line each
//   probe_optim INPUT OUTPUT     AdamW over the tensors of a safetensors file: start.I (rows, columns), gradient.I
//                                (steps, rows, columns), rates (steps, tensors), and its metadata beta1, beta2,
//                                epsilon, weight_decay, max_norm; writes norms (steps) and weights.I (steps, rows,
//                                columns)
#include <iostream>
#include <sstream>
#include <vlt/hub/safetensors.hpp>
#include <vlt/hub/safetensors_writer.hpp>
#include <vlt/optim/schedule.hpp>

#include "../../unit/optim/optimizer_run.hpp"

using namespace vlt;

namespace {

void print_schedules() {
  std::cout.precision(17);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string kind;
    Index steps = 0, count = 0;
    double warmup = 0, rate = 0;
    if (!(words >> kind >> steps >> warmup >> rate >> count)) throw std::invalid_argument("not a schedule: " + line);
    const Schedule schedule = make_schedule(schedule_kind(kind), steps, warmup, rate);
    for (Index done = 0; done < count; ++done) std::cout << (done ? " " : "") << schedule.factor(done);
    std::cout << '\n';
  }
}

LooseTensor tensor(const hub::SafetensorsFile& file, const std::string& name) {
  const hub::StoredTensor* t = file.find(name);
  if (!t) throw std::invalid_argument("the input has no tensor " + name);
  const Index cols = Index(t->shape.back());
  LooseTensor out{Index(t->size()) / cols, cols, std::vector<float>(std::size_t(t->size()))};
  file.read(*t, 0, out.values);
  return out;
}

void train(const std::string& input, const std::string& output) {
  const hub::SafetensorsFile file(open_file(input));
  const auto setting = [&](const char* name) { return std::stod(file.metadata().at(name)); };
  std::vector<LooseTensor> start, gradients;
  for (int i = 0; file.find("start." + std::to_string(i)); ++i) {
    start.push_back(tensor(file, "start." + std::to_string(i)));
    gradients.push_back(tensor(file, "gradient." + std::to_string(i)));
  }
  const LooseTensor rates = tensor(file, "rates");
  OptimizerRun run(start,
                   AdamW{.beta1 = setting("beta1"),
                         .beta2 = setting("beta2"),
                         .epsilon = setting("epsilon"),
                         .weight_decay = setting("weight_decay")},
                   setting("max_norm"));
  std::vector<float> norms;
  std::vector<std::vector<float>> weights(start.size());
  for (Index step = 0; step < rates.rows; ++step) {
    const float* row = rates.values.data() + step * rates.cols;
    norms.push_back(float(run.step(
        [&](std::size_t i) {
          const std::size_t n = start[i].values.size();
          return std::span<const float>(gradients[i].values).subspan(std::size_t(step) * n, n);
        },
        std::vector<double>(row, row + rates.cols))));
    for (std::size_t i = 0; i < start.size(); ++i) {
      const std::vector<float> now = run.values(i);
      weights[i].insert(weights[i].end(), now.begin(), now.end());
    }
  }
  std::vector<hub::TensorPlan> plan{{"norms", hub::StoredType::f32, {norms.size()}}};
  for (std::size_t i = 0; i < start.size(); ++i)
    plan.push_back({"weights." + std::to_string(i),
                    hub::StoredType::f32,
                    {norms.size(), std::uint64_t(start[i].rows), std::uint64_t(start[i].cols)}});
  hub::SafetensorsWriter writer(output, plan);
  writer.append(norms);
  for (const auto& w : weights) writer.append(w);
  writer.commit();
}

}  // namespace

int main(int count, char** words) try {
  if (count == 1) print_schedules();
  else if (count == 3) train(words[1], words[2]);
  else throw std::invalid_argument("usage: probe_optim [INPUT OUTPUT]");
  return 0;
} catch (const std::exception& e) {
  std::cerr << e.what() << '\n';
  return 1;
}
