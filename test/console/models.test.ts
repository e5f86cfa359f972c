import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import type { RunningServer } from '../../src/server/index.ts';
import type { HubServer } from '../support/hub-server.ts';
import { startHub } from '../support/store-fixtures.ts';
import { checkAccessibility, screenshot, skip, withPage } from './browser.ts';
import { noSidewaysScroll, textOf, until } from './page-parts.ts';
import { consoleServer } from './server.ts';

const nano = fileURLToPath(new URL('../../models/ossia-nano/', import.meta.url));
const names = ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors'];

const underWay = `(() => {
  const bar = document.querySelector('progress');
  return bar !== null && bar.max > 1000 && bar.value > 0 && bar.value < bar.max;
})()`;

/** A server whose hub has the embedded model under the name of openai/gpt-oss-20b. */
async function start(
  t: TestContext,
): Promise<{ readonly server: RunningServer; readonly hub: HubServer; readonly url: string }> {
  const files = names.map((path) => ({ path, bytes: readFileSync(join(nano, path)), lfs: path.endsWith('s') }));
  const { hub, options } = await startHub(t, files);
  const server = await consoleServer({ load: { stores: options, context: 2048, threads: 2 } });
  t.after(() => server.close());
  return { server, hub, url: `${server.url}/#/models` };
}

describe('the models page', { skip }, () => {
  test('a model is pulled with its progress seen, then loaded, used and unloaded', async (t) => {
    const { hub, url } = await start(t);
    hub.faults.delayMs = 15;
    await withPage(url, async (page) => {
      await page.getByRole('button', { name: 'Pull gpt-oss:20b' }).click();
      const bar = page.getByRole('progressbar', { name: 'Download of gpt-oss:20b' });
      await until(page, underWay);
      assert.match(await textOf(page.locator('.pull-numbers')), / of .*MiB, .*%/);
      await screenshot(page, 'models-pull');
      await bar.waitFor({ state: 'detached', timeout: 60_000 });
      await page.locator('.pull-state.done').getByText('is here').waitFor();
      const model = card(page, 'openai/gpt-oss-20b');
      await model.waitFor();
      assert.match(await textOf(model), /not loaded/);
      await model.getByRole('button', { name: /^Load/ }).click();
      await model.getByRole('button', { name: /^Unload/ }).waitFor();
      assert.match(await textOf(model), /Loaded with a context of 2,048[\s\S]*unloads in \d/);
      await screenshot(page, 'models-loaded');
      await model.getByRole('button', { name: /^Unload/ }).click();
      await model.getByRole('button', { name: /^Load/ }).waitFor();
      await page.getByRole('button', { name: 'Forget gpt-oss:20b' }).click();
      await page.locator('.pull-state').waitFor({ state: 'detached' });
    });
  });

  test('a pull that fails says why and what to do; one that is cancelled goes on later', async (t) => {
    const { hub, url } = await start(t);
    await withPage(url, async (page) => {
      const field = page.getByRole('textbox', { name: 'Name' });
      const pull = page.getByRole('button', { name: 'Pull', exact: true });
      await field.fill('llama');
      await pull.click();
      await page.getByText(/a repository of the hub such as/).waitFor();
      await field.fill('openai/no-such-model');
      await pull.click();
      const failed = page.locator('.pull-state.failed', { hasText: 'openai/no-such-model' });
      await failed.waitFor();
      assert.match(await textOf(failed), /failed[\s\S]*404[\s\S]*store\/unknown-model/);
      await checkAccessibility(page);
      await screenshot(page, 'models-failed');
      hub.faults.delayMs = 100;
      await page.getByRole('button', { name: 'Pull gpt-oss:20b' }).click();
      await page.getByRole('button', { name: 'Cancel gpt-oss:20b' }).click();
      await page.locator('.pull-state.cancelled').waitFor();
      hub.faults.delayMs = 0;
      await page.getByRole('button', { name: 'Go on with gpt-oss:20b' }).click();
      await page.locator('.pull-state.done').waitFor({ timeout: 60_000 });
    });
  });

  test('what is here says what it takes of the machine, and axe finds nothing in the dark or on a telephone', async (t) => {
    const { url } = await start(t);
    for (const [name, options] of [
      ['light', {}],
      ['dark', { theme: 'dark' }],
      ['phone', { width: 390, height: 844 }],
    ] as const) {
      await withPage(
        url,
        async (page) => {
          const model = card(page, 'ossia-nano');
          await model.waitFor();
          const text = await textOf(model);
          assert.match(text, /default[\s\S]*loaded[\s\S]*4 layers · 16 experts, 4 for each token/);
          assert.match(text, /Fits this machine/);
          assert.match(text, /experts [\d.]+.MiB[\s\S]*dense weights[\s\S]*KV cache/);
          assert.match(await textOf(page.locator('.machine')), /Memory free[\s\S]*GiB[\s\S]*Disk free/);
          await model.getByText(/At most [\d,.]+ tokens\/s/).waitFor({ timeout: 60_000 });
          await checkAccessibility(page);
          await screenshot(page, `models-${name}`);
          await noSidewaysScroll(page);
        },
        options,
      );
    }
  });
});

function card(page: Page, name: string) {
  return page.getByRole('listitem', { name, exact: true });
}
