#include <catch2/catch.hpp>
#include <vlt/train/run_facts.hpp>

using namespace vlt;

TEST_CASE("facts that changed are listed with both values") {
  const std::vector<RunFact> before{{"option", "seed", "7", true},
                                    {"option", "num_threads", "2", false},
                                    {"model", "seed", "7", true},
                                    {"data", "file 1", "abc", true},
                                    {"program", "version", "1", false}};
  CHECK(changes(before, before).empty());
  const std::vector<RunFact> now{{"program", "version", "2", false},
                                 {"option", "seed", "8", true},
                                 {"option", "num_threads", "2", false},
                                 {"model", "seed", "7", true},
                                 {"option", "later", "on", true}};
  const std::vector<FactChange> all{{"option", "seed", "7", "8", true},
                                    {"data", "file 1", "abc", "-", true},
                                    {"program", "version", "1", "2", false},
                                    {"option", "later", "-", "on", true}};
  CHECK(changes(before, now) == all);
  CHECK(changes_table(changes(before, now)) ==
        "changed  name     before  now\n"
        "option   seed     7       8\n"
        "data     file 1   abc     -\n"
        "program  version  1       2\n"
        "option   later    -       on\n");
}

TEST_CASE("whether a change is allowed is for the program that runs now to say") {
  CHECK_FALSE(changes({{"option", "x", "1", true}}, {{"option", "x", "2", false}})[0].fixed);
  CHECK(changes({{"option", "x", "1", false}}, {{"option", "x", "2", true}})[0].fixed);
}

TEST_CASE("a value that JSON cannot hold has not changed by being written") {
  CHECK(changes({{"option", "x", utf8::repaired("a\xff"), true}}, {{"option", "x", "a\xff", true}}).empty());
}
