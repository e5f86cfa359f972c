import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { StatsSample } from '../../src/api/index.ts';
import type { RunningServer } from '../../src/server/index.ts';
import { checkAccessibility, screenshot, skip, withPage } from './browser.ts';
import { download, noSidewaysScroll, textOf, until } from './page-parts.ts';
import { consoleServer } from './server.ts';

describe('the dashboard', { skip }, () => {
  let server: RunningServer;
  before(async () => {
    server = await consoleServer();
  });
  after(async () => {
    await server?.close();
  });
  const dashboard = () => `${server.url}/#/dashboard`;

  test('a server that does nothing says so, with its memory', async () => {
    await withPage(dashboard(), async (page) => {
      await page.getByText(/^Idle: no request in the last 5 min/).waitFor();
      assert.equal(await tile(page, 'Output'), '0');
      assert.equal(await tile(page, 'First token'), '–');
      assert.match(await tile(page, 'KV cache'), /B$/);
      assert.equal(
        await page
          .getByText('No request in 5 min')
          .count()
          .then((found) => found >= 3),
        true,
      );
      await screenshot(page, 'dashboard-idle');
    });
  });

  test('numbers move with real requests, in tiles, charts, table and export', async () => {
    await withPage(dashboard(), async (page) => {
      await page.locator('.state.idle').waitFor();
      await load(server.url, 12);
      await page.locator('.tile', { hasText: /most (?!0 )[\d.,]+ in/ }).waitFor();
      await page.locator('.tile', { hasText: /of (?!0 )[\d,]+ requests/ }).waitFor();
      assert.match(await tile(page, 'First token'), /\d.*s$/);
      assert.match(await tile(page, 'Between tokens'), /\d.*s$/);
      assert.match(await tile(page, 'From the cache'), /%$/);
      const figure = page.getByRole('figure', { name: 'Tokens per second' });
      assert.match(await textOf(figure), /output[\s\S]*mean[\s\S]*most/);
      assert.ok((await figure.locator('path.line').count()) >= 2);
      await page.getByText('As a table').click();
      assert.ok((await page.locator('.as-table tbody tr').count()) >= 2);
      const samples = JSON.parse(await download(page, 'JSON')) as { outputTokensPerSecond: number; at: number }[];
      assert.ok(samples.some(({ outputTokensPerSecond }) => outputTokensPerSecond > 0));
      const csv = await download(page, 'CSV');
      assert.match(csv, /^time,promptTokensPerSecond/);
      assert.ok(csv.trimEnd().split('\n').length > 2);
      await screenshot(page, 'dashboard-busy');
    });
  });

  test('paused, nothing moves; going on, it catches up', async () => {
    await withPage(dashboard(), async (page) => {
      await page.locator('.state:not(.connecting)').waitFor();
      await page.getByRole('button', { name: 'Pause' }).click();
      const state = await textOf(page.locator('.state'));
      assert.match(state, /^Paused at/);
      const before = await textOf(page.locator('.chart').first());
      await load(server.url, 3);
      await sampled(page, 3);
      assert.equal(await textOf(page.locator('.chart').first()), before);
      await page.getByRole('button', { name: 'Go on' }).click();
      await until(page, `document.querySelector('.chart').textContent !== ${JSON.stringify(before)}`);
    });
  });

  test('a connection that is lost is found again', async () => {
    await withPage(
      dashboard(),
      async (page) => {
        await page.locator('.state.idle, .state.live').waitFor();
        await page.context().setOffline(true);
        await page.route('**/ossia/stats/live', (route) => route.abort());
        await page.reload().catch(() => undefined);
        await page.context().setOffline(false);
        await page.goto(dashboard());
        await page.reload();
        await page.getByText('Not connected; trying again').waitFor();
        await page.unroute('**/ossia/stats/live');
        await page.locator('.state.idle, .state.live').waitFor({ timeout: 30_000 });
      },
      { expected: /ERR_|Failed to load/ },
    );
  });

  test('hours of seconds leave no more behind than the range shows', async () => {
    await withPage(dashboard(), async (page) => {
      page.setDefaultTimeout(60_000);
      await page.route('**/ossia/stats/live', (route) =>
        route.fulfill({ headers: { 'content-type': 'text/event-stream' }, body: seconds(20_000) }),
      );
      await page.reload();
      await page.getByText('most 19,999').first().waitFor();
      assert.equal((JSON.parse(await download(page, 'JSON')) as unknown[]).length, 310);
      assert.ok(Number(await page.evaluate('document.querySelectorAll("*").length')) < 2000);
    });
  });

  test('each range asks for its own samples', async () => {
    await withPage(dashboard(), async (page) => {
      await page.locator('.state.idle, .state.live').waitFor();
      for (const [name, step, spanMs] of [
        ['1 h', 10, 3_600_000],
        ['24 h', 60, 86_400_000],
        ['5 min', 1, 300_000],
      ] as const) {
        const asked = page.waitForRequest((request) => request.url().includes(`&step=${step}`));
        await page.locator('.segments').getByText(name, { exact: true }).click();
        const { searchParams } = new URL((await asked).url());
        const span = Date.now() - Number(searchParams.get('since'));
        assert.ok(span > 0.9 * spanMs && span < 1.1 * spanMs + 5000, `${name}: asked for ${span} ms`);
      }
    });
  });

  test('in the dark, on a telephone and with reduced motion axe finds nothing', async () => {
    await load(server.url, 3);
    for (const [name, options] of [
      ['light', { reducedMotion: true }],
      ['dark', { theme: 'dark' }],
      ['phone', { width: 390, height: 844 }],
    ] as const) {
      await withPage(
        dashboard(),
        async (page) => {
          await page.locator('.plot').first().waitFor();
          await page.locator('.state.idle, .state.live').waitFor();
          await checkAccessibility(page);
          await screenshot(page, `dashboard-${name}`);
          await noSidewaysScroll(page);
        },
        options,
      );
    }
  });
});

