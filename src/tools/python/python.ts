import type { Python, PythonOptions } from './types.ts';

export function openPython(_options: PythonOptions = {}): Python {
  throw new TypeError('Not there yet');
}
