import { readFile } from 'node:fs/promises';
import { OssiaError } from '../../base/index.ts';
import type { McpApproval, McpServer } from './types.ts';

export interface McpConfigOptions {
  /** What `${NAME}` and `${NAME:-default}` stand for. Absent: they are left as they are. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** What errors call the text. Default `the MCP configuration`. */
  readonly source?: string;
}

type Fields = Readonly<Record<string, unknown>>;

const PROGRAM_KEYS = ['command', 'args', 'env', 'cwd'];
const ADDRESS_KEYS = ['url', 'headers'];
const COMMON_KEYS = ['type', 'transport', 'approval', 'alwaysAllow', 'autoApprove', 'disabled', 'description'];

/** The spellings that other programs use for the ways to talk to a server. */
const TYPES: Readonly<Record<string, 'stdio' | 'auto' | 'http' | 'sse'>> = {
  stdio: 'stdio',
  local: 'stdio',
  auto: 'auto',
  remote: 'auto',
  http: 'http',
  'streamable-http': 'http',
  streamable_http: 'http',
  streamableHttp: 'http',
  sse: 'sse',
};

/**
 * Reads `{"mcpServers": {"files": {"command", "args", "env", "cwd"}, "docs": {"url", "headers", "type"}}}`, the form that other
 * programs keep their servers in (`servers` in some). Servers with `"disabled": true` are left out; `approval` is Ossia's own, and
 * `alwaysAllow` or `autoApprove` lists functions that run without asking. Throws `tools/bad-config`, which names the place.
 */
export function readMcpConfig(text: string, options: McpConfigOptions = {}): readonly McpServer[] {
  const reader = new ConfigReader(options);
  return reader.read(text);
}

