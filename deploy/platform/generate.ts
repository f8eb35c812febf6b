/**
 * Writes the platform's documents from the tables of `firmware/uplink/wire-fields.ts`: AsyncAPI 3, JSON Schema, CDDL,
 * the tables of the decoder, and golden payloads. `node deploy/platform/generate.ts` after a change; a test compares.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asyncApi } from './asyncapi.ts';
import { cddl } from './cddl.ts';
import { decoderTables } from './decoder-module.ts';
import { golden } from './golden.ts';
import { jsonSchemas } from './json-schema.ts';

/** Each document by its path beside this file. */
export function documents(): Record<string, string> {
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  const schemas = Object.entries(jsonSchemas()).map(([name, schema]) => [`schema/${name}.schema.json`, json(schema)]);
  return {
    'asyncapi.json': json(asyncApi()),
    'gridwarden.cddl': cddl(),
    'decoder-tables.js': decoderTables(),
    'golden.json': json(golden()),
    ...Object.fromEntries(schemas),
  };
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(documents())) {
    const file = join(import.meta.dirname, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
