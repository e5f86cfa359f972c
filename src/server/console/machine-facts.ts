import type { Host, MachineFacts, Turns } from '../../api/index.ts';
import { cpuMachine } from '../../backends/index.ts';
import { measureBandwidthAside, readMachine } from '../machine/index.ts';

/** Measuring takes memory for some hundred milliseconds; where there is less than this, it waits. */
const ROOM_BYTES = 2 * 2 ** 30;

/** What this machine has. */
export class MachineWatch {
  readonly #host: Host;
  readonly #turns: Turns;
  #bandwidth: number | undefined;
  #isMeasuring = false;

  constructor(host: Host, turns: Turns) {
    this.#host = host;
    this.#turns = turns;
  }

  async facts(): Promise<MachineFacts> {
    const { cpu, memoryBytes, memoryLimitBytes = memoryBytes, availableBytes } = readMachine();
    const { available, instructionSets, defaultThreads } = cpuMachine();
    this.#measure(defaultThreads, availableBytes);
    const freeDiskBytes = await this.#host.freeDiskBytes?.();
    return {
      cpu,
      threads: defaultThreads,
      memoryBytes: Math.min(memoryBytes, memoryLimitBytes),
      freeMemoryBytes: availableBytes,
      ...(freeDiskBytes === undefined ? {} : { freeDiskBytes }),
      ...(this.#bandwidth === undefined ? {} : { bandwidthBytesPerSecond: this.#bandwidth }),
      backend: available ? `cpu: ${instructionSets[0]}` : 'reference',
    };
  }

  /** Once, on a thread of its own, and when no turn would be slowed down or slow it down. */
  #measure(threads: number, availableBytes: number): void {
    const isQuiet = this.#turns.size === 0 && availableBytes > ROOM_BYTES;
    if (this.#bandwidth !== undefined || this.#isMeasuring || !isQuiet) return;
    this.#isMeasuring = true;
    measureBandwidthAside(threads)
      .then(
        (bandwidth) => {
          this.#bandwidth = bandwidth;
        },
        () => {}, // the next who asks lets it be tried again
      )
      .finally(() => {
        this.#isMeasuring = false;
      });
  }
}
