import { type Check, check, demand, isCount, list, pick, show, skip, text } from '../check.ts';
import { demandMood, mood, mustReason, parseObject } from '../fixtures.ts';
import type { Probe } from '../probe.ts';
import { sayWhetherEqual } from '../traffic.ts';
import {
  answer,
  CHAT,
  chat,
  chatBody,
  content,
  GENERATE,
  generateBody,
  lines,
  options,
  stream,
  user,
} from './requests.ts';

/** Chat and generate, in one piece and as streams. */
export const replyChecks: readonly Check[] = [
  check('ollama.chat.answers', 'a question is answered', 'all clients', async (probe) => {
    const reply = await chat(probe);
    demand(pick(reply, 'message.role') === 'assistant', `message is ${show(pick(reply, 'message'))}`);
    demand(content(reply) !== '', `content is ${show(pick(reply, 'message.content'))}`);
    demand(pick(reply, 'done') === true, `done is ${show(pick(reply, 'done'))}`);
  }),
  check(
    'ollama.chat.envelope',
    'model, created_at and done_reason are there',
    'LangChain, types of ollama-js',
    async (probe) => {
      const reply = await chat(probe);
      demand(text(reply, 'model') !== '', `model is ${show(pick(reply, 'model'))}`);
      const created = text(reply, 'created_at');
      demand(!Number.isNaN(Date.parse(created)), `created_at is ${show(pick(reply, 'created_at'))}`);
      demand(pick(reply, 'done_reason') === 'stop', `done_reason is ${show(pick(reply, 'done_reason'))}`);
    },
  ),
  check(
    'ollama.chat.counts',
    'tokens and durations are counted',
    'LangChain: no usage; tools that print tokens/s',
    async (probe) => {
      demandCounts(await chat(probe));
    },
  ),
  check(
    'ollama.chat.stream',
    'a stream is lines of JSON, the last one done',
    'ollama-js: did not receive done',
    async (probe) => {
      const exchange = await stream(probe, CHAT, chatBody(probe));
      demand(exchange.status === 200, exchange.describe());
      demand(/x-ndjson/.test(exchange.contentType), `content-type is ${show(exchange.contentType)}`);
      demandDone(exchange.lines);
      const told = exchange.lines.map(content).join('');
      demand(told !== '', 'no content came');
      demandCounts(exchange.lines.at(-1));
    },
  ),
  check('ollama.chat.default-stream', 'without `stream` it is a stream', 'curl users, clients in Go', async (probe) => {
    const { contentType, lines: found } = await probe.post(CHAT, chatBody(probe, { stream: undefined }));
    demand(found.length > 1, `${found.length} lines of ${contentType}`);
  }),
  check(
    'ollama.chat.thinking',
    '`think` puts thoughts into message.thinking',
    'ollama-js, LangChain: no thoughts',
    async (probe) => {
      const reply = await thinking(probe, true);
      const thoughts = text(reply, 'message.thinking').trim();
      if (thoughts === '' && !mustReason(probe.model)) skip(`${probe.model} is not known to think`);
      demand(thoughts !== '', `message is ${show(pick(reply, 'message'))}`);
      demand(
        thoughts.length < 8 || !content(reply).includes(thoughts),
        `the answer repeats them: ${show(content(reply))}`,
      );
      const told = (await lines(probe, CHAT, chatBody(probe, { think: true }))).map((line) =>
        text(line, 'message.thinking'),
      );
      demand(told.join('') !== '', 'no line of the stream has message.thinking');
    },
  ),
  check(
    'ollama.chat.think-levels',
    '`think` may be low, medium or high',
    'ollama-js with gpt-oss: 400',
    async (probe) => {
      for (const think of ['low', 'medium', 'high']) await thinking(probe, think);
    },
  ),
  check('ollama.chat.format', 'an answer keeps to the schema in `format`', 'all structured output', async (probe) => {
    const messages = [user('How are you? Answer as JSON: mood (good or bad) and score, an integer.')];
    demandMood(content(await chat(probe, { messages, format: mood })));
  }),
  check('ollama.chat.json', '`format: json` gives a JSON object', 'LangChain json mode', async (probe) => {
    const messages = [user('How are you? Answer in JSON.')];
    const reply = await chat(probe, { messages, format: 'json' });
    const isCut = pick(reply, 'done_reason') === 'length';
    demand(isCut || parseObject(content(reply)) !== undefined, `the answer is ${show(content(reply))}`);
  }),
  check(
    'ollama.chat.limit',
    'an answer that is cut says `length`',
    'agents: cut text is taken for whole',
    async (probe) => {
      const reply = await chat(probe, { options: { ...options, num_predict: 8 } });
      demand(pick(reply, 'done_reason') === 'length', `done_reason is ${show(pick(reply, 'done_reason'))}`);
      const count = pick(reply, 'eval_count');
      demand(isCount(count) && count <= 8, `eval_count is ${show(count)} where 8 were allowed`);
    },
  ),
  check('ollama.chat.stop', 'a stop text ends the answer before it', 'agents with their own formats', async (probe) => {
    const whole = content(await chat(probe));
    const stop = whole.slice(Math.floor(whole.length / 3), Math.floor(whole.length / 3) + 6);
    if (stop.trim().length < 4) skip(`no text to stop at in ${show(whole)}`);
    const said = content(await chat(probe, { options: { ...options, stop: [stop] } }));
    demand(!said.includes(stop), `${show(stop)} is in ${show(said)}`);
  }),
  check(
    'ollama.chat.keep-alive',
    'keep_alive is a number or a duration',
    'ollama-js, LangChain: 400',
    async (probe) => {
      for (const keep_alive of ['5m', 300]) await chat(probe, { keep_alive, options: { ...options, num_predict: 1 } });
    },
  ),
  check('ollama.chat.load', 'no messages: the model is loaded', 'front ends that preload', async (probe) => {
    const reply = await answer(probe, CHAT, { model: probe.model, messages: [], stream: false });
    demand(pick(reply, 'done') === true && pick(reply, 'done_reason') === 'load', `the reply is ${show(reply)}`);
  }),
  check('ollama.generate.answers', 'a prompt is answered', 'all clients of /api/generate', async (probe) => {
    const reply = await answer(probe, GENERATE, generateBody(probe));
    demand(text(reply, 'response') !== '', `response is ${show(pick(reply, 'response'))}`);
    demand(pick(reply, 'done') === true, `done is ${show(pick(reply, 'done'))}`);
    demandCounts(reply);
  }),
  check(
    'ollama.generate.stream',
    'a stream is lines of JSON, the last one done',
    'ollama-js: did not receive done',
    async (probe) => {
      const found = await lines(probe, GENERATE, generateBody(probe));
      demandDone(found);
      demand(found.map((line) => text(line, 'response')).join('') !== '', 'no response came');
    },
  ),
  check('ollama.seed', 'a seed repeats a text', 'tests and evaluations (for information)', async (probe) => {
    const body = chatBody(probe, { options: { temperature: 1, seed: 42, num_predict: 48 } });
    const said = async () => JSON.stringify(pick((await probe.again(CHAT, body)).json, 'message'));
    return sayWhetherEqual(await said(), await said());
  }),
];

/** Ollama refuses `think` for models that do not. */
async function thinking(probe: Probe, think: boolean | string): Promise<unknown> {
  const body = chatBody(probe, { think });
  const { status } = await probe.post(CHAT, body);
  if (status === 400 && !mustReason(probe.model)) skip(`${probe.model} is not known to think`);
  return answer(probe, CHAT, body);
}

function demandDone(found: readonly unknown[]): void {
  const bad = found.indexOf(undefined);
  demand(bad < 0, `line ${bad + 1} is no JSON`);
  demand(pick(found.at(-1), 'done') === true, `the last line is ${show(found.at(-1))}`);
  demand(
    found.slice(0, -1).every((line) => pick(line, 'done') === false),
    'a line before the last one is done',
  );
}

function demandCounts(reply: unknown): void {
  const names = ['total_duration', 'prompt_eval_count', 'eval_count', 'eval_duration'];
  const missing = names.filter((name) => !isCount(pick(reply, name)));
  demand(missing.length === 0, `${missing.join(', ')} missing in ${show(list(Object.keys(reply ?? {})))}`);
}
