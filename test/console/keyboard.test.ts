import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { RunningServer } from '../../src/server/index.ts';
import { checkAccessibility, screenshot, skip, withPage } from './browser.ts';
import { answered, ask, becomes } from './chat-page.ts';
import { consoleServer } from './server.ts';

/** Waits until what has this name has the focus. */
async function hasFocus(page: Page, name: string): Promise<void> {
  const label = "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent)";
  await becomes(page, `${label}.trim().startsWith(${JSON.stringify(name)})`);
}

describe('without a mouse, and on a telephone', { skip }, () => {
  let server: RunningServer;
  before(async () => {
    server = await consoleServer();
  });
  after(() => server?.close());

  test('all is done by keys: asking, the settings, the shortcuts, the theme, the pages', async () => {
    await withPage(server.url, async (page) => {
      await page.getByRole('textbox', { name: 'Message' }).waitFor();
      await hasFocus(page, 'Message'); // one can write at once
      await page.keyboard.type('What is MXFP4?');
      await page.keyboard.press('Shift+Enter');
      await page.keyboard.type('Say it in short.');
      assert.match(await page.getByRole('textbox', { name: 'Message' }).inputValue(), /\?\nSay/);
      await page.keyboard.press('Enter');
      await answered(page);
      await hasFocus(page, 'Message');

      await page.keyboard.press('Shift+Tab');
      await page.keyboard.press('?');
      await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
      await checkAccessibility(page);
      await screenshot(page, 'shortcuts');
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });

      await page.keyboard.press('s');
      await page.getByRole('heading', { name: 'Settings' }).waitFor();
      await checkAccessibility(page);
      await screenshot(page, 'settings');
      await page.keyboard.press('Escape');
      await page.getByRole('heading', { name: 'Settings' }).waitFor({ state: 'detached' });

      await page.keyboard.press('t');
      await page.keyboard.press('t');
      await becomes(page, "document.documentElement.dataset.theme === 'dark'");
      await page.keyboard.press('r');
      await page.getByText('2/2').waitFor();
      await answered(page);
      await page.keyboard.press('[');
      await page.getByText('1/2').waitFor();

      await page.keyboard.press('/');
      await hasFocus(page, 'Search conversations');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Tab');
      await hasFocus(page, 'More for');
      await page.keyboard.press('Enter');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await hasFocus(page, 'Title');
      await page.keyboard.type('Named by keys');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Named by keys' }).waitFor();

      await page.keyboard.press('g');
      await page.keyboard.press('m');
      await page.waitForURL(/#\/models/);
      await page.keyboard.press('g');
      await page.keyboard.press('c');
      await page.locator('.question').waitFor(); // what was said is still there
    });
  });

  test('the first key leads past the side bar', async () => {
    await withPage(`${server.url}/#/models`, async (page) => {
      await page.locator('#stage').waitFor();
      await page.keyboard.press('Tab');
      await hasFocus(page, 'Skip to the page');
      await page.keyboard.press('Enter');
      await becomes(page, "document.activeElement.id === 'stage'");
    });
  });

  test('on a telephone the side bar is a drawer, and nothing is wider than the window', async () => {
    await withPage(
      server.url,
      async (page) => {
        await ask(page, 'What is MXFP4?');
        assert.equal(await page.getByRole('navigation', { name: 'Conversations' }).isVisible(), false);
        await screenshot(page, 'phone-chat');
        await checkAccessibility(page);
        await page.getByRole('button', { name: 'Menu' }).click();
        await page.getByRole('navigation', { name: 'Conversations' }).getByRole('link').waitFor();
        await checkAccessibility(page);
        await screenshot(page, 'phone-drawer');
        await page.getByRole('button', { name: 'New conversation' }).click();
        await page.getByText('answers on the machine that serves this page').waitFor();
        await page.getByRole('button', { name: 'Settings' }).click();
        await screenshot(page, 'phone-settings');
        await page.getByRole('button', { name: 'Close the settings' }).click();
        await screenshot(page, 'phone-welcome');
        assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'));
      },
      { width: 390, height: 844, theme: 'dark', reducedMotion: true },
    );
  });
});
