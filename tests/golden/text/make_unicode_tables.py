"""Writes include/vlt/text/unicode/unicode_*.hpp: asks the tokenizers library itself, one code point at a time.
The library mixes five Unicode versions (its regex engine, Rust's char, the regex crate, its NFC tables): no single library has them all."""
import sys, unicodedata
import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

CODES = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def chunks(size=4096):
    for k in range(0, len(CODES), size):
        yield CODES[k:k + size]


def removed_by(pre_tokenizer):
    out = set(CODES)
    for codes in chunks():
        for piece, _ in pre_tokenizer.pre_tokenize_str("".join(map(chr, codes))):
            out.difference_update(map(ord, piece))
    return out


def matching(pattern):
    return removed_by(pre_tokenizers.Split(Regex(pattern), "removed"))


def word_characters():                      # what stops a single_word token: \w of another regex engine
    t = Tokenizer(models.BPE(vocab={"a": 0}, merges=[]))
    t.add_tokens([AddedToken("#", single_word=True, normalized=False)])
    mark = t.token_to_id("#")
    return {c for codes in chunks() for c, e in zip(codes, t.encode_batch(["#" + chr(c) for c in codes])) if c != 35 and mark not in e.ids}


def stripped():                             # what rstrip swallows: \s of that engine
    t = Tokenizer(models.BPE(vocab={"a": 0}, merges=[]))
    t.add_tokens([AddedToken("#", rstrip=True, normalized=False)])
    return {c for codes in chunks() for c, e in zip(codes, t.encode_batch(["#" + chr(c) for c in codes])) if c != 35 and e.offsets[0][1] == 2}


def numeric():                              # Rust's char::is_numeric, which Digits uses
    d = pre_tokenizers.Digits(individual_digits=True)
    return {c for codes in chunks() for c in codes if len(d.pre_tokenize_str("a" + chr(c) + "a")) == 3}


def ranges(points):
    out = []
    for p in sorted(points):
        if out and out[-1][1] == p - 1:
            out[-1][1] = p
        else:
            out.append([p, p])
    return out


def write_table(f, type_, name, comment, items):
    f.write(f"// {comment}\ninline constexpr {type_} {name}[] = {{\n")
    line = " "
    for item in items:
        if len(line) + len(item) + 2 > 118:
            f.write(line + "\n")
            line = " "
        line += " " + item + ","
    f.write(line + "\n};\n\n")


HEAD = f"""#pragma once
#include <cstdint>

// Written by tests/golden/text/make_unicode_tables.py, which asked tokenizers {tokenizers.__version__}. Do not edit.
// clang-format off
namespace vlt::unicode {{

"""


def main(folder):
    space = matching(r"\s")
    assert stripped() == space, "the two meanings of white space differ"
    with open(folder + "/unicode_classes.hpp", "w") as f:
        f.write(HEAD + "struct CodeRange { std::uint32_t first, last; };\n\n")
        for name, comment, points in (("letters", r"\p{L} of the regex engine that splits text", matching(r"\p{L}")),
                                      ("numbers", r"\p{N} of the same", matching(r"\p{N}")),
                                      ("spaces", r"\s of the same, and what lstrip and rstrip swallow", space),
                                      ("word_characters", r"\w: what may not touch a single_word token", word_characters()),
                                      ("numerics", "char::is_numeric: what Digits splits", numeric())):
            write_table(f, "CodeRange", name, comment, ["{0x%X, 0x%X}" % tuple(r) for r in ranges(points)])
        f.write("}  // namespace vlt::unicode\n")

    nfc, nfd = normalizers.NFC().normalize_str, normalizers.NFD().normalize_str
    hangul = range(0xAC00, 0xD7A4)
    decompositions = [(c, [ord(x) for x in nfd(chr(c))]) for c in CODES if c not in hangul and nfd(chr(c)) != chr(c)]
    assert max(len(d) for _, d in decompositions) <= 4
    pairs = []
    for c in CODES:
        d = unicodedata.decomposition(chr(c)).split()
        if len(d) == 2 and d[0][0] != "<":
            a, b = int(d[0], 16), int(d[1], 16)
            if nfc(chr(a) + chr(b)) == chr(c):
                pairs.append((a, b, c))
    classes = {}
    for c in CODES:
        k = unicodedata.combining(chr(c))
        s = "a\u0301" + chr(c) if k < 230 else "a" + chr(c) + "\u0323"
        if k and nfd(s) == unicodedata.normalize("NFD", s):
            classes[c] = k
    runs = []
    for c, k in sorted(classes.items()):
        if runs and runs[-1][1] == c - 1 and runs[-1][2] == k:
            runs[-1][1] = c
        else:
            runs.append([c, c, k])
    single = [(c, d[0]) for c, d in decompositions if len(d) == 1]
    several = [(c, d) for c, d in decompositions if len(d) > 1]
    with open(folder + "/unicode_singletons.hpp", "w") as f:
        f.write(HEAD + "struct Singleton { std::uint32_t whole, part; };\n\n")
        write_table(f, "Singleton", "singletons", "characters that stand for one other: mostly compatibility ideographs",
                    ["{0x%X, 0x%X}" % s for s in single])
        f.write("}  // namespace vlt::unicode\n")
    with open(folder + "/unicode_decompositions.hpp", "w") as f:
        f.write(HEAD + "struct Decomposition { std::uint32_t whole, parts[4]; };\n\n")
        write_table(f, "Decomposition", "decompositions", "canonical, complete, zero-terminated; Hangul is computed",
                    ["{0x%X, {%s}}" % (c, ", ".join("0x%X" % p for p in d)) for c, d in several])
        f.write("}  // namespace vlt::unicode\n")
    with open(folder + "/unicode_compositions.hpp", "w") as f:
        f.write(HEAD + "struct Composition { std::uint32_t first, second, whole; };\n"
                "struct CombiningClass { std::uint32_t first, last, value; };\n\n")
        write_table(f, "Composition", "compositions", "sorted by (first, second)",
                    ["{0x%X, 0x%X, 0x%X}" % p for p in sorted(pairs)])
        write_table(f, "CombiningClass", "combining_classes", "everything else is 0",
                    ["{0x%X, 0x%X, %d}" % tuple(r) for r in runs])
        f.write("}  // namespace vlt::unicode\n")


main(sys.argv[1])
