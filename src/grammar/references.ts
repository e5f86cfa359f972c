import { OssiaError } from '../base/index.ts';
import type { Raw } from './keywords.ts';

/** The schemas of one document: where each stands, and where its references lead. */
export class Document {
  readonly #root: unknown;
  readonly #paths = new Map<Raw, string>();
  readonly #targets = new Map<string, unknown>();

  constructor(root: unknown) {
    this.#root = root;
  }

  /** Checks that `schema` is one, and remembers its path for messages. */
  raw(schema: unknown, path: string): Raw | boolean {
    if (typeof schema === 'boolean') return schema;
    if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
      throw bad(path, `a schema is an object or a boolean, not ${show(schema)}`);
    }
    const raw = schema as Raw;
    if (!this.#paths.has(raw)) this.#paths.set(raw, path);
    return raw;
  }

  path(raw: Raw): string {
    return this.#paths.get(raw) ?? '#';
  }

  /** What a reference within the document leads to. Throws `grammar/bad-schema`. */
  resolve(from: Raw, reference: unknown): Raw | boolean {
    const path = this.path(from);
    if (typeof reference !== 'string') throw bad(path, `$ref is a string, not ${show(reference)}`);
    if (!this.#targets.has(reference)) this.#targets.set(reference, this.#find(path, reference));
    return this.raw(this.#targets.get(reference), reference);
  }

  #find(path: string, reference: string): unknown {
    if (reference !== '#' && !reference.startsWith('#/')) {
      throw new OssiaError(
        'grammar/unsupported-schema',
        `Cannot follow $ref ${reference} at ${path}: it leaves the schema`,
      );
    }
    let target = this.#root;
    for (const part of reference.split('/').slice(1)) {
      const key = pointerPart(part);
      const has = typeof target === 'object' && target !== null && Object.hasOwn(target, key);
      if (!has) throw bad(path, `nothing is at $ref ${reference}`);
      target = (target as Raw)[key];
    }
    return target;
  }
}

function pointerPart(part: string): string {
  let text = part;
  try {
    text = decodeURIComponent(part);
  } catch {
    // A percent sign that stands for itself.
  }
  return text.replaceAll('~1', '/').replaceAll('~0', '~');
}

export function bad(path: string, what: string): OssiaError {
  return new OssiaError('grammar/bad-schema', `Cannot read the schema at ${path}: ${what}`);
}

/** A value for a message, cut when it is long. */
export function show(value: unknown): string {
  const text = value === undefined ? 'undefined' : (JSON.stringify(value) ?? typeof value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
