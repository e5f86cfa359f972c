import { type Command, InvalidArgumentError } from 'commander';
import {
  API_NAMES,
  APIS,
  type ApiName,
  type CheckResult,
  conform,
  resultLines,
  summaryLines,
} from '../../conform/index.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../failure.ts';
import { integer } from '../options.ts';
import { serverUrl } from '../server-client.ts';
import { printable } from '../terminal.ts';

interface Flags {
  readonly model?: string;
  readonly apiKey?: string;
  readonly only?: readonly ApiName[];
  readonly timeout: number;
  readonly json?: boolean;
}

export function addConform(program: Command, context: Context): void {
  program
    .command('conform')
    .description('test any server against what the clients that people use need of it')
    .argument('<url>', 'where it listens, http://127.0.0.1:6774')
    .option('--model <name>', 'the model to ask (default: the first that the server lists)')
    .option('--api-key <key>', 'its key, where it asks for one (default: OSSIA_API_KEY)')
    .option('--only <apis>', `some of ${APIS.join(', ')}`, apiNames)
    .option('--timeout <seconds>', 'how long one answer may take', integer(1, 3600), 60)
    .option('--json', 'print one JSON object with all results')
    .action((url: string, flags: Flags) => run(context, url, flags));
}

async function run({ terminal, env }: Context, address: string, flags: Flags): Promise<void> {
  const { out } = terminal;
  const url = serverUrl(address);
  const apiKey = flags.apiKey ?? (env.OSSIA_API_KEY || undefined);
  let section: ApiName | undefined;
  const onResult = (api: ApiName, result: CheckResult) => {
    if (api !== section) out.line(`${section === undefined ? '' : '\n'}${out.bold(API_NAMES[api])}`);
    section = api;
    for (const line of resultLines(result))
      out.line(result.status === 'fail' ? out.red(printable(line)) : printable(line));
  };
  const report = await conform(url, {
    timeoutMs: flags.timeout * 1000,
    ...(flags.model === undefined ? {} : { model: flags.model }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(flags.only === undefined ? {} : { only: flags.only }),
    ...(flags.json ? {} : { onResult }),
  });
  if (flags.json) out.line(JSON.stringify(report));
  else for (const line of ['', `${url}, ${printable(report.model)}`, ...summaryLines(report)]) out.line(line);
  if (report.failed > 0 || report.passed === 0) process.exitCode = EXIT.error;
}

function apiNames(text: string): readonly ApiName[] {
  return text.split(',').map((name) => {
    const found = APIS.find((api) => api === name.trim());
    if (found === undefined) throw new InvalidArgumentError(`Expected some of ${APIS.join(', ')}.`);
    return found;
  });
}
