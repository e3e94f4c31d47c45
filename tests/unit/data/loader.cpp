#include "byte_samples.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <vlt/data/loader.hpp>

using namespace vlt;
using namespace vlt::test;
using Catch::Matchers::Contains;

namespace {

// Records with 0 to 2 images; a picture's pixels are made from its name.
std::shared_ptr<data::SampleSource> source(Index records, data::PixelReader read) {
  auto s = std::make_shared<data::SampleSource>(data::SampleSource{{}, byte_builder({64, 4}), std::move(read), 6});
  s->data.files.push_back({});
  s->data.files.push_back({});
  for (Index i = 0; i < records; ++i) {
    std::vector<std::string> images;
    for (Index k = 0; k < i % 3; ++k) images.push_back(std::to_string(i) + "-" + std::to_string(k));
    data::Record r = talk({{std::string(std::size_t(i % 20), 'q'), "answer " + std::to_string(i)}}, images);
    r.place.index = i, r.place.file = std::uint32_t(i % 2);
    s->data.sizes.push_back({0, 0, std::int32_t(r.images.size()), std::int32_t(r.images.size())});
    s->data.records.push_back(std::move(r));
  }
  return s;
}
void paint(const std::string& name, std::span<float> to) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = float(std::hash<std::string>{}(name + std::to_string(i)) % 1000);
}
void paint_slowly(const std::string& name, std::span<float> to) {
  thread_local std::mt19937 random{std::random_device{}()};
  std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
  paint(name, to);
}
// So many micro-batches of four of them.
data::BatchPlan plan(const data::SampleSource& s, Index count) {
  std::vector<Index> all(s.data.records.size());
  std::iota(all.begin(), all.end(), Index(0));
  return {{all, 1, true}, s.data.sizes, {.sequences = 4, .epochs = count, .max_steps = count}};
}
data::LoaderSettings settings(int workers, Index held = 1) { return {.workers = workers, .held = held}; }
// Everything in a micro-batch as one number.
std::size_t digest(const data::MicroBatch& b) {
  std::string bytes;
  const auto add = [&](const auto& v) {
    bytes.append(reinterpret_cast<const char*>(v.data()), v.size() * sizeof v[0]);
    bytes += "|" + std::to_string(v.size());
  };
  for (const Sample& s : b.samples) add(s.id), add(s.label);
  add(b.record), add(b.group), add(b.pixels);
  bytes += std::to_string(b.images) + "," + std::to_string(b.tokens) + "," + std::to_string(b.supervised);
  return std::hash<std::string>{}(bytes);
}
std::vector<std::size_t> stream(int workers, Index count) {
  const auto s = source(37, paint_slowly);
  data::Loader loader(s, plan(*s, count), settings(workers));
  std::vector<std::size_t> all;
  while (loader.more()) all.push_back(digest(loader.next()));
  return all;
}

// A reader that stops at one image until it is let go. Shared, because a worker may outlive its loader.
struct Gate {
  std::mutex mutex;
  std::condition_variable freed;
  bool open = false;

  void pass() {
    std::unique_lock lock(mutex);
    freed.wait(lock, [&] { return open; });
  }
  void let_go() {
    const std::lock_guard lock(mutex);
    open = true;
    freed.notify_all();
  }
};

}  // namespace

TEST_CASE("a micro-batch holds what its records are made of", "[threads]") {
  const auto s = source(37, paint);
  data::Loader loader(s, plan(*s, 20), settings(2));
  data::BatchPlan expected = plan(*s, 20);
  text::Encoder encoder(s->builder.tokenizer());
  for (Index m = 0; loader.more(); ++m) {
    const data::MicroBatch& b = loader.next();
    const auto records = expected.records(m, 0);
    REQUIRE(b.record == std::vector<Index>(records.begin(), records.end()));
    std::vector<float> pixels;
    Index images = 0, tokens = 0, supervised = 0;
    for (std::size_t i = 0; i < records.size(); ++i) {
      const data::Record& r = s->data.records[std::size_t(records[i])];
      const auto p = s->builder.prepare(r, encoder);
      CHECK(b.samples[i].id == p.sample.id);
      CHECK(b.samples[i].label == p.sample.label);
      CHECK(b.group[i] == int(r.place.file));
      images += Index(p.images.size()), tokens += p.tokens, supervised += p.supervised;
      for (const auto& name : p.images) {
        pixels.resize(pixels.size() + 6);
        paint(name, std::span(pixels).last(6));
      }
    }
    CHECK(b.pixels == pixels);
    CHECK(b.images == images);
    CHECK(b.tokens == tokens);
    CHECK(b.supervised == supervised);
  }
}

