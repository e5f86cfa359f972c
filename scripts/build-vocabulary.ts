/**
 * Packs o200k_base's ranks, from the development dependency tiktoken, into src/tokenizer/data and dist/tokenizer/data
 * (the published package has dist only, and tsc copies no data). Does nothing for a file that is there and whole.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packTokens, unpackTokens } from '../src/tokenizer/packed.ts';

/** Of o200k_base.tiktoken as OpenAI publishes it. */
const SHA256 = '446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d';

const TARGETS = ['src', 'dist'].map((folder) =>
  fileURLToPath(new URL(`../${folder}/tokenizer/data/o200k_base.bin`, import.meta.url)),
);

/** tiktoken's lines are `! first-rank token token …`, tokens in base64, ranks counting up. */
function tokensOf(ranks: string): Uint8Array[] {
  const tokens: Uint8Array[] = [];
  for (const line of ranks.split('\n')) {
    const [, first, ...encoded] = line.split(' ');
    if (first === undefined) continue;
    encoded.forEach((text, index) => {
      tokens[Number(first) + index] = Buffer.from(text, 'base64');
    });
  }
  return tokens;
}

/** Whether the packed tokens, written as a .tiktoken file, are OpenAI's file to the byte. */
function isWhole(packed: Uint8Array): boolean {
  const { bytes, offsets } = unpackTokens(packed);
  const lines: string[] = [];
  for (let rank = 0; rank + 1 < offsets.length; rank++) {
    const token = bytes.subarray(offsets[rank], offsets[rank + 1]);
    lines.push(`${Buffer.from(token).toString('base64')} ${rank}\n`);
  }
  return createHash('sha256').update(lines.join('')).digest('hex') === SHA256;
}

function isUpToDate(path: string): boolean {
  try {
    return existsSync(path) && isWhole(readFileSync(path));
  } catch {
    return false; // a damaged file is written again
  }
}

function build(): Uint8Array {
  const source = createRequire(import.meta.url).resolve('tiktoken/encoders/o200k_base.json');
  const packed = packTokens(tokensOf(JSON.parse(readFileSync(source, 'utf8')).bpe_ranks));
  if (!isWhole(packed))
    throw new Error(`The ranks in ${source} are not those of o200k_base.tiktoken (SHA-256 ${SHA256})`);
  return packed;
}

const outdated = TARGETS.filter((path) => !isUpToDate(path));
const packed = outdated.length > 0 ? build() : new Uint8Array();
for (const path of outdated) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, packed);
  console.log(`${path}: ${packed.length} bytes`);
}
