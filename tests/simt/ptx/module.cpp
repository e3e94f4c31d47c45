#include <algorithm>
#include <cctype>
#include <optional>
#include <simt/ptx/module.hpp>

namespace vlt::simt::ptx {
namespace {

using View = std::string_view;
template <class T> using Names = std::map<View, T>;

bool blank(char c) { return std::isspace(static_cast<unsigned char>(c)); }
View trimmed(View s) {
  while (!s.empty() && blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && blank(s.back())) s.remove_suffix(1);
  return s;
}
// The parts between separators that stand in no bracket.
std::vector<View> split(View s, char separator) {
  std::vector<View> parts;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= s.size(); ++i) {
    if (i < s.size()) depth += (s[i] == '{' || s[i] == '[') - (s[i] == '}' || s[i] == ']');
    if (i < s.size() && (s[i] != separator || depth > 0)) continue;
    if (const View part = trimmed(s.substr(begin, i - begin)); !part.empty()) parts.push_back(part);
    begin = i + 1;
  }
  return parts;
}
template <class T> std::optional<T> named(const Names<T>& names, View name) {
  const auto at = names.find(name);
  return at == names.end() ? std::nullopt : std::optional<T>(at->second);
}

Type type_named(View name) {
  static const Names<Type> types{{"b8", Type::u8},    {"u8", Type::u8},   {"s8", Type::s8},   {"b16", Type::u16},
                                 {"u16", Type::u16},  {"s16", Type::s16}, {"b32", Type::u32}, {"u32", Type::u32},
                                 {"s32", Type::s32},  {"b64", Type::u64}, {"u64", Type::u64}, {"s64", Type::s64},
                                 {"f16", Type::f16},  {"f32", Type::f32}, {"f64", Type::f64}, {"bf16", Type::bf16},
                                 {"pred", Type::pred}};
  return named(types, name).value_or(Type::none);
}
std::optional<Op> op_named(View name) {
  static const Names<Op> ops{{"mov", Op::mov},
                             {"ld", Op::ld},
                             {"st", Op::st},
                             {"atom", Op::atom},
                             {"red", Op::atom},
                             {"add", Op::add},
                             {"sub", Op::sub},
                             {"mul", Op::mul},
                             {"mad", Op::mad},
                             {"fma", Op::fma},
                             {"div", Op::div},
                             {"rem", Op::rem},
                             {"min", Op::min},
                             {"max", Op::max},
                             {"neg", Op::neg},
                             {"abs", Op::abs},
                             {"copysign", Op::copysign},
                             {"and", Op::and_},
                             {"or", Op::or_},
                             {"xor", Op::xor_},
                             {"not", Op::not_},
                             {"shl", Op::shl},
                             {"shr", Op::shr},
                             {"bfe", Op::bfe},
                             {"bfi", Op::bfi},
                             {"prmt", Op::prmt},
                             {"popc", Op::popc},
                             {"clz", Op::clz},
                             {"setp", Op::setp},
                             {"selp", Op::selp},
                             {"cvt", Op::cvt},
                             {"cvta", Op::cvta},
                             {"bra", Op::bra},
                             {"ret", Op::ret},
                             {"exit", Op::ret},
                             {"bar", Op::barrier},
                             {"barrier", Op::barrier},
                             {"membar", Op::fence},
                             {"fence", Op::fence},
                             {"shfl", Op::shfl},
                             {"mma", Op::mma},
                             {"ldmatrix", Op::ldmatrix},
                             {"cp", Op::cp_async},
                             {"ex2", Op::ex2},
                             {"lg2", Op::lg2},
                             {"rsqrt", Op::rsqrt},
                             {"sqrt", Op::sqrt},
                             {"rcp", Op::rcp},
                             {"sin", Op::sin},
                             {"cos", Op::cos},
                             {"tanh", Op::tanh}};
  return named(ops, name);
}
std::optional<Compare> compare_named(View name) {
  static const Names<Compare> all{
      {"eq", Compare::eq},   {"ne", Compare::ne},   {"lt", Compare::lt},   {"le", Compare::le},   {"gt", Compare::gt},
      {"ge", Compare::ge},   {"lo", Compare::lt},   {"ls", Compare::le},   {"hi", Compare::gt},   {"hs", Compare::ge},
      {"equ", Compare::equ}, {"neu", Compare::neu}, {"ltu", Compare::ltu}, {"leu", Compare::leu}, {"gtu", Compare::gtu},
      {"geu", Compare::geu}, {"nan", Compare::nan}, {"num", Compare::num}};
  return named(all, name);
}
std::optional<Special> special_named(View name) {
  static const Names<Special> all{
      {"%tid.x", Special::tid},         {"%tid.y", Special::zero},        {"%tid.z", Special::zero},
      {"%ctaid.x", Special::ctaid_x},   {"%ctaid.y", Special::ctaid_y},   {"%ctaid.z", Special::ctaid_z},
      {"%ntid.x", Special::ntid},       {"%ntid.y", Special::one},        {"%ntid.z", Special::one},
      {"%nctaid.x", Special::nctaid_x}, {"%nctaid.y", Special::nctaid_y}, {"%nctaid.z", Special::nctaid_z},
      {"%laneid", Special::laneid},     {"%warpid", Special::warpid}};
  return named(all, name);
}

std::string without_comments(const std::string& text) {
  std::string s;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "//") == 0) i = std::min(text.find('\n', i), text.size() - 1);
    if (text.compare(i, 2, "/*") == 0)
      for (; text.compare(i, 2, "*/") != 0; ++i)
        if (text[i] == '\n') s += '\n';
    s += text[i];
  }
  return s;
}

