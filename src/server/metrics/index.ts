import { Counter, Gauge, Registry } from 'prom-client';
import type { Host } from '../../api/index.ts';
import { EngineMetrics, type ModelStats } from './engine-metrics.ts';
import { HttpMetrics } from './http-metrics.ts';
import { TurnMetrics } from './turn-metrics.ts';

/** A host that knows what its engines do. */
export interface MeasuredHost extends Host {
  stats?(): Promise<readonly ModelStats[]>;
}

/** All that /metrics says of one server. */
export class Metrics {
  readonly turns: TurnMetrics;
  readonly http: HttpMetrics;
  readonly #registry = new Registry();
  readonly #engines: EngineMetrics;
  readonly #memory: Gauge;
  readonly #cpu: Counter;

  constructor(version: string) {
    this.turns = new TurnMetrics(this.#registry);
    this.http = new HttpMetrics(this.#registry);
    this.#engines = new EngineMetrics(this.#registry);
    const registers = [this.#registry];
    const name = 'process_resident_memory_bytes';
    this.#memory = new Gauge({ name, help: 'Memory of the process, mapped weights included.', registers });
    this.#cpu = new Counter({ name: 'process_cpu_seconds_total', help: 'Processor time of the process.', registers });
    const info = new Gauge({ name: 'ossia:info', help: 'Always 1.', labelNames: ['version', 'node'], registers });
    info.set({ version, node: process.versions.node }, 1);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In the text format of Prometheus. */
  async text(host: MeasuredHost): Promise<string> {
    const [engines, cards] = await Promise.all([host.stats?.() ?? [], host.models()]);
    this.#engines.update(engines, cards);
    this.#memory.set(process.memoryUsage.rss());
    const { user, system } = process.cpuUsage();
    this.#cpu.reset();
    this.#cpu.inc((user + system) / 1e6);
    return await this.#registry.metrics();
  }
}

export type { ModelStats } from './engine-metrics.ts';
