import { badRequest } from '../validate.ts';

/** Now, as Go writes it in JSON: RFC 3339 with more than milliseconds. */
export function timestamp(): string {
  const now = performance.timeOrigin + performance.now();
  const micros = Math.floor((now % 1) * 1000);
  return `${new Date(now).toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}

/** Ollama counts durations in whole nanoseconds. */
export function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}

const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 3.6e6 };

/** `keep_alive` in ms: seconds as a number or a text of digits, or `5m`, `1h30m`; anything negative is for good. */
export function keepAliveMs(value: number | string): number {
  const text = String(value).trim();
  const sign = text.startsWith('-') ? -1 : 1;
  const unsigned = text.replace(/^[+-]/, '');
  const ms = /^\d+(\.\d+)?$/.test(unsigned) ? Number(unsigned) * 1000 : goDuration(unsigned);
  if (ms === undefined) {
    throw badRequest(`keep_alive: expected seconds, or a duration like "5m", got "${text.slice(0, 40)}"`, 'keep_alive');
  }
  return sign < 0 && ms > 0 ? Number.POSITIVE_INFINITY : ms;
}

function goDuration(text: string): number | undefined {
  const part = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g;
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  return [...text.matchAll(part)].reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit!]!, 0);
}