// Reads the body of one kernel, statement by statement.
class Reader {
 public:
  Reader(Entry& entry, int line) : entry_(entry), line_(line) {}

  // From behind the opening brace to its partner.
  void body(View text) {
    std::string statement;
    int depth = 1, list = 0;
    for (const char c : text) {
      if (c == '\n') ++line_;
      const bool begins = trimmed(statement).empty();
      if (c == '{' && begins) ++depth;  // a scope; else a list of operands
      else if (c == '}' && list == 0) {
        statement.clear();
        if (--depth == 0) return finish();
      } else if (c == ':' && list == 0 && trimmed(statement).find_first_of(" \t") == View::npos) {
        labels_[std::string(trimmed(statement))] = int(entry_.code.size());
        statement.clear();
      } else if (c == ';') {
        read(trimmed(statement));
        statement.clear();
      } else {
        list += (c == '{') - (c == '}');
        statement += c == '\n' ? ' ' : c;
      }
    }
    fail("a kernel without an end");
  }

 private:
  Entry& entry_;
  int line_;
  std::map<std::string, int, std::less<>> labels_;
  std::vector<std::pair<std::size_t, std::string>> branches_;

  [[noreturn]] void fail(const std::string& what) const {
    throw Unreadable("PTX line " + std::to_string(line_) + ": " + what);
  }
  void finish() {
    for (const auto& [at, label] : branches_) {
      if (!labels_.contains(label)) fail("no label " + label);
      entry_.code[at].target = labels_[label];
    }
    Instruction end;
    end.op = Op::ret;
    entry_.code.push_back(end);
  }
  int register_named(View name) {
    return entry_.registers.emplace(std::string(name), int(entry_.registers.size())).first->second;
  }

