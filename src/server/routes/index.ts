import type { RouteGroup } from '../app.ts';
import { anthropicRoutes } from './anthropic.ts';
import { chatCompletionsRoutes } from './chat-completions.ts';
import { healthRoutes } from './health.ts';
import { modelsRoutes } from './models.ts';
import { ollamaRoutes } from './ollama.ts';

/** All that is served, in the order in which paths are matched. A wire format adds its line here. */
export const routeGroups: readonly RouteGroup[] = [
  chatCompletionsRoutes,
  modelsRoutes,
  anthropicRoutes,
  healthRoutes,
  ollamaRoutes,
];
