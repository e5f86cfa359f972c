import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RunningServer } from '../../src/server/index.ts';
import { checkAccessibility, screenshot, skip, withPage } from './browser.ts';
import { consoleServer } from './server.ts';

describe('the frame of the console', { skip }, () => {
  let server: RunningServer;
  before(async () => {
    server = await consoleServer();
  });
  after(async () => {
    await server?.close();
  });

  test('opens in the light and in the dark, and axe finds nothing in either', async () => {
    for (const theme of ['light', 'dark'] as const) {
      await withPage(
        server.url,
        async (page) => {
          await page.getByRole('navigation', { name: 'Pages' }).waitFor();
          await page.getByRole('heading', { level: 1 }).first().waitFor();
          assert.match(await page.title(), /Ossia/);
          await checkAccessibility(page);
          await screenshot(page, `shell-${theme}`);
        },
        { theme },
      );
    }
  });
});
