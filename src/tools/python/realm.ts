/**
 * Takes everything from a worker's thread that reaches out of it, before Python starts, and the means to get it back, after.
 * Python can reach JavaScript's objects if it tries hard (with `ctypes`, for one); what it finds there must be worth nothing.
 */

/** Properties of the global object that stay. All others go, `process`, `fetch` and `Buffer` among them. */
const language = [
  ...[
    'globalThis',
    'undefined',
    'NaN',
    'Infinity',
    'Object',
    'Function',
    'Boolean',
    'Symbol',
    'Number',
    'BigInt',
    'Math',
  ],
  ...[
    'Date',
    'String',
    'RegExp',
    'Array',
    'Map',
    'Set',
    'WeakMap',
    'WeakSet',
    'WeakRef',
    'FinalizationRegistry',
    'JSON',
  ],
  ...['ArrayBuffer', 'SharedArrayBuffer', 'DataView', 'Atomics', 'Int8Array', 'Uint8Array', 'Uint8ClampedArray'],
  ...['Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array', 'BigInt64Array', 'BigUint64Array', 'Float16Array'],
  ...['Float32Array', 'Float64Array', 'Promise', 'Proxy', 'Reflect', 'Iterator', 'Intl', 'WebAssembly'],
  ...['Error', 'AggregateError', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError'],
  ...['SuppressedError', 'DisposableStack', 'AsyncDisposableStack', 'parseInt', 'parseFloat', 'isNaN', 'isFinite'],
  ...['decodeURI', 'decodeURIComponent', 'encodeURI', 'encodeURIComponent', 'escape', 'unescape', 'eval'],
  ...['TextDecoder', 'TextEncoder', 'URL', 'queueMicrotask'],
];

/** Before anything of Python is loaded: no more `process`, no network, no files, and a few harmless stand-ins. */
export function stripRealm(): void {
  const { setTimeout, clearTimeout, performance, crypto } = globalThis;
  const kept = new Set<PropertyKey>(language);
  for (const key of Reflect.ownKeys(globalThis)) {
    if (kept.has(key)) continue;
    if (!Reflect.deleteProperty(globalThis, key)) throw new Error(`Cannot remove the global ${String(key)}`);
  }
  const silence = () => {};
  let lastTimer = 0;
  const timers = new Map<number, ReturnType<typeof setTimeout>>();
  define({
    // Numbers, since Node's own timer objects lead to others.
    setTimeout: (callback: () => void, delay?: number) => {
      const key = ++lastTimer;
      const fire = () => {
        timers.delete(key);
        callback();
      };
      timers.set(key, setTimeout(fire, delay));
      return key;
    },
    clearTimeout: (key: number) => {
      clearTimeout(timers.get(key));
      timers.delete(key);
    },
    performance: { now: () => performance.now() },
    crypto: { getRandomValues: (view: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(view) },
    console: { log: silence, info: silence, warn: silence, error: silence, debug: silence, trace: silence },
  });
}

function define(values: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(values)) {
    Object.defineProperty(globalThis, key, { value, configurable: true, writable: true });
  }
}

/**
 * After everything is loaded: no text becomes code any more, and nothing can be added to the objects that all others
 * inherit from, where an accessor would be handed Node's own objects as `this`.
 */
export function sealRealm(): void {
  const kinds = [() => {}, async () => {}, function* () {}, async function* () {}];
  const prototypes = kinds.map((kind) => Object.getPrototypeOf(kind) as object);
  for (const prototype of prototypes) {
    if (!Reflect.deleteProperty(prototype, 'constructor'))
      throw new Error('Cannot remove the constructor of functions');
  }
  const globals = Reflect.ownKeys(globalThis).map((key) => Reflect.get(globalThis, key) as unknown);
  const iterator: object = Object.getPrototypeOf([][Symbol.iterator]());
  for (const root of [...globals, ...prototypes, iterator]) sealWithPrototypes(root);
  Reflect.deleteProperty(globalThis, 'eval');
  // pyodide asks what is an instance of it; that is all it is good for.
  const standIn = () => {
    throw new TypeError('Making functions of text is switched off');
  };
  Object.defineProperty(standIn, 'prototype', { value: Function.prototype });
  define({ Function: standIn });
  Object.seal(globalThis);
}

/** Those that objects and errors inherit from stay writable: programs set `name` and `toString` of their own errors. */
function sealWithPrototypes(value: unknown): void {
  for (let at = value; isObject(at) && at !== globalThis; at = Object.getPrototypeOf(at)) {
    const prototype = Object.getOwnPropertyDescriptor(at, 'prototype')?.value as unknown;
    for (const each of [prototype, at]) if (isObject(each)) harden(each);
  }
}

function harden(value: object): void {
  const common = value === Object.prototype || value instanceof Error;
  if (common || value === Error.prototype) Object.seal(value);
  else Object.freeze(value);
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
