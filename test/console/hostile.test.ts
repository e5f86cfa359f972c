import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkAccessibility, screenshot, skip, withPage } from './browser.ts';
import { ask } from './chat-page.ts';
import { say, scripted, think } from './scripts.ts';
import { consoleServer } from './server.ts';

const beacon = 'http://203.0.113.7/beacon';

const attack = `<script>window.hacked = 1</script>

<img src="${beacon}.png" onerror="window.hacked = 2"> and inline <b onclick="window.hacked=3">bold</b>

![a picture](${beacon}.gif) [click](javascript:window.hacked=4) [data](data:text/html,<script>window.hacked=5</script>)

[a real link](https://example.com/page "title") <https://example.com/auto> www.example.com

<iframe src="${beacon}"></iframe> <style>body { display: none }</style> <svg onload="window.hacked=6">

$\\href{javascript:window.hacked=7}{x}$ \\(\\includegraphics{${beacon}.png}\\) \\[\\htmlStyle{position:fixed}{y}\\] $$\\def\\a{\\a\\a}\\a$$

| a | b |
|---|---|
${'| <script>h=8</script> | 1 |\n'.repeat(900)}
${'> '.repeat(3000)}deep

${'['.repeat(3000)}

${'*_'.repeat(3000)}

An end without a fence:

\`\`\`html
<script>window.hacked = 9</script>
<img src="${beacon}">`;

const nested = (open: string, times: number) => `\\[${open.repeat(times)}x${'}'.repeat(times)}\\]`;

/** Each of these ends the page, or covers it, where nothing is done against it. */
const bombs = [
  nested('\\sqrt{', 500),
  nested('\\frac{1}{', 200),
  nested('\\overline{', 900),
  `\\[${'{'.repeat(3000)}\\]`,
  '\\[\\def\\b#1{#1#1#1#1#1#1#1#1}\\b{\\b{\\b{\\b{\\b{x}}}}}\\]',
  '$\\smash{\\raisebox{25em}{$\\text{OVERLAID}$}}$ \\[\\rule{99999em}{99999em}\\]',
].join('\n\n');

const wide = (text: (row: number, column: number) => string, rows: number) =>
  Array.from(
    { length: rows },
    (_, row) => `| ${Array.from({ length: 50 }, (_, c) => text(row, c)).join(' | ')} |`,
  ).join('\n');

describe('hostile output', { skip }, () => {
  test('runs nothing, loads nothing, links to http only, and stays text', async () => {
    const model = scripted([think(attack.slice(0, 900)) + say(attack)]);
    const server = await consoleServer({ model });
    try {
      await withPage(server.url, async (page) => {
        await ask(page, 'Attack me');
        assert.equal(await page.evaluate('window.hacked'), undefined);
        const answer = page.locator('.answer > .text');
        assert.equal(
          await answer.locator('script, iframe, style, img, [onclick], [onload], [onerror], [style*=fixed]').count(),
          0,
        );
        const hrefs = await answer.locator('a').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
        assert.ok(hrefs.length >= 3);
        for (const href of hrefs) assert.match(String(href), /^https?:\/\//);
        assert.match(String(await answer.textContent()), /<script>window\.hacked = 1<\/script>/);
        assert.equal(await answer.locator('tbody tr').count(), 100);
        await page.getByRole('button', { name: '800 more rows' }).click();
        assert.equal(await answer.locator('tbody tr').count(), 600);
        await checkAccessibility(page);
        await page.locator('.thread').evaluate((element) => element.scrollTo(0, 0));
        await screenshot(page, 'hostile');
      });
    } finally {
      await server.close();
      await model.close();
    }
  });

  test('formulas that nest without end stay text, and paint over nothing', async () => {
    const model = scripted([say(`${bombs}\n\nThe end.`)]);
    const server = await consoleServer({ model });
    try {
      await withPage(server.url, async (page) => {
        await ask(page, 'Formulas');
        await page.getByText('The end.').waitFor();
        await page.getByText('OVERLAID').waitFor({ state: 'attached' }); // the formulas are drawn
        assert.ok((await page.locator('.answer .text *').count()) < 3000);
        assert.equal(
          await page.evaluate("getComputedStyle(document.querySelector('.text .markdown')).overflow"),
          'clip',
        );
        await screenshot(page, 'hostile-formulas');
      });
    } finally {
      await server.close();
      await model.close();
    }
  });

  test('a table of 500 rows and 50 columns is a table, drawn by and by', async () => {
    const table = `${wide((_, column) => `c${column}`, 1)}\n|${'---|'.repeat(50)}\n${wide((row, column) => `${row % 9}.${column}`, 500)}`;
    const model = scripted([say(table)], { contextLength: 2_000_000 });
    const server = await consoleServer({ model });
    try {
      await withPage(server.url, async (page) => {
        page.setDefaultTimeout(120_000);
        await ask(page, 'A table');
        const rows = page.locator('.answer .text tbody tr');
        const first = await rows.count();
        assert.ok(first >= 20 && first <= 100, `${first} rows`);
        assert.equal(await rows.first().locator('td').count(), 50);
        await page.getByRole('button', { name: `${500 - first} more rows` }).click();
        await rows.nth(first).waitFor();
        assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'));
      });
    } finally {
      await server.close();
      await model.close();
    }
  });
});
