import type { Logger } from '../log.ts';
import { LOG_LEVELS, type LogLevel } from './levels.ts';

/** One short line for people: what happened, and of a request how it went. */
export function prettyLogger(level: LogLevel, write: (text: string) => void): Logger {
  const least = LOG_LEVELS.indexOf(level);
  const method = (name: LogLevel) => (fields: object, message: string) => {
    if (LOG_LEVELS.indexOf(name) >= least) write(`${formatLine(new Date(), name, fields, message)}\n`);
  };
  return { debug: method('debug'), info: method('info'), warn: method('warn'), error: method('error') };
}

/** `12:00:01 POST /v1/responses 200 in 1.24 s · gpt-oss:20b, 812 (640 cached) + 203 tokens, first after 0.31 s, stop · alice req_1f…` */
export function formatLine(time: Date, level: LogLevel, fields: object, message: string): string {
  const clock = time.toTimeString().slice(0, 8);
  const mark = level === 'warn' ? 'warning: ' : level === 'error' ? 'error: ' : '';
  const text = message === 'request' ? oneLine(formatRequest(fields)) : `${message}${formatFields(fields)}`;
  return `${clock} ${mark}${text}`;
}

interface RequestFields {
  readonly method?: string;
  readonly path?: string;
  readonly status?: number;
  readonly durationMs?: number;
  readonly left?: boolean;
  readonly client?: string;
  readonly requestId?: string;
  readonly model?: string;
  readonly promptTokens?: number;
  readonly cachedTokens?: number;
  readonly outputTokens?: number;
  readonly firstTokenMs?: number;
  readonly finish?: string;
}

function formatRequest(fields: RequestFields): string {
  const { method, path, status, durationMs = 0, left, client, requestId } = fields;
  const outcome = `${method} ${path} ${status} in ${seconds(durationMs)}${left ? ', the client left' : ''}`;
  return [outcome, formatTurn(fields), `${client} ${requestId}`].filter(Boolean).join(' · ');
}

function formatTurn(fields: RequestFields): string {
  const { model, promptTokens = 0, cachedTokens = 0, outputTokens = 0, firstTokenMs, finish } = fields;
  if (model === undefined) return '';
  const cached = cachedTokens > 0 ? ` (${cachedTokens} cached)` : '';
  const first = firstTokenMs === undefined ? '' : `, first after ${seconds(firstTokenMs)}`;
  return `${model}, ${promptTokens}${cached} + ${outputTokens} tokens${first}${finish ? `, ${finish}` : ''}`;
}

function seconds(ms: number): string {
  return ms < 9.5 ? `${ms.toFixed(1)} ms` : ms < 999.5 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

function formatFields(fields: object): string {
  return Object.entries(fields)
    .map(([key, value]) => {
      if (value instanceof Error) return `\n${(value.stack ?? value.message).split('\n').map(oneLine).join('\n')}`;
      return ` ${key}=${oneLine(typeof value === 'string' ? value : JSON.stringify(value))}`;
    })
    .join('');
}

/** With control characters spelled out: paths come from clients, and a terminal obeys what it is shown. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0)!.toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`;
  });
}
