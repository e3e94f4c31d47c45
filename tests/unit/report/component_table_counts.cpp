#include <unit/optim/parameters.hpp>
#include <vlt/report/component_table.hpp>

#include <catch2/catch.hpp>
#include <sstream>

using namespace vlt;

TEST_CASE("the table of components counts what there is, what trains, and its bytes") {
  LooseModel<Precision::bf16> model;
  const auto registry = model.registry();
  const StoreLayout layout(registry);
  PeakRates rates{.learning_rate = 1e-3, .pretrained = 2e-5};
  const auto rows = report::component_rows(registry, layout, rates, 0.25);
  REQUIRE(rows.size() == 3);
  const report::ReportComponent &vision = rows[0], &projector = rows[1], &language = rows[2];
  CHECK((vision.parameters == 0 && vision.trainable == 0 && vision.bytes == 0 && vision.learning_rate == 0));
  CHECK((projector.parameters == 7 * 13 + 7 + 5 * 9 && projector.trainable == 7 * 13 + 7));
  CHECK((projector.learning_rate == 1e-3 && projector.weight_decay == 0.25));
  CHECK((language.parameters == 33 * 70 && language.trainable == 33 * 70 && language.learning_rate == 2e-5));
  CHECK((language.dtype == "bf16" && language.name == "language"));
  CHECK(language.bytes == Index(layout.bytes(ComponentKind::language).total()));
  std::ostringstream out;
  out << rows;
  CHECK(out.str() ==
        "component      parameters      trainable       rate    decay  dtype        bytes\n"
        "vision                  0              0          0        0   bf16          0 B\n"
        "projector             143             98      0.001     0.25   bf16     2.38 KiB\n"
        "language             2310           2310      2e-05     0.25   bf16    41.06 KiB\n");
}
