import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RunningServer } from '../../src/server/index.ts';
import { checkAccessibility, screenshot, skip, withPage } from './browser.ts';
import { ask } from './chat-page.ts';
import { consoleServer } from './server.ts';

describe('chat with the embedded model', { skip }, () => {
  let server: RunningServer;
  before(async () => {
    server = await consoleServer();
  });
  after(() => server?.close());

  test('a newcomer clicks a prompt and reads an answer, with what it took', async () => {
    for (const theme of ['light', 'dark'] as const) {
      await withPage(
        server.url,
        async (page) => {
          await page.getByText('answers on the machine that serves this page').waitFor();
          await checkAccessibility(page);
          await screenshot(page, `chat-welcome-${theme}`);
          await page.getByRole('button', { name: 'What is MXFP4?' }).click();
          await page.getByText('The answer is complete').waitFor({ state: 'attached' });
          assert.match(String(await page.locator('.answer > .text').textContent()), /MXFP4|4 bits|4-bit/i);
          assert.match(
            String(await page.locator('.answer .usage').textContent()),
            /ossia-nano[\s\S]*\d+ tokens[\s\S]*seed \d+[\s\S]*Inspect/,
          );
          await checkAccessibility(page);
          await screenshot(page, `chat-answer-${theme}`);
        },
        { theme },
      );
    }
  });

  test('an answer has the form that the settings ask for, and a schema that is none is said', async () => {
    await withPage(server.url, async (page) => {
      await page.getByRole('button', { name: 'Settings' }).click();
      await page.getByLabel('Form of the answer').selectOption('JSON of a schema');
      await page.getByRole('textbox', { name: 'Schema' }).fill('{ "type": "object"');
      await page.getByText('This is no JSON').waitFor();
      await checkAccessibility(page);
      await page
        .getByRole('textbox', { name: 'Schema' })
        .fill(
          '{ "type": "object", "properties": { "n": { "enum": [7] } }, "required": ["n"], "additionalProperties": false }',
        );
      await page.getByLabel('Seed').fill('11');
      await page.getByLabel('Instructions').fill('Answer briefly.');
      await page.getByRole('button', { name: 'Close the settings' }).click();
      await ask(page, 'How many?');
      assert.deepEqual(JSON.parse(String(await page.locator('.answer > .text').textContent())), { n: 7 });
      assert.match(String(await page.locator('.usage').textContent()), /seed 11/);
      await page.reload();
      await page.locator('.usage', { hasText: 'Inspect' }).waitFor(); // kept, tokens and all
    });
  });
});
