import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ALERT_KINDS } from '../../../detectors/alert.ts';
import type { Stored } from '../../../firmware/outbox.ts';
import { type Dialect, dialectEncoder } from '../../../firmware/uplink/dialect.ts';
import { alertOf } from '../store/alerts.ts';

const FOLDER = join(import.meta.dirname, '../../../deploy/platform/dialects');
const SHIPPED = readdirSync(FOLDER).map((file): Dialect => JSON.parse(readFileSync(join(FOLDER, file), 'utf8')));
const VALUES = { productKey: 'pk', deviceName: 'dev', app: 'gw', model: 'TTU', modelGuid: 'guid', edgeId: 'edge-7' };

function encode(name: string, more: Partial<ReturnType<typeof alertOf>> = {}): { topic: string; body: unknown } {
  const dialect = SHIPPED.find((one) => one.name === name) ?? expect.fail(name);
  const alert = { ...alertOf(1), ...more };
  const stored: Stored = {
    sequence: 7,
    message: { type: 'alert', alert },
    replayed: true,
    clockOk: true,
    durable: true,
  };
  const { topic, payload } = dialectEncoder(dialect, 'gw-1', VALUES)(stored) ?? expect.fail(name);
  return { topic, body: JSON.parse(new TextDecoder().decode(payload)) };
}

describe('dialects', () => {
  it('ships State Grid terminal, State Grid IoT and Aliyun', () => {
    expect(SHIPPED.map(({ name }) => name).toSorted()).toEqual(['aliyun', 'state-grid-iot', 'state-grid-terminal']);
  });

  it('speaks Aliyun', () => {
    const { topic, body } = encode('aliyun');
    expect(topic).toBe('/sys/pk/dev/thing/event/IllegalCharging/post');
    expect(body).toMatchObject({
      id: '7',
      method: 'thing.event.IllegalCharging.post',
      params: { time: alertOf(1).at, value: { meter: alertOf(1).meter, evidence: { powerW: 182 }, replayed: true } },
    });
  });

  it('speaks to a State Grid terminal in strings only', () => {
    const { topic, body } = encode('state-grid-terminal', { kind: 'overload', state: 'cleared' });
    expect(topic).toBe('gw/notify/event/database/TTU/guid');
    const rows = (body as { body: { name: string; val: unknown; quality: string; timestamp: string }[] }).body;
    expect(rows[0]).toEqual({
      name: 'PTOC_Ovld_Op_phsA',
      val: '0',
      quality: '0',
      timestamp: '2023-11-14T22:15:20.001Z',
    });
    expect(rows.at(-1)?.val).toBe('powerW=182;stage=confirmed');
    expect(rows.every(({ val }) => typeof val === 'string')).toBe(true);
  });

  it('speaks to the State Grid IoT platform', () => {
    const { topic, body } = encode('state-grid-iot');
    expect(topic).toBe('/v1/edge-7/service/data');
    expect(body).toMatchObject({
      mid: 7,
      param: { data: { level: 2, paras: [{ name: 'powerW', value: 182 }, { name: 'stage' }] } },
    });
  });

  it.each(SHIPPED.map((dialect) => [dialect.name]))('%s has a word for every kind of alert', (name) => {
    for (const kind of ALERT_KINDS) {
      const { topic, body } = encode(name, { kind });
      expect(`${topic} ${JSON.stringify(body)}`).not.toMatch(/\{[\w.|-]+\}|undefined/);
    }
  });

  it('asks for a value that the site does not give, and leaves other messages in our own form', () => {
    const [dialect = expect.fail()] = SHIPPED.filter(({ name }) => name === 'aliyun');
    expect(() => dialectEncoder(dialect, 'gw-1', {})).toThrow('aliyun needs productKey');
    const result = { id: 'c', op: 'reload', at: 1, status: 'done' } as const;
    const stored: Stored = {
      sequence: 1,
      message: { type: 'result', result },
      replayed: false,
      clockOk: true,
      durable: true,
    };
    expect(dialectEncoder(dialect, 'gw-1', VALUES)(stored)).toBeUndefined();
  });
});
