import type { Command } from 'commander';
import { checkModel, OssiaError, openCheckpoint, verifyCheckpoint } from '../../index.ts';
import type { Context } from '../context.ts';
import { describe, EXIT } from '../failure.ts';
import { bytes } from '../format.ts';
import { locateModel } from '../locate.ts';
import { ProgressLine } from '../progress.ts';

export function addVerify(program: Command, context: Context): void {
  program
    .command('verify')
    .description(
      'look for damage: headers, tensors that are missing or do not fit, and weights or scales that are NaN or infinite',
    )
    .argument('[model]', 'path or name', context.defaultModel)
    .option('--json', 'print one JSON object a tensor or problem')
    .action((name: string, flags: { readonly json?: boolean }) => run(context, name, flags.json ?? false));
}

async function run(context: Context, name: string, json: boolean): Promise<void> {
  const { out, err } = context.terminal;
  const { path } = await locateModel(context, name);
  const progress = new ProgressLine(err);
  const totals = { tensors: 0, bytes: 0, problems: 0 };
  for await (const { file, tensor, bytesRead, problem } of verdicts(path)) {
    if (tensor !== undefined) totals.tensors++;
    totals.bytes += bytesRead;
    const failure = problem && describe(problem);
    if (failure) totals.problems++;
    if (json) out.line(JSON.stringify({ file, tensor, bytesRead, ...(failure ? { error: failure } : {}) }));
    else if (failure) {
      progress.clear();
      out.line(`${failure.message}\n  ${failure.code}\n  next: ${failure.next}`);
    } else progress.show(`${totals.tensors} tensors, ${bytes(totals.bytes)} read: ${tensor ?? file}`);
  }
  progress.clear();
  if (totals.problems > 0) process.exitCode = EXIT.error;
  if (json) return;
  const found =
    totals.problems === 0 ? 'no problem' : `${totals.problems} ${totals.problems === 1 ? 'problem' : 'problems'}`;
  out.line(`${path}: ${totals.tensors} tensors, ${bytes(totals.bytes)} read, ${found} found`);
}

type Verdict = ReturnType<typeof verifyCheckpoint> extends AsyncGenerator<infer T> ? T : never;

/** What the files say of themselves; where they open, then whether they make a whole model. */
async function* verdicts(path: string): AsyncGenerator<Verdict, void> {
  let opened = true;
  for await (const verdict of verifyCheckpoint(path)) {
    opened &&= verdict.tensor !== undefined;
    yield verdict;
  }
  if (!opened) return;
  const checkpoint = await openCheckpoint(path, { map: false });
  try {
    checkModel(checkpoint);
  } catch (problem) {
    if (!(problem instanceof OssiaError)) throw problem;
    yield { file: path, bytesRead: 0, problem };
  } finally {
    checkpoint.close();
  }
}
