import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { csv } from '../../web/src/charts/csv.ts';
import { balance, loadOverlap, loads, pickOverlap, tokensOfExpert } from '../../web/src/inspector/balance.ts';
import { bandsOf, visible } from '../../web/src/inspector/bands.ts';
import { chanceOf, compare, sharedPairs } from '../../web/src/inspector/compare.ts';
import { traceCsv, traceJson } from '../../web/src/inspector/export.ts';
import { columnsOf, levelOf } from '../../web/src/inspector/heat.ts';
import { factsOf, placed, rankOf, replayBody, TraceRecorder, titleOf } from '../../web/src/inspector/trace.ts';
import type { OutputToken, PromptToken, Routing } from '../../web/src/net/types.ts';

describe('balance of experts', () => {
  test('experts that do the same are even, whatever the measure', () => {
    const even = balance([3, 3, 3, 3]);
    assert.deepEqual(even, { evenness: 1, effective: 4, maxShare: 0.25, busiest: 0, gini: 0, unused: 0 });
  });

  test('one that does everything is as uneven as can be', () => {
    const { evenness, effective, maxShare, busiest, gini, unused } = balance([0, 0, 8, 0]);
    assert.deepEqual(
      { evenness, effective, maxShare, busiest, unused },
      { evenness: 0, effective: 1, maxShare: 1, busiest: 2, unused: 3 },
    );
    assert.ok(Math.abs(gini - 0.75) < 1e-12, 'of four, one with everything: 1 − 1/4');
  });

  test('half the work by one of three: by hand', () => {
    const { effective, gini } = balance([2, 1, 1]);
    assert.ok(Math.abs(effective - 2 ** 1.5) < 1e-12);
    assert.ok(Math.abs(gini - 1 / 6) < 1e-12); // differences 1, 1, 0 of three pairs; mean share 1/3
  });

  test('no load at all is not a number that is not one', () => {
    assert.equal(balance([0, 0]).evenness, 1);
    assert.equal(balance([0, 0]).gini, 0);
  });

  test('loads count picks or the weights of picks, of the tokens that are asked for', () => {
    assert.deepEqual(
      loads(routing).map((each) => [...each]),
      [
        [2, 1, 1],
        [0, 2, 2],
      ],
    );
    assert.deepEqual(
      loads(routing, 'weights').map((each) => [...each]),
      [
        [1.25, 0.5, 0.25],
        [0, 0.75, 1.25],
      ],
    );
    assert.deepEqual([...loads(routing, 'picks', 1)[0]!], [1, 0, 1]);
    assert.deepEqual(tokensOfExpert(routing, 0, 0), [0, 1]);
    assert.deepEqual(tokensOfExpert(routing, 0, 2), [1]);
  });

  test('overlap is 1 for the same work and 0 for work by others', () => {
    assert.deepEqual(loadOverlap([[1, 1, 0]], [[2, 2, 0]]), [1]);
    assert.deepEqual(loadOverlap([[1, 0]], [[0, 5]]), [0]);
    assert.deepEqual(
      pickOverlap(routing, routing, [
        [0, 0],
        [1, 1],
      ]),
      [1, 1],
    );
    assert.deepEqual(pickOverlap(routing, routing, [[0, 1]]), [0.5, 1]);
    assert.deepEqual(pickOverlap(routing, routing, []), [null, null]);
  });
});

describe('comparison of turns', () => {
  const ids = (text: string) => [...text].map((letter) => ({ id: letter.charCodeAt(0) }));

  test('the same tokens are equal', () => {
    const same = compare(ids('abc'), ids('abc'));
    assert.deepEqual(same, {
      equal: true,
      parting: undefined,
      blocks: [{ same: true, a: [0, 3], b: [0, 3] }],
      shared: 3,
    });
    assert.equal(compare([], []).equal, true);
  });

  test('a turn that goes on is not equal to one that ends', () => {
    assert.deepEqual(compare(ids('ab'), ids('abc')).parting, 2);
  });

  test('what was put in and left out lies between what both have', () => {
    const { parting, blocks } = compare(ids('abXcd'), ids('abcYYd'));
    assert.equal(parting, 2);
    assert.deepEqual(blocks, [
      { same: true, a: [0, 2], b: [0, 2] },
      { same: false, a: [2, 3], b: [2, 2] },
      { same: true, a: [3, 4], b: [2, 3] },
      { same: false, a: [4, 4], b: [3, 5] },
      { same: true, a: [4, 5], b: [5, 6] },
    ]);
  });

  test('blocks cover both, pairs are equal, and no longer common part exists', () => {
    const word = fc.array(
      fc.integer({ min: 0, max: 3 }).map((id) => ({ id })),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(word, word, (a, b) => {
        const found = compare(a, b);
        let at: readonly [number, number] = [0, 0];
        for (const block of found.blocks) {
          assert.deepEqual([block.a[0], block.b[0]], at);
          at = [block.a[1], block.b[1]];
        }
        assert.deepEqual(at, [a.length, b.length]);
        for (const [x, y] of sharedPairs(found)) assert.equal(a[x]!.id, b[y]!.id);
        assert.equal(found.shared, commonLength(a, b));
      }),
    );
  });

  test('two long answers with nothing in common are told apart in no time', () => {
    const a = Array.from({ length: 50_000 }, (_, id) => ({ id }));
    const b = Array.from({ length: 50_000 }, (_, id) => ({ id: id + 50_000 }));
    assert.deepEqual(compare(a, b).blocks, [{ same: false, a: [0, 50_000], b: [0, 50_000] }]);
  });

  test('what one thought of the other’s choice', () => {
    assert.deepEqual(
      chanceOf(
        token('a', {
          id: 1,
          others: [
            [1, 0.6],
            [2, 0.3],
          ],
        }),
        token('b', { id: 2 }),
      ),
      { probability: 0.3, rank: 2 },
    );
    assert.equal(chanceOf(token('a', { id: 1 }), token('b', { id: 9 })), undefined);
  });
});

