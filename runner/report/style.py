"""The page's style sheet: system fonts, a phone's width first, colours that follow the reader."""

CSS = """
:root { --paper: #f6f5f2; --card: #fff; --ink: #1d1f23; --dim: #666b75; --line: #e2e0da;
  --good: #1b7f4b; --warn: #9a6200; --bad: #b3261e; --info: #2b5fb3; --well: #101216; }
@media (prefers-color-scheme: dark) { :root { --paper: #14161a; --card: #1d2026; --ink: #e8e9ec;
  --dim: #989faa; --line: #30343c; --good: #5cc98d; --warn: #e0aa4e; --bad: #ff8a80;
  --info: #8ab4ff; --well: #0a0b0d; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 0; }
h2 a { color: inherit; text-decoration: none; }
p { margin: .4rem 0; }
a { color: var(--info); }
code { font: .86em ui-monospace, "SF Mono", Menlo, Consolas, monospace; color: var(--dim); }
video { display: block; width: 100%; aspect-ratio: 16 / 9; object-fit: contain;
  background: var(--well); border-radius: 8px; }
figure { margin: 0; }
dl { margin: .6rem 0 0; }
dl div { display: grid; grid-template-columns: 7.5rem 1fr; gap: .6rem; padding: .12rem 0; }
dt { color: var(--dim); }
dd { margin: 0; }
.dim { color: var(--dim); }
.good { color: var(--good); } .warn { color: var(--warn); }
.bad { color: var(--bad); } .info { color: var(--info); }
.totals { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1.2rem 0; }
.totals div { display: block; flex: 1 1 8rem; padding: .6rem .9rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 10px; }
.totals dt { font-size: .8rem; }
.totals dd { font-size: 1.1rem; font-weight: 600; }
.cut figcaption { color: var(--dim); padding: .5rem 0; }
nav { display: flex; flex-wrap: wrap; gap: .4rem; margin: .8rem 0 1.6rem; }
nav a { padding: .15rem .7rem; border: 1px solid currentColor; border-radius: 99px;
  font-size: .85rem; text-decoration: none; }
article { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 1.1rem; margin: 1rem 0; scroll-margin-top: 1rem; }
article > header { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem;
  margin-bottom: .9rem; }
.badge { padding: 0 .6rem; border: 1px solid currentColor; border-radius: 99px;
  font-size: .8rem; font-weight: 600; }
.why { color: var(--dim); margin: 0; width: 100%; }
caption::first-letter { text-transform: uppercase; }
.columns { display: grid; gap: .9rem 1.4rem; }
.takes.many { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(250px, 1fr));
  margin-bottom: 1rem; }
.many figure { padding: .6rem; border: 1px solid var(--line); border-radius: 12px; }
.many .kept { border: 2px solid var(--good); }
figcaption { padding-top: .5rem; font-size: .88rem; }
figcaption .badge { margin-left: .5rem; }
figcaption dl div { grid-template-columns: 5.2rem 1fr; }
.job { display: block; line-height: 1.35; max-height: 2.7em; overflow: auto; }
blockquote { margin: 0; padding: .1rem 0 .1rem .9rem; border-left: 3px solid var(--line);
  font-size: 1.04rem; white-space: pre-wrap; }
ul { margin: .6rem 0 0; padding-left: 1.1rem; }
.missing { padding: 2rem 1rem; margin: 0; text-align: center; color: var(--dim);
  border: 1px dashed var(--line); border-radius: 8px; }
.note { font-weight: 600; }
table { width: 100%; margin-top: .9rem; border-collapse: collapse; font-size: .86rem; }
caption { text-align: left; font-weight: 600; padding-bottom: .3rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0;
  border-top: 1px solid var(--line); font-weight: normal; white-space: pre-wrap; }
th { color: var(--dim); overflow-wrap: normal; }
.changes td { width: 50%; }
.log td:nth-child(-n+4) { overflow-wrap: normal; }
mark { background: none; color: inherit; font-weight: 600; border-bottom: 2px solid var(--warn); }
summary { margin-top: .9rem; color: var(--dim); cursor: pointer; }
@media (min-width: 760px) {
  .columns { grid-template-columns: minmax(0, 6fr) minmax(0, 5fr); }
}
@media print {
  :root { --paper: #fff; --card: #fff; --ink: #000; --dim: #444; --line: #bbb; }
  body { font-size: 11px; }
  main { max-width: none; padding: 0; }
  .columns { grid-template-columns: 1fr 1fr; }
  .takes.many { grid-template-columns: repeat(auto-fit, minmax(205px, 1fr)); }
  .cut video { max-width: 75%; }
  nav { display: none; }
  article, figure { break-inside: avoid; }
  .job { max-height: none; }
}
"""
