/** Numbers as people read them. A unit stands after a thin, unbreakable space. */
const gap = '\u202f';

const binary = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `12.8 GiB`; whole bytes below a KiB. */
export function bytes(value: number): string {
  let unit = 0;
  let size = Math.abs(value);
  while (size >= 1023.5 && unit < binary.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${value < 0 ? '−' : ''}${unit === 0 ? Math.round(size) : threeDigits(size)}${gap}${binary[unit]}`;
}

/** At most three digits that say something: `0.42`, `7.3`, `128`, `12,480`. */
export function threeDigits(value: number): string {
  const size = Math.abs(value);
  const digits = size === 0 || size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
  const text = value.toFixed(digits);
  if (digits > 0) return trimZeros(text);
  return grouped(Number(text));
}

/** `12,480` */
export function grouped(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Milliseconds: `0.4 ms`, `850 ms`, `1.25 s`, `3 min 4 s`, `2 h 5 min`. */
export function duration(ms: number): string {
  if (ms < 999.5) return `${threeDigits(ms)}${gap}ms`;
  if (ms < 59_950) return `${threeDigits(ms / 1000)}${gap}s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return pair(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(minutes / 60);
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  const first = `${large}${gap}${largeUnit}`;
  return small === 0 ? first : `${first} ${small}${gap}${smallUnit}`;
}

/** Of 0 to 1: `97 %`, `0.4 %`. */
export function percent(share: number): string {
  const value = share * 100;
  return `${value > 0 && value < 0.01 ? '<0.01' : threeDigits(value)}${gap}%`;
}

/** A token's probability keeps what sets it apart from 0 and 1: `99.98 %`, `12.3 %`, `3.1e-7`. */
export function probability(value: number): string {
  if (value === 0 || value === 1) return `${value * 100}${gap}%`;
  if (value < 0.00005) return value.toExponential(1).replace('e-', 'e−');
  if (value > 0.999995) return `>99.999${gap}%`;
  const digits = value > 0.999 ? 3 : value > 0.99 || value < 0.01 ? 2 : 1;
  return `${trimZeros((value * 100).toFixed(digits))}${gap}%`;
}

/** `1.84 bits` */
export function bits(value: number): string {
  return `${value === 0 ? '0' : value < 0.005 ? '<0.01' : value.toFixed(2)}${gap}bits`;
}

export function count(value: number, one: string, many = `${one}s`): string {
  return `${grouped(value)} ${value === 1 ? one : many}`;
}

/** `14:05`, and with seconds where it helps. */
export function clock(at: number, seconds = true): string {
  const date = new Date(at);
  const parts = [date.getHours(), date.getMinutes(), ...(seconds ? [date.getSeconds()] : [])];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