describe('a turn as bands and marks', () => {
  test('each message of the prompt and each channel of the output is a band; positions go through', () => {
    const step = {
      prompt: [start('system'), word('Be', 'system'), start('user'), word('Hi', 'user'), { ...start('assistant') }],
      cached: 2,
      output: [token('<|channel|>', { channel: 'header' }), token('Hm', { channel: 'analysis' }), token('Hello')],
    };
    assert.deepEqual(
      bandsOf(step).map(({ part, label, from, to }) => [part, label, from, to]),
      [
        ['prompt', 'system', 0, 2],
        ['prompt', 'user', 2, 4],
        ['prompt', 'assistant', 4, 5],
        ['output', 'header', 5, 6],
        ['output', 'analysis', 6, 7],
        ['output', 'final', 7, 8],
      ],
    );
    assert.equal(placed(step, 1)?.part, 'prompt');
    const [kept, computed] = [placed(step, 1), placed(step, 2)];
    assert.ok(kept?.part === 'prompt' && kept.cached);
    assert.ok(computed?.part === 'prompt' && !computed.cached);
    assert.equal(placed(step, 7)?.token.text, 'Hello');
    assert.equal(placed(step, 8), undefined);
  });

  test('chunks of a long band cover it, and end after a line break where there is one near', () => {
    const output = Array.from({ length: 1000 }, (_, at) => token(at === 270 ? '\n' : 'a'));
    const { chunks } = bandsOf({ prompt: [], cached: 0, output })[0]!;
    assert.deepEqual(chunks[0], { from: 0, to: 271 });
    assert.equal(chunks.at(-1)!.to, 1000);
    chunks.slice(1).forEach((chunk, index) => {
      assert.equal(chunk.from, chunks[index]!.to);
    });
  });

  test('what is invisible is made visible', () => {
    assert.equal(visible('a\n', false), 'a↵\n');
    assert.equal(visible(' a', false), ' a');
    assert.equal(visible('  ', false), '··');
    assert.equal(visible(' a', true), '·a');
    assert.equal(visible('\u202eabc', false), '⟨U+202E⟩abc');
    assert.equal(visible('', false), '∅');
  });

  test('levels rise with surprise, and forced tokens surprise nobody', () => {
    const of = (probability: number) => levelOf(token('a', { probability }), 'probability');
    assert.deepEqual([1, 0.9, 0.89, 0.5, 0.2, 0.1, 0.01].map(of), [0, 0, 1, 2, 3, 4, 5]);
    assert.equal(levelOf({ ...token('a', { probability: 0.01 }), forced: true }, 'probability'), 0);
    assert.equal(levelOf(token('a'), 'entropy'), undefined);
    assert.equal(levelOf(token('a', { entropy: 9 }), 'entropy'), 5);
    assert.equal(
      levelOf(
        token('a', {
          id: 3,
          others: [
            [1, 0.5],
            [3, 0.2],
          ],
        }),
        'rank',
      ),
      1,
    );
    assert.equal(levelOf(token('a', { id: 9, others: [[1, 0.5]] }), 'rank'), 5);
    assert.equal(rankOf(token('a', { id: 9, others: [[1, 0.5]] })), undefined);
  });

  test('the map has a column for some tokens each, with the most surprising of them and their mean', () => {
    const output = [1, 1, 0.5, 1, 2 ** -8, 1].map((probability) => token('a', { probability }));
    assert.deepEqual(
      columnsOf(output, 3, 'probability').map(({ from, to, peak, mean }) => [from, to, peak, mean]),
      [
        [0, 2, 0, 0],
        [2, 4, 0.125, 0.0625],
        [4, 6, 1, 0.5],
      ],
    );
    assert.equal(columnsOf([], 10, 'entropy').length, 0);
  });

  test('facts leave forced tokens out of the means', () => {
    const output = [
      token('a', { probability: 0.25, entropy: 2 }),
      { ...token('b', { probability: 0.001 }), forced: true as const },
    ];
    assert.deepEqual(factsOf(output), { tokens: 2, forced: 1, meanSurprise: 2, meanEntropy: 2, greedy: 0 });
  });
});

