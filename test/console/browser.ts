import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { after } from 'node:test';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/**
 * A real browser for tests of the console. Whatever a page writes to its console as an error, throws, is refused by its content
 * security policy or asks of another origin fails the test that opened it.
 */
const executablePath = process.env.OSSIA_CHROMIUM ?? '/usr/bin/chromium';
const root = resolve(import.meta.dirname, '../..');
const screens = process.env.OSSIA_SCREENS ?? join(root, 'test-output/screens');

/** Why tests of the console are skipped, or false. With OSSIA_REQUIRE_BROWSER they are not: then they fail. */
export const skip: string | false =
  existsSync(executablePath) || process.env.OSSIA_REQUIRE_BROWSER
    ? false
    : `there is no browser at ${executablePath}: install chromium, or name one in OSSIA_CHROMIUM`;

const OFFLINE = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic'];

let launching: Promise<Browser> | undefined;

async function browser(): Promise<Browser> {
  launching ??= chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-dev-shm-usage', ...OFFLINE],
  });
  return await launching;
}

after(async () => {
  await (await launching)?.close();
});

export interface PageOptions {
  readonly theme?: 'light' | 'dark';
  /** Default 1280 × 800. A telephone: 390 × 844. */
  readonly width?: number;
  readonly height?: number;
  readonly reducedMotion?: boolean;
  /** Errors in the page's console that the test is about. */
  readonly expected?: RegExp;
}

/** Opens a page, gives it to the test, and holds against it whatever went wrong in it. */
export async function withPage(
  url: string,
  test: (page: Page) => Promise<void>,
  options: PageOptions = {},
): Promise<void> {
  const { theme = 'light', width = 1280, height = 800, reducedMotion = false, expected } = options;
  const context = await (await browser()).newContext({
    viewport: { width, height },
    colorScheme: theme,
    reducedMotion: reducedMotion ? 'reduce' : 'no-preference',
    permissions: ['clipboard-read', 'clipboard-write'],
    acceptDownloads: true,
  });
  try {
    const wrong = watch(context, new URL(url).origin);
    // Only secure origins have it, and the console may be read over plain HTTP in a house.
    await context.addInitScript('delete Crypto.prototype.randomUUID');
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    try {
      await page.goto(url);
      await test(page);
    } catch (error) {
      await screenshot(page, `failed-${Date.now()}`);
      if (wrong.length > 0) console.error('went wrong in the page:', wrong);
      throw error;
    }
    assert.deepEqual(
      wrong.filter((line) => !expected?.test(line)),
      [],
      'went wrong in the page',
    );
  } finally {
    await context.close();
  }
}

/** What went wrong, as it happens. */
function watch(context: BrowserContext, origin: string): string[] {
  const wrong: string[] = [];
  context.on('console', (message) => {
    if (message.type() === 'error' || /Content Security Policy/i.test(message.text())) wrong.push(message.text());
  });
  context.on('weberror', (error) => wrong.push(String(error.error().stack ?? error.error())));
  context.on('request', (request) => {
    const { protocol, origin: asked } = new URL(request.url());
    if (asked !== origin && protocol !== 'data:' && protocol !== 'blob:') wrong.push(`asked for ${request.url()}`);
  });
  return wrong;
}

/** Keeps what the page looks like, for people: `test-output/screens/<name>.png`. */
export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(screens, { recursive: true });
  await page.screenshot({ path: join(screens, `${name}.png`), animations: 'disabled' });
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary?: string }[];
  }[];
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Fails with what axe holds against the page as it stands: WCAG 2.2 A and AA, contrast included, and axe's best practices. */
export async function checkAccessibility(page: Page): Promise<void> {
  await page.evaluate(axe); // by the debugger, so the page's policy has no say in it
  const result = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as AxeResult;
  const found = result.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${help}\n  at ${target.join(' ')}\n  ${failureSummary ?? ''}`),
  );
  assert.deepEqual(found, [], 'what axe found');
}
