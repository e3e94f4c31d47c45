// The segments of a JPEG, and every fault with its place.
#include <unit/image/preflight_checks.hpp>

using namespace vlt;
using namespace vlt::test;
using namespace std::string_literals;

TEST_CASE("JPEG files that are cut or of an unusual kind") {
  const std::string good = golden_bytes("baseline_420.jpg");
  bad(good.substr(0, good.size() / 2), "019", "truncated");
  bad(good.substr(0, good.size() - 2), "019", "truncated");
  bad(good.substr(0, 3), "019", "truncated");
  bad(good.substr(0, 2) + good.substr(good.size() - 2), "019", "no image data");
  for (const auto& [marker, word] : {std::pair(0xc3, "lossless"), std::pair(0xc5, "hierarchical"),
                                     std::pair(0xc9, "arithmetic"), std::pair(0xca, "arithmetic")})
    bad(jpeg_with("baseline_420.jpg", 0xc0, [&](std::string& b, std::size_t at) { b[at + 1] = char(marker); }), "024",
        word);
  const auto frame = [](std::size_t offset, int value) {
    return jpeg_with("baseline_420.jpg", 0xc0, [&](std::string& b, std::size_t at) { b[at + offset] = char(value); });
  };
  bad(frame(4, 12), "024", "12-bit");
  bad(frame(9, 2), "024", "channels");
  bad(frame(9, 4), "029", "length");
  bad(frame(11, 0x50), "029", "sampling");
  for (const int luma : {0x32, 0x23}) {  // beside a chroma channel of 2 x 2
    std::string odd = frame(11, luma);
    odd[odd.find("\xff\xc0") + 14] = 0x22;
    bad(odd, "024", "fractional sampling");
  }
  CHECK_NOTHROW(image::preflight(frame(11, 0x41), "x"));
  bad(frame(12, 4), "029", "quantisation table");
  bad(good.substr(0, 2) + "\xff\xe1\0\0"s + good.substr(2), "029", "too short", "@ byte 4");
  bad(good.substr(0, 2) + "\xff\xe1\0\1"s + good.substr(2), "029", "too short");
  bad(good.substr(0, 2) + "\xff\xdc\0\4\0\1"s + good.substr(2), "023", "DNL");
  bad("\xff\xd8" + std::string(1 << 20, '\xff'), "019", "truncated");
  bad(good.substr(0, 2) + "x" + good.substr(2), "001");
  bad(good.substr(0, 20) + "x" + good.substr(20), "029", "marker");
}

TEST_CASE("JPEG tables and scans are consistent") {
  const auto table = [](std::size_t offset, int value) {
    return jpeg_with("baseline_420.jpg", 0xc4, [&](std::string& b, std::size_t at) { b[at + offset] = char(value); });
  };
  bad(table(5, 255), "021", "bad Huffman table", "more codes");
  bad(table(4, 0x25), "021", "no such table");
  bad(table(21, 200), "021", "DC symbol");
  bad(jpeg_with("baseline_420.jpg", 0xc4,
                [](std::string& b, std::size_t at) {
                  for (std::size_t i = 5; i < 21; ++i) b[at + i] = 0;
                }),
      "021", "0 symbols");
  const auto scan = [](std::size_t offset, int value) {
    return jpeg_with("baseline_420.jpg", 0xda, [&](std::string& b, std::size_t at) { b[at + offset] = char(value); });
  };
  bad(scan(5, 9), "022", "a channel that is not there");
  bad(scan(7, 1), "022", "twice");
  bad(scan(6, 0x30), "022", "undefined table");
  bad(scan(4, 2), "022", "length");
  bad(scan(11, 5), "022", "coefficients");
  bad(jpeg_with("baseline_420.jpg", 0xdb, [](std::string& b, std::size_t at) { b[at + 4] = 0x24; }), "022",
      "quantisation");
  std::string scans = golden_bytes("grey.jpg");
  const std::size_t start = scans.find("\xff\xda");
  const std::string one = scans.substr(start, scans.size() - 2 - start);
  for (int i = 0; i < 2000; ++i) scans.insert(start, one);
  bad(scans, "026", "scans found > 100");
}

