/** From 0 up to at least `highest`, in steps of 1, 2 or 5 times a power of ten: `count` steps or fewer. */
export function niceTicks(highest: number, count = 4): readonly number[] {
  if (!(highest > 0) || !Number.isFinite(highest)) return [0, 1];
  const step = niceStep(highest / count);
  const steps = Math.max(1, Math.ceil(highest / step - 1e-9));
  return Array.from({ length: steps + 1 }, (_, index) => round(index * step));
}

/** The same for bytes, in powers of two, so that labels are whole KiB, MiB, GiB. */
export function byteTicks(highest: number, count = 4): readonly number[] {
  if (!(highest > 0) || !Number.isFinite(highest)) return [0, 1024];
  const step = 2 ** Math.ceil(Math.log2(highest / count));
  const steps = Math.max(1, Math.ceil(highest / step - 1e-9));
  return Array.from({ length: steps + 1 }, (_, index) => index * step);
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const lead = rough / power;
  const nice = lead <= 1 + 1e-9 ? 1 : lead <= 2 + 1e-9 ? 2 : lead <= 5 + 1e-9 ? 5 : 10;
  return nice * power;
}

function round(value: number): number {
  return Number(value.toPrecision(12));
}

const seconds = 1000;
const minutes = 60 * seconds;
const hours = 60 * minutes;
const timeSteps = [10 * seconds, 30 * seconds, minutes, 5 * minutes, 15 * minutes, hours, 3 * hours, 6 * hours];

/**
 * Whole minutes or hours of the clock on the wall between two times (unix ms), `count` or fewer where the range allows.
 * `offsetMinutes`: as `Date.getTimezoneOffset` gives it.
 */
export function timeTicks(from: number, to: number, count: number, offsetMinutes: number): readonly number[] {
  const step = timeSteps.find((each) => (to - from) / each <= count) ?? 24 * hours;
  const shift = offsetMinutes * minutes;
  const ticks: number[] = [];
  for (let at = Math.ceil((from - shift) / step) * step + shift; at <= to; at += step) ticks.push(at);
  return ticks;
}
