import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  brave,
  exa,
  openBrowser,
  openCorpus,
  openMcp,
  openPatch,
  openPython,
  parseMcpArgument,
  type SearchProvider,
  searxng,
  type Tool,
  youCom,
} from '../tools/index.ts';
import type { Context } from './context.ts';
import { usage } from './failure.ts';
import { integer } from './options.ts';

/** Flags that say what tools there are. */
export interface ToolboxFlags {
  readonly mcp?: readonly string[];
  readonly patch?: string;
  readonly search?: string;
  readonly corpus?: string;
}

/** Flags of commands that run tools themselves. */
export interface ToolFlags extends ToolboxFlags {
  readonly tool?: readonly ('browser' | 'python')[];
  readonly maxSteps?: number;
  readonly yes?: boolean;
}

/** Searches that take a key: what makes them, and the variable that holds it. */
const KEYED = {
  exa: [exa, 'EXA_API_KEY'],
  brave: [brave, 'BRAVE_API_KEY'],
  you: [youCom, 'YDC_API_KEY'],
} as const;

/** The flags that say where tools get what they need: the same for a chat and for a server. */
export function addToolboxFlags(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--mcp <server>',
        'functions of an MCP server: an address, label=command, or a file; repeatable',
      ).argParser(collect),
    )
    .option('--patch <folder>', 'let the model read this folder, and change it by patches')
    .option('--search <where>', 'search with SearXNG (its address), exa, brave or you (default: a folder, offline)')
    .option('--corpus <folder>', 'the pages that are searched offline (default: the documents of Ossia)');
}

export function addToolFlags(command: Command): Command {
  command.addOption(
    new Option('--tool <name>', 'let the model use browser or python; repeatable').argParser(collectTool),
  );
  return addToolboxFlags(command)
    .option('--max-steps <n>', 'rounds of calls, then the model has to answer (default: 32)', integer(0, 10_000))
    .option('--yes', 'run calls that change something without asking');
}

/** The tools that a command was asked for; they have to be closed. Rejects with `tools/…` and `cli/usage`. */
export async function openToolbox(context: Context, flags: ToolFlags): Promise<readonly Tool[]> {
  const { tool = [] } = flags;
  if ((flags.search !== undefined || flags.corpus !== undefined) && !tool.includes('browser')) {
    throw usage('There is nothing that searches', 'Add --tool browser');
  }
  const builtins = tool.map((name) => (name === 'browser' ? browserOf(context, flags) : openPython()));
  return openOthers(context, flags, builtins);
}

/** What a server has for those who ask for it: browser and python, and what the flags name. */
export function openServerTools(context: Context, flags: ToolboxFlags): Promise<readonly Tool[]> {
  return openOthers(context, flags, [browserOf(context, flags), openPython()]);
}

async function openOthers(
  context: Context,
  { mcp = [], patch }: ToolboxFlags,
  opened: readonly Tool[],
): Promise<readonly Tool[]> {
  const { terminal, env, debug } = context;
  const tools = [...opened];
  try {
    const servers = (await Promise.all(mcp.map((argument) => parseMcpArgument(argument, { variables: env })))).flat();
    const labels = servers.map(({ label }) => label);
    const twice = labels.find((label, i) => labels.indexOf(label) !== i);
    if (twice !== undefined) throw usage(`Two MCP servers are called "${twice}"`, 'Name one otherwise: label=…');
    const log = (line: string) => terminal.err.line(terminal.err.dim(line));
    for (const server of servers) tools.push(openMcp(server, debug ? { log } : {}));
    if (patch !== undefined) tools.push(await openPatch({ folder: patch }));
    return tools;
  } catch (error) {
    await closeAll(tools);
    throw error;
  }
}

export async function closeAll(tools: readonly Tool[]): Promise<void> {
  await Promise.allSettled(tools.map((tool) => tool.close()));
}

function browserOf(context: Context, flags: ToolboxFlags): Tool {
  return openBrowser({ provider: providerOf(context, flags) });
}

function providerOf({ env }: Context, { search, corpus }: ToolboxFlags): SearchProvider {
  if (search === undefined) return openCorpus(corpus);
  if (corpus !== undefined) throw usage('--search and --corpus exclude each other', 'Give one of them');
  if (/^https?:\/\//i.test(search) && URL.canParse(search)) return searxng({ url: search });
  if (!Object.hasOwn(KEYED, search)) {
    throw usage(`Cannot search with "${search}"`, 'Give the address of a SearXNG, or exa, brave or you');
  }
  const [open, variable] = KEYED[search as keyof typeof KEYED];
  const key = env[variable];
  if (!key) throw usage(`Cannot search with ${search} without a key`, `Set ${variable}`);
  return open({ key });
}

function collect(text: string, earlier: readonly string[] = []): readonly string[] {
  if (text === '') throw new InvalidArgumentError('Expected an address, label=command or a file.');
  return [...earlier, text];
}

function collectTool(name: string, earlier: NonNullable<ToolFlags['tool']> = []): NonNullable<ToolFlags['tool']> {
  if (name !== 'browser' && name !== 'python') throw new InvalidArgumentError('Expected browser or python.');
  return earlier.includes(name) ? earlier : [...earlier, name];
}
