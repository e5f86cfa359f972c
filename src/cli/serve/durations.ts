import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A flag's duration in ms: `90` and `90s` (seconds), `1m30s`, `250ms`, `2h`; with `endless`, also `forever` or `-1`. */
export function parseDuration(text: string): number {
  const trimmed = text.trim();
  if (/^\d+(?:\.\d+)?$/.test(trimmed)) return Number(trimmed) * 1000;
  const parts = [...trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== trimmed) {
    throw new InvalidArgumentError('Expected a duration: 30, 30s, 5m, 1h30m.');
  }
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit!]!, 0);
}

/** As Ollama's keep_alive: `-1` and `forever` never end. */
export function parseKeepAlive(text: string): number {
  const trimmed = text.trim();
  if (trimmed === 'forever' || /^-\d+(?:ms|[smhd])?$/.test(trimmed)) return Number.POSITIVE_INFINITY;
  return parseDuration(trimmed);
}

const BYTES: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** A flag's number of bytes: `33554432`, `32M`, `12GiB`, `1.5g`. */
export function parseBytes(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim()) ?? [];
  if (count === undefined || unit === undefined) throw new InvalidArgumentError('Expected a size: 500000, 32M, 12G.');
  return Math.floor(Number(count) * BYTES[unit.toLowerCase()]!);
}
