import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ComponentChild, VNode } from 'preact';
import { blocksOf } from './blocks.ts';
import { type Parts, renderMarkdown } from './render.ts';

const parts: Parts = { Code: named('code-part'), Math: named('math-part'), Citation: named('citation') };

function named(displayName: string) {
  return Object.assign(() => null, { displayName });
}

/** As HTML, for reading; values of attributes as they are. */
function html(child: ComponentChild): string {
  if (child === null || child === undefined || typeof child === 'boolean') return '';
  if (Array.isArray(child)) return child.map(html).join('');
  if (typeof child !== 'object') return String(child).replaceAll('<', '&lt;');
  const { type, props } = child as VNode<Record<string, unknown>>;
  const name = typeof type === 'string' ? type : ((type as { displayName?: string }).displayName ?? '');
  const { children, ...attributes } = props;
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
  return `<${name}${written.join('')}>${html(children as ComponentChild)}</${name}>`;
}

const rendered = (source: string) => html(renderMarkdown(source, parts));

test('emphasis, code, lists and quotes are elements', () => {
  assert.equal(rendered('a **b** *c* `d<e`'), '<p>a <strong>b</strong> <em>c</em> <code>d&lt;e</code></p>');
  assert.equal(rendered('3. x\n4. y'), '<ol start=3><li>x</li><li>y</li></ol>');
  assert.equal(rendered('> q'), '<blockquote><p>q</p></blockquote>');
  assert.match(rendered('- [x] done'), /<span .*aria-label="done".*>☑ <\/span>/);
});

test('HTML is text', () => {
  assert.equal(rendered('<script>alert(1)</script>'), '<p class="as-it-stands">&lt;script>alert(1)&lt;/script></p>');
  assert.equal(rendered('a <b onclick="x()">b</b>'), '<p>a &lt;b onclick="x()">b&lt;/b></p>');
  assert.equal(rendered('&lt;i&gt; &#60; &amp;amp; &nope;'), '<p>&lt;i> &lt; &amp; &nope;</p>');
});

test('links lead to http, https and mail only, and open elsewhere', () => {
  assert.match(
    rendered('[a](https://b.example/c)'),
    /<a href="https:\/\/b\.example\/c" target="_blank" rel="noopener noreferrer nofollow"/,
  );
  for (const address of [
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    '\\x01javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    '//evil.example',
    '/ossia/models/load',
    'vbscript:x',
    'https:evil',
  ]) {
    assert.doesNotMatch(rendered(`[a](<${address}>)`), /<a /, address);
  }
});

test('pictures are links with their text, never loaded', () => {
  assert.match(
    rendered('![cat](https://b.example/c.png)'),
    /^<p><a href="https:\/\/b\.example\/c\.png".*>Picture: cat<\/a><\/p>$/,
  );
  assert.equal(rendered('![x](data:image/png;base64,AAAA)'), '<p>Picture: x</p>');
});

test('formulas are found, money is not', () => {
  const formulas = (source: string) =>
    [...rendered(source).matchAll(/<math-part source="(.*?)" display=(true|false)>/g)].map(([, a, b]) => `${a} ${b}`);
  assert.deepEqual(formulas('so \\(a_1\\) and $b^2$ and \\[c\\] and $$d$$'), [
    'a_1 false',
    'b^2 false',
    'c true',
    'd true',
  ]);
  assert.deepEqual(formulas('it costs $5 and $10, or $5-$10, US$3 or $ 4 $'), []);
  assert.deepEqual(formulas('`$a$` and \\$b\\$'), []);
});

test('citations are marks in the text, not in code', () => {
  assert.equal(rendered('so 【2†L3-L7】.'), '<p>so <citation text="【2†L3-L7】"></citation>.</p>');
  assert.equal(rendered('`【2†L3】`'), '<p><code>【2†L3】</code></p>');
});

test('hostile text is read in no time, whatever it nests', () => {
  for (const bad of [
    '[',
    '*a',
    '>',
    '<a ',
    '- ',
    '![](',
    '_a_*',
    '$a ',
    '\\(',
    '~',
    '&',
    'http://',
    'a@',
    '`',
    '|',
    '【',
  ]) {
    const started = performance.now();
    for (const { source } of blocksOf(bad.repeat(20_000))) renderMarkdown(source, parts);
    assert.ok(performance.now() - started < 10_000, bad);
  }
});