/** Reads a file as `readMcpConfig` reads a text. */
export async function readMcpFile(path: string, options: McpConfigOptions = {}): Promise<readonly McpServer[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new OssiaError('tools/bad-config', `Cannot read MCP servers from ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
  return readMcpConfig(text, { source: path, ...options });
}

/** Whether a text can be the name of a server: it becomes a part of `mcp:<label>`. */
export function isLabel(text: string): boolean {
  return /^[\p{L}\p{N}_][\p{L}\p{N}_.-]{0,63}$/u.test(text);
}

class ConfigReader {
  readonly #source: string;
  readonly #variables: McpConfigOptions['variables'];

  constructor({ source = 'the MCP configuration', variables }: McpConfigOptions) {
    this.#source = source;
    this.#variables = variables;
  }

  read(text: string): readonly McpServer[] {
    const root = this.#object(this.#parse(text), 'the top level');
    const key = ['mcpServers', 'servers'].find((name) => root[name] !== undefined);
    if (key === undefined) throw this.#bad('the top level', 'has no "mcpServers"');
    return Object.entries(this.#object(root[key], key)).flatMap(([label, entry]) =>
      this.#server(label, entry, `${key}.${label}`),
    );
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text.replace(/^\uFEFF/, ''));
    } catch (cause) {
      throw new OssiaError('tools/bad-config', `Cannot read ${this.#source}: ${(cause as Error).message}`, { cause });
    }
  }

  #server(label: string, entry: unknown, where: string): readonly McpServer[] {
    if (!isLabel(label)) throw this.#bad(where, 'has a name with other characters than letters, digits, "_", "-", "."');
    const fields = this.#object(entry, where);
    const type = this.#type(fields, where);
    this.#refuseUnknown(fields, [...COMMON_KEYS, ...(type === 'stdio' ? PROGRAM_KEYS : ADDRESS_KEYS)], where);
    if (this.#flag(fields, 'disabled', where)) return [];
    const approval = this.#approval(fields, where);
    const common = { label, ...(approval === undefined ? {} : { approval }) };
    if (type !== 'stdio') {
      const url = this.#url(fields, where);
      return [{ ...common, type, url, headers: this.#texts(fields, 'headers', where) }];
    }
    const program = {
      ...common,
      type,
      command: this.#text(fields, 'command', where),
      args: this.#list(fields, 'args', where),
      env: this.#texts(fields, 'env', where),
    };
    return [fields.cwd === undefined ? program : { ...program, cwd: this.#text(fields, 'cwd', where) }];
  }

  #type(fields: Fields, where: string): 'stdio' | 'auto' | 'http' | 'sse' {
    if (fields.command !== undefined && fields.url !== undefined) {
      throw this.#bad(where, 'has both a command and a url');
    }
    const given = fields.type ?? fields.transport;
    if (given === undefined) {
      if (fields.command !== undefined) return 'stdio';
      if (fields.url !== undefined) return 'auto';
      throw this.#bad(where, 'has neither a command nor a url');
    }
    const type = typeof given === 'string' && Object.hasOwn(TYPES, given) ? TYPES[given] : undefined;
    if (type === undefined) throw this.#bad(`${where}.type`, `is ${show(given)}; expected "stdio", "http" or "sse"`);
    return type;
  }

  #approval(fields: Fields, where: string): McpApproval | undefined {
    const { approval } = fields;
    if (approval === undefined) {
      const key = ['alwaysAllow', 'autoApprove'].find((name) => fields[name] !== undefined);
      return key === undefined ? undefined : this.#list(fields, key, where);
    }
    if (approval === 'always' || approval === 'auto' || approval === 'never') return approval;
    if (Array.isArray(approval)) return this.#list(fields, 'approval', where);
    const wanted = '"always", "auto", "never" or a list of functions that need none';
    throw this.#bad(`${where}.approval`, `is ${show(approval)}; expected ${wanted}`);
  }

  #url(fields: Fields, where: string): string {
    const url = this.#text(fields, 'url', where);
    if (!isHttpUrl(url))
      throw this.#bad(`${where}.url`, `is ${show(url)}; expected an address with http:// or https://`);
    return url;
  }

  #text(fields: Fields, key: string, where: string): string {
    const value = fields[key];
    if (typeof value !== 'string' || value === '')
      throw this.#bad(`${where}.${key}`, `is ${show(value)}; expected a text`);
    return this.#expand(value, `${where}.${key}`);
  }

  #list(fields: Fields, key: string, where: string): readonly string[] {
    const value = fields[key] ?? [];
    if (!Array.isArray(value)) throw this.#bad(`${where}.${key}`, `is ${show(value)}; expected a list of texts`);
    return value.map((item: unknown, index) => {
      if (typeof item !== 'string') throw this.#bad(`${where}.${key}[${index}]`, `is ${show(item)}; expected a text`);
      return this.#expand(item, `${where}.${key}[${index}]`);
    });
  }

  #texts(fields: Fields, key: string, where: string): Readonly<Record<string, string>> {
    const entries = Object.entries(this.#object(fields[key] ?? {}, `${where}.${key}`));
    return Object.fromEntries(
      entries.map(([name, value]) => {
        if (typeof value !== 'string') throw this.#bad(`${where}.${key}.${name}`, `is ${show(value)}; expected a text`);
        return [name, this.#expand(value, `${where}.${key}.${name}`)];
      }),
    );
  }

  #flag(fields: Fields, key: string, where: string): boolean {
    const value = fields[key] ?? false;
    if (typeof value !== 'boolean') throw this.#bad(`${where}.${key}`, `is ${show(value)}; expected true or false`);
    return value;
  }

  #object(value: unknown, where: string): Fields {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.#bad(where, `is ${show(value)}; expected an object`);
    }
    return value as Fields;
  }

  #refuseUnknown(fields: Fields, known: readonly string[], where: string): void {
    const unknown = Object.keys(fields).find((key) => !known.includes(key));
    if (unknown !== undefined) throw this.#bad(`${where}.${unknown}`, `is not known; known are ${known.join(', ')}`);
  }

  #expand(text: string, where: string): string {
    const variables = this.#variables;
    if (variables === undefined) return text;
    return text.replace(/\$\{(?:env:)?([A-Za-z_]\w*)(?::-([^}]*))?\}/g, (_, name: string, fallback?: string) => {
      const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
      const known = value ?? fallback;
      if (known === undefined) throw this.#bad(where, `needs the environment variable ${name}, which is not set`);
      return known;
    });
  }

  #bad(where: string, what: string): OssiaError {
    return new OssiaError('tools/bad-config', `Cannot use ${this.#source}: ${where} ${what}`, { details: { where } });
  }
}

export function isHttpUrl(text: string): boolean {
  try {
    return ['http:', 'https:'].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

function show(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
