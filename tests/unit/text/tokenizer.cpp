// What a tokenizer knows of its tokens: ids, which are special, what stands around a text, how they read.
#include <catch2/catch.hpp>
#include <vlt/text/encoder.hpp>

using namespace vlt;
using Parts = text::TokenizerFile;
using Ids = std::vector<std::int32_t>;

namespace {

Parts::AddedToken special(std::int32_t id, const std::string& content) {
  Parts::AddedToken t{id, content};
  t.special = true;
  return t;
}
// a 0, b 1, ab 2, <s> 3 and </s> 4 around a text, <x> 5
Parts letters() {
  Parts file;
  file.name = "t.json";
  file.model.vocab = {{"a", 0}, {"b", 1}, {"ab", 2}};
  file.model.merges = {{{"a", "b"}}};
  file.added = {special(3, "<s>"), special(4, "</s>"), {5, "<x>"}};
  file.decoders = {Parts::Fuse{}};
  file.before = {"<s>"}, file.after = {"</s>"};
  return file;
}
std::string refusal(const Parts& file) {
  try {
    text::Tokenizer unused(file);
  } catch (const Error& e) {
    CHECK(e.exit() == ExitCode::model);
    return e.complaint().code() + " " + e.complaint().place() + " " + e.complaint().found();
  }
  return "none";
}

}  // namespace

TEST_CASE("tokens are known by their names") {
  const text::Tokenizer t(letters());
  CHECK(t.size() == 6);
  CHECK((t.id("a") == 0 && t.id("ab") == 2 && t.id("<s>") == 3 && t.id("<x>") == 5 && t.id("c") == -1));
  CHECK((t.is_special("<s>") && t.is_special("</s>") && !t.is_special("<x>") && !t.is_special("a")));
  CHECK(t.before() == Ids{3});
  CHECK(t.after() == Ids{4});
  CHECK(t.decode(Ids{3, 2, 5, 0, 4}) == "<s>ab<x>a</s>");
  CHECK(t.decode(Ids{3, 2, 5, 0, 4}, true) == "ab<x>a");
  CHECK(t.decode(Ids{-1, 0, 6, 100}) == "a");
  CHECK(t.decode(Ids{}) == "");
}

TEST_CASE("a text is encoded with what stands around it, or without") {
  const text::Tokenizer t(letters());
  text::Encoder encoder(t);
  const text::Encoding e = encoder.encode("abb<x>a");
  CHECK(e.ids == Ids{3, 2, 1, 5, 0, 4});
  CHECK(e.offsets == std::vector<text::ByteRange>{{0, 0}, {0, 2}, {2, 3}, {3, 6}, {6, 7}, {0, 0}});
  CHECK(encoder.encode("ab", {.add_special_tokens = false}).ids == Ids{2});
  CHECK(encoder.encode("a<s>b", {.add_special_tokens = false}).ids == Ids{0, 3, 1});
  CHECK(encoder.encode("a<s>b<x>", {.add_special_tokens = false, .split_special_tokens = true}).ids == Ids{2, 5});
  CHECK((text::EncodeOptions{}.add_special_tokens && !text::EncodeOptions{}.split_special_tokens));
  CHECK(encoder.encode("ababa", {.add_special_tokens = false}).offsets ==
        std::vector<text::ByteRange>{{0, 2}, {2, 4}, {4, 5}});
  CHECK_THROWS_AS(encoder.encode("a\xff"), Error);
  CHECK_THROWS_AS(encoder.encode("a\xff", std::span<const text::ByteRange>()), Error);
  const text::ByteRange parts[] = {{0, 4}, {8, 8}};
  const text::Encoding told = encoder.encode("a<s>b<s>b", parts);
  CHECK(told.ids == Ids{3, 0, 3, 1, 1});  // the second one is somebody's words
  CHECK(told.offsets.back() == text::ByteRange{8, 9});
  const text::ByteRange outside[] = {{8, 10}}, reversed[] = {{4, 1}};
  CHECK_THROWS(encoder.encode("a<s>b<s>b", outside));
  CHECK_THROWS(encoder.encode("a<s>b<s>b", reversed));
}

TEST_CASE("an added token may have the first id") {
  for (const bool normalized : {false, true}) {
    Parts file;
    file.model.vocab = {{"<z>", 0}, {"a", 1}};
    file.added = {{0, "<z>"}};
    file.added[0].normalized = normalized;
    const text::Tokenizer t(file);
    text::Encoder encoder(t);
    CHECK(encoder.encode("a<z>aa").ids == Ids{1, 0, 1, 1});
    CHECK(encoder.encode("a<z>aa").offsets == std::vector<text::ByteRange>{{0, 1}, {1, 4}, {4, 5}, {5, 6}});
  }
}

TEST_CASE("an added token may be spelt as the normalizer writes it") {
  Parts file = letters();
  file.normalizers = {Parts::Replace{"X", "a"}};
  Parts::AddedToken normalized{6, "<X>"};
  normalized.normalized = true;
  file.added.push_back(normalized);
  const text::Tokenizer t(file);
  text::Encoder encoder(t);
  CHECK(encoder.encode("<X>X", {.add_special_tokens = false}).ids == Ids{6, 0});
  CHECK(encoder.encode("b<a>", {.add_special_tokens = false}).ids == Ids{1, 6});
  CHECK(encoder.encode("bXb<X>", {.add_special_tokens = false}).offsets ==
        std::vector<text::ByteRange>{{0, 1}, {1, 3}, {3, 6}});
  CHECK(t.decode(Ids{6}) == "<a>");
  CHECK(t.id("<X>") == 6);
}

TEST_CASE("tokens that do not fit together are refused with their place") {
  const auto with = [](auto&& change) {
    Parts file = letters();
    change(file);
    return refusal(file);
  };
  CHECK(refusal(letters()) == "none");
  CHECK(with([](Parts& f) { f.model.merges.clear(), f.model.vocab[0].second = -1; }) ==
        "MODEL-TOK-006 t.json: $.model.vocab -1");
  CHECK(with([](Parts& f) { f.model.vocab[1].second = 0; }) == "MODEL-TOK-004 t.json: $.model.vocab \"a\" and \"b\"");
  CHECK(with([](Parts& f) { f.added[1].content.clear(); }) == "MODEL-TOK-014 t.json: $.added_tokens[1] \"\"");
  CHECK(with([](Parts& f) { f.added[1].content = "<s>"; }) == "MODEL-TOK-014 t.json: $.added_tokens[1] \"<s>\"");
  CHECK(with([](Parts& f) { f.added[2].id = 6; }) == "MODEL-TOK-014 t.json: $.added_tokens[2] id 6");
  CHECK(with([](Parts& f) { f.added[0].id = 2; }) == "MODEL-TOK-014 t.json: $.added_tokens[0] id 2");
  CHECK(with([](Parts& f) { f.before = {"<t>"}; }) == "MODEL-TOK-015 t.json: $.post_processor \"<t>\"");
  CHECK(with([](Parts& f) { f.after = {"<t>"}; }) == "MODEL-TOK-015 t.json: $.post_processor \"<t>\"");
  CHECK(with([](Parts& f) { f.added.push_back({0, "a"}); }) == "none");  // the vocabulary's own id
}
