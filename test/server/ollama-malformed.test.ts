import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { scriptedModel } from '../../src/chat/testing.ts';
import { ollamaRoutes } from '../../src/server/routes/ollama.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { type OllamaAnswer, readLines, readWhole } from '../support/ollama-lines.ts';
import { testServer } from '../support/server.ts';

interface Tool {
  readonly name: string;
  readonly parameters: { readonly type: string };
}

interface Case {
  readonly id: string;
  readonly tokens: readonly number[];
  readonly tools: string;
  readonly builtins: readonly string[];
  readonly expected: { readonly messages: readonly Expected[] };
}

interface Expected {
  readonly surface: string;
  readonly content: string;
  readonly tool?: string;
  readonly incomplete?: boolean;
}

const golden = JSON.parse(readFileSync(new URL('../golden/harmony/malformed.json', import.meta.url), 'utf8'));
const cases: readonly Case[] = golden.cases;

/** Free text is no schema that Ollama's tools may have. */
const toolsOf = ({ tools }: Case) =>
  (golden.toolsets[tools] as Tool[])
    .filter(({ parameters }) => parameters.type === 'object')
    .map((tool) => ({ type: 'function', function: { ...tool, description: '' } }));

test('what models have got wrong comes out as whole lines, with nothing lost and no markup', async () => {
  const tokenizer = o200kHarmony();
  const replayed = cases.filter(({ builtins }) => builtins.length === 0);
  const turns = replayed.flatMap(({ tokens }) => [tokens, tokens]);
  const server = await testServer({ model: scriptedModel(tokenizer, turns), groups: [ollamaRoutes] });
  try {
    for (const each of replayed) {
      const answers: OllamaAnswer[] = [];
      for (const stream of [true, false]) {
        const messages = [{ role: 'user', content: 'Go on.' }];
        const body = JSON.stringify({ model: 'scripted', messages, tools: toolsOf(each), stream });
        const response = await fetch(`${server.url}/api/chat`, { method: 'POST', body });
        const text = await response.text();
        answers.push(stream ? readLines(text) : response.ok ? readWhole(text) : failed(text));
      }
      check(each, answers[0]!, answers[1]!);
    }
    assert.deepEqual([server.host.leases, server.turns.size], [0, 0]);
  } finally {
    await server.close();
  }
  assert.ok(replayed.length > 60);
});

function failed(text: string): OllamaAnswer {
  const { error } = JSON.parse(text);
  return { content: '', thinking: '', calls: [], logprobs: [], count: 0, last: undefined, error };
}

/** Control tokens by name, which text may only hold where the model broke off right there. */
const MARKUP = /<\|(start|end|channel|message|call|return|constrain)\|>/;

/** Cases whose end the script cannot play: it stops at the first stop token, and a text that breaks off was cut. */
const OTHERWISE_ENDED: readonly string[] = ['no-header-no-stop', 'return-after-analysis'];

function check({ id, expected: { messages } }: Case, pieces: OllamaAnswer, whole: OllamaAnswer): void {
  const said = (surface: string) => messages.filter((each) => each.surface === surface);
  const text = (surface: string) =>
    said(surface)
      .map(({ content }) => content)
      .join('\n\n');
  const calls = said('tool_call').filter(({ incomplete }) => !incomplete);
  const isSendable = calls.every(({ content }) => content === '' || content.trimStart().startsWith('{'));
  for (const answer of [pieces, whole]) {
    if (!MARKUP.test(text('text'))) assert.doesNotMatch(answer.content + answer.thinking, MARKUP, id);
    if (OTHERWISE_ENDED.includes(id)) continue;
    assert.equal(answer.error === undefined, isSendable, `${id}: ${answer.error}`);
    if (!isSendable) continue;
    assert.deepEqual([answer.content, answer.thinking], [text('text'), text('reasoning')], id);
    const objects = calls.map(({ tool, content }) => [tool, JSON.parse(content || '{}')]);
    assert.deepEqual(
      answer.calls.map((call) => [call.name, call.arguments]),
      objects,
      id,
    );
  }
}
