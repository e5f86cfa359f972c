import type { ConsoleError } from '../net/types.ts';
import { WarnIcon } from '../shell/icons.tsx';

/** What went wrong, and what to do next. */
export function Problem({ error, retry }: { readonly error: ConsoleError; readonly retry?: () => void }) {
  return (
    <div class="notice bad problem" role="alert">
      <WarnIcon />
      <div>
        <p>{error.message}</p>
        <p class="small">
          {error.next} <code>{error.code}</code>
        </p>
      </div>
      {retry && (
        <button type="button" class="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