namespace {

std::string bytes_of(std::initializer_list<int> values) {
  std::string out;
  for (const int v : values) out += char(v);
  return out;
}
// JPEG files by hand.
std::string segment(int marker, const std::string& data) {
  const auto size = int(data.size() + 2);
  return bytes_of({0xff, marker, size >> 8, size & 255}) + data;
}
std::string quantisation(int number) { return segment(0xdb, char(number) + std::string(number < 16 ? 64 : 128, '\1')); }
std::string huffman_data(int number, const std::string& symbols = "\1") {
  return char(number) + std::string(14, '\0') + bytes_of({0, int(symbols.size())}) + symbols;
}
std::string huffman(int number, const std::string& symbols = "\1") {
  return segment(0xc4, huffman_data(number, symbols));
}
struct Channel {
  int id, sampling, table;
};
std::string frame(std::vector<Channel> channels, int marker = 0xc0) {
  std::string data = bytes_of({8, 1, 2, 0, 24, int(channels.size())});
  for (const Channel& c : channels) data += bytes_of({c.id, c.sampling, c.table});
  return segment(marker, data);
}
std::string scan(std::vector<std::pair<int, int>> channels, int first = 0, int last = 63, int high = 0) {
  std::string data = bytes_of({int(channels.size())});
  for (const auto& [id, tables] : channels) data += bytes_of({id, tables});
  return segment(0xda, data + bytes_of({first, last, high << 4})) + "\x12\xff" + '\0' + "\xff\xd0\xff\xd7\x34";
}
const std::string start = "\xff\xd8", stop = "\xff\xd9", q0 = quantisation(0), one = frame({{1, 0x11, 0}}),
                  tables = huffman(0) + huffman(0x10), only = scan({{1, 0}});

}  // namespace

TEST_CASE("a JPEG's header is what its frame and Adobe's segment say") {
  const image::ImageHeader h = good(start + q0 + one + tables + only + stop);
  CHECK((h.format == image::ImageFormat::jpeg && h.width == 24 && h.height == 258 && h.channels == 1));
  CHECK(h.adobe == -1);
  const auto adobe = [](const std::string& data) {
    return good(start + segment(0xee, data) + q0 + one + tables + only + stop).adobe;
  };
  CHECK(adobe("Adobe\0\1\2\3\4\5\6"s) == 6);
  CHECK(adobe("Adobe\0\1\2\3\4\5"s) == -1);
  CHECK(adobe("Adopt\0\1\2\3\4\5\6"s) == -1);
  for (const std::string& between :
       {segment(0xe1, "Exif"), segment(0xfe, ""), "\xff\x01"s, "\xff\xd0"s, "\xff\xd7"s, "\xff\xff"s})
    CHECK(good(start + between + q0 + one + tables + only + between + stop).width == 24);
  CHECK(good(start + q0 + one + tables + only + "\xff\xff\xff" + stop).width == 24);
}

