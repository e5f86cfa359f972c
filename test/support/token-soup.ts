const CONTROLS = ['start', 'end', 'message', 'channel', 'constrain', 'return', 'call'].map((name) => `<|${name}|>`);
const HEADERS = [
  ...['<|start|>assistant', '<|channel|>analysis', '<|channel|>final', '<|channel|>commentary', '<|message|>'],
  ...[
    '<|end|><|start|>assistant<|channel|>final<|message|>',
    ' to=functions.f',
    ' to=g',
    ' <|constrain|>json<|message|>',
  ],
];
const TEXTS = ['{"a":', '1', '}', '{}', '[', ']', '"b"', ',', '```json\n', '```', ' Hello', ' there', '.', '\n', 'é🥊'];

/** What no model should write: pieces of Harmony in any order. The functions f and g are called now and then. Same seed, same texts. */
export function tokenSoup(count: number, seed: number): string[] {
  const pieces = [...CONTROLS, ...HEADERS, ...TEXTS];
  let state = seed;
  const below = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + below(24) }, () => pieces[below(pieces.length)]!).join(''),
  );
}
