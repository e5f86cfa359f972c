import { bytes, threeDigits } from '../charts/format.ts';
import type { ConsoleModel, MachineFacts } from '../net/types.ts';
import { machineParts } from './memory.ts';
import { PartsBar } from './parts-bar.tsx';

/** What there is to run models on. */
export function Machine({
  machine,
  models,
}: {
  readonly machine: MachineFacts;
  readonly models: readonly ConsoleModel[];
}) {
  const { bandwidthBytesPerSecond: bandwidth, freeDiskBytes } = machine;
  return (
    <section class="machine card" aria-labelledby="machine-title">
      <h2 id="machine-title">This machine</h2>
      <dl class="machine-facts">
        <Fact name="Processor" value={machine.cpu} more={`${machine.threads} threads, backend ${machine.backend}`} />
        <Fact name="Memory free" value={bytes(machine.freeMemoryBytes)} more={`of ${bytes(machine.memoryBytes)}`} />
        <Fact
          name="Memory bandwidth"
          value={bandwidth === undefined ? 'not measured yet' : `${threeDigits(bandwidth / 1e9)} GB/s`}
          more="measured by reading, all threads"
        />
        <Fact
          name="Disk free"
          value={freeDiskBytes === undefined ? 'not known' : bytes(freeDiskBytes)}
          more="where models are kept"
        />
      </dl>
      <PartsBar label="Memory of the machine" parts={machineParts(machine, models)} />
    </section>
  );
}

function Fact({ name, value, more }: { readonly name: string; readonly value: string; readonly more: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value} <small>{more}</small>
      </dd>
    </div>
  );
}
