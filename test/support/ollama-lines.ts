import assert from 'node:assert/strict';

type Json = Readonly<Record<string, unknown>>;

/** An answer put together from its lines. */
export interface OllamaAnswer {
  readonly content: string;
  readonly thinking: string;
  readonly calls: readonly { readonly name: string; readonly arguments: Json; readonly id: string }[];
  readonly logprobs: readonly { readonly token: string; readonly logprob: number }[];
  /** Lines before the last. */
  readonly count: number;
  /** The line that is done; absent where the stream ended with an error. */
  readonly last: Json | undefined;
  readonly error: string | undefined;
}

const DURATIONS = ['total_duration', 'load_duration', 'prompt_eval_duration', 'eval_duration'];
const COUNTS = ['prompt_eval_count', 'eval_count'];

/**
 * Reads the NDJSON of `chat` or `generate` and checks it as strictly as anybody could: one JSON object a line, no line after the last,
 * which is done or an error; the fields of each; arguments that are objects.
 */
export function readLines(body: string, api: 'chat' | 'generate' = 'chat'): OllamaAnswer {
  assert.ok(body.endsWith('\n'), 'the last line has an end');
  const lines = body.slice(0, -1).split('\n');
  const parsed = lines.map((line): Json => JSON.parse(line));
  const last = parsed.at(-1)!;
  const isError = 'error' in last;
  if (isError) assert.deepEqual([Object.keys(last), typeof last.error], [['error'], 'string']);
  const answer = { content: '', thinking: '', calls: [] as OllamaAnswer['calls'][number][] };
  const logprobs: OllamaAnswer['logprobs'][number][] = [];
  let before = 0;
  for (const line of isError ? parsed.slice(0, -1) : parsed) {
    assert.equal(line.done, line === last, JSON.stringify(line));
    assert.equal(typeof line.model, 'string');
    before = checkTime(line.created_at, before);
    const { content, thinking, calls } = api === 'chat' ? chatLine(line) : generateLine(line);
    if (line !== last) {
      const says = [content, thinking, ...calls].some((each) => each !== '');
      assert.ok(says, `a line that says nothing: ${JSON.stringify(line)}`);
    }
    answer.content += content;
    answer.thinking += thinking;
    answer.calls.push(...calls);
    logprobs.push(...((line.logprobs ?? []) as OllamaAnswer['logprobs']));
  }
  if (!isError) checkLast(last);
  assert.equal(new Set(answer.calls.map(({ id }) => id)).size, answer.calls.length, 'ids of calls differ');
  return {
    ...answer,
    logprobs,
    count: parsed.length - 1,
    last: isError ? undefined : last,
    error: isError ? String(last.error) : undefined,
  };
}

/** The one object of an answer that is not streamed. */
export function readWhole(text: string, api: 'chat' | 'generate' = 'chat'): OllamaAnswer {
  return readLines(`${text}\n`, api);
}

function checkTime(value: unknown, before: number): number {
  assert.match(String(value), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  const at = new Date(String(value)).getTime();
  assert.ok(at >= before, 'time goes on');
  return at;
}

function chatLine(line: Json): Pick<OllamaAnswer, 'content' | 'thinking' | 'calls'> {
  assert.ok(!('response' in line));
  const { role, content, thinking = '', tool_calls = [], ...rest } = line.message as Json;
  assert.deepEqual([role, typeof content, typeof thinking, rest], ['assistant', 'string', 'string', {}]);
  assert.ok(Array.isArray(tool_calls));
  const calls = tool_calls.map(({ id, function: call }) => {
    assert.match(id, /^call_\w+$/);
    assert.deepEqual([typeof call.name, typeof call.index], ['string', 'number']);
    assert.ok(typeof call.arguments === 'object' && call.arguments !== null && !Array.isArray(call.arguments));
    return { id, name: call.name, arguments: call.arguments };
  });
  return { content: String(content), thinking: String(thinking), calls };
}

function generateLine({
  response,
  thinking = '',
  message,
}: Json): Pick<OllamaAnswer, 'content' | 'thinking' | 'calls'> {
  assert.deepEqual([typeof response, typeof thinking, message], ['string', 'string', undefined]);
  return { content: String(response), thinking: String(thinking), calls: [] };
}

function checkLast(line: Json): void {
  assert.ok(['stop', 'length', 'load', 'unload', 'cancelled'].includes(String(line.done_reason)));
  if (line.done_reason === 'load' || line.done_reason === 'unload') return;
  for (const name of [...DURATIONS, ...COUNTS]) {
    assert.ok(Number.isSafeInteger(line[name]) && Number(line[name]) >= 0, `${name}: ${line[name]}`);
  }
  assert.ok(Number(line.total_duration) >= Number(line.eval_duration));
}
