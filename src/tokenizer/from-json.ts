import { badVocabulary, shown } from './bad-vocabulary.ts';
import { BpeTokenizer } from './bpe.ts';
import { byteLevelVocabulary } from './byte-level.ts';
import { completeSpecials } from './harmony-specials.ts';
import { O200K_PATTERN } from './pieces.ts';
import type { Tokenizer } from './tokenizer.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * A tokeniser from Hugging Face's `tokenizer.json`, as text or parsed. Byte-level BPE over o200k's pattern only, which is
 * what gpt-oss models have: anything else would give other ids than the model was trained on.
 *
 * Throws `tokenizer/bad-vocabulary`.
 */
export function tokenizerFromJson(source: string | object): Tokenizer {
  const file = asObject(typeof source === 'string' ? parse(source) : source, 'tokenizer.json');
  const model = asObject(file.model, 'model');
  if (model.type !== 'BPE') throw badVocabulary(`Expected model.type to be "BPE", found ${shown(model.type)}`);
  if (file.normalizer != null) throw badVocabulary(`Expected no normalizer, found ${shown(file.normalizer)}`);
  checkPreTokenizer(file.pre_tokenizer);
  const specials = readAddedTokens(asArray(file.added_tokens, 'added_tokens'));
  const tokens = tokensById(asObject(model.vocab, 'model.vocab'), specials);
  const vocabulary = byteLevelVocabulary(tokens, asArray(model.merges, 'model.merges'));
  return new BpeTokenizer({
    vocabulary,
    specials: completeSpecials(vocabulary.size, specials),
    ignoreMerges: model.ignore_merges === true,
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw badVocabulary('Cannot read tokenizer.json: it is not JSON', cause);
  }
}

function asObject(value: unknown, name: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badVocabulary(`Expected ${name} to be an object, found ${shown(value)}`);
  }
  return value as Json;
}

function asArray(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw badVocabulary(`Expected ${name} to be a list, found ${shown(value)}`);
  return value;
}

/** A Split by o200k's pattern, then ByteLevel, which must neither put a space in front nor split again. */
function checkPreTokenizer(value: unknown): void {
  const preTokenizer = asObject(value, 'pre_tokenizer');
  const steps = asArray(preTokenizer.pretokenizers, 'pre_tokenizer.pretokenizers').map((step) =>
    asObject(step, 'a step of pre_tokenizer'),
  );
  const [split, byteLevel] = steps;
  if (steps.length !== 2 || split?.type !== 'Split' || byteLevel?.type !== 'ByteLevel') {
    throw badVocabulary(`Expected pre_tokenizer to be Split and ByteLevel, found ${shown(steps.map((s) => s.type))}`);
  }
  const pattern = asObject(split.pattern, 'the pattern of Split').Regex;
  if (pattern !== O200K_PATTERN || split.behavior !== 'Isolated' || split.invert === true) {
    throw badVocabulary(`Expected pre_tokenizer to isolate the matches of o200k's pattern, found ${shown(pattern)}`);
  }
  if (byteLevel.add_prefix_space === true || byteLevel.use_regex !== false) {
    throw badVocabulary('Expected ByteLevel without add_prefix_space and use_regex');
  }
}

function readAddedTokens(list: readonly unknown[]): Map<string, number> {
  const specials = new Map<string, number>();
  const ids = new Set<number>();
  for (const item of list) {
    const { id, content } = asObject(item, 'an added token');
    const isValid =
      typeof id === 'number' && Number.isInteger(id) && id >= 0 && typeof content === 'string' && content !== '';
    if (!isValid) throw badVocabulary(`Expected an added token with an id and a name, found ${shown(item)}`);
    if (ids.has(id) || specials.has(content)) throw badVocabulary(`Added token ${id} ${shown(content)} comes twice`);
    ids.add(id);
    specials.set(content, id);
  }
  return specials;
}

/** The vocabulary's tokens by id, undefined where a control token stands among them. Together ids count up without a gap. */
function tokensById(vocab: Json, specials: ReadonlyMap<string, number>): (string | undefined)[] {
  const names = new Map([...specials].map(([name, id]) => [id, name]));
  const texts = Object.keys(vocab);
  const limit = texts.length + names.size; // an id beyond means a gap
  const tokens = new Array<string | undefined>(limit);
  let highest = -1;
  let count = 0;
  for (const token of texts) {
    const id = vocab[token];
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= limit) {
      throw badVocabulary(`Expected ids from 0 to ${limit - 1} without gaps, found ${shown(token)}: ${shown(id)}`);
    }
    const other = tokens[id] ?? names.get(id);
    if (other === token && names.has(id)) continue; // some files repeat their control tokens here
    if (other !== undefined) throw badVocabulary(`Id ${id} is both ${shown(other)} and ${shown(token)}`);
    tokens[id] = token;
    count++;
    highest = Math.max(highest, id);
  }
  tokens.length = highest + 1;
  for (const id of names.keys()) highest = Math.max(highest, id);
  if (highest + 1 !== count + names.size) {
    throw badVocabulary(`Expected ids without gaps, found ${count + names.size} tokens up to the id ${highest}`);
  }
  return tokens;
}
