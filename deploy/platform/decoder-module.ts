/** The tables that `decoder.js` reads, as a plain module for Node and browsers. */
import { ALERT_HEAD, EVIDENCE, type Field, MESSAGES } from '../../firmware/uplink/wire-fields.ts';

export function decoderTables(): string {
  const messages = Object.entries(MESSAGES).map(([name, fields]) => [
    name,
    Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, slim(field)])),
  ]);
  const body = (value: unknown) => JSON.stringify(value, null, 2);
  return [
    '// Made from firmware/uplink/wire-fields.ts by deploy/platform/generate.ts.',
    `export const MESSAGES = ${body(Object.fromEntries(messages))};`,
    `export const ALERT_HEAD = ${body(ALERT_HEAD)};`,
    `export const EVIDENCE = ${body(EVIDENCE)};`,
    '',
  ].join('\n');
}

function slim(field: Field): Record<string, unknown> {
  const { means: _, ...rest } = field;
  return rest;
}
