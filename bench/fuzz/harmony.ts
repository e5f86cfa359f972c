/**
 * Random turns through the recovering parser: it may neither throw nor lose text, what it streams has to add up to its
 * messages. Well-formed turns have to come out as the official parser reads them.
 */
import assert from 'node:assert/strict';
import {
  type DeclaredTool,
  parse,
  RecoveringParser,
  type TurnEvent,
  type TurnFinish,
} from '../../src/harmony/index.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { Random } from './random.ts';
import type { FuzzOptions, FuzzReport } from './run.ts';

const tokenizer = o200kHarmony();

interface Toolset {
  readonly tools: DeclaredTool[];
  readonly builtins: string[];
}

const TOOLSETS: readonly Toolset[] = [
  { tools: [], builtins: [] },
  {
    tools: [
      { name: 'read', parameters: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] } },
      { name: 'patch', parameters: { type: 'string' } },
    ],
    builtins: [],
  },
  { tools: [{ name: 'get_weather', parameters: null }], builtins: ['python', 'browser'] },
];

const STRUCTURE = ['<|start|>', '<|channel|>', '<|message|>', '<|end|>', '<|call|>', '<|return|>', '<|constrain|>'];
const RARE = ['<|endoftext|>', '<|reserved_200013|>', '<|startoftext|>'];
const WORDS = [
  ...[
    'assistant',
    'analysis',
    'final',
    'commentary',
    'comment',
    'user',
    'system',
    ' to=',
    'to=',
    'functions.read',
    'read',
  ],
  ...[
    'functions.',
    'python',
    ' json',
    'json',
    ' code',
    '??',
    ' 364 ',
    '\n',
    ' ',
    '{"path":"a.txt"}',
    '{"path":"a',
    '[{"path":"b"}]',
  ],
  ...[
    '```json\n',
    '\n```',
    '}',
    ']',
    ',',
    '"',
    '–',
    'get_weather',
    'browser.search',
    'nope',
    ':bob',
    'final__X',
    '🦭',
    'é',
  ],
];
/** What a well-behaved model writes, for sequences that are nearly right. */
const PHRASES = [
  '<|channel|>analysis<|message|>',
  '<|channel|>final<|message|>',
  '<|channel|>commentary to=functions.read <|constrain|>json<|message|>{"path":"',
  '<|channel|>commentary<|message|>',
  '<|end|><|start|>assistant',
  '<|start|>functions.read to=assistant<|channel|>commentary<|message|>',
  '"}<|call|>',
  '<|return|>',
];

/** Whole messages; `%` is a marked word. */
const MESSAGES = [
  '<|channel|>analysis<|message|>Think of %.<|end|>',
  '<|channel|>commentary<|message|>I will look for %.<|end|>',
  '<|channel|>final<|message|>It is %.<|return|>',
  '<|channel|>final<|message|>It is %.<|end|>',
  '<|channel|>commentary to=functions.read <|constrain|>json<|message|>{"path":"%"}<|call|>',
  '<|channel|>analysis to=functions.read code<|message|>\n{"path":"%"}<|call|>',
  ' to=functions.read<|channel|>commentary json<|message|>{"path":"%"}<|call|>',
  '<|channel|>commentary to=functions.patch<|message|>--- %\n<|call|>',
  '<|channel|>analysis to=python code<|message|>print("%")<|call|>',
  '<|channel|>commentary to=functions.get_weather json<|message|>{}<|call|>',
];

interface RandomTurn {
  readonly ids: number[];
  /** Words that occur nowhere else, to look for in what comes out. */
  readonly words: string[];
}

function randomTurn(random: Random): RandomTurn {
  return random.chance(2) ? drawnTurn(random) : damagedTurn(random);
}

/** Messages as they should be, with up to three tokens missing, doubled, swapped or replaced. */
function damagedTurn(random: Random): RandomTurn {
  const words: string[] = [];
  const messages = Array.from({ length: 1 + random.below(4) }, () =>
    random.pick(MESSAGES).replaceAll('%', () => {
      words.push(`w${words.length}x`);
      return words.at(-1)!;
    }),
  );
  const ids = tokenizer.encodeWithSpecials(messages.join('<|start|>assistant'));
  for (let damages = random.below(4); damages > 0; damages--) {
    const at = random.below(ids.length + 1);
    const kind = random.below(4);
    const piece = random.chance(2) ? random.pick(STRUCTURE) : random.pick(WORDS);
    if (kind === 0) ids.splice(at, 1);
    else if (kind === 1) ids.splice(at, 0, ...ids.slice(at, at + 1));
    else if (kind === 2) ids.splice(at, 0, ...tokenizer.encodeWithSpecials(piece));
    else ids.splice(at, 1, ...tokenizer.encodeWithSpecials(piece));
  }
  // Damage may have cut a word in two: only whole ones can be looked for.
  const text = textOf(ids);
  return { ids, words: words.filter((word) => text.includes(word)) };
}

