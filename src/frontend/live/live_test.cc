#include "frontend/live/live.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>

namespace ferryman::frontend {
namespace {

// What walk.py does, for a program written by hand: words, and strings by their index.
class LiveWriter {
 public:
  LiveWriter& word(int64_t word) {
    words_.push_back(word);
    return *this;
  }
  LiveWriter& text(const std::string& text) {
    size_t index = 0;
    while (index < strings_.size() && strings_[index] != text) ++index;
    if (index == strings_.size()) strings_.push_back(text);
    return word(static_cast<int64_t>(index));
  }
  LiveWriter& expression(const std::string& text) {
    this->text(text);
    ++words_.back();
    return *this;
  }
  LiveWriter& number(double number) { return word(std::bit_cast<int64_t>(number)); }

  std::vector<int64_t> words() const { return words_; }

  BlobRef buffer(const std::vector<int64_t>& words) const {
    std::string bytes = "FERRYLIV";
    const auto put = [&](int64_t word) {
      bytes.append(reinterpret_cast<const char*>(&word), sizeof(word));
    };
    put(2), put(static_cast<int64_t>(words.size())), put(static_cast<int64_t>(strings_.size()));
    for (const int64_t word : words) put(word);
    for (const std::string& text : strings_) put(static_cast<int64_t>(text.size()));
    for (const std::string& text : strings_) bytes += text;
    std::vector<std::byte> copy(bytes.size());
    std::memcpy(copy.data(), bytes.data(), bytes.size());
    return owned_blob(std::move(copy));
  }
  BlobRef buffer() const { return buffer(words_); }

 private:
  std::vector<int64_t> words_;
  std::vector<std::string> strings_;
};

// y = foo(x: f32[s0, 2], w: a parameter, every kind of argument)
LiveWriter make_writer() {
  LiveWriter w;
  w.text("2.13.0").text("").text("");
  w.word(1).text("my.Point").word(2).text("x").text("y");      // named tuples
  w.word(1).text("s0").text("rows").word(4).word(2).word(64);  // symbols
  w.word(1).text("guard");
  w.word(3);                                                       // inputs
  w.word(1).text("fc.w").word(1).text("p_w").word(0).text("f32");  // parameter, tensor
  w.word(2).word(0).word(2).word(3).word(3).word(1);               // rank, static, sizes, strides
  w.word(1).word(0).word(1).word(2).word(1).word(2);               // storage, offset, strides
  w.word(0).text("x").word(1).text("x").word(0).text("f32").word(2);  // user, tensor
  w.word(1).word(4).expression("s0").word(2).word(0).word(2).word(0).word(1).word(0).word(0);
  w.word(0).text("flag").word(0).word(1).word(1);  // a constant: true
  w.word(1);                                       // nodes
  w.text("ns.foo.default").text("foo").text("L__self__a@1").text("a").text("m.A");
  w.text("File \"m.py\", line 3, in forward\n");
  w.word(10);
  w.text("none").word(0).text("bool").word(1).word(0).text("int").word(2).word(-7);
  w.text("float").word(3).number(0.5).text("text").word(4).text("hi").text("dtype").word(5);
  w.text("i64").text("device").word(6).text("device").text("cpu").text("value").word(7).word(1);
  w.text("list").word(8).word(2).word(2).word(1).word(0);
  w.text("complex").word(9).number(1).number(-2);
  w.word(2).word(0).word(1).text("y").word(1).word(5).expression("s0");  // results: none, int s0
  w.word(1).word(0).text("").word(7).word(2);                            // output
  return w;
}

std::vector<BlobRef> make_storages() {
  return {owned_blob(std::vector<std::byte>(28))};
}

std::string read_text(const BlobRef& buffer) {
  const auto storages = make_storages();
  const auto program = read_live(buffer, storages);
  if (program.ok()) return print_program(*program);
  return program.diag().what + (program.diag().why.empty() ? "" : ": " + program.diag().why);
}

TEST(Live, ReadsEveryKindOfWord) {
  EXPECT_EQ(read_text(make_writer().buffer()),
            R"(program torch 2.13.0
symbol s0 in [2, 64]
guard guard
input parameter "fc.w" = %p_w: f32[2, 3] in storage 0 at 1 strides [1, 2], 28 bytes 17d9c15239d081d5
input user "x" = %x: f32[s0, 2] strides [2, 1]
input user "flag" = true
none, %y: int s0 = ns.foo.default(none=none, bool=false, int=-7, float=0.5, text="hi", dtype=i64, )"
            R"(device=device:cpu, value=%x, list=[1, none], )"
            R"(complex=complex:(1, -2))  loc(foo; a@1; m.A; m.py:3)
output user "" = %y
)");
}

TEST(Live, RefusesEveryTruncation) {
  const BlobRef whole = make_writer().buffer();
  for (size_t length = 0; length < whole->size(); ++length) {
    EXPECT_FALSE(read_live(sub_blob(whole, 0, length), make_storages()).ok()) << length;
  }
}

TEST(Live, RefusesMissingAndSurplusWords) {
  const LiveWriter writer = make_writer();
  std::vector<int64_t> words = writer.words();
  words.push_back(0);
  EXPECT_EQ(read_text(writer.buffer(words)),
            "the captured program is malformed: words follow the last output");
  words.resize(words.size() - 2);
  EXPECT_EQ(read_text(writer.buffer(words)),
            "the captured program is malformed: it ends before value");
}

TEST(Live, NamesWhatIsWrong) {
  const BlobRef good = make_writer().buffer();
  std::vector<std::byte> bytes(good->bytes().begin(), good->bytes().end());
  bytes[8] = std::byte{3};
  EXPECT_EQ(read_text(owned_blob(bytes)),
            "the captured program is malformed: its version is 3, not 2");
  const auto without_storages = read_live(good, {});
  ASSERT_FALSE(without_storages.ok());
  EXPECT_EQ(without_storages.diag().why, "storage is 0, outside of [0, 0)");
}

// Whatever a word says, the result is a verified program or a diagnostic.
TEST(Live, SurvivesEveryHostileWord) {
  const LiveWriter writer = make_writer();
  const std::vector<int64_t> good = writer.words();
  const int64_t hostile[] = {-1, 0, 1, 7, 8, 10, 11, 255, INT64_MAX, INT64_MIN, 1ll << 40};
  const auto storages = make_storages();
  size_t num_refused = 0;
  for (size_t position = 0; position < good.size(); ++position) {
    for (const int64_t word : hostile) {
      std::vector<int64_t> words = good;
      words[position] = word;
      const auto program = read_live(writer.buffer(words), storages);
      if (!program.ok()) ++num_refused;
      EXPECT_TRUE(!program.ok() || verify_program(*program).ok()) << position << " " << word;
    }
  }
  EXPECT_GT(num_refused, 500u);
}

TEST(Live, BoundsTheDepthOfLists) {
  LiveWriter writer;
  writer.text("").text("").text("").word(0).word(0).word(0).word(1);
  writer.word(0).text("x").word(0);
  for (int depth = 0; depth < 1000; ++depth) writer.word(8).word(1);
  writer.word(0).word(0).word(0);
  EXPECT_EQ(read_text(writer.buffer()),
            "the captured program is malformed: its arguments are nested too deeply");
}

}  // namespace
}  // namespace ferryman::frontend