async function tile(page: Page, name: string): Promise<string> {
  const found = page.locator('.tile', { has: page.getByText(name, { exact: true }) });
  return await textOf(found.locator('.big'));
}

/** Waits until the server has told this many more seconds. */
async function sampled(page: Page, seconds: number): Promise<void> {
  const response = await page.request.get(new URL('/ossia/stats?since=0&step=1', page.url()).href);
  const { samples } = (await response.json()) as { samples: readonly { at: number }[] };
  const last = samples.at(-1)?.at ?? 0;
  for (;;) {
    const next = await page.request.get(new URL(`/ossia/stats?since=${last}&step=1`, page.url()).href);
    if (((await next.json()) as { samples: readonly unknown[] }).samples.length >= seconds) return;
  }
}

/** So many samples of the stream, a second apart, the n-th with n tokens per second. */
function seconds(count: number): string {
  const now = Date.now();
  const rates = {
    promptTokensPerSecond: 0,
    requestsPerSecond: 1,
    errorsPerSecond: 0,
    running: 1,
    waiting: 0,
    batchSize: 1,
  };
  const memory = { kvBytesUsed: 1, kvBytesCapacity: 2, residentBytes: 3 };
  const unmeasured = { cacheHitRate: null, firstTokenMs: null, tokenGapMs: null, requestMs: null };
  return Array.from({ length: count }, (_, at) => {
    const sample: StatsSample = { at: now + at * 1000, outputTokensPerSecond: at, ...rates, ...memory, ...unmeasured };
    return `data: ${JSON.stringify(sample)}\n\n`;
  }).join('');
}

/** Turns that the server really computes. */
async function load(url: string, turns: number): Promise<void> {
  for (let at = 0; at < turns; at++) {
    const body = { messages: [{ role: 'user', content: `What is ${at} + 3?` }], conversation: `load-${at}` };
    const response = await fetch(`${url}/ossia/turns`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    assert.match(await response.text(), /"type":"end"/);
  }
}
