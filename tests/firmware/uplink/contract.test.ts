import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode } from '../../../deploy/platform/decoder.js';
import * as tables from '../../../deploy/platform/decoder-tables.js';
import { documents } from '../../../deploy/platform/generate.ts';
import { golden } from '../../../deploy/platform/golden.ts';
import { jsonSchemas } from '../../../deploy/platform/json-schema.ts';
import { ALERT_KINDS, type Alert, RECIPIENTS, SEVERITIES } from '../../../detectors/alert.ts';
import type { Stored } from '../../../firmware/outbox.ts';
import { packetBytes } from '../../../firmware/uplink/mqtt-link.ts';
import { cellOf, topicOf } from '../../../firmware/uplink/topics.ts';
import { decodeMessage, encodeStored } from '../../../firmware/uplink/wire.ts';
import { ALERT_HEAD, EVIDENCE, type Field, MESSAGES } from '../../../firmware/uplink/wire-fields.ts';

const FOLDER = join(import.meta.dirname, '../../../deploy/platform');
const ajv = new Ajv2020({ allowUnionTypes: true });
const validators = Object.fromEntries(
  Object.entries(jsonSchemas()).map(([name, schema]) => [name, ajv.compile(schema)]),
);

/** A generated module as Node would import it. */
async function tablesOf(text: string): Promise<object> {
  return { ...(await import(`data:text/javascript,${encodeURIComponent(text)}`)) };
}

function valid(topic: string, json: unknown): string | true {
  const check = validators[topic.split('/')[4] ?? ''];
  return check?.(json) === true ? true : ajv.errorsText(check?.errors);
}

describe('the contract with the platform', () => {
  it.each(Object.keys(documents()))('%s says what the code does', async (path) => {
    expect(existsSync(join(FOLDER, path)), 'run node deploy/platform/generate.ts').toBe(true);
    const text = readFileSync(join(FOLDER, path), 'utf8');
    const made = documents()[path] ?? '';
    if (path.endsWith('.json')) expect(JSON.parse(text)).toEqual(JSON.parse(made));
    else if (path.endsWith('.cddl')) expect(text).toBe(made);
    else expect({ ...tables }).toEqual(await tablesOf(made));
  });

  it.each(golden().map((one) => [one.name, one] as const))('the decoder for platforms reads %s', (_, one) => {
    const { type, flags, sequence, ...decoded } = decode(one.topic, Buffer.from(one.cborHex, 'hex'));
    const json = JSON.parse(JSON.stringify(one.json)) as Record<string, unknown>;
    const { flags: jsonFlags, sequence: jsonSequence, ...rest } = json;
    expect({ flags, sequence }).toEqual({ flags: jsonFlags, sequence: jsonSequence });
    expect(decoded).toEqual(rest);
    expect(decode(one.topic, Buffer.from(JSON.stringify(one.json)))).toMatchObject(decoded);
    expect(valid(one.topic, { ...decoded, flags: flags ?? [], sequence })).toBe(true);
    expect(one.topic).toContain(`/${type}`);
  });

  it('gives no two fields of a message the same key', () => {
    for (const fields of Object.values(MESSAGES)) {
      const keys = Object.values<Field>(fields).flatMap(({ key }) => (key === undefined ? [] : [key]));
      if (fields === MESSAGES.alert) keys.push(ALERT_HEAD.key);
      expect(new Set(keys).size).toBe(keys.length);
    }
    expect(new Set(EVIDENCE.map(({ name }) => name)).size).toBe(EVIDENCE.length);
  });
});

const text = fc.string({ minLength: 1, maxLength: 20, unit: 'binary' });
const number = fc.oneof(
  fc.integer({ min: -1_000_000, max: 1_000_000 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0)),
  fc
    .integer({ min: -1e9, max: 1e9 })
    .map((n) => n / 1_000)
    .filter((n) => !Object.is(n, -0)),
);
const alerts: fc.Arbitrary<Alert> = fc.record(
  {
    id: fc.oneof(fc.stringMatching(/^[0-9a-f]{12}$/), text),
    meter: fc.oneof(fc.stringMatching(/^[0-9]{12}$/), text),
    kind: fc.constantFrom(...ALERT_KINDS),
    state: fc.constantFrom('raised', 'updated', 'cleared'),
    severity: fc.constantFrom(...SEVERITIES),
    at: fc.integer({ min: 0, max: 4e12 }),
    since: fc.integer({ min: 0, max: 4e12 }),
    confidence: fc.integer({ min: 0, max: 1_000 }).map((n) => n / 1_000),
    evidence: fc.dictionary(
      fc.oneof(fc.constantFrom(...EVIDENCE.map(({ name }) => name)), text).filter((name) => name !== '__proto__'),
      fc.oneof(number, fc.boolean(), text, fc.constantFrom('suspected', 'confirmed', 'heavy', 'vacant')),
      { maxKeys: 16 },
    ),
    grid: text,
    recipients: fc.subarray([...RECIPIENTS]),
  },
  { requiredKeys: ['id', 'meter', 'kind', 'state', 'severity', 'at', 'since', 'confidence', 'evidence', 'recipients'] },
);

