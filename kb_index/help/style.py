"""The look of the help pages; custom properties are named as in the front end's design tokens."""

import base64
import hashlib

STYLE = """
:root{color-scheme:light dark;
--fl-paper:light-dark(#f6f4ee,#111715);--fl-surface:light-dark(#ffffff,#18201d);
--fl-sunken:light-dark(#efece3,#222c28);--fl-ink:light-dark(#1b2421,#e8ece8);
--fl-muted:light-dark(#55615c,#a5b2ab);--fl-line:light-dark(#dbd7ca,#303c37);
--fl-control-line:light-dark(#7d857e,#72817a);--fl-accent:light-dark(#0f5c4d,#7ccfb4);
--fl-on-accent:light-dark(#ffffff,#06241c);--fl-accent-soft:light-dark(#dfeee8,#1b372f);
--fl-focus:light-dark(#1d5fd0,#8fbcff);
--fl-font:"Avenir Next","Segoe UI Variable Text","Segoe UI",system-ui,-apple-system,Roboto,"Noto Sans",
"Helvetica Neue",sans-serif;
--fl-font-display:"Iowan Old Style","Palatino Linotype",Palatino,"Book Antiqua","Noto Serif",Georgia,serif;
--fl-font-mono:ui-monospace,"Cascadia Mono","SF Mono",Menlo,Consolas,"Noto Sans Mono",monospace;
--fl-radius-m:10px;--fl-radius-l:16px}
*{box-sizing:border-box}
body{margin:0;background:var(--fl-paper);color:var(--fl-ink);font:1rem/1.6 var(--fl-font);
overflow-wrap:anywhere}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--fl-surface);padding:.5rem}
header,main,footer{max-width:46rem;margin:0 auto;padding:1rem 1.25rem}
header{display:flex;flex-wrap:wrap;gap:.75rem 1.5rem;align-items:center;padding-top:1.5rem}
.home{font:600 1.25rem/1.2 var(--fl-font-display);color:var(--fl-ink);text-decoration:none;padding:.5rem 0}
form{display:flex;gap:.5rem;flex:1 1 18rem}
input,button{font:inherit;padding:.55rem .8rem;border:1px solid var(--fl-control-line);
border-radius:var(--fl-radius-m);min-height:2.75rem}
input{flex:1;min-width:0;background:var(--fl-surface);color:var(--fl-ink)}
input::placeholder{color:var(--fl-muted);opacity:1}
button{background:var(--fl-accent);color:var(--fl-on-accent);border-color:var(--fl-accent);font-weight:600;
cursor:pointer}
a{color:var(--fl-accent);text-underline-offset:.15em}
:focus-visible{outline:3px solid var(--fl-focus);outline-offset:2px}
h1{font:600 1.9rem/1.2 var(--fl-font-display);margin:.5rem 0 1rem}
h2{font:600 1.25rem/1.3 var(--fl-font-display);margin:2rem 0 .5rem}
h3,h4,h5,h6{font-size:1rem;margin:1.5rem 0 .5rem}
article{background:var(--fl-surface);border:1px solid var(--fl-line);border-radius:var(--fl-radius-l);
padding:1.25rem 1.5rem}
article>:first-child{margin-top:0}article>:last-child{margin-bottom:0}
img{max-width:100%;height:auto}
code,pre{font-family:var(--fl-font-mono);font-size:.9em;background:var(--fl-sunken);border-radius:.3rem}
code{padding:.1em .3em}pre{padding:.75rem 1rem;white-space:pre-wrap}pre code{padding:0}
blockquote{margin:1rem 0;padding:.1rem 1rem;border-left:4px solid var(--fl-accent);
background:var(--fl-accent-soft);border-radius:0 var(--fl-radius-m) var(--fl-radius-m) 0}
table{border-collapse:collapse;width:100%}
td,th{min-width:4.25em;border:1px solid var(--fl-line);padding:.4rem .6rem;text-align:left;vertical-align:top}
.quiet{color:var(--fl-muted);font-size:.95rem}
.list{list-style:none;padding:0;margin:0}.list li{padding:.5rem 0;border-top:1px solid var(--fl-line)}
.list li:first-child{border-top:0}.list p{margin:.15rem 0 0}
@media print{header,footer{display:none}article{border:0;padding:0}}
"""
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_DIGEST}'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
}
"""Nothing runs, nothing is loaded from elsewhere, and only this style applies."""
