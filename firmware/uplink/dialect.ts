/**
 * Payloads in the form of a platform that has its own: a template, not code, because provinces and products differ.
 *
 * A template is plain JSON. In its strings `{alert.powerW}` is replaced from the message; a string that is one
 * placeholder keeps the value's type. `{path|filter}` filters: `text` makes a string, `iso` a time, `s` seconds, and any
 * other name looks the value up in the template's map of that name (`*` for what is not in it). An object
 * `{"$each": "alert.evidence", "as": …}` becomes a list with one entry for each figure, `{name}` and `{value}`, or with `"$join"` one string.
 */
import type { Stored } from '../outbox.ts';

export interface Dialect {
  name: string;
  about: string;
  /** Values that the site gives, with what they mean: product key, device name, … */
  values: Readonly<Record<string, string>>;
  maps: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  /** By type of message; what is not here goes out in our own form. */
  messages: Readonly<Partial<Record<Stored['message']['type'], { topic: string; body: Json }>>>;
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

type Scope = Readonly<Record<string, unknown>>;
const PLACEHOLDER = /\{([\w.-]+)(?:\|([\w-]+))?\}/g;
const WHOLE = /^\{([\w.-]+)(?:\|([\w-]+))?\}$/;

/**
 * Encodes messages of the types that the dialect knows.
 * @param values what the site gives for the dialect's `values`
 * @throws RangeError when one of them is missing; names it
 */
export function dialectEncoder(
  dialect: Dialect,
  gateway: string,
  values: Readonly<Record<string, string>>,
): (stored: Stored) => { topic: string; payload: Uint8Array } | undefined {
  for (const [name, means] of Object.entries(dialect.values)) {
    if (values[name] === undefined) throw new RangeError(`${dialect.name} needs ${name}: ${means}`);
  }
  return (stored) => {
    const { message, sequence, replayed, clockOk } = stored;
    const template = dialect.messages[message.type];
    if (template === undefined) return undefined;
    const scope: Scope = { ...values, ...message, gateway, sequence, replayed, clockOk };
    const topic = fill(dialect, template.topic, scope);
    const body = fill(dialect, template.body, scope);
    return { topic: String(topic), payload: new TextEncoder().encode(JSON.stringify(body)) };
  };
}

function fill(dialect: Dialect, template: Json, scope: Scope): unknown {
  if (typeof template === 'string') return fillText(dialect, template, scope);
  if (Array.isArray(template)) return template.map((one) => fill(dialect, one as Json, scope));
  if (typeof template !== 'object' || template === null) return template;
  const { $each: each, $join: join, as } = template as { $each?: Json; $join?: Json; as?: Json };
  if (typeof each === 'string' && as !== undefined) {
    const figures = Object.entries((lookUp(scope, each) ?? {}) as object);
    const filled = figures.map(([name, value]) => fill(dialect, as, { ...scope, name, value }));
    return typeof join === 'string' ? filled.join(join) : filled;
  }
  const entries = Object.entries(template).map(([key, one]) => [
    fillText(dialect, key, scope),
    fill(dialect, one, scope),
  ]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function fillText(dialect: Dialect, text: string, scope: Scope): unknown {
  const [, path, filter] = WHOLE.exec(text) ?? [];
  if (path !== undefined) return filtered(dialect, lookUp(scope, path), filter);
  return text.replace(PLACEHOLDER, (_, name: string, how?: string) =>
    String(filtered(dialect, lookUp(scope, name), how) ?? ''),
  );
}

function filtered(dialect: Dialect, value: unknown, filter: string | undefined): unknown {
  switch (filter) {
    case undefined:
      return value;
    case 'text':
      return value === undefined ? '' : String(value);
    case 'iso':
      return new Date(Number(value)).toISOString();
    case 's':
      return Math.floor(Number(value) / 1_000);
    default: {
      const map = dialect.maps[filter] ?? {};
      return map[String(value)] ?? map['*'];
    }
  }
}

/** Own properties only, so that no template reaches a prototype. */
function lookUp(scope: Scope, path: string): unknown {
  let value: unknown = scope;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Scope)[name];
  }
  return value;
}
