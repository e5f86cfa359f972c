import { type Check, check, demand, isCount, list, pick, show, skip, text } from '../check.ts';
import {
  demandCity,
  demandMood,
  health,
  mood,
  mustReason,
  QUESTION,
  WEATHER_QUESTION,
  WEATHER_RESULT,
  weather,
} from '../fixtures.ts';
import {
  answer,
  ask,
  blocksOf,
  PATH,
  requiredCall,
  said,
  thinkingWanted,
  tools,
  toolsWanted,
  user,
} from './requests.ts';

/** What a message in one piece has to have. */
export const replyChecks: readonly Check[] = [
  check('anthropic.answers', 'a question is answered', 'all clients', async (probe) => {
    const message = await answer(probe);
    demand(said(message) !== '', `content is ${show(pick(message, 'content'))}`);
  }),
  check(
    'anthropic.envelope',
    'id, type, role, model and stop_reason are there',
    'Anthropic SDK, Claude Code',
    async (probe) => {
      const message = await answer(probe);
      demand(text(message, 'id') !== '' && text(message, 'model') !== '', `id is ${show(pick(message, 'id'))}`);
      demand(pick(message, 'type') === 'message', `type is ${show(pick(message, 'type'))}`);
      demand(pick(message, 'role') === 'assistant', `role is ${show(pick(message, 'role'))}`);
      demand(pick(message, 'stop_reason') === 'end_turn', `stop_reason is ${show(pick(message, 'stop_reason'))}`);
    },
  ),
  check('anthropic.usage', 'tokens are counted', 'Claude Code: knows nothing of its context', async (probe) => {
    const usage = pick(await answer(probe), 'usage');
    const good = isCount(pick(usage, 'input_tokens')) && isCount(pick(usage, 'output_tokens'));
    demand(good, `usage is ${show(usage)}`);
  }),
  check(
    'anthropic.text-first',
    'no thoughts where none were asked for',
    'scripts that read content[0].text',
    async (probe) => {
      const type = pick(await answer(probe), 'content.0.type');
      demand(type === 'text', `the first block is of type ${show(type)}`);
    },
  ),
  check(
    'anthropic.thinking',
    'thinking gives a signed block of thoughts',
    'Anthropic SDK, Claude Code',
    async (probe) => {
      const message = await answer(probe, thinkingWanted);
      const [block] = blocksOf(message, 'thinking');
      if (block === undefined && !mustReason(probe.model)) skip(`${probe.model} is not known to think`);
      demand(text(block, 'thinking') !== '', `content is ${show(pick(message, 'content'))}`);
      demand(typeof pick(block, 'signature') === 'string', `signature is ${show(pick(block, 'signature'))}`);
      const thoughts = text(block, 'thinking').trim();
      demand(
        thoughts.length < 8 || !said(message).includes(thoughts),
        `the answer repeats them: ${show(said(message))}`,
      );
    },
  ),
  check(
    'anthropic.limit',
    'a message that is cut says max_tokens',
    'agents: cut text is taken for whole',
    async (probe) => {
      const message = await answer(probe, { max_tokens: 8 });
      demand(pick(message, 'stop_reason') === 'max_tokens', `stop_reason is ${show(pick(message, 'stop_reason'))}`);
    },
  ),
  check(
    'anthropic.stop',
    'a stop sequence ends the message, and is named',
    'agents with their own formats',
    async (probe) => {
      const exact = { temperature: 0 };
      const whole = said(await answer(probe, exact));
      const stop = whole.slice(Math.floor(whole.length / 3), Math.floor(whole.length / 3) + 6);
      if (stop.trim().length < 4) skip(`no text to stop at in ${show(whole)}`);
      const message = await answer(probe, { ...exact, stop_sequences: [stop] });
      demand(!said(message).includes(stop), `${show(stop)} is in ${show(said(message))}`);
      if (pick(message, 'stop_reason') === 'end_turn' && !whole.startsWith(said(message)))
        skip('the model said something else');
      demand(pick(message, 'stop_reason') === 'stop_sequence', `stop_reason is ${show(pick(message, 'stop_reason'))}`);
      demand(pick(message, 'stop_sequence') === stop, `stop_sequence is ${show(pick(message, 'stop_sequence'))}`);
    },
  ),
  check('anthropic.format', 'an answer keeps to output_config.format', 'Anthropic SDK .parse()', async (probe) => {
    const messages = [user('How are you? Answer as JSON: mood (good or bad) and score, an integer.')];
    demandMood(
      said(await answer(probe, { messages, output_config: { format: { type: 'json_schema', schema: mood } } })),
    );
  }),
  check('anthropic.system', 'system and content may be lists of blocks', 'Claude Code: 400', async (probe) => {
    const cached = { cache_control: { type: 'ephemeral' } };
    const system = [{ type: 'text', text: 'Be brief.', ...cached }];
    const messages = [user([{ type: 'text', text: QUESTION, ...cached }])];
    await answer(probe, { system, messages, metadata: { user_id: 'u' }, max_tokens: 64 });
  }),
  check('anthropic.count', 'count_tokens counts', 'Claude Code: falls back to guessing', async (probe) => {
    const { max_tokens: _, ...body } = { model: probe.model, messages: [user(QUESTION)], max_tokens: 0 };
    const exchange = await probe.post(`${PATH}/count_tokens`, body);
    const counted = pick(exchange.json, 'input_tokens');
    demand(exchange.status === 200 && isCount(counted) && counted > 0, exchange.describe());
    const usage = pick(await answer(probe), 'usage');
    const names = ['input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'];
    const used = names.reduce((sum, name) => sum + Number(pick(usage, name) ?? 0), 0);
    demand(used === counted, `it says ${counted}, the message used ${used}`);
  }),
  check('anthropic.request-id', 'a reply bears request-id', 'Anthropic SDK: `_request_id` is null', async (probe) => {
    demand((await ask(probe)).headers.get('request-id'), 'no such header');
  }),
  check(
    'anthropic.thread',
    'an unknown way to keep the conversation is refused by its code',
    "Anthropic SDK's tool runner: loses the conversation",
    async (probe) => {
      const { status, json } = await ask(probe, { thread: { type: 'create' } });
      if (status === 200 && text(json, 'id') !== '') {
        const next = { type: 'continue', previous_message_id: text(json, 'id') };
        const { status: second } = await ask(probe, { thread: next, messages: [user('And what did I ask before?')] });
        demand(second >= 400, 'thread is ignored: the second turn knows nothing of the first');
      }
      const code = pick(json, 'error.details.error_code');
      demand(code === 'thread_unsupported_request', `HTTP ${status}, error.details.error_code is ${show(code)}`);
    },
  ),
];

