import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { LoadedModel } from '../../src/chat/index.ts';
import type { Tool } from '../../src/tools/index.ts';
import { screenshot, skip, withPage } from './browser.ts';
import { ask, enableTools } from './chat-page.ts';
import { textOf } from './page-parts.ts';
import { callTo, filesTool, say, scripted, think } from './scripts.ts';
import { consoleServer } from './server.ts';

/** Turns that a script writes: slow ones, long ones, hostile ones, and those that call tools. */
describe('turns in the inspector', { skip }, () => {
  test('one that is stopped shows what there is so far', async (t) => {
    const url = await start(t, scripted([say('word '.repeat(2000))], { msPerToken: 20 }));
    await withPage(`${url}/#/inspector`, async (page) => {
      await page.getByLabel('Prompt', { exact: true }).fill('Talk');
      await page.getByLabel('Tokens at most').fill('2000');
      await page.getByRole('button', { name: 'Run traced' }).click();
      await page.getByText(/^Token \d\d/).waitFor();
      await page.getByRole('button', { name: 'Stop' }).click();
      await page.locator('.tokens .token').first().waitFor();
      assert.match(await textOf(page.locator('.told')), /ended: cancelled/);
      const tokens = await page.locator('.tokens .token').count();
      assert.ok(tokens >= 10 && tokens < 2000, `${tokens} tokens`);
    });
  });

  test('one of the chat is a click away, and its tokens are text whatever they say', async (t) => {
    const hostile = '<img src=x onerror=alert(1)><script>alert(2)</script> \u202eabc';
    const url = await start(t, scripted([say(hostile)]));
    await withPage(url, async (page) => {
      await ask(page, 'Say something bad');
      await page.getByRole('link', { name: 'Inspect', exact: true }).click();
      await page.locator('.tokens .token').first().waitFor();
      const text = (await page.locator('.band.final .token:not(.control)').allTextContents()).join('');
      assert.ok(text.includes('<img src=x onerror=alert(1)><script>alert(2)</script>'), text);
      assert.ok(!text.includes('\u202e'), 'what turns text around is shown, not obeyed');
      assert.equal(await page.locator('.inspector img, .inspector script').count(), 0);
    });
  });

  test('one with a tool has steps; run again, its call asks again', async (t) => {
    const files = filesTool();
    const turns = () => [think('I write.') + callTo('write_file', { path: 'a' }), say('Written.')];
    const url = await start(t, scripted([...turns(), ...turns()]), [files]);
    await withPage(url, async (page) => {
      await enableTools(page, 'mcp:files');
      await ask(page, 'Write a file', { wait: false });
      await page
        .getByRole('button', { name: /^(Allow|Allow once)$/ })
        .first()
        .click();
      await page.getByRole('link', { name: 'Inspect', exact: true }).click();
      const steps = page.getByRole('combobox', { name: 'Step' });
      await steps.waitFor();
      assert.equal(await steps.locator('option').count(), 2);
      assert.match(await textOf(page.locator('.tokens')), /commentary to=functions.write_file/);
      await steps.selectOption({ index: 1 });
      await page.locator('.band.final').waitFor();
      await page.getByLabel(/^prompt \(/).check();
      await page.locator('.band.given', { hasText: 'tool' }).first().waitFor();
      await page.getByRole('tab', { name: /Replay/ }).click();
      await page.getByRole('button', { name: 'Run it again' }).click();
      await page.getByText(/waits for you/).waitFor();
      await screenshot(page, 'inspector-approval');
      await page.getByRole('button', { name: 'Allow', exact: true }).click();
      await page.getByText(/^Equal: all \d+ tokens/).waitFor();
      assert.equal(files.calls.length, 2);
    });
  });

  test('one that was not traced is traced by running it again; one that is forgotten says so', async (t) => {
    const url = await start(t, scripted([say('Hello there.'), say('Hello there.')]));
    await withPage(url, async (page) => {
      const response = page.waitForResponse((each) => each.url().endsWith('/ossia/turns'));
      await page.getByRole('button', { name: 'Settings', exact: true }).click();
      await page.getByRole('checkbox', { name: /Trace tokens/ }).uncheck();
      await page.getByRole('button', { name: 'Close the settings' }).click();
      await ask(page, 'Greet');
      const [, id] = /"type":"begin","id":"([^"]+)"/.exec(await (await response).text()) ?? [];
      assert.ok(id);
      await page.evaluate(`location.hash = '#/inspector/${id}'`);
      await page.getByText(/were not told when it was answered/).waitFor();
      await page.getByRole('button', { name: 'Run it again, traced' }).click();
      await page.locator('.band.final', { hasText: 'Hello' }).waitFor();
      await page.getByText(/were not told/).waitFor({ state: 'detached' });
      await page.goto(`${url}/#/inspector/nowhere`);
      await page.getByText(/not kept any more/).waitFor();
    });
  });
});

async function start(t: TestContext, model: LoadedModel, tools: readonly Tool[] = []): Promise<string> {
  const server = await consoleServer({ model, tools });
  t.after(async () => {
    await server.close();
    await model.close();
  });
  return server.url;
}
