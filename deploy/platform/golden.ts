/** Golden payloads: what each message looks like in bytes, for those who write a decoder of their own. */
import type { Message, Stored } from '../../firmware/outbox.ts';
import { cellOf, topicOf, topicsOf } from '../../firmware/uplink/topics.ts';
import { decodeMessage, encodeReceipt, encodeStatus, encodeStored, type Format } from '../../firmware/uplink/wire.ts';

export interface Golden {
  name: string;
  topic: string;
  cborHex: string;
  json: unknown;
  decoded: unknown;
}

const GATEWAY = 'tj-gw-000412';
const ALERT = {
  id: '3f9c01a2b4d6',
  meter: '000000000161',
  kind: 'illegal-charging',
  state: 'raised',
  severity: 'warning',
  at: 1_700_000_120_000,
  since: 1_700_000_060_000,
  confidence: 0.93,
  evidence: { stage: 'confirmed', inputs: 'power', powerW: 182 },
  grid: 'tj-cn-0412',
  recipients: ['power', 'community'],
} as const;

const MESSAGES: Record<string, Message> = {
  'alert, illegal charging': { type: 'alert', alert: ALERT },
  'alert, with what a waveform shows': {
    type: 'alert',
    alert: {
      ...ALERT,
      evidence: {
        ...{ stage: 'suspected', inputs: 'waveform', powerW: 182.4, peakW: 196.1 },
        ...{
          harmonic3Share: 0.81,
          harmonic5Share: 0.54,
          harmonic7Share: 0.29,
          displacementPf: 0.99,
          conductionDeg: 61,
        },
      },
    },
  },
  'alert, cleared, with fractions and own words': {
    type: 'alert',
    alert: {
      ...ALERT,
      state: 'cleared',
      at: 1_700_000_123_456,
      confidence: 1,
      evidence: {
        energyWh: 312.5,
        durationMin: 102.25,
        ratio: -0.001,
        'own-figure': 7,
        note: '电动自行车',
        seen: true,
      },
    },
  },
  'alert, meter with a name, no grid cell': {
    type: 'alert',
    alert: { ...ALERT, id: 'not-hex', meter: 'modbus-17', kind: 'gateway', recipients: ['dispatch'], grid: 'a/b' },
  },
  'step of a timeline': {
    type: 'step',
    step: {
      alert: ALERT.id,
      meter: ALERT.meter,
      at: 1_700_000_720_000,
      step: 'escalated',
      to: ['Li', 'Chen'],
      level: 1,
    },
  },
  'result of a command': {
    type: 'result',
    result: {
      id: 'cmd-7',
      op: 'read-now',
      at: 1_700_000_200_000,
      status: 'done',
      data: { voltageV: [229.8], ok: true },
    },
  },
  'summary of a cell': {
    type: 'summary',
    summary: {
      cell: 'tj-cn-0412',
      from: 1_700_000_000_000,
      to: 1_700_000_900_000,
      meters: 42,
      energyWh: 5120,
      maxPowerW: 23_456.5,
    },
  },
};

const STATUS = {
  state: 'online',
  at: 1_700_000_000_000,
  reason: 'power lost',
  version: '0.1.0',
  store: '9f3a01cc',
  boots: 12,
  meters: 64,
  waiting: 3,
  dead: 0,
  dropped: 0,
} as const;

export function golden(): Golden[] {
  const stored = Object.entries(MESSAGES).map(([name, message], index) => {
    const one: Stored = {
      sequence: 70_000 + index,
      message,
      replayed: index === 1,
      clockOk: index !== 1,
      durable: true,
    };
    const cell = message.type === 'alert' ? cellOf(message.alert) : undefined;
    return goldenOf(name, topicOf(GATEWAY, message), (format) => encodeStored(one, format, cell));
  });
  const topics = topicsOf(GATEWAY);
  const receipts = [
    { sequence: 70_000, id: ALERT.id },
    { sequence: 70_004, id: 'cmd-7' },
  ];
  return [
    ...stored,
    goldenOf('status, retained', topics.status, (format) => encodeStatus(STATUS, format)),
    goldenOf('receipt, from the platform', topics.receipt, (format) => encodeReceipt(receipts, format)),
  ];
}

function goldenOf(name: string, topic: string, encode: (format: Format) => Uint8Array): Golden {
  const bytes = encode('cbor');
  return {
    name,
    topic,
    cborHex: Buffer.from(bytes).toString('hex'),
    json: JSON.parse(new TextDecoder().decode(encode('json'))) as unknown,
    decoded: decodeMessage(topic, bytes),
  };
}
