import { commonTypes, impliedTypes, type Raw, type TypeName, typeOf } from './keywords.ts';
import type { Document } from './references.ts';

/** Whether no value can satisfy both, as far as types, listed values and required properties tell. */
export function areDisjoint(document: Document, a: Raw | boolean, b: Raw | boolean, depth = 4): boolean {
  const [x, y] = [follow(document, a), follow(document, b)];
  if (typeof x === 'boolean' || typeof y === 'boolean') return x === false || y === false;
  const types = commonTypes(typesOf(x), typesOf(y));
  if (types.length === 0) return true;
  const [values, others] = [valuesOf(x), valuesOf(y)];
  if (values && others) return !values.some((value) => others.includes(value));
  if (depth === 0 || types.length > 1 || types[0] !== 'object') return false;
  const shared = namesOf(x.required).filter((name) => namesOf(y.required).includes(name));
  return shared.some((name) => {
    const [p, q] = [propertyOf(x, name), propertyOf(y, name)];
    if (p === undefined || q === undefined) return false;
    return areDisjoint(document, document.raw(p, '#'), document.raw(q, '#'), depth - 1);
  });
}

function follow(document: Document, schema: Raw | boolean): Raw | boolean {
  let result = schema;
  for (let i = 0; i < 16; i++) {
    if (typeof result === 'boolean' || result.$ref === undefined || Object.keys(result).length > 1) break;
    result = document.resolve(result, result.$ref);
  }
  return result;
}

function typesOf(raw: Raw): readonly TypeName[] {
  const values = valuesOf(raw);
  if (values) return [...new Set(values.map((text) => typeOf(JSON.parse(text))))];
  if (raw.type === undefined) return impliedTypes([raw]);
  const types = (Array.isArray(raw.type) ? raw.type : [raw.type]) as TypeName[];
  return raw.nullable === true ? [...types, 'null'] : types;
}

/** Listed values as JSON. */
function valuesOf(raw: Raw): string[] | undefined {
  if (raw.const !== undefined) return [JSON.stringify(raw.const)];
  return Array.isArray(raw.enum) ? raw.enum.map((value) => JSON.stringify(value)) : undefined;
}

function namesOf(required: unknown): readonly unknown[] {
  return Array.isArray(required) ? required : [];
}

function propertyOf(raw: Raw, name: unknown): unknown {
  const { properties } = raw;
  const has = typeof properties === 'object' && properties !== null && Object.hasOwn(properties, String(name));
  return has ? (properties as Raw)[String(name)] : undefined;
}
