import { OssiaError } from '../../base/index.ts';
import { isHttpUrl, isLabel, type McpConfigOptions, readMcpFile } from './config.ts';
import type { McpServer } from './types.ts';

/**
 * Reads one `--mcp` of a command line: `https://…`, `label=https://…`, `label=command arg "another arg"`, or the path of a
 * configuration as of `readMcpConfig`. Throws `tools/bad-config`.
 */
export async function parseMcpArgument(
  argument: string,
  options: McpConfigOptions = {},
): Promise<readonly McpServer[]> {
  if (/^https?:/i.test(argument)) return [addressOf(undefined, argument, argument)];
  const [, label, rest] = /^([^=\s/\\]+)=(.*)$/su.exec(argument) ?? [];
  if (label === undefined || rest === undefined) return readMcpFile(argument, options);
  if (!isLabel(label)) throw bad(argument, `"${label}" has other characters than letters, digits, "_", "-", "."`);
  if (/^https?:/i.test(rest)) return [addressOf(label, rest, argument)];
  const [command, ...args] = splitWords(rest, argument);
  if (command === undefined) throw bad(argument, 'no command follows the name');
  return [{ label, type: 'stdio', command, args, env: {} }];
}

function addressOf(label: string | undefined, url: string, argument: string): McpServer {
  if (!isHttpUrl(url)) throw bad(argument, 'the address is not well-formed');
  return { label: label ?? labelOf(new URL(url)), type: 'auto', url, headers: {} };
}

/** `https://mcp.deepwiki.com/mcp` → `deepwiki`, `http://localhost:3000/mcp` → `localhost-3000`. */
function labelOf({ hostname, port }: URL): string {
  const isName = /\.[a-z]+$/i.test(hostname);
  const parts = hostname.replace(/[[\]]/g, '').split('.');
  const host = isName
    ? (parts
        .slice(0, -1)
        .filter((part) => !['mcp', 'www', 'api'].includes(part))
        .at(-1) ?? hostname)
    : hostname;
  const label = `${host}${port === '' ? '' : `-${port}`}`
    .replace(/[^\p{L}\p{N}_.]+/gu, '-')
    .replace(/^[.-]+|[.-]+$/g, '');
  return isLabel(label) ? label : 'server';
}

/** Words as a shell reads them, without any expansion; a backslash takes the meaning of a blank, a quote or a backslash. */
function splitWords(text: string, argument: string): string[] {
  const words: string[] = [];
  const word = /\s*((?:\\[\s"'\\]|"(?:\\["\\]|[^"])*"|'[^']*'|[^\s"'])+)/suy;
  while (word.lastIndex < text.length) {
    const start = word.lastIndex;
    const found = word.exec(text)?.[1];
    if (found === undefined) {
      if (text.slice(start).trim() === '') break;
      throw bad(argument, 'a quote is not closed');
    }
    words.push(unquote(found));
  }
  return words;
}

function unquote(word: string): string {
  return word.replace(
    /\\([\s"'\\])|"((?:\\["\\]|[^"])*)"|'([^']*)'/gsu,
    (_, escaped?: string, double?: string, single?: string) =>
      escaped ?? double?.replace(/\\(["\\])/g, '$1') ?? single ?? '',
  );
}

function bad(argument: string, what: string): OssiaError {
  return new OssiaError('tools/bad-config', `Cannot use --mcp "${argument}": ${what}`);
}
