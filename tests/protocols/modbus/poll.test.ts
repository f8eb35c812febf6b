import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeAnswer } from '../../../protocols/modbus/frame.ts';
import { parseModbusItem, readModbusItem } from '../../../protocols/modbus/item.ts';
import { planReads, REQUEST_COST_BYTES, type Span, splitSpan } from '../../../protocols/modbus/plan.ts';
import { modbusBlocks } from '../../../protocols/modbus/poll.ts';
import { PROFILES, profileNamed } from '../../../protocols/modbus/profiles.ts';
import { type Profile, type Row, WIDTH } from '../../../protocols/modbus/row.ts';
import type { Reading } from '../../../protocols/reading.ts';
import { modbusMeter, rowValue } from '../../../sim/modbus-meter.ts';
import { talk } from './talk.ts';

const row = (address: number, type: Row['type'] = 'u16'): Row => ({ name: `r${address}`, address, type, unit: '1' });
const profile: Profile = { ...(profileNamed('sdm630') as Profile), table: 'holding', rows: [] };
const cost = (spans: readonly Span[], requestCost: number): number =>
  spans.reduce((sum, span) => sum + requestCost + 2 * span.count, 0);

describe('planning reads', () => {
  it('merges across a small hole and not across a large one', () => {
    expect(planReads(profile, [row(0), row(10)]).map(({ address, count }) => [address, count])).toEqual([[0, 11]]);
    expect(planReads(profile, [row(0), row(40)]).map(({ address, count }) => [address, count])).toEqual([
      [0, 1],
      [40, 1],
    ]);
  });

  it('covers every row once, within the limit, and no dearer than one request a row', () => {
    const rows = fc.uniqueArray(fc.integer({ min: 0, max: 600 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 200 }), (addresses, requestCost) => {
        const asked = addresses.map((address) => row(2 * address, 'u32'));
        const spans = planReads(profile, asked, requestCost);
        expect(spans.flatMap((span) => span.rows.map((it) => it.address)).sort()).toEqual(
          asked.map((it) => it.address).sort(),
        );
        for (const span of spans) {
          expect(span.count).toBeLessThanOrEqual(125);
          for (const it of span.rows) {
            expect(it.address).toBeGreaterThanOrEqual(span.address);
            expect(it.address + WIDTH[it.type]).toBeLessThanOrEqual(span.address + span.count);
          }
        }
        expect(cost(spans, requestCost)).toBeLessThanOrEqual(asked.length * (requestCost + 4));
      }),
    );
  });

  it('falls apart at the holes, then into rows, then not at all', () => {
    const [merged] = planReads(profile, [row(0), row(1), row(5), row(6)]);
    const parts = splitSpan(merged!);
    expect(parts.map(({ address, count }) => [address, count])).toEqual([
      [0, 2],
      [5, 2],
    ]);
    const single = splitSpan(parts[0]!);
    expect(single.map(({ address, count }) => [address, count])).toEqual([
      [0, 1],
      [1, 1],
    ]);
    expect(splitSpan(single[0]!)).toEqual([]);
  });
});

const reading: Reading = {
  activePowerW: 1234.5,
  reactivePowerVar: 100,
  voltageV: [230.1, 229.5, 231.2],
  currentA: [5.25, 1.5, 0.25],
  powerFactor: [0.98, 0.9, 1],
  frequencyHz: 50.01,
  importWh: 1_234_500,
  exportWh: 10_000,
  neutralCurrentA: 0.5,
  currentThd: [0.12, 0.05, 0.3],
};

function station(name: string, missing: (row: Row) => boolean = () => false, refusesHoles = false) {
  return modbusMeter({
    unit: 3,
    profile: name,
    refusesHoles,
    value: (it) => (missing(it) ? undefined : rowValue(it, reading)),
  });
}

function readAll(name: string, answer: (request: Uint8Array) => Uint8Array | undefined): Reading {
  const all: Reading = {};
  for (const block of modbusBlocks({ protocol: 'modbus', unit: 3, profile: name })) {
    const result = talk(block.exchange(), answer);
    if (result.do !== 'done') throw new Error(`${name} ${block.name}: ${result.failure} ${result.detail}`);
    Object.assign(all, result.value);
  }
  return all;
}

