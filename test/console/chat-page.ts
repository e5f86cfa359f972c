import type { Page } from 'playwright-core';
import { eventually } from '../support/eventually.ts';

/** What a person does on the chat page. */

/** Writes a message and sends it; waits until it is answered. */
export async function ask(page: Page, text: string, { wait = true } = {}): Promise<void> {
  await page.getByRole('textbox', { name: 'Message' }).fill(text);
  await page.getByRole('textbox', { name: 'Message' }).press('Enter');
  await page
    .locator('.question', { hasText: text.slice(0, 40) })
    .last()
    .waitFor();
  if (wait) await answered(page);
}

/** The answer that was begun is over. */
export async function answered(page: Page): Promise<void> {
  await page.locator('.message:last-child .answer[aria-busy=false]').waitFor();
}

export async function enableTools(page: Page, ...names: readonly string[]): Promise<void> {
  await page.getByRole('button', { name: 'Tools', exact: true }).click();
  for (const name of names) await page.getByRole('checkbox', { name }).check();
  await page.keyboard.press('Escape');
}

/** Waits until an expression is true in the page. (`waitForFunction` would have the page evaluate it, which its policy forbids.) */
export async function becomes(page: Page, expression: string): Promise<void> {
  await eventually(expression, async () => (await page.evaluate(expression)) === true);
}
