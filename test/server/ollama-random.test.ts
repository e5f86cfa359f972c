import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { scriptedModel } from '../../src/chat/testing.ts';
import { ollamaRoutes } from '../../src/server/routes/ollama.ts';
import { readLines, readWhole } from '../support/ollama-lines.ts';
import { closeNano, nano, testServer } from '../support/server.ts';
import { tokenSoup } from '../support/token-soup.ts';

const TURNS = 400;

after(closeNano);

test(`whatever the model writes, the lines are whole and say what the answer in one piece says (${TURNS} turns)`, async () => {
  const scripts = tokenSoup(TURNS, 20260401);
  const { tokenizer } = await nano();
  const twice = scripts.flatMap((script) => [script, script]);
  const server = await testServer({ model: scriptedModel(tokenizer, twice, { name: 'soup' }), groups: [ollamaRoutes] });
  const tools = ['f', 'g'].map((name) => ({ function: { name, parameters: { type: 'object' } } }));
  const messages = [{ role: 'user', content: 'Hi' }];
  const seen = { content: 0, thinking: 0, calls: 0, errors: 0, retracted: 0 };
  try {
    for (const script of scripts) {
      const post = async (stream: boolean) => {
        const body = JSON.stringify({ model: 'soup', messages, tools, logprobs: true, stream });
        const response = await fetch(`${server.url}/api/chat`, { method: 'POST', body });
        return { status: response.status, text: await response.text() };
      };
      const pieces = readLines((await post(true)).text);
      const { status, text } = await post(false);
      assert.equal(status === 200, pieces.error === undefined, script);
      if (status !== 200) {
        assert.match(JSON.parse(text).error, /arguments are no JSON object/);
        seen.errors++;
        continue;
      }
      const whole = readWhole(text);
      assert.equal(pieces.last?.done_reason, whole.last?.done_reason, script);
      assert.equal(pieces.thinking, whole.thinking, script);
      const calls = (answer: typeof whole) => answer.calls.map((call) => [call.name, call.arguments]);
      assert.deepEqual(calls(pieces), calls(whole), script);
      // What was shown cannot be taken back, but nothing that stays is lost.
      if (pieces.content !== whole.content) seen.retracted++;
      for (const part of whole.content.split('\n\n')) assert.ok(pieces.content.includes(part), script);
      seen.content += whole.content === '' ? 0 : 1;
      seen.thinking += whole.thinking === '' ? 0 : 1;
      seen.calls += whole.calls.length;
    }
    assert.deepEqual([server.host.leases, server.turns.size], [0, 0]);
  } finally {
    await server.close();
  }
  assert.ok(seen.content > 20 && seen.thinking > 20 && seen.calls > 5, JSON.stringify(seen));
  assert.ok(seen.errors < TURNS / 10 && seen.retracted < TURNS / 10, JSON.stringify(seen));
});