describe('recording and exporting', () => {
  const body = {
    model: 'm',
    conversation: 'c',
    messages: [{ role: 'user' as const, content: 'Say\n  hi' }],
    options: { temperature: 1 },
  };

  test('events become a record whose steps have their own prompts, and a replay asks for the seed that was drawn', () => {
    const recorder = new TraceRecorder(body, 7);
    recorder.push({ type: 'begin', id: 't1', model: 'nano', loadMs: 0 });
    recorder.push({ type: 'prompt', tokens: [word('Hi', 'user')], cached: 1 });
    recorder.push({ type: 'trace', ...token('A') });
    recorder.push({ type: 'text', delta: 'A', channel: 'final' });
    recorder.push({ type: 'prompt', tokens: [word('Hi', 'user'), word('A', 'assistant')], cached: 2 });
    recorder.push({ type: 'trace', ...token('B') });
    const timing = { queueMs: 0, prefillMs: 1, decodeMs: 2 };
    recorder.push({ type: 'end', reason: 'stop', repairs: [], messages: [], seed: 42, timing, steps: 1 });
    const record = recorder.record();
    assert.deepEqual(
      record.steps.map(({ prompt, cached, output }) => [prompt.length, cached, output.map(({ text }) => text)]),
      [
        [1, 1, ['A']],
        [2, 2, ['B']],
      ],
    );
    assert.equal(recorder.tokens, 2);
    assert.equal(record.title, 'Say hi');
    const again = replayBody(record, 'c2');
    assert.deepEqual(
      [again.options, again.model, again.conversation, again.trace],
      [{ temperature: 1, seed: 42 }, 'nano', 'c2', true],
    );
    assert.equal(replayBody(record, 'c2', 43).options?.seed, 43);
  });

  test('titles are short', () => {
    assert.equal(titleOf({ conversation: 'c', messages: [] }), 'A turn without words');
    assert.equal(titleOf({ conversation: 'c', messages: [{ role: 'user', content: 'x'.repeat(100) }] }).length, 60);
  });

  test('exports hold every token, and cells that a spreadsheet would run are texts', () => {
    const record = {
      id: 't',
      at: 1,
      model: 'nano',
      body,
      title: '',
      question: '',
      steps: [{ prompt: [word('=1+1', 'user')], cached: 1, output: [token('a"b\n,', { id: 5, others: [[5, 0.5]] })] }],
    };
    const [header, prompt, output, end] = traceCsv(record).split('\n');
    assert.match(header!, /^step,part,position,id,text/);
    assert.match(prompt!, /^0,prompt,0,1,"""=1\+1""",false,user,,true,/);
    assert.match(output!, /^0,output,1,5,"""a\\""b\\n,""",false,assistant,final,false,false,0\.5,1,,1,/);
    assert.equal(end, '');
    assert.equal(csv(['a'], [['=SUM(A1)'], ['x,y']]), 'a\n\'=SUM(A1)\n"x,y"\n');
    assert.deepEqual(JSON.parse(traceJson(record)).steps, record.steps);
  });
});

const routing: Routing = {
  layers: 2,
  experts: 3,
  picked: 2,
  chosen: [
    [
      [0, 1],
      [0, 2],
    ],
    [
      [1, 2],
      [2, 1],
    ],
  ],
  weights: [
    [
      [0.5, 0.5],
      [0.75, 0.25],
    ],
    [
      [0.5, 0.5],
      [0.75, 0.25],
    ],
  ],
};

interface TokenOptions {
  readonly id?: number;
  readonly probability?: number;
  readonly entropy?: number;
  readonly channel?: OutputToken['channel'];
  readonly others?: readonly (readonly [number, number])[];
}

function token(text: string, options: TokenOptions = {}): OutputToken {
  const { id = 1, probability = 0.5, entropy, channel = 'final', others = [] } = options;
  const top = others.map(([each, chance]) => ({ id: each, text: `t${each}`, probability: chance }));
  return { id, text, probability, channel, top, ...(entropy === undefined ? {} : { entropy }) };
}

function word(text: string, role: PromptToken['role']): PromptToken {
  return { id: 1, text, role };
}

function start(role: PromptToken['role']): PromptToken {
  return { id: 200006, text: '<|start|>', control: true, role };
}

/** Longest common subsequence by the textbook's table. */
function commonLength(a: readonly { id: number }[], b: readonly { id: number }[]): number {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let x = a.length - 1; x >= 0; x--) {
    for (let y = b.length - 1; y >= 0; y--) {
      table[x]![y] = a[x]!.id === b[y]!.id ? table[x + 1]![y + 1]! + 1 : Math.max(table[x + 1]![y]!, table[x]![y + 1]!);
    }
  }
  return table[0]![0]!;
}
