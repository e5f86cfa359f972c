import type { TurnObserver, TurnRequest } from '../api/index.ts';
import type { ChatEvent, LoadedModel } from '../chat/index.ts';
import type { RequestScope } from './http/access.ts';

/** Several observers as one. */
export function observeAll(observers: readonly TurnObserver[]): TurnObserver {
  return {
    begin(turn, model) {
      const seen = observers.map((observer) => observer.begin(turn, model));
      return {
        event: (event) => {
          for (const one of seen) one.event(event);
        },
        fail: (error) => {
          for (const one of seen) one.fail(error);
        },
        over: () => {
          for (const one of seen) one.over?.();
        },
      };
    },
  };
}

/** Adds up what the turns of a request come to, for its line in the log. */
export function tallyTurns(scope: RequestScope): TurnObserver {
  return {
    begin(_turn: TurnRequest, model: LoadedModel) {
      const started = performance.now();
      const tally = scope.tally(model.name);
      if (tally) tally.turns++;
      return {
        event(event: ChatEvent) {
          if (!tally) return;
          if (event.type === 'usage') {
            tally.promptTokens += event.promptTokens;
            tally.cachedTokens += event.cachedTokens;
            tally.outputTokens += event.outputTokens;
          } else if (event.type === 'end') tally.finish = event.reason;
          else tally.firstTokenMs ??= performance.now() - started;
        },
        fail() {
          if (tally) tally.finish = 'error';
        },
      };
    },
  };
}