TEST_CASE("records that were joined are one sample, and one that is lost leaves the others", "[threads]") {
  const auto s = source(9, [](const std::string& name, std::span<float> to) {
    if (name == "2-1") blame_data.raise(Complaint("IMAGE-019", "truncated"));
    paint(name, to);
  });
  const Index joined = s->data.join({1, 2, 4}, {60, 20, 4, 4});  // of one, two and one picture
  const data::BatchPlan plan({{joined}, 0, false}, s->data.sizes, {});
  data::LoaderSettings skips = settings(1), fails = settings(1);
  skips.on_bad_sample = data::OnBadSample::skip;
  data::Loader loader(s, plan, skips);
  const data::MicroBatch& b = loader.next();
  REQUIRE(b.samples.size() == 1);
  CHECK(b.record == std::vector{joined});
  REQUIRE(b.lost.size() == 1);
  CHECK(b.lost[0].record == 2);
  CHECK_THAT(b.lost[0].complaint.place(), Contains("$[2].image"));
  CHECK(b.images == 2);
  text::Encoder encoder(s->builder.tokenizer());
  const std::vector<Index> left{1, 4};
  const auto expected = s->builder.prepare(s->data.record_of(joined, left), encoder);
  CHECK(b.samples[0].id == expected.sample.id);
  CHECK(b.tokens == expected.tokens);
  std::vector<float> pixels(12);
  for (std::size_t i = 0; const char* name : {"1-0", "4-0"}) paint(name, std::span(pixels).subspan(6 * i++, 6));
  CHECK(b.pixels == pixels);
  data::Loader strict(s, plan, fails);
  CHECK_THROWS_AS(strict.next(), Error);
}

TEST_CASE("workers and their timing change nothing", "[threads]") {
  const auto one = stream(1, 500);
  CHECK(one.size() == 500);
  CHECK(one == stream(2, 500));
  CHECK(one == stream(8, 500));
}

TEST_CASE("a run may start anywhere in the order", "[threads]") {
  const auto all = stream(2, 25);
  data::LoaderSettings late = settings(3);
  late.first = 17;
  const auto s = source(37, paint);
  data::Loader loader(s, plan(*s, 25), late);
  for (Index m = 17; loader.more(); ++m) {
    CHECK(loader.position() == m);
    CHECK(digest(loader.next()) == all[std::size_t(m)]);
  }
  CHECK(loader.position() == 25);
}

