import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { ScriptedModel } from '../../src/chat/testing.ts';
import type { RunningServer } from '../../src/server/index.ts';
import { checkAccessibility, screenshot, skip, withPage } from './browser.ts';
import { answered, ask, becomes } from './chat-page.ts';
import { say, scripted, think } from './scripts.ts';
import { consoleServer } from './server.ts';

/** Waits until some of an answer is in the browser's storage. */
const partIsKept = `(async () => {
  const look = () => new Promise((resolve) => {
    const opened = indexedDB.open('ossia', 1);
    opened.onsuccess = () => {
      const all = opened.result.transaction('nodes').objectStore('nodes').getAll();
      all.onsuccess = () => {
        opened.result.close();
        resolve(all.result.some((node) => node.parts?.[0]?.text.length > 100));
      };
    };
  });
  for (let attempt = 0; attempt < 300; attempt++) {
    if (await look()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('Nothing of the answer is kept');
})()`;

const lastAnswer = (page: Page) => page.locator('.message:last-child .answer > .text');

const atEnd = (page: Page) =>
  becomes(
    page,
    "(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight < 80)(document.querySelector('.thread'))",
  );

describe('a conversation', { skip }, () => {
  let model: ScriptedModel;
  let server: RunningServer;
  before(async () => {
    const numbered = Array.from({ length: 40 }, (_, index) => say(`Answer number ${index + 1}.`));
    model = scripted(numbered);
    server = await consoleServer({ model });
  });
  after(async () => {
    await server?.close();
    await model?.close();
  });

  test('what is said, renamed or deleted in one tab is seen in another', async () => {
    await withPage(server.url, async (page) => {
      await ask(page, 'Asked in the first');
      const other = await page.context().newPage();
      await other.goto(page.url());
      await other.getByText('Asked in the first').last().waitFor();
      await ask(other, 'Asked in the second');
      await page.locator('.question', { hasText: 'Asked in the second' }).waitFor();
      await page.locator('.message:nth-child(4) .usage').waitFor(); // its answer, whole
      await ask(page, 'Back in the first');
      await other.locator('.message:nth-child(6) .usage').waitFor();
      assert.equal(await other.locator('.branches').count(), 0);
      await page.getByRole('button', { name: /^More for/ }).click();
      await page.getByRole('button', { name: 'Delete', exact: true }).click();
      await other.getByText('What would you like to hear?').waitFor();
      assert.equal(await other.locator('.list a').count(), 0);
      await page.getByRole('button', { name: 'Undo' }).click();
      await other.locator('.list a', { hasText: 'Asked in the first' }).waitFor();
      await page.locator('.message:nth-child(6)').waitFor();
    });
  });

  test('the end stays in view, however much comes at once and however small the window is', async () => {
    await withPage(
      server.url,
      async (page) => {
        for (let turn = 0; turn < 4; turn++) {
          await ask(page, `Question ${turn}`);
          await atEnd(page);
          assert.equal(await page.getByRole('button', { name: 'Go to the end' }).count(), 0);
        }
        // The view goes to the end, and before the page hears of that, much more has come.
        await page.evaluate(`{
          const thread = document.querySelector('.thread');
          const more = thread.querySelector('.messages').appendChild(document.createElement('li'));
          more.style.height = '10px';
          thread.scrollTop = thread.scrollHeight;
          more.style.height = '900px';
        }`);
        await atEnd(page);
        await page.locator('.thread').evaluate((element) => element.scrollTo(0, 0));
        await page.getByRole('button', { name: 'Go to the end' }).click();
        await atEnd(page);
      },
      { width: 320, height: 256 },
    );
  });

  test('is edited and answered again in branches, which one walks through, and is there after a reload', async () => {
    await withPage(server.url, async (page) => {
      await ask(page, 'First question');
      const first = String(await lastAnswer(page).textContent());
      await ask(page, 'Second question');

      await page.getByRole('button', { name: 'Answer again' }).last().click();
      await page.getByText('2/2').waitFor();
      await answered(page);
      const again = String(await lastAnswer(page).textContent());
      await page.getByRole('button', { name: 'The branch before' }).last().click();
      await page.getByText('1/2').waitFor();
      assert.notEqual(await lastAnswer(page).textContent(), again);

      await page.locator('.question').first().hover();
      await page.getByRole('button', { name: 'Edit the message' }).first().click();
      await page.getByRole('textbox', { name: 'Edited message' }).fill('Another first question');
      await page.getByRole('textbox', { name: 'Edited message' }).press('Enter');
      await page.getByText('Another first question').first().waitFor();
      await answered(page);
      assert.equal(await page.locator('.message').count(), 2);
      await screenshot(page, 'branches');
      await checkAccessibility(page);

      await page.reload();
      await page.locator('.question', { hasText: 'Another first question' }).waitFor();
      assert.equal(await page.locator('.message').count(), 2);
      await page.keyboard.press('['); // the composer has the focus: a letter, no shortcut
      assert.equal(await page.getByRole('textbox', { name: 'Message' }).inputValue(), '[');
      await page.getByRole('textbox', { name: 'Message' }).fill('');
      await page.getByRole('button', { name: 'The branch before' }).first().click();
      await page.locator('.question', { hasText: 'Second question' }).waitFor();
      assert.equal(await page.locator('.answer > .text').first().textContent(), first);
      const sent = model.engine.requests.at(-1);
      assert.ok(sent);
    });
  });

  test('is found by its texts, renamed, exported, deleted, had back and imported', async () => {
    await withPage(server.url, async (page) => {
      await ask(page, 'Where do penguins live?');
      await page.getByRole('button', { name: 'New conversation' }).click();
      await ask(page, 'What do zebras eat?');
      const list = page.getByRole('navigation', { name: 'Conversations' });
      assert.equal(await list.getByRole('link').count(), 2);

      await page.getByRole('searchbox', { name: 'Search conversations' }).fill('penguins live');
      await list.getByRole('link', { name: 'Where do penguins live?' }).waitFor();
      assert.equal(await list.getByRole('link').count(), 1);
      await page.getByRole('searchbox', { name: 'Search conversations' }).fill('answer number');
      await list.getByRole('link').nth(1).waitFor();
      await page.getByRole('searchbox', { name: 'Search conversations' }).fill('');

      await list.getByRole('button', { name: /zebras/ }).click();
      await checkAccessibility(page);
      await screenshot(page, 'conversation-menu');
      await page.getByRole('button', { name: 'Rename' }).click();
      await page.getByRole('textbox', { name: 'Title' }).fill('On zebras');
      await page.getByRole('textbox', { name: 'Title' }).press('Enter');
      await page.getByRole('heading', { name: 'On zebras' }).waitFor();

      const markdown = await exported(page, 'Export as Markdown');
      assert.match(markdown, /^# On zebras\n\n## You\n\nWhat do zebras eat\?\n\n## scripted\n\nAnswer number \d+\.\n$/);
      const json = await exported(page, 'Export as JSON');

      await list.getByRole('button', { name: /zebras/ }).click();
      await page.getByRole('button', { name: 'Delete', exact: true }).click();
      await page.getByText('Deleted “On zebras”').waitFor();
      assert.equal(await list.getByRole('link').count(), 1);
      await page.getByRole('button', { name: 'Undo' }).click();
      await list.getByRole('link', { name: 'On zebras' }).waitFor();

      await page
        .getByLabel('File to import')
        .setInputFiles({ name: 'z.json', mimeType: 'application/json', buffer: Buffer.from(json) });
      await list.getByRole('link', { name: 'On zebras' }).nth(1).waitFor();
      await page.getByText('What do zebras eat?').waitFor();
      await page
        .getByLabel('File to import')
        .setInputFiles({ name: 'x.json', mimeType: 'application/json', buffer: Buffer.from('{"a":1}') });
      await page.getByText('no conversation that Ossia exported').waitFor();
      await page.reload();
      await list.getByRole('link', { name: 'On zebras' }).nth(1).waitFor();
    });
  });

  async function exported(page: Page, how: string): Promise<string> {
    await page.getByRole('button', { name: /More for “On zebras/ }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: how }).click();
    return readFileSync(await (await download).path(), 'utf8');
  }
});