TEST_CASE("every fault of a JPEG has its place") {
  const std::size_t second = 2 + q0.size();  // where the segment behind the first begins
  bad_at(second, start + q0 + start, "029", "second start");
  bad_at(second, start + q0 + "x", "029", "byte 120");
  bad_at(2, start + "\xff\0"s, "029", "a stuffed byte");
  bad_at(4, start + "\xff\xe1\0\1"s, "029", "a length of 2 or more");
  const std::string whole = q0 + one + tables + only;
  for (const std::size_t n : {q0.size() - 1, q0.size(), q0.size() + 1, q0.size() + 5, whole.size() - 1, whole.size()})
    bad_at(2 + n, start + whole.substr(0, n), "019", "truncated at byte " + std::to_string(2 + n));
  bad(start + whole + "\xff", "019", "truncated");
  bad_at(second + 2, start + q0 + stop, "019", "no image data");
  for (const int marker : {0xc3, 0xc7}) bad_at(second, start + q0 + segment(marker, "x"), "024", "lossless");
  for (const int marker : {0xc5, 0xc6}) bad_at(second, start + q0 + segment(marker, "x"), "024", "hierarchical");
  for (const int marker : {0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf})
    bad_at(second, start + q0 + segment(marker, "x"), "024", "arithmetic coding");
  bad_at(second, start + q0 + segment(0xdc, "\0\1"s), "023", "DNL");
  const auto with = [&](const std::string& part, const char* number, const char* word) {
    bad_at(second, start + q0 + part + stop, number, word);
  };
  bad_at(second + one.size(), start + q0 + one + one, "029", "second one");
  with(segment(0xc0, bytes_of({8, 1, 2, 0, 24})), "029", "too short");
  with(segment(0xc0, bytes_of({8, 1, 2, 0, 24, 0})), "024", "channels");
  with(segment(0xc0, bytes_of({8, 1, 2, 0, 24, 2})), "024", "channels");
  with(segment(0xc0, bytes_of({8, 1, 2, 0, 24, 5})), "024", "channels");
  with(segment(0xc0, bytes_of({8, 1, 2, 0, 24, 1})), "029", "length");
  with(segment(0xc0, bytes_of({12, 1, 2, 0, 24, 1, 1, 0x11, 0})), "024", "12-bit");
  with(segment(0xc0, bytes_of({8, 0, 0, 0, 24, 1, 1, 0x11, 0})), "023", "height 0");
  for (const int sampling : {0x01, 0x10, 0x51, 0x15}) with(frame({{1, sampling, 0}}), "029", "sampling factor");
  with(frame({{1, 0x11, 4}}), "029", "quantisation table");
  with(frame({{1, 0x11, 0}, {2, 0x11, 0}, {1, 0x11, 0}}), "029", "named twice");
  with(frame({{1, 0x31, 0}, {2, 0x21, 0}, {3, 0x11, 0}}), "024", "2 x 1 of 3 x 1");
  with(frame({{1, 0x11, 0}, {2, 0x12, 0}, {3, 0x13, 0}}), "024", "1 x 2 of 1 x 3");
  for (const std::string& data : {std::string(64, '\1'), '\x10' + std::string(127, '\1'), '\4' + std::string(64, '\1'),
                                  '\x20' + std::string(128, '\1')})
    with(segment(0xdb, data), "022", "quantisation table is wrong");
}

TEST_CASE("a JPEG's Huffman tables are codes") {
  const std::size_t second = 2 + q0.size();
  const auto wrong = [&](const std::string& data, const char* word) {
    bad_at(second, start + q0 + segment(0xc4, data) + stop, "021", word);
  };
  const auto counts = [](int number, std::initializer_list<int> of_each_length, std::size_t symbols) {
    std::string data = bytes_of({number}) + bytes_of(of_each_length);
    data.resize(17, '\0');
    return data + std::string(symbols, '\1');
  };
  wrong(huffman_data(0).substr(0, 16), "cut");
  wrong(huffman_data(0, "\1\2").substr(0, 18), "cut");
  wrong(huffman_data(0x20), "no such table");
  wrong(huffman_data(0x04), "no such table");
  wrong(counts(0, {3}, 3), "more codes");
  wrong(counts(0, {1, 3}, 4), "more codes");
  wrong(counts(0, {}, 0), "0 symbols");
  wrong(counts(0x10, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 255}, 257), "257 symbols");
  wrong(huffman_data(0, "\x0c"), "DC symbol");
  const auto passes = [&](const std::string& data) {
    return good(start + q0 + one + tables + segment(0xc4, data) + only + stop).width == 24;
  };
  CHECK(passes(counts(0, {2}, 2)));
  CHECK(passes(counts(0, {1, 2}, 3)));
  CHECK(passes(counts(0x10, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 255}, 256)));
  CHECK(passes(huffman_data(0x03, "\x0b") + huffman_data(0x13, "\xff")));
}

