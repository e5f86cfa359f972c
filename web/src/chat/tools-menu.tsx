import { useId } from 'preact/hooks';
import { ToolIcon } from '../shell/icons.tsx';
import { putBeside } from '../shell/popover.ts';
import { current, setSettings } from '../state/conversations.ts';
import { tools } from '../state/server.ts';

/** What the model may use in this conversation; nothing when the server has no tools. */
export function ToolsMenu() {
  const id = useId();
  if (tools.value.length === 0) return null;
  const on = tools.value.filter(({ name }) => current.value.settings.enable.includes(name)).length;
  return (
    <>
      <button type="button" class={on > 0 ? 'pill on' : 'pill'} popovertarget={id}>
        <ToolIcon size={15} />
        {on > 0 ? `${on} ${on === 1 ? 'tool' : 'tools'}` : 'Tools'}
      </button>
      <div id={id} popover="auto" class="menu tools-menu" onToggle={(event) => putBeside(event.currentTarget)}>
        <ToolToggles />
      </div>
    </>
  );
}

export function ToolToggles() {
  const { enable } = current.value.settings;
  const set = (name: string, isOn: boolean) =>
    setSettings({ enable: isOn ? [...enable, name] : enable.filter((one) => one !== name) });
  return (
    <ul class="toggles">
      {tools.value.map(({ name, description, details, problem, asksFirst, reachesOut }) => (
        <li key={name}>
          <label>
            <input
              type="checkbox"
              checked={enable.includes(name)}
              disabled={problem !== undefined}
              onChange={(event) => set(name, event.currentTarget.checked)}
            />
            <span>
              <strong>{name}</strong>
              <span class="hint">
                {problem ?? [description, ...details.slice(0, 8), ...(details.length > 8 ? ['…'] : [])].join(' · ')}
                {asksFirst && ' · asks first'}
                {reachesOut && ' · may send to others'}
              </span>
            </span>
          </label>
        </li>
      ))}
    </ul>
  );
}
