import { current, setSettings } from '../state/conversations.ts';
import { answeringModel, askServer, models } from '../state/server.ts';

/** Which model answers. One that is not loaded is when it is first asked. */
export function ModelPicker() {
  if (models.value.length === 0) return null;
  const { model } = current.value.settings;
  const known = models.value.some(({ name, otherNames }) => name === model || otherNames.includes(model));
  return (
    <select
      class="pill model-picker"
      aria-label="Model"
      value={known ? model : answeringModel('')}
      onFocus={() => void askServer()}
      onChange={(event) => setSettings({ model: event.currentTarget.value })}
    >
      {models.value.map(({ name }) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}