TEST_CASE("a JPEG's scans use what is there") {
  const std::string three = frame({{1, 0x42, 0}, {2, 0x21, 0}, {3, 0x11, 0}}),
                    progressive = frame({{1, 0x11, 0}}, 0xc2);
  const std::string two = frame({{1, 0x11, 0}, {2, 0x11, 0}, {3, 0x11, 0}}, 0xc2);
  const auto wrong = [&](const std::string& before, const std::string& last, const char* word) {
    bad_at(2 + before.size(), start + before + last + stop, "022", word);
  };
  const auto passes = [](const std::string& parts) { return good(start + parts + stop).width == 24; };
  wrong(q0 + tables, only, "before the frame");
  wrong(q0 + one + tables, segment(0xda, ""), "empty");
  wrong(q0 + one + tables, scan({}), "length");
  wrong(q0 + one + tables, scan({{1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 0}}), "length");
  wrong(q0 + one + tables, segment(0xda, bytes_of({1, 1, 0, 0, 63})), "length");
  wrong(q0 + one + tables, scan({{1, 0}}, 1, 63), "coefficients");
  wrong(q0 + one + tables, scan({{1, 0}}, 0, 62), "coefficients");
  for (const auto& [first, last] : {std::pair(0, 5), {5, 1}, {1, 64}})
    wrong(q0 + progressive + tables, scan({{1, 0}}, first, last), "coefficients");
  wrong(q0 + two + tables, scan({{1, 0}, {2, 0}}, 1, 5), "coefficients");
  wrong(q0 + one + tables, scan({{2, 0}}), "not there");
  wrong(q0 + three + tables, scan({{2, 0}, {2, 0}}), "twice");
  wrong(quantisation(1) + one + tables, only, "undefined quantisation table");
  wrong(q0 + one + huffman(1) + huffman(0x10), only, "tables 0 and 0");
  wrong(q0 + one + huffman(0) + huffman(0x11), only, "tables 0 and 0");
  wrong(q0 + one + tables, scan({{1, 0x40}}), "tables 4 and 0");
  wrong(q0 + one + tables, scan({{1, 0x04}}), "tables 0 and 4");
  wrong(q0 + three + tables, scan({{1, 0}, {2, 0}, {3, 0}}), "10 blocks");
  CHECK(passes(q0 + three + tables + scan({{1, 0}, {2, 0}}) + scan({{3, 0}})));
  CHECK(passes(q0 + frame({{1, 0x44, 0}}) + tables + only));
  CHECK(passes(quantisation(0x13) + frame({{1, 0x11, 3}}) + huffman(0x03) + huffman(0x12) + scan({{1, 0x32}})));
  CHECK(passes(q0 + progressive + huffman(0) + scan({{1, 0}}, 0, 0)));      // no AC table is needed,
  CHECK(passes(q0 + progressive + huffman(0x10) + scan({{1, 0}}, 1, 63)));  // no DC table,
  CHECK(passes(q0 + progressive + scan({{1, 0}}, 0, 0, 1)));                // or none to refine
  CHECK(passes(q0 + two + huffman(0) + scan({{1, 0}, {2, 0}, {3, 0}}, 0, 0)));
  wrong(q0 + progressive + huffman(0x10), scan({{1, 0}}, 0, 0), "undefined table");
  wrong(q0 + progressive + huffman(0), scan({{1, 0}}, 1, 63), "undefined table");
  image::ImageLimits limits;
  limits.jpeg_scans = 2;
  const std::string scans = start + q0 + one + tables + only + only;
  CHECK_NOTHROW(image::preflight(scans + stop, "x", limits));
  refused([&] { image::preflight(scans + only + stop, "x", limits); }, ExitCode::data, "DATA-IMAGE-026",
          "x @ byte " + std::to_string(scans.size()) + " |", "at most 2 |", "scans found > 2 |");
}
