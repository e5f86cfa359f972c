import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { o200kHarmony } from '../../tokenizer/index.ts';
import { recoveredToJson } from '../conversation-json.ts';
import type { TurnEvent, TurnFinish } from './events.ts';
import { RecoveringParser } from './parser.ts';
import type { DeclaredTool } from './recipient.ts';

interface Case {
  id: string;
  tokens: number[];
  tools: string;
  builtins: string[];
  finish: TurnFinish;
  expected: { messages: object[]; repairs: { code: string; detail?: string }[] };
}

const path = new URL('../../../test/golden/harmony/malformed.json', import.meta.url);
const golden = JSON.parse(readFileSync(path, 'utf8')) as { toolsets: Record<string, DeclaredTool[]>; cases: Case[] };

for (const { id, tokens, tools, builtins, finish, expected } of golden.cases) {
  test(`recovers ${id}`, () => {
    const parser = new RecoveringParser(o200kHarmony(), { tools: golden.toolsets[tools] ?? [], builtins });
    const events: TurnEvent[] = tokens.flatMap((token) => parser.push(token));
    events.push(...parser.end(finish));
    assert.deepEqual(parser.messages.map(recoveredToJson), expected.messages);
    assert.equal(parser.repairs.length > 0, expected.repairs.length > 0);
    const codes = (list: readonly { code: string }[]) => list.map(({ code }) => code).sort();
    assert.deepEqual(codes(parser.repairs), codes(expected.repairs));
  });
}