TEST_CASE("held micro-batches stay as they are", "[threads]") {
  const auto s = source(40, paint_slowly);
  data::Loader loader(s, plan(*s, 30), settings(3, 5));
  const auto all = stream(1, 30).size();
  CHECK(all == 30);
  while (loader.more()) {
    std::vector<std::pair<data::MicroBatch*, std::size_t>> held;
    for (int i = 0; i < 5; ++i) {
      data::MicroBatch& b = loader.next();
      held.emplace_back(&b, digest(b));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    for (const auto& [b, before] : held) CHECK(digest(*b) == before);
  }
}

TEST_CASE("a loader may be left at any moment", "[threads]") {
  const auto s = source(37, paint_slowly);
  for (const int workers : {1, 2, 8})
    for (const int taken : {0, 1, 7}) {
      data::Loader loader(s, plan(*s, 1000), settings(workers));
      for (int i = 0; i < taken; ++i) loader.next();
    }
  data::LoaderSettings behind = settings(2);
  behind.first = 5;
  data::Loader nothing(s, plan(*s, 5), behind);
  CHECK(!nothing.more());
}

TEST_CASE("what a worker throws reaches the caller at its micro-batch", "[threads]") {
  for (const int workers : {1, 2, 8}) {
    const auto s = source(37, [](const std::string& name, std::span<float> to) {
      if (name == "20-1") blame_data.raise(Complaint("IMAGE-019", "truncated"));
      paint(name, to);
    });
    data::Loader loader(s, plan(*s, 30), settings(workers));
    data::BatchPlan expected = plan(*s, 30);
    Index failing = 0;
    for (;; ++failing) {
      const auto records = expected.records(failing, 0);
      if (std::find(records.begin(), records.end(), 20) != records.end()) break;
    }
    Index reached = 0;
    try {
      for (; loader.more(); ++reached) loader.next();
      FAIL("the broken image went unnoticed");
    } catch (const Error& e) {
      CHECK(e.exit() == ExitCode::data);
      CHECK_THAT(e.complaint().place(), Contains("$[20].image"));
    }
    CHECK(reached == failing);
  }
}

TEST_CASE("under skip a sample whose image is broken is left out of every count", "[threads]") {
  std::vector<std::size_t> first;
  for (const int workers : {1, 2, 8}) {
    data::LoaderSettings s = settings(workers);
    s.on_bad_sample = data::OnBadSample::skip;
    const auto data = source(37, [](const std::string& name, std::span<float> to) {
      if (name == "20-1" || name.starts_with("4-")) blame_data.raise(Complaint("IMAGE-019", "truncated"));
      paint(name, to);
    });
    data::Loader loader(data, plan(*data, 10), s);
    std::vector<std::size_t> all;
    std::vector<Index> lost, seen;
    while (loader.more()) {
      const data::MicroBatch& b = loader.next();
      all.push_back(digest(b));
      seen.insert(seen.end(), b.record.begin(), b.record.end());
      for (const data::LostSample& l : b.lost) lost.push_back(l.record);
      CHECK(b.pixels.size() == std::size_t(b.images * 6));
      CHECK(b.samples.size() == b.record.size());
    }
    std::sort(lost.begin(), lost.end());
    CHECK(lost == std::vector<Index>{4, 20});
    CHECK(seen.size() == 35);
    if (first.empty()) first = all;
    CHECK(all == first);
  }
}

TEST_CASE("a read that hangs ends the run by its name, in time", "[threads]") {
  const auto gate = std::make_shared<Gate>();
  data::LoaderSettings s = settings(2);
  s.timeout_s = 0.2;
  const auto begin = std::chrono::steady_clock::now();
  auto data = source(37, [gate](const std::string& name, std::span<float> to) {
    if (name == "20-1") gate->pass();
    paint(name, to);
  });
  const std::weak_ptr<data::SampleSource> alive = data;
  try {
    const data::BatchPlan ten = plan(*data, 10);
    data::Loader loader(std::move(data), ten, s);
    while (loader.more()) loader.next();
    FAIL("the loader waited for ever");
  } catch (const Error& e) {
    CHECK(e.exit() == ExitCode::stalled);
    CHECK(e.complaint().place() == "20-1");
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
  CHECK(!alive.expired());  // the hanging worker still has what it touches
  gate->let_go();
  while (!alive.expired()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST_CASE("an image that takes too much CPU time ends the run by its name", "[threads]") {
  const auto stop = std::make_shared<std::atomic<bool>>(false);
  data::LoaderSettings s = settings(2);
  s.image_seconds = 0.05, s.timeout_s = 60;
  const auto data = source(37, [stop](const std::string& name, std::span<float> to) {
    while (name == "20-1" && !*stop) continue;
    paint(name, to);
  });
  data::Loader loader(data, plan(*data, 10), s);
  try {
    while (loader.more()) loader.next();
    FAIL("the loader waited for ever");
  } catch (const Error& e) {
    CHECK(e.exit() == ExitCode::data);
    CHECK(e.complaint().place() == "20-1");
  }
  *stop = true;
}

TEST_CASE("ranks read their parts of the same micro-batches", "[threads]") {
  const auto s = source(10, paint);
  std::vector<Index> all(10);
  std::iota(all.begin(), all.end(), Index(0));
  const auto loader = [&](int rank, int ranks) {
    const data::BatchPlan plan({all, 1, true}, s->data.sizes, {.sequences = ranks == 1 ? 6 : 2, .ranks = ranks});
    return std::make_unique<data::Loader>(s, plan, data::LoaderSettings{.workers = 2, .rank = rank});
  };
  const auto whole = loader(0, 1);
  std::vector<std::unique_ptr<data::Loader>> parts;
  for (int r = 0; r < 3; ++r) parts.push_back(loader(r, 3));
  while (whole->more()) {
    std::vector<Index> together;
    for (const auto& part : parts) {
      const data::MicroBatch& b = part->next();
      together.insert(together.end(), b.record.begin(), b.record.end());
    }
    CHECK(together == whole->next().record);
  }
  for (const auto& part : parts) CHECK(!part->more());
}

TEST_CASE("how a loader reads when nobody says, and what it does not do") {
  const data::LoaderSettings usual;
  CHECK((usual.workers == 1 && usual.held == 1 && usual.slots() == 3));
  CHECK((usual.timeout_s == 300 && usual.image_seconds == 10));
  CHECK((usual.first == 0 && usual.rank == 0));
  CHECK(usual.on_bad_sample == data::OnBadSample::fail);
  const auto s = source(8, paint);
  data::Loader loader(s, plan(*s, 1), usual);
  CHECK(&loader.source() == s.get());
  CHECK(loader.plan().micro_batches() == 2);
  loader.next();
  CHECK_FALSE(loader.more());
  CHECK_THROWS(loader.next());
  CHECK_THROWS(data::Loader(s, plan(*s, 1), settings(0)));
  CHECK_THROWS(data::Loader(s, plan(*s, 1), settings(1, 0)));
}

TEST_CASE("memory is bounded by the largest micro-batch") {
  data::MicroBatchSize largest;
  largest.sequences = 4, largest.tokens = 100, largest.images = 8, largest.tiles = 40;
  const data::LoaderSettings s = settings(3, 2);
  CHECK(s.slots() == 6);
  CHECK(data::loader_bytes(s, largest, 6) == 6 * (40 * 24 + 100 * 16 + 4 * Index(sizeof(Sample))));
}