/** Structure, known words, phrases, marked words and any id at all, in proportions of its own. */
function drawnTurn(random: Random): RandomTurn {
  const isUniform = random.chance(10);
  const structure = random.below(60);
  const phrases = random.below(60);
  const ids: number[] = [];
  const words: string[] = [];
  const length = random.below(30);
  for (let i = 0; i < length; i++) {
    if (isUniform || random.chance(100)) ids.push(random.below(201_200));
    else if (random.below(100) < structure)
      ids.push(tokenizer.specials.get(random.pick(random.chance(20) ? RARE : STRUCTURE))!);
    else if (random.below(100) < phrases) ids.push(...tokenizer.encodeWithSpecials(random.pick(PHRASES)));
    else if (random.chance(2)) ids.push(...tokenizer.encode(random.pick(WORDS)));
    else {
      const word = `w${words.length}x`;
      words.push(word);
      ids.push(...tokenizer.encode(` ${word} `));
    }
  }
  return { ids, words };
}

function read(ids: readonly number[], finish: TurnFinish, toolset: Toolset) {
  const parser = new RecoveringParser(tokenizer, toolset);
  const events: TurnEvent[] = [];
  for (const id of ids) events.push(...parser.push(id));
  events.push(...parser.end(finish));
  return { events, messages: parser.messages, repairs: parser.repairs };
}

/** Throws when a property does not hold for this turn; otherwise says how it came out. */
function checkTurn({ ids, words }: RandomTurn, finish: TurnFinish, toolset: Toolset): string {
  const { events, messages, repairs } = read(ids, finish, toolset);
  checkEvents(
    events,
    messages.map(({ content }) => content),
  );
  assert.deepEqual(events.filter(({ type }) => type === 'repair').length, repairs.length);

  const kept = [
    ...messages.flatMap(({ content, recipient = '', contentType = '' }) => [content, recipient, contentType]),
    ...repairs.flatMap(({ detail = '', dropped = '' }) => [detail, dropped]),
  ];
  for (const word of words)
    assert.ok(
      kept.some((text) => text.includes(word)),
      `the word ${word} is lost`,
    );
  for (const { surface, channel } of messages) {
    assert.ok(surface !== 'text' || channel !== 'analysis', 'analysis is shown as an answer');
  }
  if (repairs.length > 0) return 'repaired';
  if (finish === 'stop') checkOfficial(ids, messages.map(fieldsOf));
  return 'well-formed';
}

/** One message at a time, and its deltas are its content. */
function checkEvents(events: readonly TurnEvent[], contents: readonly string[]): void {
  let open: { index: number; text: string } | undefined;
  const ended: string[] = [];
  for (const event of events) {
    if (event.type === 'repair') continue;
    if (event.type === 'start') {
      assert.equal(open, undefined);
      assert.equal(event.index, ended.length);
      open = { index: event.index, text: '' };
      continue;
    }
    assert.equal(event.index, open?.index);
    if (event.type === 'delta') {
      assert.notEqual(event.text, '');
      open!.text += event.text;
    } else {
      if (event.type === 'end') {
        assert.equal(open!.text, event.message.content);
        ended.push(event.message.content);
      }
      open = undefined;
    }
  }
  assert.equal(open, undefined);
  assert.deepEqual(ended, contents);
}

interface Fields {
  readonly channel?: string;
  readonly recipient?: string;
  readonly contentType?: string;
  readonly content: string;
}

/** A turn without repairs is one that the official parser reads the same way. */
function checkOfficial(ids: readonly number[], messages: readonly object[]): void {
  const official = parse(ids, tokenizer, { role: 'assistant' });
  assert.deepEqual(messages, official.map(fieldsOf));
}

function fieldsOf({ channel, recipient, contentType, content }: Fields): object {
  return { channel, recipient, contentType, content };
}

export async function fuzz({ count, seed, only }: FuzzOptions): Promise<readonly FuzzReport[]> {
  const started = performance.now();
  const outcomes = new Map<string, number>();
  const failures: string[] = [];
  for (let i = only ?? 0; i < (only === undefined ? count : only + 1); i++) {
    const random = new Random(seed, i);
    const turn = randomTurn(random);
    const finish: TurnFinish = random.chance(5) ? 'length' : 'stop';
    const toolset = random.pick(TOOLSETS);
    try {
      const outcome = checkTurn(turn, finish, toolset);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    } catch (error) {
      failures.push(`case ${i} (finish ${finish}): ${String(error)} in ${JSON.stringify(textOf(turn.ids))}`);
    }
  }
  return [{ name: 'harmony', count, seconds: (performance.now() - started) / 1000, outcomes, failures }];
}

function textOf(ids: readonly number[]): string {
  return ids.map((id) => (id < tokenizer.vocabSize ? tokenizer.decode([id]) : `<${id}>`)).join('');
}
