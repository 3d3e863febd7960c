/** The style sheet of the docs page. Light and dark; readable without colour. */
export const docsStyle = `
:root{--bg:#fff;--fg:#1c2330;--soft:#5b6577;--line:#e3e7ee;--tint:#f5f7fa;--code:#f1f4f8;--link:#0b5cad;--get:#0f7b4b;--post:#0b5cad;--put:#8a5a00;--del:#b3261e;--bad:#b3261e;--warn:#8a5a00;--edge:#868f9f;--act:#0b5cad}
@media (prefers-color-scheme:dark){:root{--bg:#12161d;--fg:#e4e8ef;--soft:#9aa5b8;--line:#29303c;--tint:#181d26;--code:#1e2530;--link:#7db7f5;--get:#5fd39b;--post:#7db7f5;--put:#e5b454;--del:#ff8f86;--bad:#ff8f86;--warn:#e5b454;--edge:#6b7689;--act:#1f6fc0}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;color-scheme:light dark}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;display:grid;grid-template-columns:17rem minmax(0,1fr)}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
code,pre,.m,.s{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
code{font-size:.9em}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1.75rem 1.25rem;border-right:1px solid var(--line);background:var(--tint);font-size:.9rem}
nav a{display:block;padding:.22rem .5rem;margin:0 -.5rem;border-radius:6px;color:var(--fg);overflow-wrap:anywhere}
nav a:hover{background:var(--code);text-decoration:none}
nav .brand{font-weight:650;font-size:1.05rem;margin:0 0 1.1rem}
nav .brand span{color:var(--soft);font-weight:400;margin-left:.5rem;font-size:.85rem}
nav .group{margin:1.2rem 0 .3rem;color:var(--soft);font-size:.8rem}
nav .m{display:inline-block;width:3.4rem;font-size:.68rem}
main{padding:3rem clamp(1.25rem,5vw,4.5rem) 4rem;max-width:62rem}
h1{font-size:2.1rem;line-height:1.2;margin:0 0 .6rem;letter-spacing:-.015em}
h2{font-size:1.3rem;margin:0 0 .5rem;line-height:1.35}
h3{font-size:.95rem;margin:1.6rem 0 .5rem}
p{margin:.5rem 0;max-width:46rem}
.facts{display:flex;gap:.6rem;align-items:center;flex-wrap:wrap}
.lead{font-size:1.08rem;margin-top:1rem}
section{padding-top:2.4rem;margin-top:2.4rem;border-top:1px solid var(--line)}
.operation h2{display:flex;gap:.7rem;align-items:baseline;flex-wrap:wrap}
.operation h2 code{font-size:1.1rem;overflow-wrap:anywhere}
.id{color:var(--soft)}.id .tag{margin-left:.7rem}
.tag{display:inline-block;border:1px solid var(--line);background:var(--tint);border-radius:999px;padding:0 .65rem;font-size:.8rem;font-weight:400;letter-spacing:0;line-height:1.6rem;color:var(--soft)}
.tag.published{color:var(--get)}.tag.preview{color:var(--warn)}
.m{font-weight:700;font-size:.82rem}
.GET{color:var(--get)}.POST{color:var(--post)}.PUT,.PATCH{color:var(--put)}.DELETE{color:var(--del)}
.s{font-size:.9rem}.s2{color:var(--get)}.s4{color:var(--warn)}.s5{color:var(--bad)}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th{text-align:left;font-weight:500;color:var(--soft);font-size:.82rem}
th,td{padding:.45rem 1rem .45rem 0;border-bottom:1px solid var(--line);vertical-align:top}
td:last-child{padding-right:0}td:first-child code{white-space:nowrap}
td i{color:var(--warn);font-style:normal;font-size:.76rem;margin-left:.5rem}
.type{color:var(--soft);overflow-wrap:break-word}
.answers td:nth-child(1){width:3.5rem}.answers td:nth-child(2){width:13rem;color:var(--soft)}
pre{background:var(--code);border:1px solid var(--line);border-radius:8px;padding:1rem 1.15rem;overflow:auto;font-size:.85rem;line-height:1.55;margin:.5rem 0}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--bg);padding:.5rem 1rem;border:1px solid var(--line);border-radius:8px;z-index:1}
.notice,.note{border-left:3px solid var(--warn);background:var(--tint);padding:.6rem 1rem;border-radius:0 8px 8px 0;max-width:46rem}
.note{border-color:var(--link);white-space:pre-line}
nav small{display:block;color:var(--soft);font-size:.78rem}
.version h2{display:flex;gap:.7rem;align-items:baseline;flex-wrap:wrap}
.v span{color:var(--soft);font-weight:400;margin-left:.3rem}.v.breaking{color:var(--bad)}.v.review{color:var(--warn)}.v.safe{color:var(--get)}
.changes{padding-left:1.1rem;margin:.4rem 0}.changes li{margin:.45rem 0;max-width:52rem;overflow-wrap:anywhere}.changes li::marker{color:var(--soft)}
.changes small{color:var(--soft)}.changes pre{white-space:pre-wrap;padding:.5rem .8rem;font-size:.8rem}
.ways td:first-child{width:19rem}
details.more{margin:.5rem 0}details.more summary,details.try>summary{cursor:pointer;width:fit-content}
details.more summary{color:var(--soft);font-size:.88rem}details.more summary:hover{color:var(--fg)}
details.try{margin-top:1.6rem;border:1px solid var(--line);border-radius:10px;background:var(--tint)}
details.try>summary{padding:.7rem 1.15rem;font-weight:600;font-size:.95rem;color:var(--link);width:auto}
details.try[open]>summary{border-bottom:1px solid var(--line)}
details.try>:not(summary){margin-left:1.15rem;margin-right:1.15rem}
.made-up{color:var(--soft);font-size:.88rem}
form{display:grid;grid-template-columns:minmax(8rem,max-content) minmax(0,1fr);gap:.55rem 1rem;align-items:center;margin-top:.8rem}
form label small{color:var(--soft);font-size:.78rem;margin-left:.25rem}form label:has(+textarea){align-self:start;padding-top:.45rem}
input,select,textarea{font:.85rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:var(--fg);background:var(--bg);border:1px solid var(--edge);border-radius:7px;padding:.4rem .65rem;width:100%;min-width:0}
select{width:fit-content;max-width:100%}textarea{resize:vertical;tab-size:2}
:is(input,select,textarea,button,summary,a):focus-visible{outline:2px solid var(--link);outline-offset:2px}
.send{grid-column:2;margin:.2rem 0 1rem}
button{font:600 .88rem/1.5 inherit;font-family:inherit;cursor:pointer}
.send button{background:var(--act);color:#fff;border:0;border-radius:7px;padding:.45rem 1.1rem}.send button:hover{filter:brightness(1.1)}.send button:disabled{opacity:.6}
.answer:not(:empty){border-top:1px solid var(--line);padding:.6rem 0 1rem}.answer .status small{color:var(--soft);margin-left:.5rem}.answer .failed{color:var(--bad)}
.answer pre{background:var(--bg);max-height:30rem}
.code{position:relative}.code .copy{position:absolute;top:.5rem;right:.5rem;font-size:.75rem;font-weight:400;color:var(--soft);background:var(--bg);border:1px solid var(--line);border-radius:6px;padding:.1rem .55rem;opacity:0}.code:hover .copy,.code .copy:focus-visible{opacity:1}
@media (hover:none){.code .copy{opacity:1}}
footer{margin-top:3.5rem;color:var(--soft);font-size:.85rem}
@media (max-width:820px){body{display:block}nav{position:static;height:auto;max-height:45vh;border-right:0;border-bottom:1px solid var(--line)}main{padding-top:2rem}}
@media (max-width:640px){form{grid-template-columns:minmax(0,1fr);gap:.25rem}form label{margin-top:.5rem}.send{grid-column:1;margin-top:.8rem}tr{display:block;padding:.5rem 0;border-bottom:1px solid var(--line)}tr:has(th){display:none}td{display:block;padding:.1rem 0;border:0}td:empty{display:none}td:first-child code{white-space:normal;overflow-wrap:anywhere}.answers td{display:inline}.answers td:nth-child(n){width:auto}.answers td:nth-child(2){margin-left:.5rem}.answers td:nth-child(3){display:block}}
`;