describe('polling a meter', () => {
  it.each(PROFILES.map((it) => [it.name, it] as const))('%s gives back what it measures', (name, map) => {
    const got = readAll(name, station(name).answer) as Record<string, number | number[]>;
    const fields = new Set(map.rows.flatMap((it) => ('feeds' in it && it.feeds ? [it.feeds] : [])));
    expect(new Set(Object.keys(got))).toEqual(fields);
    for (const [field, value] of Object.entries(got)) {
      const truth = [reading[field as keyof Reading]].flat() as number[];
      for (const [i, one] of [value].flat().entries()) {
        // The coarsest register here shows 10 W, 0.01 A or 0.1 kWh.
        expect(Math.abs(one - truth[i]!), field).toBeLessThanOrEqual(
          field.endsWith('Wh') ? 100 : Math.max(0.6, truth[i]! * 1e-3),
        );
      }
    }
  });

  it('reads the fast values of an SDM630 in one request', () => {
    const [power] = modbusBlocks({ protocol: 'modbus', unit: 3, profile: 'sdm630' });
    const result = talk(power!.exchange(), station('sdm630').answer);
    expect(result.sent).toHaveLength(1);
    expect(result).toMatchObject({ wireBytes: power!.wireBytes });
  });

  it('un-merges by itself when the meter refuses a hole, and remembers', () => {
    const strict = station('iem3155', undefined, true);
    const [power] = modbusBlocks({ protocol: 'modbus', unit: 3, profile: 'iem3155' });
    const first = talk(power!.exchange(), strict.answer);
    expect(first).toMatchObject({ do: 'done', value: { activePowerW: expect.closeTo(1234.5, 1) } });
    for (let i = 0; i < 2; i++) talk(power!.exchange(), strict.answer);
    const learnt = talk(power!.exchange(), strict.answer);
    expect(learnt.sent.length).toBeLessThan(first.sent.length);
    expect(learnt).toMatchObject({ do: 'done', wireBytes: power!.wireBytes });
  });

  it('does not change its plan for a whim, and forgets what it learnt after a while', () => {
    const meter = station('sdm630');
    const refusal = encodeAnswer({ unit: 3, function: 4, exception: 2 });
    const [power] = modbusBlocks({ protocol: 'modbus', unit: 3, profile: 'sdm630' });
    const read = (whims: number) =>
      talk(power!.exchange(), (request) => (whims-- > 0 ? refusal : meter.answer(request)));
    expect(read(1)).toMatchObject({ do: 'done' });
    expect(read(0).sent).toHaveLength(1);
    for (let i = 0; i < 3; i++) read(1);
    expect(read(0).sent.length).toBeGreaterThan(1);
    for (let i = 0; i < 1000; i++) read(0);
    expect(read(0).sent).toHaveLength(1);
  });

  it('lives without a row the meter lacks', () => {
    const lacking = station('sdm630', (it) => it.name === 'frequency', true);
    const got = readAll('sdm630', lacking.answer);
    expect(got).not.toHaveProperty('frequencyHz');
    expect(got.voltageV?.[2]).toBeCloseTo(231.2, 3);
  });

  it('gives no array with a phase missing', () => {
    const lacking = station('sdm630', (it) => it.name === 'current-l2', true);
    expect(readAll('sdm630', lacking.answer)).not.toHaveProperty('currentA');
  });

  it('says when the meter is another one', () => {
    const [, energy] = modbusBlocks({ protocol: 'modbus', unit: 3, profile: 'dtsu666-h' });
    const stranger = (): Uint8Array => encodeAnswer({ unit: 3, function: 3, registers: [0x1234] });
    expect(talk(energy!.exchange(), stranger)).toMatchObject({ do: 'failed', failure: 'wrong-address' });
  });

  it('says when nothing it reads can be right', () => {
    const [power] = modbusBlocks({ protocol: 'modbus', unit: 3, profile: 'pm1200' });
    const swapped = (request: Uint8Array): Uint8Array =>
      encodeAnswer({
        unit: 3,
        function: 3,
        registers: new Array<number>((request[4]! << 8) | request[5]!).fill(0x7fff),
      });
    expect(talk(power!.exchange(), swapped)).toMatchObject({ do: 'failed', failure: 'bad-value' });
  });

  it('refuses a profile nobody knows', () => {
    expect(() => modbusBlocks({ protocol: 'modbus', unit: 3, profile: 'nobody' })).toThrow(RangeError);
  });

  it('prices a request so that the plan holds for the bus', () => {
    expect(REQUEST_COST_BYTES).toBeGreaterThan(13);
  });
});