  void read(View text) {
    if (text.empty()) return;
    if (text[0] == '.') return declare(text);
    Instruction in;
    in.line = line_;
    if (text[0] == '@') {
      const auto end = text.find_first_of(" \t");
      View guard = text.substr(1, end - 1);
      if (guard[0] == '!') in.guard_negated = true, guard.remove_prefix(1);
      in.guard = register_named(guard);
      text = trimmed(text.substr(end));
    }
    const auto end = text.find_first_of(" \t");
    const View opcode = text.substr(0, end), arguments = end == View::npos ? View() : trimmed(text.substr(end));
    read_opcode(in, opcode);
    if (in.op == Op::bra) branches_.emplace_back(entry_.code.size(), std::string(arguments));
    else
      for (const View argument : split(arguments, ',')) {
        const auto bar = argument.find('|');  // a value and a predicate
        in.operands.push_back(operand(trimmed(argument.substr(0, bar))));
        if (bar != View::npos) in.operands.push_back(operand(trimmed(argument.substr(bar + 1)))), in.pair = true;
      }
    entry_.code.push_back(std::move(in));
  }

  // .reg, .loc and .pragma say nothing that is needed; arrays in local memory do.
  void declare(View text) {
    if (text.starts_with(".shared")) fail("shared memory that is not dynamic");
    if (!text.starts_with(".local")) return;
    std::size_t alignment = 1;
    if (const auto at = text.find(".align"); at != View::npos) alignment = std::stoul(std::string(text.substr(at + 6)));
    const auto bracket = text.find('['), name = text.find_last_of(" \t", bracket) + 1;
    entry_.local_bytes = (entry_.local_bytes + alignment - 1) / alignment * alignment;
    entry_.local[std::string(text.substr(name, bracket - name))] = entry_.local_bytes;
    entry_.local_bytes += std::stoul(std::string(text.substr(bracket + 1)));  // of .b8
  }

  void read_opcode(Instruction& in, View opcode) {
    for (auto dot = opcode.find('.'); dot != View::npos;) {
      const auto next = opcode.find('.', dot + 1);
      in.modifiers.emplace_back(opcode.substr(dot + 1, next == View::npos ? next : next - dot - 1));
      dot = next;
    }
    const auto op = op_named(opcode.substr(0, opcode.find('.')));
    if (!op) fail("an instruction that is not known: " + std::string(opcode));
    in.op = *op;
    if (in.op == Op::barrier && in.has("warp")) in.op = Op::warp_barrier;
    if (in.op == Op::cp_async && in.has("commit_group")) in.op = Op::cp_commit;
    if (in.op == Op::cp_async && in.has("wait_group")) in.op = Op::cp_wait;
    static const Names<Space> spaces{
        {"global", Space::global}, {"shared", Space::shared}, {"param", Space::param}, {"local", Space::local}};
    for (const std::string& m : in.modifiers) {
      if (const Type t = type_named(m); t != Type::none) (in.type == Type::none ? in.type : in.from) = t;
      if (const auto space = named(spaces, View(m))) in.space = *space;
      if (in.op == Op::setp && compare_named(m)) in.compare = *compare_named(m);
    }
    if (in.op == Op::cp_async) in.space = Space::shared;  // of what is written; it reads global memory
    in.vector = in.has("v4") ? 4 : in.has("v2") ? 2 : 1;
    in.shuffle = in.has("bfly")  ? Shuffle::bfly
                 : in.has("idx") ? Shuffle::idx
                 : in.has("up")  ? Shuffle::up
                                 : Shuffle::down;
    in.approximate = in.has("approx"), in.wide = in.has("wide"), in.high = in.has("hi"), in.saturated = in.has("sat");
  }

