#include <vlt/io/protobuf_writer.hpp>
#include <vlt/text/protobuf_reader.hpp>

#include <catch2/catch.hpp>

using vlt::ProtobufWriter;

TEST_CASE("fields are written as the encoding's own page shows them") {
  CHECK(ProtobufWriter().varint(1, 150).bytes() == "\x08\x96\x01");
  CHECK(ProtobufWriter().text(2, "testing").bytes() == "\x12\x07testing");
  CHECK(ProtobufWriter().message(3, ProtobufWriter().varint(1, 150)).bytes() == "\x1a\x03\x08\x96\x01");
  CHECK(ProtobufWriter().real(1, 1.5).bytes() == std::string("\x09\0\0\0\0\0\0\xF8\x3F", 9));
  CHECK(ProtobufWriter().real(2, -2.0f).bytes() == std::string("\x15\0\0\0\xC0", 5));
  CHECK(ProtobufWriter().varint(16, 0).bytes() == std::string("\x80\x01\0", 3));
}

TEST_CASE("what is written can be read") {
  const std::uint64_t most = ~std::uint64_t(0);
  const ProtobufWriter w =
      ProtobufWriter().varint(1, most).real(3, 0.1f).bytes(2000, std::string(300, '\0')).text(4, "");
  vlt::text::ProtobufReader r(w.bytes(), "message");
  REQUIRE(r.next());
  CHECK((r.field() == 1 && r.varint() == most));
  REQUIRE(r.next());
  CHECK((r.field() == 3 && r.number() == 0.1f));
  REQUIRE(r.next());
  CHECK((r.field() == 2000 && r.bytes() == std::string(300, '\0')));
  REQUIRE(r.next());
  CHECK((r.field() == 4 && r.bytes().empty()));
  CHECK_FALSE(r.next());
}

TEST_CASE("a text that is not UTF-8 is repaired, bytes are not") {
  CHECK(ProtobufWriter().text(1, "a\xFF").bytes() ==
        "\x0A\x04"
        "a\xEF\xBF\xBD");
  CHECK(ProtobufWriter().bytes(1, "a\xFF").bytes() ==
        "\x0A\x02"
        "a\xFF");
}
