import { OssiaError } from '../base/index.ts';
import { areDisjoint } from './disjoint.ts';
import {
  allTypes,
  commonTypes,
  impliedTypes,
  isIdle,
  type Raw,
  type TypeName,
  typeOf,
  unsupportedKeywords,
} from './keywords.ts';
import { type Leaf, Literal, Trie } from './leaf.ts';
import { array, choice, object, type Property, type Rule, SchemaNode } from './nodes.ts';
import { bad, Document, show } from './references.ts';
import { plainStrings } from './regex.ts';
import { bounds, numberLeaf, PatternCache, stringLeaf } from './scalars.ts';
import { anyString, OtherString } from './strings.ts';

/** What a schema asks for that the constraint does not hold. */
export interface SchemaNote {
  /** Where in the schema, as a JSON pointer. */
  readonly path: string;
  readonly keyword: string;
  readonly message: string;
}

const MAX_NODES = 20_000;
const MAX_PROPERTIES = 2_000;
const MAX_BRANCHES = 500;
const MAX_VALUES = 10_000;
const MAX_VALUE_CHARACTERS = 500_000;

/**
 * Schemas to rules. A node stands for a set of schemas that hold together (allOf, $ref and its neighbours, a branch and what
 * is around it); the same set is the same node, which makes recursion finite.
 */
export class Compiler {
  readonly notes: SchemaNote[] = [];
  readonly #document: Document;
  readonly #strict: boolean;
  readonly #nodes = new Map<string, SchemaNode>();
  readonly #order: SchemaNode[] = [];
  readonly #queue: [SchemaNode, readonly (Raw | boolean)[]][] = [];
  readonly #ids = new Map<unknown, number>();
  readonly #patterns = new PatternCache();
  readonly #without = new Map<Raw, Map<string | undefined, Raw>>();

  constructor(schema: unknown, strict: boolean) {
    this.#document = new Document(schema);
    this.#strict = strict;
  }

  /** The rule for the whole document. Throws `grammar/bad-schema` when nothing satisfies it. */
  compile(schema: unknown): Rule {
    const root = this.#node([this.#document.raw(schema, '#')]);
    for (let next = this.#queue.pop(); next !== undefined; next = this.#queue.pop()) {
      next[0].shape = this.#shape(next[1]);
    }
    this.#settle();
    if (root.shortest === Number.POSITIVE_INFINITY) throw bad('#', 'no finite value satisfies it');
    return root;
  }

