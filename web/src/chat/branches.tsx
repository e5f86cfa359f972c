import { LeftIcon, RightIcon } from '../shell/icons.tsx';
import { showBranch } from './say.ts';

export interface BranchesProps {
  readonly node: string;
  readonly place: number;
  readonly places: number;
}

/** ‹ 2/3 › */
export function Branches({ node, place, places }: BranchesProps) {
  if (places < 2) return null;
  return (
    <fieldset class="branches" aria-label={`Branch ${place} of ${places}`}>
      <button
        type="button"
        class="icon-button small"
        aria-label="The branch before"
        disabled={place === 1}
        onClick={() => showBranch(node, -1)}
      >
        <LeftIcon size={15} />
      </button>
      <span class="number" aria-hidden="true">
        {place}/{places}
      </span>
      <button
        type="button"
        class="icon-button small"
        aria-label="The branch after"
        disabled={place === places}
        onClick={() => showBranch(node, 1)}
      >
        <RightIcon size={15} />
      </button>
    </fieldset>
  );
}
