/** A process that holds one subject: takes a Job as its argument and writes Reports, one line each. */
import { readFileSync } from 'node:fs';
import { beside } from './busy.ts';
import { openLlamaCpp } from './llama-cpp.ts';
import { openOssia } from './ossia.ts';
import { randomPrompt } from './rows.ts';
import type { Job, Memory, Report } from './subject.ts';

function memory(): Memory {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    const bytes = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)![1]) * 1024;
    return { resident: bytes('VmRSS'), anonymous: bytes('RssAnon') };
  } catch {
    return { resident: process.memoryUsage.rss() };
  }
}

function report(line: Report): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const job: Job = JSON.parse(process.argv[2]!);
const subject = await (job.subject === 'ossia' ? openOssia(job) : openLlamaCpp(job));
const { description, kvBytesPerToken } = subject;
report({ type: 'opened', description, ...(kvBytesPerToken === undefined ? {} : { kvBytesPerToken }) });
for (const [index, { name, prompts, count, busy }] of job.rows.entries()) {
  const ids = prompts.map((length, stream) =>
    randomPrompt(length, 1 + stream + 100 * (index + 100 * job.seed), job.vocabSize),
  );
  const { submitted, arrivals, tokens } = await beside(busy, () => subject.generate(ids, count));
  const distinctTokens = new Set(tokens.flat()).size;
  report({ type: 'row', name, submitted, arrivals, distinctTokens, memory: memory() });
}
await subject.close();
process.exit(0); // a peer may keep threads
