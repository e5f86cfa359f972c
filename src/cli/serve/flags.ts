import { type Command, InvalidArgumentError, Option } from 'commander';
import { LOG_LEVELS, type LogLevel } from '../../server/index.ts';
import { addLoadFlags, collectText, integer, type LoadFlags } from '../options.ts';
import { addToolboxFlags, type ToolboxFlags } from '../tool-flags.ts';
import { parseBytes, parseDuration, parseKeepAlive } from './durations.ts';

export interface ServeFlags extends LoadFlags, ToolboxFlags {
  readonly host?: string;
  readonly port?: number;
  readonly preload?: readonly string[];
  readonly alias?: readonly string[];
  readonly keepAlive?: number;
  readonly maxMemory?: number;
  readonly maxLoaded?: number;
  readonly maxRunning?: number;
  readonly maxWaiting?: number;
  readonly cacheTokens?: number;
  readonly apiKey?: readonly string[];
  readonly apiKeyFile?: string;
  readonly corsOrigin?: readonly string[];
  readonly allowHost?: readonly string[];
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly maxBody?: number;
  readonly maxConnections?: number;
  readonly requestTimeout?: number;
  /** False with --no-console. */
  readonly console: boolean;
  /** False with --no-tools. */
  readonly tools: boolean;
  readonly maxSteps?: number;
  readonly requestMcp?: 'none' | 'public' | 'any';
  /** False with --no-constrain. */
  readonly constrain: boolean;
  readonly drain: number;
  readonly data?: string;
  readonly storeDays?: number;
  readonly logFormat?: 'json' | 'pretty' | 'off';
  readonly logLevel: LogLevel;
}

/** Flags of `ossia serve`; each that a deployment may want to set without a command line has a variable. */
export function addServeFlags(command: Command): Command {
  const flag = (flags: string, about: string, env?: string) => {
    const option = new Option(flags, about);
    command.addOption(env === undefined ? option : option.env(env));
    return option;
  };
  flag('--host <host>', 'where to listen: host, host:port or :port (default: 127.0.0.1:6774)', 'OSSIA_HOST');
  flag('--port <port>', 'port, 0 for any that is free', 'OSSIA_PORT').argParser(integer(0, 65_535));
  flag('--preload <model>', 'load this model too before the first request; repeatable').argParser(collectText);
  flag('--alias <name=model>', 'another name for a model, as in gpt-4o=gpt-oss:20b; repeatable').argParser(
    collectAlias,
  );
  flag(
    '--keep-alive <time>',
    'how long models other than the default stay loaded unused (default: 5m)',
    'OSSIA_KEEP_ALIVE',
  ).argParser(parseKeepAlive);
  flag('--max-memory <bytes>', 'for all loaded models, as in 12G (default: nine tenths)', 'OSSIA_MAX_MEMORY').argParser(
    parseBytes,
  );
  flag('--max-loaded <n>', 'models in memory at a time', 'OSSIA_MAX_LOADED').argParser(integer(1, 1000));
  flag('--max-running <n>', 'turns of a model at a time (default: 8)', 'OSSIA_MAX_RUNNING').argParser(integer(1, 1024));
  flag('--max-waiting <n>', 'turns that may wait; the next is refused (default: 64)', 'OSSIA_MAX_WAITING').argParser(
    integer(0, 100_000),
  );
  flag(
    '--cache-tokens <n>',
    'room for the tokens of all turns of a model (default: one context)',
    'OSSIA_CACHE_TOKENS',
  ).argParser(integer(1, 2 ** 30));
  flag('--api-key <key>', 'ask for this key; repeatable', 'OSSIA_API_KEY').argParser(collectText);
  flag('--api-key-file <file>', 'ask for a key of this file: see `ossia key`', 'OSSIA_API_KEY_FILE');
  flag(
    '--cors-origin <origin>',
    'let scripts of this page use the server; * for all; repeatable',
    'OSSIA_ORIGINS',
  ).argParser(collectList);
  flag('--allow-host <name>', 'answer under this name too; repeatable', 'OSSIA_ALLOW_HOSTS').argParser(collectList);
  flag('--tls-cert <file>', 'serve HTTPS with this certificate', 'OSSIA_TLS_CERT');
  flag('--tls-key <file>', 'and this key', 'OSSIA_TLS_KEY');
  flag('--max-body <bytes>', 'largest request (default: 8M)', 'OSSIA_MAX_BODY').argParser(parseBytes);
  flag('--max-connections <n>', 'at a time (default: 1000)', 'OSSIA_MAX_CONNECTIONS').argParser(integer(1, 1_000_000));
  flag(
    '--request-timeout <time>',
    'end turns that take longer, with what there is (default: never)',
    'OSSIA_REQUEST_TIMEOUT',
  ).argParser(parseDuration);
  flag('--no-console', 'serve the APIs alone, without pages for a browser');
  flag('--no-tools', 'carry nothing out: no browser, no python');
  addToolboxFlags(command);
  flag('--max-steps <n>', 'rounds of calls in one request (default: 32)', 'OSSIA_MAX_STEPS').argParser(
    integer(0, 10_000),
  );
  flag(
    '--request-mcp <which>',
    'MCP servers that requests may bring: none, those at public addresses, or any (default: public)',
    'OSSIA_REQUEST_MCP',
  ).choices(['none', 'public', 'any']);
  flag('--no-constrain', 'let models write malformed turns (for research)');
  flag('--drain <time>', 'how long running turns may go on after SIGTERM', 'OSSIA_DRAIN')
    .argParser(parseDuration)
    .default(30_000, '30s');
  flag('--data <directory>', 'where stored responses are kept; none: in memory', 'OSSIA_DATA');
  flag('--store-days <n>', 'how long (default: 30)', 'OSSIA_STORE_DAYS').argParser(integer(1, 36_500));
  flag(
    '--log-format <format>',
    'json, pretty or off (default: pretty on a terminal, else json)',
    'OSSIA_LOG_FORMAT',
  ).choices(['json', 'pretty', 'off']);
  flag('--log-level <level>', 'the least that is logged', 'OSSIA_LOG_LEVEL')
    .choices([...LOG_LEVELS])
    .default('info');
  return addLoadFlags(command);
}

function collectAlias(text: string, earlier: readonly string[] = []): readonly string[] {
  if (!/^[^=]+=.+$/s.test(text)) throw new InvalidArgumentError('Expected name=model.');
  return [...earlier, text];
}

/** Repeated, or separated by commas as in a variable. */
function collectList(text: string, earlier: readonly string[] = []): readonly string[] {
  return [
    ...earlier,
    ...text
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean),
  ];
}
