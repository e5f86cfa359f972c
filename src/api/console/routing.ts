import { OssiaError } from '../../base/index.ts';
import { json, type Reply } from '../reply.ts';
import type { ConsoleCaller, ConsoleService } from './turns.ts';
import type { Routing, RoutingBody } from './types.ts';

/** `POST /ossia/routing`: which experts compute these tokens. Ends when the caller leaves. */
export async function routingOf(
  { model, ids, from = 0 }: RoutingBody,
  { host }: Pick<ConsoleService, 'host'>,
  { signal }: ConsoleCaller,
): Promise<Reply> {
  const lease = await host.lend(model, { signal });
  try {
    const layers = await lease.model.routing(ids, { from, signal });
    if (!layers)
      throw new OssiaError('api/unsupported', `Cannot tell the experts of ${lease.name}: its engine has none`);
    const { numLayers, numExperts, expertsPerToken: picked } = lease.model.info.config;
    const routing: Routing = {
      layers: numLayers,
      experts: numExperts,
      picked,
      chosen: layers.map(({ experts }) => byToken(experts, picked)),
      weights: layers.map(({ weights }) => byToken(weights, picked)),
    };
    return json(routing);
  } catch (error) {
    if (error instanceof OssiaError || !signal.aborted) throw error;
    throw new OssiaError('server/timeout', 'The experts were not computed in time', { cause: error });
  } finally {
    lease.release();
  }
}

/** [tokens · picked] → [tokens][picked] */
function byToken(values: Int32Array | Float32Array, picked: number): number[][] {
  return Array.from({ length: values.length / picked }, (_, token) =>
    Array.from(values.subarray(token * picked, (token + 1) * picked)),
  );
}
