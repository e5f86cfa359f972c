/** A process that holds one subject: takes a Job as its argument and writes Reports, one line each. */
import { beside } from './busy.ts';
import { openLlamaCpp } from './llama-cpp.ts';
import { memoryOf } from './memory.ts';
import { openOssia } from './ossia.ts';
import { randomPrompt, WARM_UP } from './rows.ts';
import type { Job, Report } from './subject.ts';

function report(line: Report): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const job: Job = JSON.parse(process.argv[2]!);
const subject = await (job.subject === 'ossia' ? openOssia(job) : openLlamaCpp(job));
const { description, kvBytesPerToken } = subject;
report({ type: 'opened', description, ...(kvBytesPerToken === undefined ? {} : { kvBytesPerToken }) });
let isWarm = false;
for (const [index, { name, kind, prompts, count, busy }] of job.rows.entries()) {
  if (kind !== 'start' && !isWarm) {
    await subject.generate([randomPrompt(WARM_UP, 99 + 100 * job.seed, job.vocabSize)], 1);
    isWarm = true;
  }
  const ids = prompts.map((length, stream) =>
    randomPrompt(length, 1 + stream + 100 * (index + 100 * job.seed), job.vocabSize),
  );
  const { submitted, arrivals, tokens } = await beside(busy, () => subject.generate(ids, count));
  const distinctTokens = new Set(tokens.flat()).size;
  report({ type: 'row', name, submitted, arrivals, distinctTokens, memory: memoryOf(process.pid)! });
}
await subject.close();
process.exit(0); // a peer may keep threads
