import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ScriptedModel } from '../../src/chat/testing.ts';
import type { RunningServer } from '../../src/server/index.ts';
import { checkAccessibility, screenshot, skip, withPage } from './browser.ts';
import { ask } from './chat-page.ts';
import { say, scripted, think } from './scripts.ts';
import { consoleServer } from './server.ts';

const answer = `# How experts are chosen

Each token goes to **4 of 32 experts**, by a *router*: a linear layer \\(r = W_r x + b\\), whose largest values are kept.

\\[
\\mathrm{softmax}(r)_i = \\frac{e^{r_i}}{\\sum_{j \\in \\text{top-}4} e^{r_j}}, \\qquad \\vec{y} = \\sqrt{\\sum_i p_i\\, E_i(x)^2}
\\]

| Expert | Logit | Weight |
|:-------|------:|-------:|
| 7 | 2.31 | 0.52 |
| 19 | 1.40 | 0.21 |
| 3 | 1.12 | 0.16 |

\`\`\`python
def route(x: Tensor, k: int = 4) -> tuple[Tensor, Tensor]:
    """The experts of each token, and their weights."""
    logits = x @ router.T + bias
    top = logits.topk(k)  # best first
    return top.indices, softmax(top.values)
\`\`\`

1. The router sees the *normalised* hidden state.
2. Only the chosen experts compute, so a token costs $k/32$ of them:
   - \`gpt-oss-20b\` has 32 in each of 24 layers,
   - \`gpt-oss-120b\` has 128 in each of 36.

> A load that is far from even says something about the text.

It costs $5 or $10, see [the paper](https://arxiv.org/abs/2101.03961).`;

describe('an answer of many kinds', { skip }, () => {
  let model: ScriptedModel;
  let server: RunningServer;
  before(async () => {
    const turn =
      think('The user asks about routing. I explain the router, give the formula, a table and some code.') +
      say(answer);
    model = scripted([turn, turn, turn]);
    server = await consoleServer({ model });
  });
  after(async () => {
    await server?.close();
    await model?.close();
  });

  for (const [name, options] of [
    ['light', { theme: 'light', height: 1500 }],
    ['dark', { theme: 'dark', height: 1500 }],
    ['phone', { theme: 'light', width: 390, height: 844 }],
  ] as const) {
    test(`markdown, code in colours, formulas and tables, ${name}`, async () => {
      await withPage(
        server.url,
        async (page) => {
          await ask(page, 'How does a mixture of experts choose?');
          const text = page.locator('.answer > .text');
          await text.locator('.katex-display').waitFor();
          await text.locator('.hljs-keyword').first().waitFor();
          assert.equal(await text.locator('.katex').count(), 3);
          assert.equal(await text.locator('tbody tr').count(), 3);
          assert.match(String(await text.textContent()), /It costs \$5 or \$10/);
          assert.ok(
            await page.evaluate('document.documentElement.scrollWidth <= innerWidth'),
            'nothing is wider than the window',
          );
          await page.getByRole('button', { name: /Thought for/ }).click();
          await page.locator('.thoughts').waitFor();
          await page.waitForLoadState('networkidle'); // the fonts of the formulas
          await checkAccessibility(page);
          await screenshot(page, `rich-${name}`);
        },
        options,
      );
    });
  }
});
