import { type Command, Option } from 'commander';
import { type PullEvent, pull } from '../../index.ts';
import type { Context } from '../context.ts';
import { usage } from '../failure.ts';
import { bytes } from '../format.ts';
import { catchInterrupt } from '../interrupt.ts';
import { storeOptions } from '../locate.ts';
import { describeDownload, ProgressLine } from '../progress.ts';
import type { Terminal } from '../terminal.ts';

interface Flags {
  readonly include?: 'huggingface' | 'original' | 'gguf';
  readonly revision?: string;
  readonly verify?: boolean;
  readonly json?: boolean;
}

export function addPull(program: Command, context: Context): void {
  program
    .command('pull')
    .description('download a model into the cache that Hugging Face tools share; run it again to resume')
    .argument('<model>', 'gpt-oss:20b, gpt-oss:120b, or a hub repository such as openai/gpt-oss-20b')
    .addOption(new Option('--include <layout>', 'which files').choices(['huggingface', 'original', 'gguf']))
    .option('--revision <revision>', 'branch, tag or commit')
    .option('--verify', 'also hash the files that are here already')
    .option('--json', 'print events as JSON lines')
    .action((model: string, flags: Flags) => run(context, model, flags));
}

async function run(context: Context, model: string, { include, revision, verify, json }: Flags): Promise<void> {
  const { terminal } = context;
  const endpoint = context.env.HF_ENDPOINT;
  if (endpoint && !(URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol))) {
    const found = `Expected HF_ENDPOINT to be an http(s) address, got ${JSON.stringify(endpoint)}`;
    throw usage(found, 'Unset HF_ENDPOINT, or set it to an address such as https://huggingface.co');
  }
  const interrupt = catchInterrupt();
  const show = json ? (event: PullEvent) => terminal.out.line(JSON.stringify(event)) : printer(terminal);
  try {
    for await (const event of pull(model, {
      ...storeOptions(context),
      include,
      revision,
      verify,
      signal: interrupt.signal,
    })) {
      show(event);
    }
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    if (terminal.err.isTerminal) terminal.err.replaceLine('');
    terminal.err.line('Interrupted: the same command goes on from here');
    process.exitCode = interrupt.exitCode;
  } finally {
    interrupt.dispose();
  }
}

/** Progress on standard error; on standard output only where the model is, for `$(ossia pull …)`. */
function printer({ out, err }: Terminal): (event: PullEvent) => void {
  const progress = new ProgressLine(err);
  const line = (text: string) => {
    progress.clear();
    err.line(text);
  };
  return (event) => {
    switch (event.type) {
      case 'plan': {
        const left = event.totalBytes - event.presentBytes;
        const here = event.presentBytes > 0 ? `, ${bytes(event.presentBytes)} here already` : '';
        return line(`${event.repository}: ${event.files.length} files, ${bytes(left)} to download${here}`);
      }
      case 'verify':
        return progress.show(describeDownload({ ...event, file: `verifying ${event.file}` }));
      case 'progress':
        return progress.show(describeDownload(event));
      case 'retry':
        return line(`${event.file}: ${event.reason}; try ${event.attempt} in ${(event.delayMs / 1000).toFixed(1)}s`);
      case 'file':
        return line(`${event.file}  verified`);
      case 'done':
        progress.clear();
        return out.line(event.model.path);
    }
  };
}
