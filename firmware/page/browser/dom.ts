/** Elements as plain calls; text is always text, never markup, because meters and people wrote it. */

type Child = Node | string | undefined | false;

/** `el('p', { class: 'dim' }, 'text', child)`; handlers are given as `onclick` and the like. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | boolean | ((event: Event) => void)> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child): child is Node | string => child !== undefined && child !== false));
  return element;
}

/** Names and values, two by two. */
export function facts(entries: [name: string, value: string][]): HTMLElement {
  return el('dl', {}, ...entries.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));
}

export class LoginNeeded extends Error {}

/** A call of the gateway's API; throws its own words when it fails. */
export async function api<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(path, {
    method,
    headers: { 'x-gridwarden': '1', 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (response.status === 401 && path !== '/api/login') throw new LoginNeeded();
  const value = (await response.json()) as T & { error?: string };
  if (!response.ok && value.error !== undefined) throw new Error(value.error);
  return value;
}
