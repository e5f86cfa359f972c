import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { RunningServer } from '../../src/server/index.ts';
import { checkAccessibility, screenshot, skip, withPage } from './browser.ts';
import { longTurn } from './inspector-long-turn.ts';
import { download, noSidewaysScroll, textOf, until } from './page-parts.ts';
import { consoleServer } from './server.ts';

/** The embedded model says goodbye with seed 1, and “you are welcome” with seed 2. */
const unsure = { prompt: 'Say something', temperature: '1', seed: '1' };

const cursorAt = 'Number(document.querySelector(".token.at")?.getAttribute("data-at"))';

describe('the inspector', { skip }, () => {
  let server: RunningServer;
  before(async () => {
    server = await consoleServer();
  });
  after(async () => {
    await server?.close();
  });
  const inspector = () => `${server.url}/#/inspector`;

  test('a turn stands there in its channels, with control tokens and what the grammar forced', async () => {
    await withPage(inspector(), async (page) => {
      await run(page);
      const bands = await page
        .locator('.band')
        .evaluateAll((all) => all.map((band) => band.getAttribute('aria-label')));
      assert.deepEqual(bands, ['header, output', 'analysis, output', 'header, output', 'final, output']);
      const control = await page.locator('.token.control').allInnerTexts();
      assert.ok(control.includes('<|channel|>') && control.includes('<|return|>'), control.join());
      assert.ok((await page.locator('.tokens .token.forced').count()) > 3);
      const text = (await page.locator('.band.final .token:not(.control)').allInnerTexts()).join('');
      assert.match(text, /Goodbye!/);
      await screenshot(page, 'inspector-tokens');
    });
  });

  test('arrows walk from token to token, and what is known of each stands beside', async () => {
    await withPage(inspector(), async (page) => {
      await run(page);
      const detail = page.locator('.detail');
      await page.locator('.tokens').focus();
      await page.keyboard.press('Home');
      assert.match(await textOf(detail), /forced by the grammar/);
      await page.keyboard.press('n');
      await page.locator('.token.at.heat-3').waitFor();
      assert.match(await textOf(detail), /sampled/);
      assert.match(await textOf(detail), /Entropy\d\.\d\d.bits/);
      const alternatives = detail.locator('.alternatives li');
      assert.ok((await alternatives.count()) > 3);
      assert.equal(await detail.locator('.alternatives li.chosen').count(), 1);
      const bars = await alternatives
        .locator('.bar span')
        .evaluateAll((all) => all.map((bar) => parseFloat(bar.style.width)));
      assert.ok(Math.abs(bars.reduce((sum, width) => sum + width, 0) - 100) < 0.5, 'the bars are all there is');
      const position = await page.locator('.token.at').getAttribute('data-at');
      await page.keyboard.press('ArrowRight');
      await page.locator(`.token.at[data-at="${Number(position) + 1}"]`).waitFor();
      const active = await page.locator('.tokens').getAttribute('aria-activedescendant');
      assert.equal(active, `token-${Number(position) + 1}`);
      await page.keyboard.press('ArrowDown');
      await until(page, `${cursorAt} > ${Number(position) + 1}`);
    });
  });

  test('the prompt tells who says what, and what of it came from the cache', async () => {
    await withPage(inspector(), async (page) => {
      await run(page);
      await run(page, { ...unsure, seed: '3' });
      await page.getByLabel(/^prompt \(/).check();
      const labels = await page
        .locator('.band.given')
        .evaluateAll((all) => all.map((band) => band.getAttribute('aria-label')));
      assert.deepEqual(labels, ['system, prompt', 'user, prompt', 'assistant, prompt']);
      assert.ok((await page.locator('.tokens .token.cached').count()) > 50);
      await page.locator('.tokens .token.cached').first().click();
      assert.match(await textOf(page.locator('.detail')), /given · from the cache[\s\S]*Rolesystem/);
      await page.getByRole('tab', { name: 'Rendered prompt' }).click();
      const rendered = await textOf(page.locator('.rendered'));
      assert.match(rendered, /^<\|start\|>system<\|message\|>You are ChatGPT/);
      await page.getByRole('button', { name: 'Copy' }).click();
      await page.getByText('Copied').waitFor();
      const copied = String(await page.evaluate('navigator.clipboard.readText()'));
      assert.match(copied, /<\|end\|><\|start\|>user<\|message\|>Say something<\|end\|><\|start\|>assistant$/);
    });
  });

  test('experts are a map; one that is chosen marks its tokens, and tables say the same', async () => {
    await withPage(inspector(), async (page) => {
      await run(page);
      await page.getByRole('tab', { name: 'Experts' }).click();
      const map = page.getByRole('application', { name: 'Load of 16 experts in 4 layers' });
      await map.waitFor();
      assert.equal(await page.locator('.tokens .token.hit').count(), 0);
      await map.focus();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowDown');
      await page.locator('.heat-map-says', { hasText: 'Layer 1, expert 0' }).waitFor();
      await page.keyboard.press('Enter');
      const said = await textOf(page.locator('.chosen-expert'));
      const [, number, all] = /picked for (\d+) of (\d+) tokens/.exec(said) ?? [];
      await page.getByLabel(/^prompt \(/).check();
      assert.equal(await page.locator('.tokens .token.hit').count(), Number(number));
      assert.equal(await page.locator('.tokens .token').count(), Number(all));
      const rows = await page.locator('.experts .numbers').first().locator('tbody tr').count();
      assert.equal(rows, 4);
      await page.getByText('The map as a table').click();
      const loads = await page.locator('.explain .numbers tbody tr').first().locator('td').allInnerTexts();
      assert.equal(loads.length, 16);
      assert.equal(
        loads.reduce((sum, load) => sum + Number(load), 0),
        4 * Number(all),
      );
      await screenshot(page, 'inspector-experts');
      await page.getByRole('tab', { name: 'Token', exact: true }).click();
      assert.equal(await page.locator('.token-experts .pick').count(), 16);
    });
  });

  test('a replay is equal to the last bit, and another seed parts', async () => {
    await withPage(inspector(), async (page) => {
      await run(page);
      await page.getByRole('tab', { name: /Replay/ }).click();
      const again = page.getByRole('button', { name: 'Run it again' });
      await again.click();
      await page.getByText(/Equal: all \d+ tokens, and their probabilities to the last bit/).waitFor();
      await page.getByRole('spinbutton', { name: 'Seed' }).fill('2');
      await again.click();
      await page.getByText(/They part at token \d+/).waitFor();
      assert.match(await textOf(page.locator('.parting')), /This turn chose[\s\S]*The other chose/);
      const apart = await page.locator('.run.apart').allInnerTexts();
      assert.ok(apart.some((text) => /Goodbye/.test(text)) && apart.some((text) => /You are welcome/.test(text)));
      await page.getByRole('button', { name: /experts of both/ }).click();
      await page.locator('.overlap table').waitFor();
      assert.equal(await page.locator('.overlap tbody tr').count(), 4);
      await checkAccessibility(page);
      await screenshot(page, 'inspector-compare');
    });
  });

  test('a turn is exported as JSON and as CSV, each token in it', async () => {
    await withPage(inspector(), async (page) => {
      await run(page);
      const tokens = await page.locator('.tokens .token').count();
      const trace = JSON.parse(await download(page, 'JSON'));
      assert.equal(trace.steps[0].output.length, tokens);
      assert.equal(trace.body.options.seed, 1);
      const csv = await download(page, 'CSV');
      assert.equal(csv.trimEnd().split('\n').length, 1 + trace.steps[0].prompt.length + tokens);
    });
  });

  test('a turn of 100,000 tokens can be walked through', async () => {
    await withPage(inspector(), async (page) => {
      page.setDefaultTimeout(60_000);
      await page.route('**/ossia/turns', (route) =>
        route.fulfill({ headers: { 'content-type': 'text/event-stream' }, body: longTurn(100_000) }),
      );
      await run(page);
      await page.getByText('100,000 tokens').waitFor();
      assert.ok((await page.locator('.tokens .token').count()) < 5000, 'only what can be seen is drawn');
      await page.locator('.tokens').focus();
      await page.keyboard.press('End');
      await page.locator('.token.at[data-at="100001"]').waitFor();
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('ArrowLeft');
      const map = (await page.getByRole('slider', { name: 'Map of the output' }).boundingBox())!;
      await page.mouse.click(map.x + map.width / 2, map.y + 20);
      await until(page, `Math.abs(${cursorAt} - 50000) < 500`);
      assert.ok(await page.locator('.token.at').isVisible());
      assert.ok((await page.locator('.tokens .token').count()) < 5000);
      await screenshot(page, 'inspector-long');
    });
  });

  test('in the dark, on a telephone and before the first turn axe finds nothing', async () => {
    for (const [name, options] of [
      ['light', {}],
      ['dark', { theme: 'dark' }],
      ['phone', { width: 390, height: 844 }],
    ] as const) {
      await withPage(
        inspector(),
        async (page) => {
          await page.getByLabel('Prompt').waitFor();
          await checkAccessibility(page);
          await run(page);
          await checkAccessibility(page);
          await page.getByRole('tab', { name: 'Experts' }).click();
          await page.locator('.heat-map').waitFor();
          await checkAccessibility(page);
          await screenshot(page, `inspector-${name}`);
          await noSidewaysScroll(page);
        },
        options,
      );
    }
  });

  test('a server that refuses says why, and what to do', async () => {
    await withPage(
      inspector(),
      async (page) => {
        const error = { code: 'server/overloaded', message: 'The queue is full', next: 'Try again in a moment' };
        await page.route('**/ossia/turns', (route) => route.fulfill({ status: 503, json: { error } }));
        await page.getByLabel('Prompt').fill('Hello');
        await page.getByRole('button', { name: 'Run traced' }).click();
        const alert = page.getByRole('alert');
        await alert.getByText('The queue is full').waitFor();
        assert.match(await textOf(alert), /Try again in a moment/);
      },
      { expected: /503/ },
    );
  });
});

async function run(page: Page, { prompt, temperature, seed } = unsure): Promise<void> {
  const form = page.getByLabel('Prompt', { exact: true });
  if (!(await form.isVisible())) await page.getByRole('button', { name: 'New turn' }).or(form).first().click();
  await form.fill(prompt);
  await page.getByLabel('Temperature').fill(temperature);
  await page.getByRole('spinbutton', { name: 'Seed' }).fill(seed);
  await page.getByRole('button', { name: 'Run traced' }).click();
  await form.waitFor({ state: 'detached' });
  await page.locator('.tokens .token').first().waitFor();
}
