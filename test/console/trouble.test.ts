import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OssiaError } from '../../src/base/index.ts';
import { checkAccessibility, screenshot, skip, withPage } from './browser.ts';
import { answered, ask } from './chat-page.ts';
import { say, scripted } from './scripts.ts';
import { consoleServer } from './server.ts';

/** The browser writes one line for each reply that is an error. */
const refusals = /Failed to load resource/;

describe('when something is wrong', { skip }, () => {
  test('a server that is gone is said, and what was asked is asked again', async () => {
    const model = scripted([say('Here I am.')]);
    const server = await consoleServer({ model });
    try {
      await withPage(
        server.url,
        async (page) => {
          await page.getByRole('textbox', { name: 'Message' }).waitFor();
          await page.context().setOffline(true);
          await ask(page, 'Are you there?');
          await page.getByText('The server does not answer.').waitFor();
          await checkAccessibility(page);
          await screenshot(page, 'trouble-gone');
          await page.context().setOffline(false);
          await page.getByRole('button', { name: 'Try again' }).click();
          await page.getByText('Here I am.').waitFor();
          assert.equal(await page.locator('.answer').count(), 1);
        },
        { expected: refusals },
      );
    } finally {
      await server.close();
      await model.close();
    }
  });

  test('a server with keys asks for one, and keeps it in the tab only', async () => {
    const model = scripted([say('Welcome.')]);
    const server = await consoleServer({ model, apiKeys: ['sesame-sesame-sesame'] });
    try {
      await withPage(
        server.url,
        async (page) => {
          const dialog = page.getByRole('dialog', { name: 'This server asks for a key' });
          await dialog.waitFor();
          await checkAccessibility(page);
          await screenshot(page, 'trouble-key');
          await dialog.getByLabel('API key').fill('sesame-sesame-sesame');
          await dialog.getByRole('button', { name: 'Use this key' }).click();
          await ask(page, 'Hello');
          await page.getByText('Welcome.').waitFor();
          assert.equal(await page.evaluate("JSON.stringify(localStorage).includes('sesame')"), false);
        },
        { expected: refusals },
      );
    } finally {
      await server.close();
      await model.close();
    }
  });

  test('a full queue can be tried again, a full context left out, and a cut answer goes on', async () => {
    const model = scripted(
      [
        new OssiaError('engine/queue-full', 'Cannot take the request: 64 are waiting'),
        say('Now there is room.'),
        `<|channel|>final<|message|>This is not the`,
        say('end of it.'),
      ],
      { contextLength: 700 },
    );
    const server = await consoleServer({ model });
    try {
      await withPage(
        server.url,
        async (page) => {
          await ask(page, 'Is there room?');
          await page.getByText('64 are waiting').waitFor();
          await page.getByRole('button', { name: 'Try again' }).click();
          await page.getByText('Now there is room.').waitFor();
          await answered(page);
          await ask(page, 'Go on');
          await page.getByText('The answer was cut off').waitFor();
          await screenshot(page, 'trouble-cut');
          await page.getByRole('button', { name: 'Continue' }).click();
          await page.getByText('end of it.').waitFor();
          await answered(page);
          await ask(page, 'word '.repeat(590));
          await page.getByRole('button', { name: 'Leave out the oldest messages' }).waitFor();
          await checkAccessibility(page);
          await screenshot(page, 'trouble-context');
        },
        { expected: refusals },
      );
    } finally {
      await server.close();
      await model.close();
    }
  });

  test('without storage the chat works, and says that nothing is kept', async () => {
    const model = scripted([say('Fine.')]);
    const server = await consoleServer({ model });
    try {
      await withPage(server.url, async (page) => {
        await page.addInitScript(
          'Object.defineProperty(window, "indexedDB", { get() { throw new DOMException("no", "SecurityError") } })',
        );
        await page.addInitScript(
          'Object.defineProperty(window, "localStorage", { get() { throw new DOMException("no", "SecurityError") } })',
        );
        await page.reload();
        await ask(page, 'Does it work?');
        await page.getByText('Fine.').waitFor();
        await page.getByText('This browser keeps nothing for this page').waitFor();
        await checkAccessibility(page);
        await page.getByRole('button', { name: 'Understood' }).click();
      });
    } finally {
      await server.close();
      await model.close();
    }
  });

  test('a file with damaged messages and settings is read, as far as it goes', async () => {
    const nodes = {
      a: { role: 'user', id: 'a', parent: null, created: 1, text: 'What was asked' },
      b: { role: 'assistant', id: 'b', parent: 'a', created: 2, model: 'm', parts: [{ type: 'tool', arguments: '{' }] },
      c: { role: 'user', id: 'c', parent: 'b', created: 3, text: 'What was asked then' },
    };
    const settings = { enable: 'python', system: 7, effort: 'none', temperature: 'hot', seed: 5 };
    const conversation = { title: 'Damaged', settings, nodes, chosen: {} };
    const file = JSON.stringify({ format: 'ossia-conversation', version: 1, conversation });
    const model = scripted([say('Fine.')]);
    const server = await consoleServer({ model });
    try {
      await withPage(server.url, async (page) => {
        await page
          .getByLabel('File to import')
          .setInputFiles({ name: 'damaged.json', mimeType: 'application/json', buffer: Buffer.from(file) });
        await page.getByText('This message is damaged').waitFor();
        await page.getByText('What was asked then').waitFor();
        await page.reload();
        await page.getByText('What was asked then').waitFor();
        await page.getByRole('button', { name: 'Settings' }).click();
        assert.equal(await page.getByLabel('Seed').inputValue(), '5');
      });
    } finally {
      await server.close();
      await model.close();
    }
  });
});