describe('an answer that takes its time', { skip }, () => {
  test('is stopped with what there is, and goes on to the answer when it shall', async () => {
    const long = 'One thing leads to another. '.repeat(400);
    const model = scripted(
      [say(long), { say: think(long) + say('Late.'), hurried: `<|end|><|start|>assistant${say('At once.')}` }],
      {
        msPerToken: 5,
      },
    );
    const server = await consoleServer({ model });
    try {
      await withPage(server.url, async (page) => {
        await ask(page, 'Talk', { wait: false });
        await page.locator('.answer > .text').waitFor();
        await screenshot(page, 'streaming');
        await page.getByRole('button', { name: 'Stop' }).click();
        await answered(page);
        await page.getByText('Stopped.').waitFor();
        assert.ok(String(await lastAnswer(page).textContent()).length < long.length);

        await ask(page, 'Think', { wait: false });
        await page.locator('.thoughts').waitFor(); // open while it thinks
        await checkAccessibility(page);
        await screenshot(page, 'thinking');
        await page.getByRole('button', { name: 'Answer now' }).click();
        await answered(page);
        await page.getByText('At once.').waitFor();
        await page.getByText('The thoughts were ended, as you asked.').waitFor();
        assert.equal(await page.locator('.thoughts').count(), 0); // and folded after
      });
    } finally {
      await server.close();
      await model.close();
    }
  });

  test('what there was of it when the page went away is still there', async () => {
    const model = scripted([say('A long way to go. '.repeat(20_000)), say('There.')], {
      msPerToken: 5,
      contextLength: 1_000_000,
    });
    const server = await consoleServer({ model });
    try {
      await withPage(server.url, async (page) => {
        await ask(page, 'Walk', { wait: false });
        await page.evaluate(partIsKept);
        await page.reload();
        await page.getByText('The answer was broken off.').waitFor();
        assert.match(String(await lastAnswer(page).textContent()), /^A long way to go\. A long/);
        await page.locator('.note').getByRole('button', { name: 'Answer again' }).click();
        await page.getByText('There.').waitFor();
      });
    } finally {
      await server.close();
      await model.close();
    }
  });
});
