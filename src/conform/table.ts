import type { ApiName } from './check.ts';
import type { CheckResult, ConformReport } from './run.ts';

export const API_NAMES: Readonly<Record<ApiName, string>> = {
  responses: 'OpenAI Responses',
  chat: 'OpenAI Chat Completions',
  ollama: 'Ollama',
  anthropic: 'Anthropic Messages',
};

const MARKS = { pass: '✓', fail: '✗', skip: '–' } as const;
const ID_WIDTH = 34;

/** One check's lines: what it asks for; where it is broken, what was found and whom that breaks. */
export function resultLines({ id, title, breaks, status, found }: CheckResult): string[] {
  const first = `  ${MARKS[status]} ${id.padEnd(ID_WIDTH)} ${title}`;
  const indent = ' '.repeat(ID_WIDTH + 5);
  if (status === 'fail') return [first, `${indent}found: ${found ?? ''}`, `${indent}breaks: ${breaks}`];
  return [found === undefined ? first : `${first} (${found})`];
}

/** `160 kept, 2 broken, 1 not tried`, and which APIs were not there. */
export function summaryLines({ apis, passed, failed, skipped }: ConformReport): string[] {
  const missing = apis.filter(({ offered }) => !offered).map(({ api }) => API_NAMES[api]);
  return [
    `${passed} kept, ${failed} broken, ${skipped} not tried`,
    ...(missing.length === 0 ? [] : [`not offered: ${missing.join(', ')}`]),
  ];
}