/** Calls, and what follows them. */
export const toolChecks: readonly Check[] = [
  check('anthropic.tool.any', '`tool_choice: any` makes a call', 'agents: the loop ends without one', async (probe) => {
    const message = await answer(probe, toolsWanted);
    demand(blocksOf(message, 'tool_use').length > 0, `content is ${show(pick(message, 'content'))}`);
    demand(pick(message, 'stop_reason') === 'tool_use', `stop_reason is ${show(pick(message, 'stop_reason'))}`);
  }),
  check('anthropic.tool.shape', 'a call has id, name and its input as an object', 'Anthropic SDK', async (probe) => {
    const { call } = await requiredCall(probe);
    demand(text(call, 'id') !== '', `a call is ${show(call)}`);
    if (pick(call, 'name') === health.name) skip('the model chose another tool');
    demand(pick(call, 'name') === weather.name && typeof pick(call, 'input') === 'object', `a call is ${show(call)}`);
    demandCity(pick(call, 'input'));
  }),
  check('anthropic.tool.named', 'a named tool is called, and no other', 'extraction by tools', async (probe) => {
    const message = await answer(probe, { ...toolsWanted, tool_choice: { type: 'tool', name: health.name } });
    const [call] = blocksOf(message, 'tool_use');
    demand(
      pick(call, 'name') === health.name,
      `asked for ${health.name}, content is ${show(pick(message, 'content'))}`,
    );
  }),
  check(
    'anthropic.tool.none',
    '`tool_choice: none` makes no call',
    'agents: a call that nobody carries out',
    async (probe) => {
      const message = await answer(probe, { ...toolsWanted, tool_choice: { type: 'none' } });
      demand(blocksOf(message, 'tool_use').length === 0, `content is ${show(pick(message, 'content'))}`);
    },
  ),
  check('anthropic.tool.loop', 'a result is answered, thoughts and call sent back', 'Claude Code', async (probe) => {
    const { call, content } = await requiredCall(probe);
    const parts = [{ type: 'text', text: WEATHER_RESULT }];
    const result = { type: 'tool_result', tool_use_id: pick(call, 'id'), content: parts };
    const messages = [user(WEATHER_QUESTION), { role: 'assistant', content }, user([result])];
    const message = await answer(probe, { messages, tools });
    demand(list(message, 'content').length > 0, `content is ${show(pick(message, 'content'))}`);
  }),
  check(
    'anthropic.tool.foreign',
    "Anthropic's own tools do no harm",
    'Claude Code: the session ends at once',
    async (probe) => {
      const foreign = { type: 'web_search_20250305', name: 'web_search', max_uses: 5 };
      await answer(probe, { ...toolsWanted, tools: [...tools, foreign], tool_choice: { type: 'auto' } });
    },
  ),
];
