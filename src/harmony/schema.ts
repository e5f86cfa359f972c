import { isJsonObject, member, members, stringifyJson } from './json.ts';

/**
 * The TypeScript text of a JSON Schema, as the official library prints it for the models: byte-exact, oddities included,
 * because the models were trained on this text. `indent` is the white space of the lines inside.
 *
 * Reference: openai/harmony, src/encoding.rs, json_schema_to_typescript
 */
export function typescriptType(schema: unknown, indent = ''): string {
  const variants = member(schema, 'oneOf');
  if (Array.isArray(variants)) return unionType(variants, indent);

  const type = member(schema, 'type');
  if (Array.isArray(type)) {
    const names = type.filter((name) => typeof name === 'string');
    return names.length > 0 ? names.map((name) => (name === 'integer' ? 'number' : name)).join(' | ') : 'any';
  }
  switch (type) {
    case 'object':
      return objectType(schema, indent);
    case 'string':
      return stringType(schema);
    case 'number':
    case 'integer':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'array': {
      const items = member(schema, 'items');
      return items === undefined ? 'Array<any>' : `${typescriptType(items, indent)}[]`;
    }
    default:
      return 'any';
  }
}

/** `oneOf` away from a property: here alone the default of an enum is printed as JSON, with quotes. */
function unionType(variants: readonly unknown[], indent: string): string {
  return variants
    .map((variant) => {
      const notes = [stringMember(variant, 'description'), defaultNote(variant, 'quoted')];
      return `\n${indent} | ${nullableType(variant, `${indent}   `)}${trailingComment(notes)}`;
    })
    .join('');
}

function stringType(schema: unknown): string {
  const values = member(schema, 'enum');
  const names = Array.isArray(values) ? values.filter((value) => typeof value === 'string') : [];
  return names.length > 0 ? names.map((name) => `"${name}"`).join(' | ') : 'string';
}

function objectType(schema: unknown, indent: string): string {
  const description = stringMember(schema, 'description');
  const list = member(schema, 'required');
  const required = new Set<unknown>(Array.isArray(list) ? list : []);
  const properties = members(member(schema, 'properties')).map(([key, property]) =>
    propertyText(required.has(key) ? key : `${key}?`, property, indent),
  );
  return `${commentLine(description, indent)}{\n${properties.join('')}${indent}}`;
}

function propertyText(key: string, property: unknown, indent: string): string {
  const title = stringMember(property, 'title');
  const titleLines = title === undefined ? '' : `${indent}// ${title}\n${indent}//\n`;
  const examples = examplesText(member(property, 'examples'), indent);
  const oneOf = member(property, 'oneOf');
  if (Array.isArray(oneOf)) return titleLines + examples + unionProperty(key, property, oneOf, indent);

  // A `oneOf` that is no list still silences the description and the default.
  const plain = oneOf === undefined;
  const description = plain ? commentLine(stringMember(property, 'description'), indent) : '';
  const fallback = plain ? trailingComment([defaultNote(property)]) : '';
  return `${titleLines}${description}${examples}${indent}${key}: ${nullableType(property, `${indent}    `)},${fallback}\n`;
}

/** A property with `oneOf`: its comments, its name, then a line for each variant. */
function unionProperty(key: string, property: unknown, variants: readonly unknown[], indent: string): string {
  const description = stringMember(property, 'description');
  const isAbove = description !== undefined && description !== stringMember(variants[0], 'description');
  const lines = variants.map((variant, index) => {
    const own = stringMember(variant, 'description');
    const isTold = own === description || (index === 0 && isAbove);
    const comment = trailingComment([isTold ? undefined : own, defaultNote(variant)]);
    return `${indent} | ${nullableType(variant, `${indent}   `)}${comment}\n`;
  });
  const above = commentLine(isAbove ? description : undefined, indent) + commentLine(defaultNote(property), indent);
  return `${above}${indent}${key}:\n${lines.join('')}${indent},\n`;
}

function examplesText(examples: unknown, indent: string): string {
  if (!Array.isArray(examples) || examples.length === 0) return '';
  const texts = examples.filter((example) => typeof example === 'string');
  return `${indent}// Examples:\n${texts.map((text) => `${indent}// - "${text}"\n`).join('')}`;
}

/** ` | null` is left out when the text says `null` anywhere, even inside an enum value or a comment. */
function nullableType(schema: unknown, indent: string): string {
  const text = typescriptType(schema, indent);
  return member(schema, 'nullable') === true && !text.includes('null') ? `${text} | null` : text;
}

function defaultNote(schema: unknown, enumStrings: 'bare' | 'quoted' = 'bare'): string | undefined {
  const value = member(schema, 'default');
  if (value === undefined) return undefined;
  if (typeof value !== 'string') return `default: ${stringifyJson(value)}`;
  const values = member(schema, 'enum');
  const hasEnum = Array.isArray(values) && values.length > 0;
  if (!hasEnum) return `default: "${value}"`;
  return enumStrings === 'bare' ? `default: ${value}` : `default: ${stringifyJson(value)}`;
}

/** One comment mark only: later lines of the text follow bare. */
function commentLine(text: string | undefined, indent: string): string {
  return text === undefined ? '' : `${indent}// ${text}\n`;
}

function trailingComment(notes: readonly (string | undefined)[]): string {
  const present = notes.filter((note) => note !== undefined);
  return present.length > 0 ? ` // ${present.join(' ')}` : '';
}

function stringMember(value: unknown, key: string): string | undefined {
  const found = isJsonObject(value) ? member(value, key) : undefined;
  return typeof found === 'string' ? found : undefined;
}
