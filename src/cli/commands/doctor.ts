import type { Command } from 'commander';
import { measureBandwidth, readMachine } from '../../server/index.ts';
import type { Context } from '../context.ts';
import { findModels } from '../doctor/models.ts';
import { findPaths } from '../doctor/paths.ts';
import { findMissing, fitModels, type Report } from '../doctor/report.ts';
import { renderReport } from '../doctor/text.ts';
import { version } from '../version.ts';

export function addDoctor(program: Command, context: Context): void {
  program
    .command('doctor')
    .description('say what this machine has, which models fit, how fast they can be, and what is missing')
    .option('--json', 'print the report as one JSON object')
    .action(async (flags: { json?: boolean }) => {
      const { terminal } = context;
      if (terminal.err.isTerminal) terminal.err.replaceLine(terminal.err.dim('Measuring memory bandwidth …'));
      const report = await examine(context);
      if (terminal.err.isTerminal) terminal.err.replaceLine('');
      terminal.out.line(flags.json ? JSON.stringify(report) : renderReport(report, terminal.out));
    });
}

async function examine(context: Context): Promise<Report> {
  const machine = readMachine();
  const paths = findPaths(context.env.PATH);
  const bandwidthBytesPerSecond = await measureBandwidth(paths[0]?.defaultThreads ?? machine.usableCores);
  const models = await findModels(context);
  return {
    ossia: version(),
    node: process.versions.node,
    machine,
    bandwidthBytesPerSecond,
    paths,
    fits: fitModels(machine, bandwidthBytesPerSecond),
    models,
    missing: findMissing(machine, paths, models),
  };
}
