import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { screenshot, skip, withPage } from './browser.ts';
import { answered, ask } from './chat-page.ts';
import { say, scripted, think } from './scripts.ts';
import { consoleServer } from './server.ts';

/** Tokens of the long answer; `OSSIA_LONG_ANSWER=100000` for the real thing. */
const LENGTH = Number(process.env.OSSIA_LONG_ANSWER ?? 12_000);

const section = (index: number) => `## Section ${index}

Some **words** about a thing, with \`code\`, a formula \\(x_${index}^2\\) and [a link](https://example.com/${index}), long enough for two lines of text on most screens, and then a little more.

- first
- second, which is *longer*

\`\`\`js
const value = ${index};
console.log(value);
\`\`\`

| a | b |
|---|--:|
| ${index} | 2 |

`;

/** Milliseconds of the tasks that kept the page from answering. */
async function watchTasks(page: Page): Promise<() => Promise<number[]>> {
  await page.evaluate(`window.tasks = [];
    new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((task) => Math.round(task.duration))))
      .observe({ entryTypes: ['longtask'] })`);
  return async () => (await page.evaluate('window.tasks.splice(0).sort((a, b) => b - a)')) as number[];
}

/** Bytes that the page's scripts keep alive. */
async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  await session.detach();
  return metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? 0;
}

describe('long answers and long conversations', { skip }, () => {
  test(`the page stays awake while ${LENGTH.toLocaleString()} tokens come, and draws them once`, async (t) => {
    const tokensOfSection = 110;
    const text = Array.from({ length: Math.ceil(LENGTH / tokensOfSection) }, (_, index) => section(index)).join('');
    const model = scripted([say(text)], { contextLength: 1_000_000 });
    const server = await consoleServer({ model });
    try {
      await withPage(server.url, async (page) => {
        const tasks = await watchTasks(page);
        page.setDefaultTimeout(240_000);
        await ask(page, 'Write a book', { wait: false });
        await page.getByText('Section 0', { exact: true }).waitFor();
        await page.evaluate("document.querySelector('.markdown h3').mark = 'the same'");
        await answered(page);
        const long = await tasks();
        t.diagnostic(`while it came: ${long.length} long tasks, the longest ${long.slice(0, 5).join(', ')} ms`);
        assert.ok((long[0] ?? 0) < 2500, 'no task keeps the page for seconds');
        assert.equal(await page.evaluate("document.querySelector('.markdown h3').mark"), 'the same');
        assert.equal(await page.locator('.markdown h3').count(), Math.ceil(LENGTH / tokensOfSection));
        await page.getByRole('textbox', { name: 'Message' }).pressSequentially('Typing goes on');
        t.diagnostic(`while a person typed: ${(await tasks()).slice(0, 5).join(', ')} ms`);
        await page.reload();
        await page.locator('.markdown h3').first().waitFor({ state: 'attached' });
      });
    } finally {
      await server.close();
      await model.close();
    }
  });

  test('what is kept grows with the answer, not with its length for each of its blocks', async (t) => {
    const lines = Array.from({ length: 350 }, (_, line) => `${line}${' '.repeat(300)}`).join('\n');
    const blocks = Array.from({ length: 500 }, (_, index) => `P${index}.\n\n`).join('');
    const model = scripted([say(`~~~\n${lines}\n~~~\n\n${blocks}The end.`)], {
      contextLength: 1_000_000,
      msPerToken: 1,
    });
    const server = await consoleServer({ model });
    try {
      await withPage(server.url, async (page) => {
        const before = await heapOf(page);
        await ask(page, 'Many paragraphs');
        await page.getByText('The end.').waitFor();
        const grown = (await heapOf(page)) - before;
        t.diagnostic(
          `${(grown / 1e6).toFixed(1)} MB are kept of ${(lines.length + blocks.length).toLocaleString()} characters`,
        );
        assert.ok(grown < 12e6);
      });
    } finally {
      await server.close();
      await model.close();
    }
  });

  test('of 200 turns the last are drawn, and the earlier ones as one scrolls up', async (t) => {
    const nodes: Record<string, object> = {};
    let parent: string | null = null;
    for (let index = 0; index < 200; index++) {
      const [question, answer] = [`q${index}`, `a${index}`];
      nodes[question] = { role: 'user', id: question, parent, created: index * 2, text: `Question ${index}` };
      const parts = [{ type: 'text', channel: 'final', text: section(index).repeat(3) }];
      nodes[answer] = { role: 'assistant', id: answer, parent: question, created: index * 2 + 1, model: 'm', parts };
      parent = answer;
    }
    const conversation = { title: 'Long', created: 0, updated: 0, settings: {}, nodes, chosen: {} };
    const file = JSON.stringify({ format: 'ossia-conversation', version: 1, conversation });
    const model = scripted([think('Hm.') + say('The last answer.')], { contextLength: 1_000_000 });
    const server = await consoleServer({ model });
    try {
      await withPage(server.url, async (page) => {
        const tasks = await watchTasks(page);
        await page
          .getByLabel('File to import')
          .setInputFiles({ name: 'long.json', mimeType: 'application/json', buffer: Buffer.from(file) });
        await page.getByText('Question 199').waitFor();
        t.diagnostic(`opened: ${(await tasks()).slice(0, 5).join(', ')} ms`);
        assert.ok((await page.locator('.message').count()) <= 80);
        await ask(page, 'And now?');
        await page.getByText('The last answer.').waitFor();
        t.diagnostic(`answered: ${(await tasks()).slice(0, 5).join(', ')} ms`);
        await screenshot(page, 'long-conversation');
        for (let at = 0; at < 20 && (await page.locator('.message').count()) < 402; at++) {
          await page.locator('.thread').evaluate((element) => element.scrollTo(0, 0));
          await page.waitForTimeout(100);
        }
        await page.getByText('Question 0', { exact: true }).waitFor();
        t.diagnostic(`scrolled up: ${(await tasks()).slice(0, 5).join(', ')} ms`);
      });
    } finally {
      await server.close();
      await model.close();
    }
  });
});