  /** Shortest texts, again and again until they hold: a node that only leads to itself stays infinite. */
  #settle(): void {
    for (let changed = true; changed; ) {
      changed = false;
      for (let i = this.#order.length - 1; i >= 0; i--) {
        const node = this.#order[i]!;
        const shortest = node.shape!.shortest();
        if (shortest < node.shortest) {
          node.shortest = shortest;
          changed = true;
        }
      }
    }
  }

  #node(schemas: readonly (Raw | boolean)[]): SchemaNode {
    const key = [...new Set(schemas.map((schema) => this.#id(schema)))].sort((a, b) => a - b).join();
    let node = this.#nodes.get(key);
    if (node === undefined) {
      if (this.#nodes.size >= MAX_NODES) throw tooMuch('#', `more than ${MAX_NODES} different parts`);
      node = new SchemaNode();
      this.#nodes.set(key, node);
      this.#order.push(node);
      this.#queue.push([node, schemas]);
    }
    return node;
  }

  #id(schema: Raw | boolean): number {
    let id = this.#ids.get(schema);
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(schema, id);
    }
    return id;
  }

  #shape(schemas: readonly (Raw | boolean)[]) {
    const raws = this.#flatten(schemas);
    if (raws === undefined) return choice([]);
    for (const keyword of ['anyOf', 'oneOf'] as const) {
      const raw = raws.find((one) => one[keyword] !== undefined);
      if (raw !== undefined) return this.#branches(raws, raw, keyword);
    }
    const types = this.#types(raws);
    this.#refuseUnsupported(raws, types);
    const listed = raws.filter((raw) => raw.enum !== undefined || raw.const !== undefined);
    return choice(listed.length > 0 ? this.#values(raws, listed, types) : this.#allOfTypes(raws, types));
  }

  /** Follows references and opens allOf; undefined when one of them is false. */
  #flatten(schemas: readonly (Raw | boolean)[]): Raw[] | undefined {
    const seen = new Set<Raw | boolean>();
    const stack = [...schemas].reverse(); // depth first: properties come in the order of reading
    for (let schema = stack.pop(); schema !== undefined; schema = stack.pop()) {
      if (seen.has(schema)) continue;
      seen.add(schema);
      if (typeof schema === 'boolean') continue;
      if (schema.allOf !== undefined) stack.push(...this.#list(schema, 'allOf').reverse());
      if (schema.$ref !== undefined) stack.push(this.#document.resolve(schema, schema.$ref));
      if (seen.size > MAX_NODES) throw tooMuch('#', `more than ${MAX_NODES} schemas that hold together`);
    }
    return seen.has(false) ? undefined : [...seen].filter((schema) => typeof schema !== 'boolean');
  }

  #list(raw: Raw, keyword: string): (Raw | boolean)[] {
    const path = `${this.#document.path(raw)}/${keyword}`;
    const list = raw[keyword];
    if (!Array.isArray(list) || (list.length === 0 && keyword !== 'prefixItems' && keyword !== 'items')) {
      throw bad(path, `it is a list of schemas, not ${show(list)}`);
    }
    return list.map((schema, i) => this.#document.raw(schema, `${path}/${i}`));
  }

  #branches(raws: readonly Raw[], raw: Raw, keyword: 'anyOf' | 'oneOf') {
    const branches = this.#list(raw, keyword);
    if (branches.length > MAX_BRANCHES) throw tooMuch(this.#document.path(raw), `more than ${MAX_BRANCHES} branches`);
    if (keyword === 'oneOf') {
      const overlap = branches.some((a, i) => branches.slice(0, i).some((b) => !areDisjoint(this.#document, a, b)));
      if (overlap)
        this.#relax(raw, 'oneOf', 'its branches may overlap, and a value that satisfies two is not excluded');
    }
    const parts = raws.map((one) => this.#strip(one, one === raw ? keyword : undefined));
    return choice(branches.map((branch) => this.#node([...parts, branch])));
  }

  /** A schema without a keyword whose branches stand beside it, and without what #flatten has already put there. */
  #strip(raw: Raw, keyword: 'anyOf' | 'oneOf' | undefined): Raw {
    if (keyword === undefined && raw.$ref === undefined && raw.allOf === undefined) return raw;
    let byKeyword = this.#without.get(raw);
    if (byKeyword === undefined) {
      byKeyword = new Map();
      this.#without.set(raw, byKeyword);
    }
    let result = byKeyword.get(keyword);
    if (result === undefined) {
      result = { ...raw, $ref: undefined, allOf: undefined };
      if (keyword !== undefined) result = { ...result, [keyword]: undefined };
      this.#document.raw(result, this.#document.path(raw));
      byKeyword.set(keyword, result);
    }
    return result;
  }

  #types(raws: readonly Raw[]): TypeName[] {
    let types: TypeName[] | undefined;
    for (const raw of raws) {
      if (raw.type === undefined) continue;
      const named: unknown[] = Array.isArray(raw.type) ? [...raw.type] : [raw.type];
      if (raw.nullable === true) named.push('null');
      for (const name of named) {
        if (name !== 'integer' && !allTypes.includes(name as TypeName)) {
          throw bad(this.#document.path(raw), `type is none of JSON Schema's: ${show(name)}`);
        }
      }
      types = types === undefined ? (named as TypeName[]) : commonTypes(types, named as TypeName[]);
    }
    return (
      types ?? [
        ...(raws.some((raw) => raw.enum !== undefined || raw.const !== undefined) ? allTypes : impliedTypes(raws)),
      ]
    );
  }

  #refuseUnsupported(raws: readonly Raw[], types: readonly TypeName[]): void {
    for (const raw of raws) {
      for (const keyword of unsupportedKeywords) {
        if ((keyword === 'then' || keyword === 'else') && raw.if === undefined) continue;
        if (!isIdle(keyword, raw[keyword], types)) this.#relax(raw, keyword, 'no automaton here enforces it');
      }
    }
  }

  #relax(raw: Raw, keyword: string, why: string): void {
    const path = this.#document.path(raw);
    if (this.#strict) {
      throw new OssiaError('grammar/unsupported-schema', `Cannot enforce ${keyword} at ${path} exactly: ${why}`, {
        details: { path, keyword },
      });
    }
    const isKnown = this.notes.some((note) => note.path === path && note.keyword === keyword);
    if (!isKnown && this.notes.length < 100) this.notes.push({ path, keyword, message: why });
  }

  /** Listed values that the other keywords allow too. */
  #values(raws: readonly Raw[], listed: readonly Raw[], types: readonly TypeName[]): (Rule | Leaf)[] {
    let texts: string[] | undefined;
    for (const raw of listed) {
      const path = this.#document.path(raw);
      if (raw.enum !== undefined && !Array.isArray(raw.enum)) throw bad(path, `enum is a list, not ${show(raw.enum)}`);
      const lists = [raw.enum as unknown[] | undefined, raw.const === undefined ? undefined : [raw.const]];
      for (const list of lists) {
        if (list === undefined) continue;
        if (list.length > MAX_VALUES) throw tooMuch(path, `more than ${MAX_VALUES} values in enum`);
        const these = list.map((value) => JSON.stringify(value));
        const allowed = new Set(these);
        texts = texts === undefined ? [...allowed] : texts.filter((text) => allowed.has(text));
      }
    }
    texts = (texts ?? []).filter((text) => this.#allows(raws, types, text));
    if (texts.reduce((sum, text) => sum + text.length, 0) > MAX_VALUE_CHARACTERS) {
      throw tooMuch(this.#document.path(listed[0]!), `values of more than ${MAX_VALUE_CHARACTERS} characters`);
    }
    return texts.length > 0 ? [new Trie(texts)] : [];
  }

  #allows(raws: readonly Raw[], types: readonly TypeName[], text: string): boolean {
    const value: unknown = JSON.parse(text);
    const type = typeOf(value);
    if (!types.includes(type) && !(type === 'integer' && types.includes('number'))) return false;
    if (type === 'object' || type === 'array') {
      const keywords = [
        'properties',
        'required',
        'additionalProperties',
        'items',
        'prefixItems',
        'minItems',
        'maxItems',
      ];
      for (const raw of raws) {
        const other = keywords.find((keyword) => raw[keyword] !== undefined);
        if (other) this.#relax(raw, other, 'it stands beside listed objects or arrays');
      }
      return true;
    }
    if (type === 'boolean' || type === 'null') return true;
    const relax = this.#relax.bind(this);
    if (type === 'string') {
      const leaf = this.#memoLeaf(raws, 'string', () => stringLeaf(this.#document, raws, relax, this.#patterns));
      return leaf !== undefined && runs(leaf, text);
    }
    const within = this.#memoLeaf(raws, 'number', () => numberLeaf(this.#document, raws, false, relax));
    return within !== undefined && inBounds(raws, value as number);
  }

  /** While one node's values are looked at, its leaf is the same for all of them. */
  #memo: { raws: readonly Raw[]; kind: string; leaf: Leaf | undefined } | undefined;
  #memoLeaf(raws: readonly Raw[], kind: string, make: () => Leaf | undefined): Leaf | undefined {
    if (this.#memo?.raws !== raws || this.#memo.kind !== kind) this.#memo = { raws, kind, leaf: make() };
    return this.#memo.leaf;
  }

  #allOfTypes(raws: readonly Raw[], types: readonly TypeName[]): (Rule | Leaf)[] {
    const result: (Rule | Leaf | undefined)[] = [];
    const relax = this.#relax.bind(this);
    for (const type of new Set(types)) {
      if (type === 'object') result.push(this.#filled(this.#object(raws)));
      else if (type === 'array') result.push(this.#filled(this.#array(raws)));
      else if (type === 'string') result.push(stringLeaf(this.#document, raws, relax, this.#patterns));
      else if (type === 'null') result.push(new Literal('null'));
      else if (type === 'boolean') result.push(new Trie(['true', 'false']));
      else if (type === 'number' || !types.includes('number')) {
        result.push(numberLeaf(this.#document, raws, type === 'integer', relax));
      }
    }
    return result.filter((item) => item !== undefined);
  }

  #filled(shape: ReturnType<typeof choice>): Rule {
    const node = new SchemaNode();
    node.shape = shape;
    this.#order.push(node);
    return node;
  }

  #object(raws: readonly Raw[]): ReturnType<typeof choice> {
    const maps = raws.map((raw) => this.#properties(raw));
    const required = new Set(raws.flatMap((raw) => this.#required(raw)));
    const names = new Set([...maps.flatMap((map) => [...map.keys()]), ...required]);
    if (names.size > MAX_PROPERTIES)
      throw tooMuch(this.#document.path(raws[0]!), `more than ${MAX_PROPERTIES} properties`);
    const additional = raws.map((raw) =>
      raw.additionalProperties === undefined
        ? undefined
        : this.#document.raw(raw.additionalProperties, `${this.#document.path(raw)}/additionalProperties`),
    );
    const properties: Property[] = [...names].map((name) => {
      const parts = maps.map((map, i) => map.get(name) ?? additional[i]).filter((part) => part !== undefined);
      return { name, value: this.#node(parts), required: required.has(name) };
    });
    const given = additional.filter((part) => part !== undefined);
    const byPattern = raws.some(
      (raw) => raw.patternProperties !== undefined && !isIdle('patternProperties', raw.patternProperties, []),
    );
    const isClosed =
      !byPattern && (given.length > 0 ? given.includes(false) : raws.some((raw) => raw.properties !== undefined));
    if (isClosed) return object(properties);
    const name = names.size > 0 ? new OtherString(plainStrings, names) : anyString;
    return object(properties, { name, value: this.#node(byPattern ? [] : given) });
  }

  #properties(raw: Raw): Map<string, Raw | boolean> {
    const path = `${this.#document.path(raw)}/properties`;
    const { properties } = raw;
    if (properties === undefined) return new Map();
    if (typeof properties !== 'object' || properties === null || Array.isArray(properties)) {
      throw bad(path, `it maps names to schemas, and is ${show(properties)}`);
    }
    return new Map(
      Object.entries(properties).map(([name, schema]) => [name, this.#document.raw(schema, `${path}/${name}`)]),
    );
  }

  #required(raw: Raw): string[] {
    if (raw.required === undefined || typeof raw.required === 'boolean') return []; // a boolean: draft 3
    if (!Array.isArray(raw.required) || raw.required.some((name) => typeof name !== 'string')) {
      throw bad(this.#document.path(raw), `required is a list of names, not ${show(raw.required)}`);
    }
    return raw.required;
  }

  #array(raws: readonly Raw[]): ReturnType<typeof choice> {
    const [min, max] = bounds(this.#document, raws, 'minItems', 'maxItems');
    if (min > max) return choice([]);
    const firsts = raws.map((raw) => {
      const keyword = Array.isArray(raw.items) ? 'items' : 'prefixItems'; // a list of items: before 2020-12
      return raw[keyword] === undefined ? [] : this.#list(raw, keyword);
    });
    const others = raws.map((raw) => {
      const keyword = Array.isArray(raw.items) ? 'additionalItems' : 'items';
      const path = `${this.#document.path(raw)}/${keyword}`;
      return raw[keyword] === undefined ? undefined : this.#document.raw(raw[keyword], path);
    });
    const numFirst = Math.max(0, ...firsts.map((list) => list.length));
    const first = Array.from({ length: numFirst }, (_, index) =>
      this.#node(firsts.map((list, i) => list[index] ?? others[i]).filter((part) => part !== undefined)),
    );
    return array({ first, others: this.#node(others.filter((part) => part !== undefined)), min, max });
  }
}

function tooMuch(path: string, what: string): OssiaError {
  return new OssiaError('grammar/unsupported-schema', `Cannot compile the schema at ${path}: it has ${what}`);
}

function runs(leaf: Leaf, text: string): boolean {
  let state = leaf.start;
  for (const byte of new TextEncoder().encode(text)) {
    state = leaf.next(state, byte);
    if (state < 0) return false;
  }
  return leaf.accepts(state);
}

function inBounds(raws: readonly Raw[], value: number): boolean {
  return raws.every((raw) => {
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = raw;
    if (typeof minimum === 'number' && (value < minimum || (exclusiveMinimum === true && value === minimum)))
      return false;
    if (typeof maximum === 'number' && (value > maximum || (exclusiveMaximum === true && value === maximum)))
      return false;
    if (typeof exclusiveMinimum === 'number' && value <= exclusiveMinimum) return false;
    return !(typeof exclusiveMaximum === 'number' && value >= exclusiveMaximum);
  });
}