function storedOf(alert: Alert, sequence = 1): Stored {
  return { sequence, message: { type: 'alert', alert }, replayed: false, clockOk: true, durable: true };
}

describe('the wire', () => {
  it('carries every alert there and back exactly, in both formats, and to the schema', () => {
    fc.assert(
      fc.property(alerts, fc.nat(), fc.constantFrom('cbor', 'json'), (alert, sequence, format) => {
        const stored = storedOf(alert, sequence);
        const topic = topicOf('gw-1', stored.message);
        const payload = encodeStored(stored, format, cellOf(alert));
        const decoded = decodeMessage(topic, payload);
        expect(decoded).toEqual({ type: 'alert', sequence, flags: [], alert });
        expect(valid(topic, { v: 1, sequence, ...alert })).toBe(true);
        const { type: _, v: __, sequence: ___, ...plain } = decode(topic, payload);
        expect(plain).toEqual(alert);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws on garbage, and says what is wrong', () => {
    const topics = [
      'gw/1/g/up/alert/c',
      'gw/1/g/up/step',
      'gw/1/g/up/status',
      'gw/1/g/down/receipt',
      'gw/2/g/up/alert/c',
      '',
    ];
    const good = encodeStored(storedOf(alertFromGolden()), 'cbor');
    fc.assert(
      fc.property(
        fc.constantFrom(...topics),
        fc.oneof(fc.uint8Array({ maxLength: 200 }), cutOrFlipped(good)),
        (topic, payload) => void decodeMessage(topic, payload),
      ),
      { numRuns: 3_000 },
    );
    expect(decodeMessage('gw/1/g/up/step', new Uint8Array([0xa0]))).toEqual({
      type: 'problem',
      problem: 'sequence is missing',
    });
    expect(decodeMessage('gw/1/g/up/alert/c', new Uint8Array([0xa0]))).toEqual({
      type: 'problem',
      problem: 'the head is missing',
    });
    expect(decodeMessage('gw/1/g/up/alert/c', new Uint8Array(70_000))).toMatchObject({ type: 'problem' });
    expect(decodeMessage('gw/1/g/up/toString', new Uint8Array([0xa0]))).toMatchObject({ type: 'problem' });
    const deep = new Uint8Array(60_000).fill(0x81);
    expect(decodeMessage('gw/1/g/up/result', deep)).toMatchObject({ type: 'problem' });
  });

  it('skips fields it does not know', () => {
    const payload = encodeStored(storedOf(alertFromGolden()), 'cbor', 'tj-cn-0412');
    const longer = Uint8Array.from([(payload[0] ?? 0) + 1, ...payload.subarray(1), 0x18, 0x63, 0x01]);
    expect(decodeMessage('gw/1/g/up/alert/tj-cn-0412', longer)).toMatchObject({ alert: alertFromGolden() });
  });

  // Largest figures of each stage: a month of messages before it, a charger for a scooter, a session of a night.
  const shape = { harmonic3Share: 0.81, harmonic5Share: 0.54, harmonic7Share: 0.29, displacementPf: 0.99 };
  const suspected = {
    ...{ stage: 'suspected', inputs: 'waveform', powerW: 482.4, peakW: 496.1 },
    ...{ ...shape, conductionDeg: 61 },
  };
  it.each([
    ['suspected', { state: 'raised', severity: 'notice', evidence: suspected, afterMs: 58_250 }],
    [
      'confirmed',
      { state: 'updated', evidence: { ...suspected, stage: 'confirmed', energyWh: 201.3, durationMin: 25.1 } },
    ],
    [
      'ended',
      {
        state: 'cleared',
        evidence: { ...suspected, stage: 'confirmed', energyWh: 2_411.7, durationMin: 512.4 },
        afterMs: 30_744_250,
      },
    ],
  ] as const)('takes at most 64 bytes for an illegal-charging alert, %s with all figures, and 110 with its packet', (_, what) => {
    const { afterMs = 1_506_250, ...said } = { afterMs: undefined, ...what };
    const since = 1_700_000_123_456;
    const alert: Alert = {
      ...alertFromGolden(),
      confidence: 0.934,
      ...said,
      since,
      at: since + (afterMs ?? 1_506_250),
    };
    const payload = encodeStored(storedOf(alert, 4_000_000_000), 'cbor', cellOf(alert));
    const topic = topicOf('tj-gw-000412', { type: 'alert', alert });
    expect(decodeMessage(topic, payload)).toMatchObject({ alert });
    expect(payload.length).toBeLessThanOrEqual(64);
    expect(packetBytes(topic, payload.length)).toBeLessThanOrEqual(110);
  });
});

function alertFromGolden(): Alert {
  const decoded = golden()[0]?.decoded as { alert: Alert };
  return decoded.alert;
}

function cutOrFlipped(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  return fc.tuple(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean()).map(([at, value, cut]) => {
    const out = bytes.slice(0, cut ? at : bytes.length);
    if (!cut) out[at] = value;
    return out;
  });
}
