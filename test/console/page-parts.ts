import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Locator, Page } from 'playwright-core';
import { eventually } from '../support/eventually.ts';

export async function textOf(part: Locator): Promise<string> {
  return (await part.textContent()) ?? '';
}

/** Waits until an expression holds in the page. (Playwright's own way evaluates texts in the page, whose policy forbids it.) */
export async function until(page: Page, expression: string): Promise<void> {
  await eventually(expression, async () => (await page.evaluate(expression)) === true);
}

/** What the button of this name gives as a file. */
export async function download(page: Page, name: string): Promise<string> {
  const waiting = page.waitForEvent('download');
  await page.getByRole('button', { name, exact: true }).click();
  return await readFile(await (await waiting).path(), 'utf8');
}

/** Fails when the page is wider than its window. */
export async function noSidewaysScroll(page: Page): Promise<void> {
  const measure = '[document.querySelector("main").scrollWidth, document.querySelector("main").clientWidth]';
  const [wide, window] = (await page.evaluate(measure)) as [number, number];
  assert.ok(wide <= window + 1, `the page is ${wide} wide in ${window}`);
}
