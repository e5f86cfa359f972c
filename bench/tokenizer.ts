/**
 * Encoding and loading beside tiktoken (Rust in wasm) and gpt-tokenizer (JavaScript), the same vocabulary in one run.
 *
 * Text is cold: each part is encoded once by each, after a part that only warms the compiler up, since a cache of pieces
 * makes a second pass over the same text as fast as one likes. Shown is the median of the parts.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

type Encode = (text: string) => ArrayLike<number>;

/** Each loads all that it needs and gives its way to encode ordinary text. */
const peers: Record<string, () => Promise<Encode>> = {
  async ossia() {
    const { o200kHarmony } = await import('../src/tokenizer/index.ts');
    const tokenizer = o200kHarmony();
    return (text) => tokenizer.encode(text);
  },
  async tiktoken() {
    const { Tiktoken } = await import('tiktoken');
    const { bpe_ranks, pat_str } = createRequire(import.meta.url)('tiktoken/encoders/o200k_base.json');
    const encoder = new Tiktoken(bpe_ranks, {}, pat_str);
    return (text) => encoder.encode_ordinary(text);
  },
  async 'gpt-tokenizer'() {
    const { encode } = await import('gpt-tokenizer/encoding/o200k_harmony');
    return (text) => encode(text, { disallowedSpecial: new Set() });
  },
};

const NUM_PARTS = 9;
const NUM_LOADS = 7;
const modules = fileURLToPath(new URL('../node_modules/', import.meta.url));

/** The installed packages' files of a kind, up to a size. */
function installed(extension: string, maxLength: number): string {
  let text = '';
  for (const file of readdirSync(modules, { recursive: true, encoding: 'utf8' }).sort()) {
    if (file.endsWith(extension) && text.length < maxLength) text += readFileSync(join(modules, file), 'utf8');
  }
  return text.slice(0, maxLength);
}

/** Names of languages and regions, and dates, in many languages: the system has them all. */
function worldwide(): string {
  const locales =
    'ar bg bn cs de el es fa fi fr he hi hu hy it ja ka km ko ml mr my ne pl pt ru si ta te th tr uk ur vi zh';
  const lines: string[] = [];
  for (let row = 0; row < 400; row++) {
    for (const locale of locales.split(' ')) {
      const names = new Intl.DisplayNames(locale, { type: row % 2 === 0 ? 'language' : 'region', fallback: 'none' });
      const codes = Array.from({ length: 26 }, (_, i) => String.fromCharCode(97 + ((row >> 1) % 26), 97 + i));
      const found = codes.map((code) => names.of(row % 2 === 0 ? code : code.toUpperCase()) ?? '').filter(Boolean);
      const date = new Intl.DateTimeFormat(locale, { dateStyle: 'full' }).format(row * 1.3e10);
      lines.push(`${date}: ${found.join(' ')}`);
    }
  }
  return lines.join('\n');
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}

interface Speed {
  readonly megabytes: number;
  readonly tokens: number;
}

/** Median speeds in a second, by peer. */
function measure(text: string, encoders: ReadonlyMap<string, Encode>): Map<string, Speed> {
  const length = Math.floor(text.length / (NUM_PARTS + 1));
  const speeds = new Map(
    [...encoders.keys()].map((name) => [name, { megabytes: [] as number[], tokens: [] as number[] }]),
  );
  for (let part = 0; part <= NUM_PARTS; part++) {
    const cold = text.slice(part * length, (part + 1) * length);
    const counts = new Set<number>();
    for (const [name, encode] of encoders) {
      const start = performance.now();
      const numTokens = encode(cold).length;
      const seconds = (performance.now() - start) / 1000;
      if (name !== 'gpt-tokenizer') counts.add(numTokens); // which splits some white space otherwise
      if (part === 0) continue;
      speeds.get(name)!.megabytes.push(Buffer.byteLength(cold) / 1e6 / seconds);
      speeds.get(name)!.tokens.push(numTokens / seconds);
    }
    if (counts.size !== 1) throw new Error(`Ossia and tiktoken differ in part ${part}`);
  }
  return new Map([...speeds].map(([name, s]) => [name, { megabytes: median(s.megabytes), tokens: median(s.tokens) }]));
}

/** Milliseconds to load and encode one word, in a process of its own. */
function loadTime(name: string): number {
  return Number(execFileSync(process.execPath, [import.meta.filename, '--load', name], { encoding: 'utf8' }));
}

async function compare(): Promise<void> {
  const encoders = new Map<string, Encode>();
  for (const [name, load] of Object.entries(peers)) encoders.set(name, await load());
  const texts = {
    English: installed('.md', 1.2e6),
    code: installed('.d.ts', 4e6),
    'many languages': worldwide(),
  };
  for (const [what, text] of Object.entries(texts)) {
    const size = (Buffer.byteLength(text) / 1e6).toFixed(1);
    console.log(`cold text, ${what}, ${size} MB, median of ${NUM_PARTS} parts`);
    for (const [name, { megabytes, tokens }] of measure(text, encoders)) {
      console.log(
        `  ${name.padEnd(14)}${megabytes.toFixed(1).padStart(6)} MB/s  ${(tokens / 1e6).toFixed(2).padStart(6)} M tokens/s`,
      );
    }
  }
  console.log(`load, then one word, median of ${NUM_LOADS} processes`);
  for (const name of Object.keys(peers)) {
    const times = Array.from({ length: NUM_LOADS }, () => loadTime(name));
    console.log(`  ${name.padEnd(14)}${median(times).toFixed(0).padStart(6)} ms`);
  }
}

const [mode, name = ''] = process.argv.slice(2);
if (mode === '--load') {
  const start = performance.now();
  (await peers[name]!())('word');
  console.log(performance.now() - start);
} else {
  await compare();
}
