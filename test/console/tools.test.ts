import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkAccessibility, screenshot, skip, withPage } from './browser.ts';
import { ask, enableTools } from './chat-page.ts';
import { browserTool, callTo, filesTool, python, pythonTool, say, scripted, think } from './scripts.ts';
import { consoleServer } from './server.ts';

describe('tools in the chat', { skip }, () => {
  test('Python shows its code, its output and its picture', async () => {
    const model = scripted([python('import math\nprint(6 * 7)'), say('It is **42**.')]);
    const server = await consoleServer({ model, tools: [pythonTool()] });
    try {
      await withPage(server.url, async (page) => {
        await enableTools(page, 'python');
        await ask(page, 'What is 6 times 7?');
        const card = page.getByRole('region', { name: 'Tool python' });
        await card.getByText('done').waitFor();
        assert.match(String(await card.textContent()), /print\(6 \* 7\)[\s\S]*42/);
        await card.getByRole('img', { name: 'Made by the tool' }).waitFor();
        assert.equal(await page.locator('.answer > .text strong').textContent(), '42');
        await checkAccessibility(page);
        await screenshot(page, 'tool-python');
      });
    } finally {
      await server.close();
      await model.close();
    }
  });

  test('a search shows its sources, and a citation the lines that it points to', async () => {
    const search = '<|channel|>analysis to=browser.search code<|message|>{"query":"penguins"}<|call|>';
    const model = scripted([search, say('They live in the south【0†L0】, not in the north【7†L1】.')]);
    const server = await consoleServer({ model, tools: [browserTool()] });
    try {
      await withPage(server.url, async (page) => {
        await page.getByText('Nothing that you write goes anywhere else.').waitFor();
        await enableTools(page, 'browser');
        await page.getByText('What it asks of browser goes to others').waitFor();
        assert.equal(await page.getByText('Nothing that you write').count(), 0);
        await ask(page, 'Where do penguins live?');
        await page.getByRole('button', { name: 'Source 1: On penguins' }).click();
        await page.getByText('Penguins live in the south.').waitFor();
        assert.equal(await page.locator('.citation.unknown').textContent(), '7');
        await checkAccessibility(page);
        await screenshot(page, 'tool-citation');
        await page.keyboard.press('Escape');
        const card = page.getByRole('region', { name: 'Tool browser.search' });
        await card.getByRole('button', { name: /browser\.search/ }).click();
        await card.getByRole('link', { name: 'On penguins' }).waitFor();
        assert.equal(await card.getByRole('link').count(), 1); // what is no address is no link
        await screenshot(page, 'tool-search');
      });
    } finally {
      await server.close();
      await model.close();
    }
  });

  test('a call that asks first runs when it is allowed, is refused, and is not asked about again when it is always allowed', async () => {
    const files = filesTool();
    const write = (path: string) => think('I write it down.') + callTo('write_file', { path, text: 'Hello' });
    const model = scripted([
      write('\u202etxt.a'),
      say('Written.'),
      write('b.txt'),
      say('Then not.'),
      write('c.txt'),
      write('d.txt'),
      say('Both are written.'),
    ]);
    const server = await consoleServer({ model, tools: [files] });
    try {
      await withPage(server.url, async (page) => {
        await enableTools(page, 'mcp:files');
        await ask(page, 'Write a.txt', { wait: false });
        await page.getByText('The model wants to run this with mcp:files.').waitFor();
        assert.match(String(await page.locator('.tool').textContent()), /\\u202etxt\.a/);
        await checkAccessibility(page);
        await screenshot(page, 'tool-approval');
        assert.deepEqual(files.calls, []);
        await page.getByRole('button', { name: 'Allow once' }).click();
        await page.getByText('Written.', { exact: true }).first().waitFor();
        await page.getByText('The answer is complete').waitFor({ state: 'attached' });
        assert.equal(files.calls.length, 1);

        await ask(page, 'Write b.txt', { wait: false });
        await page.getByRole('button', { name: 'Refuse' }).click();
        await page.getByText('Then not.').waitFor();
        await page.getByText('refused').waitFor();
        assert.equal(files.calls.length, 1);

        await page.getByText('The answer is complete').waitFor({ state: 'attached' });
        await ask(page, 'Write c.txt and d.txt', { wait: false });
        await page.getByRole('button', { name: 'Always in this conversation' }).click();
        await page.getByText('Both are written.').waitFor();
        assert.equal(files.calls.length, 3);
      });
    } finally {
      await server.close();
      await model.close();
    }
  });
});
