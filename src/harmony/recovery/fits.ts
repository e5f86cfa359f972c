import { isJsonObject, JsonNumber, member, members, parseJson, stringifyJson } from '../json.ts';
import type { DeclaredTool } from './recipient.ts';

/** The one declared function whose schema these arguments fit; undefined when none does or several do. */
export function inferTool(body: string, tools: readonly DeclaredTool[]): DeclaredTool | undefined {
  let value: unknown;
  try {
    value = parseJson(body);
  } catch {
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  const fitting = tools.filter(({ parameters }) => {
    const takesAnything = isJsonObject(parameters) && members(parameters).length === 0;
    return takesAnything || (fitsSchema(value, parameters) && fitsProperties(value, parameters));
  });
  return fitting.length === 1 ? fitting[0] : undefined;
}

/**
 * Whether a value fits a schema, as far as types, enums, required and declared keys go. Keys that the schema does not
 * declare do not fit unless it allows them outright: the question is whose arguments these are.
 */
function fitsSchema(value: unknown, schema: unknown): boolean {
  const type = member(schema, 'type');
  const types = Array.isArray(type) ? type : type === undefined ? [] : [type];
  if (types.length > 0 && !types.some((name) => hasType(value, name))) return false;
  const allowed = member(schema, 'enum');
  if (Array.isArray(allowed) && !allowed.some((one) => stringifyJson(one) === stringifyJson(value))) return false;
  const items = member(schema, 'items');
  if (Array.isArray(value)) return value.every((item) => fitsSchema(item, items));
  return !isJsonObject(value) || member(schema, 'properties') === undefined || fitsProperties(value, schema);
}

function fitsProperties(value: unknown, schema: unknown): boolean {
  const properties = member(schema, 'properties');
  const required = member(schema, 'required');
  const isComplete = !Array.isArray(required) || required.every((key) => member(value, String(key)) !== undefined);
  const isOpen = member(schema, 'additionalProperties') === true;
  return (
    isComplete &&
    members(value).every(([key, inner]) => {
      const property = member(properties, key);
      return property === undefined ? isOpen : fitsSchema(inner, property);
    })
  );
}

function hasType(value: unknown, type: unknown): boolean {
  if (type === 'integer') return value instanceof JsonNumber && Number.isInteger(value.valueOf());
  if (type === 'number') return value instanceof JsonNumber;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isJsonObject(value);
  if (type === 'null') return value === null;
  return typeof value === type;
}
