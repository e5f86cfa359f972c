/** A schema that is an object. */
export type Raw = Readonly<Record<string, unknown>>;

export type TypeName = 'string' | 'number' | 'integer' | 'boolean' | 'null' | 'object' | 'array';

export const allTypes: readonly TypeName[] = ['object', 'array', 'string', 'number', 'boolean', 'null'];

/** Keywords that restrict values in ways that no automaton here enforces. */
export const unsupportedKeywords: readonly string[] = [
  ...['not', 'if', 'then', 'else', 'contains', 'minContains', 'maxContains', 'uniqueItems', 'multipleOf'],
  ...['patternProperties', 'propertyNames', 'minProperties', 'maxProperties'],
  ...['dependentRequired', 'dependentSchemas', 'dependencies', 'unevaluatedProperties', 'unevaluatedItems'],
  ...['$dynamicRef', '$recursiveRef'],
];

/** Values of those keywords that restrict nothing. */
export function isIdle(keyword: string, value: unknown, types: readonly TypeName[]): boolean {
  if (value === undefined) return true;
  if (keyword === 'uniqueItems') return value === false;
  if (keyword === 'minProperties' || keyword === 'minContains') return value === 0;
  if (keyword === 'multipleOf') return value === 1 && !types.includes('number');
  if (keyword === 'unevaluatedProperties' || keyword === 'unevaluatedItems') return value === true;
  const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  return isEmpty && /^(?:patternProperties|depend.*|propertyNames)$/.test(keyword);
}

/** Which type a schema without `type` is about. */
const typeByKeyword: readonly (readonly [TypeName, readonly string[]])[] = [
  ['object', ['properties', 'required', 'additionalProperties', 'patternProperties', 'propertyNames']],
  ['array', ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems', 'contains']],
  ['string', ['minLength', 'maxLength', 'pattern', 'format']],
  ['number', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']],
];

export function impliedTypes(raws: readonly Raw[]): readonly TypeName[] {
  const implied = typeByKeyword
    .filter(([, keywords]) => raws.some((raw) => keywords.some((keyword) => raw[keyword] !== undefined)))
    .map(([type]) => type);
  return implied.length > 0 ? implied : allTypes;
}

/** What both allow: an integer is a number. */
export function commonTypes(a: readonly TypeName[], b: readonly TypeName[]): TypeName[] {
  const result = a.filter((type) => b.includes(type) || (type === 'integer' && b.includes('number')));
  if (b.includes('integer') && a.includes('number') && !result.includes('integer')) result.push('integer');
  return result;
}

export function typeOf(value: unknown): TypeName {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value === 'object' ? 'object' : typeof value === 'string' ? 'string' : 'boolean';
}

const HOUR_MINUTE = '(?:[01]\\d|2[0-3]):[0-5]\\d';
const TIME = `${HOUR_MINUTE}:[0-5]\\d(?:\\.\\d{1,9})?(?:Z|[+-]${HOUR_MINUTE})`;
const LEAP_YEAR = '(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)';
const DATE = [
  '\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])',
  '(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)',
  `02-(?:0[1-9]|1\\d|2[0-8]))|${LEAP_YEAR}-02-29`,
].join('|');
const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';

/** Formats that are regular, so that they can be held exactly (RFC 3339 without leap seconds, RFC 4122, RFC 2673). */
export const formatPatterns: Readonly<Record<string, string>> = {
  date: `^(?:${DATE})$`,
  time: `^${TIME}$`,
  'date-time': `^(?:${DATE})T${TIME}$`,
  uuid: '^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$',
  ipv4: `^${BYTE}(?:\\.${BYTE}){3}$`,
};
