import type { RouteGroup } from '../app.ts';
import { consoleRoutes } from '../console/index.ts';
import { mcpRoutes } from '../mcp/index.ts';
import { answerNowRoutes } from './answer-now.ts';
import { anthropicRoutes } from './anthropic.ts';
import { chatCompletionsRoutes } from './chat-completions.ts';
import { completionsRoutes } from './completions.ts';
import { modelsRoutes } from './models.ts';
import { ollamaRoutes } from './ollama.ts';
import { responsesRoutes } from './responses.ts';
import { sageMakerRoutes } from './sagemaker.ts';

/** The wire formats, in the order in which paths are matched; each adds its line here. */
export const routeGroups: readonly RouteGroup[] = [
  answerNowRoutes,
  chatCompletionsRoutes,
  completionsRoutes,
  responsesRoutes,
  modelsRoutes,
  anthropicRoutes,
  ollamaRoutes,
  sageMakerRoutes,
  mcpRoutes,
  consoleRoutes,
];

export { consolePages, consoleRoutes } from '../console/index.ts';
export { metricsRoutes } from './metrics.ts';
export { openApiRoutes } from './openapi.ts';
export { type ProbeOptions, probeRoutes } from './probes.ts';
