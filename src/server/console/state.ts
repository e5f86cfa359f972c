import type { Host, ModelList, Turns } from '../../api/index.ts';
import type { MeasuredHost } from '../metrics/index.ts';
import { MachineWatch } from './machine-facts.ts';
import { ModelLister } from './model-list.ts';
import { Pulls } from './pulls.ts';
import { StatsRecorder, StatsSampler } from './stats/index.ts';

export interface ConsoleStateOptions {
  readonly host: Host & MeasuredHost;
  readonly turns: Turns;
  /** Told of turns and requests by whoever sees them. Default: nobody tells it. */
  readonly recorder?: StatsRecorder;
}

/** What the console's server side keeps between requests. */
export class ConsoleState {
  readonly pulls: Pulls;
  readonly stats: StatsSampler;
  readonly #machine: MachineWatch;
  readonly #models: ModelLister;

  constructor({ host, turns, recorder = new StatsRecorder() }: ConsoleStateOptions) {
    this.pulls = new Pulls(host);
    this.stats = new StatsSampler(host, recorder);
    this.#machine = new MachineWatch(host, turns);
    this.#models = new ModelLister(host);
  }

  async models(): Promise<ModelList> {
    return await this.#models.list(await this.#machine.facts(), this.pulls.states);
  }

  /** Ends downloads and streams of samples. */
  async close(): Promise<void> {
    this.stats.close();
    await this.pulls.close();
  }
}
