import type { Message } from './types.ts';

/**
 * Which thoughts of the past are rendered.
 *
 * - `per-turn`: those of finished turns are dropped, those of the turn in progress stay; what the models are meant for.
 * - `official`: the official library's filter, which forgets nothing while a call is pending and then too little.
 * - `keep`: all.
 */
export type HistoryRule = 'per-turn' | 'official' | 'keep';

export function selectHistory(messages: readonly Message[], rule: HistoryRule): readonly Message[] {
  if (rule === 'official') return dropOfficially(messages);
  return rule === 'per-turn' ? dropFinishedThoughts(messages) : messages;
}

/** Drops analysis before the first final, if the last assistant message is on final. The test is on channel names alone. */
function dropOfficially(messages: readonly Message[]): readonly Message[] {
  const last = messages.findLast((message) => message.role === 'assistant');
  if (last?.channel !== 'final') return messages;
  const firstFinal = messages.findIndex((message) => message.channel === 'final');
  return messages.filter((message, index) => index >= firstFinal || message.channel !== 'analysis');
}

/**
 * A turn is finished by the assistant's message on final: what it thought before is dropped, calls that it made while
 * thinking included, and with a dropped call its result, whatever channel that names, so that no result is orphaned.
 */
function dropFinishedThoughts(messages: readonly Message[]): readonly Message[] {
  const finished = messages.findLastIndex((message) => message.role === 'assistant' && message.channel === 'final');
  const unanswered: string[] = []; // recipients of dropped calls whose result has not come yet
  return messages.filter((message, index) => {
    if (index > finished) return true;
    const { role, channel } = message;
    if (role === 'assistant' && channel === 'analysis') {
      if (message.recipient !== undefined) unanswered.push(message.recipient);
      return false;
    }
    if (role === 'user') unanswered.length = 0;
    if (role !== 'tool') return true;
    const call = unanswered.indexOf(message.name ?? '');
    if (call >= 0) unanswered.splice(call, 1);
    return call < 0 && channel !== 'analysis';
  });
}
