#pragma once
#include <string_view>

namespace vlt::report {

// The look of our pages: light and dark as the reader's system asks, no font or script from anywhere else.
inline constexpr std::string_view page_style = R"css(
:root { color-scheme: light dark; --page: #f5f6f8; --card: #ffffff; --text: #1c2024; --quiet: #60646c; --line: #e1e4e8;
  --c0: #1766c2; --c1: #d0660a; --c2: #1a8a5a; --c3: #8a4fc7; --good: #147a4b; --bad: #c0322b;
  --taught: #d9efe2; --taught-edge: #3f9a6c; --mark: #fbe6c8; }
@media (prefers-color-scheme: dark) { :root { --page: #101214; --card: #191c1f; --text: #e6e8ea; --quiet: #9aa1a9;
  --line: #2c3136; --c0: #69aef7; --c1: #f3a35c; --c2: #5ccb97; --c3: #c39af0; --good: #5ccb97; --bad: #f2857d;
  --taught: #1d3d2d; --taught-edge: #5ccb97; --mark: #4a3a1e; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 2px; font-weight: 650; }
h2 { font-size: 18px; margin: 34px 0 12px; font-weight: 620; }
p.status, .quiet { color: var(--quiet); margin: 0; }
code, pre, .mono { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.facts, .charts, .answers { display: grid; gap: 14px; }
.facts { grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); margin: 18px 0 14px; }
.charts { grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr)); }
.answers { grid-template-columns: repeat(auto-fit, minmax(min(340px, 100%), 1fr)); }
.wide { grid-column: 1 / -1; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; margin: 0; }
.fact b { display: block; font-size: 20px; font-weight: 600; font-variant-numeric: tabular-nums; }
.fact span { color: var(--quiet); font-size: 13px; }
figcaption { font-weight: 600; margin-bottom: 2px; }
.key { float: right; font-weight: 400; font-size: 13px; color: var(--quiet); margin-left: 14px; }
.key::before { content: ""; display: inline-block; width: 14px; height: 3px; border-radius: 2px; margin-right: 6px;
  vertical-align: middle; background: currentColor; }
.key.c0::before { background: var(--c0); } .key.c1::before { background: var(--c1); }
.key.mark::before { background: var(--quiet); }
.key.c2::before { background: var(--c2); } .key.c3::before { background: var(--c3); }
img.tiny { image-rendering: pixelated; }
svg { display: block; width: 100%; height: auto; }
.wide { overflow-x: auto; } .wide svg { min-width: 680px; }
svg text { font-size: 11.5px; fill: var(--quiet); font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--line); stroke-width: 1; } svg .axis { stroke: var(--quiet); stroke-width: 1; }
svg .mark { stroke: var(--quiet); stroke-width: 1.2; stroke-dasharray: 4 4; }
svg path { fill: none; stroke-width: 1.9; stroke-linejoin: round; } svg .faint { opacity: .3; stroke-width: 1.1; }
svg path.c0 { stroke: var(--c0); } svg path.c1 { stroke: var(--c1); }
svg path.c2 { stroke: var(--c2); } svg path.c3 { stroke: var(--c3); }
svg circle.c0 { fill: var(--c0); } svg circle.c1 { fill: var(--c1); }
svg circle.c2 { fill: var(--c2); } svg circle.c3 { fill: var(--c3); }
svg .tip { fill: transparent; } svg .tip:hover { fill: var(--quiet); opacity: .18; }
.scroll { overflow-x: auto; padding: 4px 16px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 7px 0 7px 26px; border-top: 1px solid var(--line); vertical-align: top; }
tr > :first-child { padding-left: 0; }
tr:first-child > * { border-top: 0; }
th { font-weight: 500; color: var(--quiet); font-size: 13px; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr.sum td { font-weight: 600; }
.bar { display: flex; height: 8px; border-radius: 4px; overflow: hidden; background: var(--line); margin: 8px 0 10px; }
.bar i { display: block; } .bar .used { background: var(--c2); } .bar .cut { background: var(--c1); }
.bar .lost { background: var(--bad); }
.answer { display: flex; gap: 14px; }
.answer .pictures { flex: 0 0 auto; display: flex; flex-direction: column; gap: 8px; width: 112px;
  overflow-wrap: anywhere; }
.answer img { width: 112px; height: auto; border-radius: 6px; display: block; }
.answer dl { margin: 0; min-width: 0; }
.answer dt { color: var(--quiet); font-size: 12.5px; } .answer dd { margin: 0 0 6px; overflow-wrap: anywhere; }
.answer dd, .text { white-space: pre-wrap; }
.good { color: var(--good); font-weight: 600; } .bad { color: var(--bad); font-weight: 600; }
details summary { cursor: pointer; color: var(--quiet); } details[open] summary { margin-bottom: 8px; }
.tokens { line-height: 2; overflow-wrap: anywhere; white-space: pre-wrap; }
.tokens span { border-radius: 3px; padding: 1px 0; border-bottom: 2px solid var(--line); margin-right: 1px; }
.tokens .taught { background: var(--taught); border-bottom-color: var(--taught-edge); }
.tokens .image { background: var(--mark); }
.strip { display: flex; flex-wrap: wrap; gap: 14px; margin: 10px 0; } .strip figure { margin: 0; }
.strip img { height: 168px; width: auto; border-radius: 6px; display: block; }
.strip figcaption { font-weight: 400; font-size: 13px; color: var(--quiet); }
@media print { body { background: #fff; } .card { break-inside: avoid; } }
)css";

}  // namespace vlt::report
