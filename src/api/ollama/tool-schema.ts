const MAPS = ['properties', '$defs', 'definitions', 'patternProperties'];
const LISTS = ['anyOf', 'oneOf', 'allOf', 'prefixItems'];
const SINGLE = ['items', 'additionalProperties', 'not'];
/** Where null is a value like others, and whatever stands there is data. */
const DATA = ['const', 'default', 'enum', 'examples', 'example'];

/** A JSON Schema without the keywords that are null: Go's clients write what they have not set so, and it means nothing. */
export function withoutNulls(schema: unknown): unknown {
  if (!isObject(schema)) return schema;
  const kept = Object.entries(schema).filter(([key, value]) => value !== null || key === 'const' || key === 'default');
  return Object.fromEntries(kept.map(([key, value]) => [key, DATA.includes(key) ? value : inner(key, value)]));
}

function inner(key: string, value: unknown): unknown {
  if (SINGLE.includes(key)) return withoutNulls(value);
  if (LISTS.includes(key) && Array.isArray(value)) return value.map(withoutNulls);
  if (!MAPS.includes(key) || !isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withoutNulls(each)]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
