import { signal } from '@preact/signals';
import { ApiError, json } from '../net/api.ts';
import type { ConsoleModel, ModelList, ToolList, ToolState } from '../net/types.ts';

/** What the server has, as it was when last asked. */
export const models = signal<readonly ConsoleModel[]>([]);
export const tools = signal<readonly ToolState[]>([]);
/** Whether it answered last. */
export const isReachable = signal(true);

export async function askServer(): Promise<void> {
  await Promise.all([
    ask<ModelList>('ossia/models', (list) => {
      models.value = list.models;
    }),
    ask<ToolList>('ossia/tools', (list) => {
      tools.value = list.tools;
    }),
  ]);
}

async function ask<T>(path: string, take: (reply: T) => void): Promise<void> {
  try {
    take(await json<T>(path));
    isReachable.value = true;
  } catch (error) {
    if (error instanceof ApiError) isReachable.value = error.code !== 'console/unreachable';
  }
}

/** The name of the model that answers with these settings. */
export function answeringModel(name: string): string {
  if (name !== '') return name;
  return (models.value.find(({ isDefault }) => isDefault) ?? models.value[0])?.name ?? '';
}
