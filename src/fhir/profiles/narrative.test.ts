import assert from 'node:assert/strict';
import { test } from 'node:test';
import { narrativeFault } from './narrative.ts';

const div = (content: string): string => `<div xmlns="http://www.w3.org/1999/xhtml">${content}</div>`;

/** What may stand, among it what only looks active. */
const ACCEPTED = [
  'x',
  '<p>a &lt;script&gt; &amp; b &#169; &nbsp; c</p>',
  '<!-- a comment --><b>x</b>',
  '<a href="http://a.example/?a=1&amp;b=2">x</a><a href="#x" name="y">z</a><a href="Patient/1">r</a>',
  '<img src="data:image/png;base64,AAAA" alt="x"/><img src="#pic"/>',
  '<p style="color: red; background-image: url(tbl.png)">x</p>',
  '<table class="grid"><tbody><tr><td colspan="2">on click, javascript: as text</td></tr></tbody></table>',
  '<p title="a &gt; b" xml:lang="en">x</p><br/><hr />',
];

/** Attacks on whoever shows the narrative, and what is no XHTML. */
const REFUSED = [
  '<script>alert(1)</script>',
  '<SCRIPT>alert(1)</SCRIPT>',
  '<p><script src="http://a.example/x.js"/>x</p>',
  '<p onclick="alert(1)">x</p>',
  '<p ONCLICK="alert(1)">x</p>',
  '<img src="x" onerror="alert(1)"/>',
  '<a href="javascript:alert(1)">x</a>',
  '<a href=" javascript:alert(1)">x</a>',
  '<a href="JaVaScRiPt:alert(1)">x</a>',
  '<a href="java&#10;script:alert(1)">x</a>',
  '<a href="java&#x9;script:alert(1)">x</a>',
  '<a href="&#106;avascript:alert(1)">x</a>',
  '<a href="javascript&colon;alert(1)">x</a>',
  '<a href="&Tab;javascript:alert(1)">x</a>',
  '<a href="&#1;javascript:alert(1)">x</a>',
  '<a href="vbscript:x">x</a>',
  '<a href="data:text/html,x">x</a>',
  '<a href="blob:x">x</a>',
  '<img src="data:image/svg+xml,x"/>',
  '<img src="javascript:alert(1)"/>',
  '<iframe src="http://a.example">x</iframe>',
  '<object data="x">x</object>',
  '<embed src="x"/>',
  '<form action="x"><input name="a"/></form>',
  '<button>x</button>',
  '<link rel="stylesheet" href="http://a.example/x.css"/>',
  '<style>p{}</style>x',
  '<base href="http://a.example/"/>x',
  '<meta http-equiv="refresh" content="0"/>x',
  '<svg><a>x</a></svg>',
  '<math><mi>x</mi></math>',
  '<video src="x">x</video>',
  '<x:script xmlns:x="http://www.w3.org/1999/xhtml">x</x:script>',
  '<p xlink:href="javascript:alert(1)">x</p>',
  '<p srcset="x">x</p>',
  '<p formaction="x">x</p>',
  '<p style="width: expression(alert(1))">x</p>',
  '<p style="width: exp\\65ssion(alert(1))">x</p>',
  '<p style="a: url(javascript:alert(1))">x</p>',
  '<p style="a: url(&quot;javascript:alert(1)&quot;)">x</p>',
  '<p style="behavior: url(x.htc)">x</p>',
  '<p style="-moz-binding: url(x)">x</p>',
  '<p style="a: e/**/xpression(1)">x</p>',
  '<p style="@import url(x)">x</p>',
  '<!--[if IE]><script>x</script><![endif]-->x',
  '<!--> <script>x</script> -->x',
  '<![CDATA[<script>x</script>]]>x',
  '<?xml-stylesheet href="x"?>x',
  '<p>x',
  '<p>x</b>',
  '<p a>x</p>',
  '<p class=x>x</p>',
  '<p class="a" class="b">x</p>',
  '<p class="a<b">x</p>',
  'a & b',
  'a &bad b',
  '&#0;x',
  '&#x110000;x',
  '<p/ onclick="x">x</p>',
  '<p class="x"onclick="y">x</p>',
  '<',
  '<p',
  '</p>',
  '<p xmlns="http://www.w3.org/2000/svg">x</p>',
  '',
  ' \n<p> </p>',
];

test('narratives of formatting are accepted', () => {
  for (const content of ACCEPTED) assert.equal(narrativeFault(div(content)), undefined, content);
});

test('narratives with anything active or malformed are refused, and the reason cites nothing of them', () => {
  for (const content of REFUSED) assert.match(narrativeFault(div(content)) ?? 'accepted', /^The narrative /, content);
});

test('a narrative is one div, of XHTML', () => {
  const wrong = [
    'x',
    '<p>x</p>',
    '<div>x</div><div>y</div>',
    'x<div>y</div>',
    '<div>x</div>y',
    '<div/>',
    '<DIV>x</DIV>',
    '<!DOCTYPE html><div>x</div>',
  ];
  for (const text of wrong) assert.notEqual(narrativeFault(text), undefined, text);
});

test('large and hostile narratives take time by their length only', () => {
  const many = [
    div('<b>'.repeat(300_000)),
    div(`${'<b>x</b>'.repeat(200_000)}`),
    div(`<p ${'a'.repeat(1_000_000)}>x</p>`),
    div(`<p title="${'&amp;'.repeat(200_000)}">x</p>`),
    div(`<p style="${'url('.repeat(250_000)}">x</p>`),
    div(`<a href="${'a'.repeat(1_000_000)}">x</a>`),
    div(`<!--${'-'.repeat(1_000_000)}`),
    div('<!--a-->'.repeat(120_000)),
    div(' '.repeat(1_000_000)),
    '<'.repeat(1_000_000),
    '&'.repeat(1_000_000),
  ];
  for (const text of many) {
    const start = performance.now();
    narrativeFault(text);
    const took = performance.now() - start;
    assert.ok(took < 2_000, `${text.slice(0, 60)}: ${took} ms`);
  }
});