  Operand operand(View text) {
    Operand o;
    if (text[0] == '{') {
      o.kind = Operand::list;
      for (const View part : split(text.substr(1, text.size() - 2), ',')) o.elements.push_back(operand(part));
      return o;
    }
    if (text[0] == '[') {
      text = trimmed(text.substr(1, text.size() - 2));
      const auto plus = text.find('+');
      o = operand(trimmed(text.substr(0, plus)));
      if (plus != View::npos) o.offset = std::stoll(std::string(trimmed(text.substr(plus + 1))));
      return o;
    }
    if (text == "_") return o;
    if (text[0] == '%') {
      const auto special = special_named(text);
      o.kind = special ? Operand::special : Operand::reg;
      o.value = special ? std::uint64_t(*special) : std::uint64_t(register_named(text));
      return o;
    }
    const std::string word(text);
    if (word[0] == '0' && word.size() > 2 && std::string("fFdD").find(word[1]) != std::string::npos) {
      o.kind = Operand::immediate, o.value = std::stoull(word.substr(2), nullptr, 16);
    } else if (std::isdigit(static_cast<unsigned char>(word[0])) || word[0] == '-') {
      o.kind = Operand::immediate;
      o.value = word[0] == '-' ? std::uint64_t(std::stoll(word, nullptr, 0)) : std::stoull(word, nullptr, 0);
    } else if (!symbol(o, word)) {
      fail("a symbol that is not known: " + word);
    }
    return o;
  }
  bool symbol(Operand& o, const std::string& name) const {
    for (const auto& [kind, symbols] :
         {std::pair(Operand::param, &entry_.params), std::pair(Operand::shared, &entry_.shared),
          std::pair(Operand::local, &entry_.local)})
      if (const auto at = symbols->find(name); at != symbols->end()) {
        o.kind = kind, o.value = at->second;
        return true;
      }
    return false;
  }
};

// .param .align 8 .b8 name[72]  or  .param .u64 name
void read_param(Entry& entry, View text) {
  std::size_t alignment = 0, size = 0;
  std::string name;
  std::vector<std::string> words;
  for (const View word : split(text, ' '))
    for (const View part : split(word, '\t')) words.emplace_back(part);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == ".align") alignment = std::stoul(words[++i]);
    else if (words[i][0] != '.') name = words[i];
    else if (const Type t = type_named(View(words[i]).substr(1)); t != Type::none) size = std::size_t(bits_of(t)) / 8;
  }
  if (alignment == 0) alignment = size;
  if (const auto bracket = name.find('['); bracket != std::string::npos) {
    size *= std::stoul(name.substr(bracket + 1));
    name.resize(bracket);
  }
  entry.param_bytes = (entry.param_bytes + alignment - 1) / alignment * alignment;
  entry.params[name] = entry.param_bytes;
  entry.param_bytes += size;
}

}  // namespace

int bits_of(Type t) {
  constexpr int bits[] = {32, 8, 16, 32, 64, 8, 16, 32, 64, 16, 16, 32, 64, 1};
  return bits[int(t)];
}
bool is_signed(Type t) { return t >= Type::s8 && t <= Type::s64; }
bool is_float(Type t) { return t >= Type::f16 && t <= Type::f64; }
bool Instruction::has(View modifier) const {
  return std::find(modifiers.begin(), modifiers.end(), modifier) != modifiers.end();
}

Module::Module(const std::string& text) {
  const std::string s = without_comments(text);
  std::map<std::string, std::size_t, std::less<>> shared;
  for (auto at = s.find(".extern .shared"); at != std::string::npos; at = s.find(".extern .shared", at + 1)) {
    const auto end = s.find('[', at), begin = s.find_last_of(" \t", end) + 1;
    shared[s.substr(begin, end - begin)] = 0;
  }
  for (auto at = s.find(".entry"); at != std::string::npos; at = s.find(".entry", at + 1)) {
    const auto open = s.find('(', at), close = s.find(')', open), brace = s.find('{', close);
    Entry entry;
    entry.name = trimmed(View(s).substr(at + 6, open - at - 6));
    entry.shared = shared;
    for (const View param : split(View(s).substr(open + 1, close - open - 1), ',')) read_param(entry, param);
    Reader(entry, 1 + int(std::count(s.begin(), s.begin() + std::ptrdiff_t(brace), '\n')))
        .body(View(s).substr(brace + 1));
    entries_[entry.name] = std::move(entry);
  }
}

}  // namespace vlt::simt::ptx