describe('items by hand', () => {
  it.each([
    ['holding:0x2012/2', { table: 'holding', address: 0x2012, count: 2 }],
    ['input:342/4', { table: 'input', address: 342, count: 4 }],
    ['coil:7', { table: 'coil', address: 7, count: 1 }],
    ['Discrete:0x10/2000', { table: 'discrete', address: 16, count: 2000 }],
    ['holding:0/125', { table: 'holding', address: 0, count: 125 }],
    ['input:65535', { table: 'input', address: 65_535, count: 1 }],
    ['input:65411/125', { table: 'input', address: 65_411, count: 125 }],
  ])('%s', (text, expected) => {
    expect(parseModbusItem(text)).toMatchObject({ item: text, ...expected });
  });

  it.each([
    ...['holding:0x2012/126', 'input:70000', 'holding:-1', 'voltage-l1', 'register:1', '', 'holding:5/0'],
    ...['coil:5/2001', 'discrete:1/2001', 'input:65535/2', 'input:65412/125', 'input:65536', 'xinput:1', 'input:1x'],
  ])('%j is none', (text) => {
    expect(parseModbusItem(text)).toBeUndefined();
    expect(parseModbusItem(text === 'voltage-l1' ? 'voltage-l9' : text, 'sdm630')).toBeUndefined();
    expect(parseModbusItem(text, 'no-such-map')).toBeUndefined();
  });

  it('reads as many coils as were asked for, not the whole byte, and names an exception', () => {
    const item = parseModbusItem('coil:3/3')!;
    const bits = encodeAnswer({ unit: 1, function: 1, bits: [true, false, true, true, true, true, true, true] });
    expect(talk(readModbusItem(1, item), () => bits)).toMatchObject({
      ...{ do: 'done', value: { unit: 1, function: 1, bits: [true, false, true] } },
    });
    const refused = encodeAnswer({ unit: 1, function: 1, exception: 2 });
    expect(talk(readModbusItem(1, item), () => refused)).toMatchObject({ do: 'failed', failure: 'no-such-data' });
    const slow = { answerMs: 900, gapMs: 10 };
    expect(readModbusItem(1, item, { timing: slow }).start()).toMatchObject(slow);
  });

  it('reads a row of the profile by name', () => {
    const item = parseModbusItem('voltage-l2', 'sdm630');
    const result = talk(readModbusItem(3, item!, { profile: 'sdm630' }), station('sdm630').answer);
    expect(result).toMatchObject({
      do: 'done',
      value: { unit: 3, function: 4, registers: expect.any(Array), values: [{ name: 'voltage-l2', unit: 'V' }] },
    });
  });
});

describe('the simulated meter', () => {
  it('is silent to other units and damaged requests', () => {
    const meter = station('sdm630');
    expect(meter.answer(Uint8Array.of(4, 4, 0, 0, 0, 2, 0, 0))).toBeUndefined();
    expect(meter.answer(Uint8Array.of(3, 4, 0, 0, 0, 2, 0, 0))).toBeUndefined();
  });

  it('answers anything without a throw', () => {
    const meter = station('sdm630');
    fc.assert(fc.property(fc.uint8Array({ maxLength: 270 }), (bytes) => void meter.answer(bytes)));
  });
});
