/** What a meter is asked for by the clock, and what its answers become in a reading. */
import { describe, expect, it } from 'vitest';
import type { Standard } from '../../../protocols/dlt645/control.ts';
import { encodeFrame } from '../../../protocols/dlt645/frame.ts';
import { Framer } from '../../../protocols/dlt645/framer.ts';
import { findItem } from '../../../protocols/dlt645/items/catalogue.ts';
import { encodeItem } from '../../../protocols/dlt645/items/codec.ts';
import type { Scalar } from '../../../protocols/dlt645/items/format.ts';
import { dlt645Blocks } from '../../../protocols/dlt645/poll.ts';
import { decodeRequest, encodeAnswer } from '../../../protocols/dlt645/requests.ts';
import type { Block, Move } from '../../../protocols/exchange.ts';
import type { Reading } from '../../../protocols/reading.ts';

const ADDRESS = '000000000161';
const meter = (standard: Standard, phases: 1 | 3) =>
  ({ protocol: 'dlt645', address: ADDRESS, standard, phases }) as const;

/** What a meter has, by identifier; what it does not have it refuses. */
type Has = Record<string, readonly Scalar[]>;

/** Asks for one block and returns how it ended, with the identifiers that were asked. */
function ask(block: Block<Reading>, has: Has): { move: Move<Reading>; asked: string[] } {
  const exchange = block.exchange();
  const asked: string[] = [];
  let move = exchange.start();
  while (move.do === 'send') {
    const request = decodeRequest(new Framer().push(move.bytes)[0]!);
    if (!('function' in request) || request.function !== 'read-data') throw new Error('only reads are polled');
    const { standard, di } = request;
    asked.push(di);
    const values = has[di];
    const item = findItem(standard, di);
    const encoded = values && item ? encodeItem(item, values) : undefined;
    if (encoded && 'failure' in encoded) throw new Error(encoded.detail);
    const common = { standard, function: 'read-data' } as const;
    const answer = encoded ? { ...common, di, data: encoded.bytes, more: false } : { ...common, error: 2, errors: [] };
    move = exchange.received(encodeFrame(encodeAnswer(ADDRESS, answer), 4));
  }
  return { move, asked };
}

const said = (move: Move<Reading>) => (move.do === 'done' ? move.value : move);
const named = (standard: Standard, phases: 1 | 3, name: string) =>
  dlt645Blocks(meter(standard, phases)).find((block) => block.name === name)!;

const THREE_2007: Has = {
  '02030000': [-1.2345],
  '0202FF00': [5.55, -1.25, 0.5],
  '0201FF00': [229.8, 230.1, 231.5],
  '00010000': [1234.56],
  '00020000': [0.02],
  '0206FF00': [0.9, -0.93, 0.5, 1],
  '02040000': [0.12],
  '02800001': [-4.2],
  '02800002': [49.98],
  '0209FF00': [75, 7.5, 0],
  '02800007': [-5.5],
  '00900200': [12.34],
};
const ONE_2007: Has = {
  ...THREE_2007,
  ...{ '02020100': [5.55], '02010100': [229.8], '02060000': [-0.93], '02090100': [75] },
};
const THREE_1997: Has = {
  ...{ B630: [1.2345], B62F: [5.55, 1.25, 0.5], B61F: [229, 230, 231], '9010': [1234.56], '9020': [0.02] },
  ...{ B65F: [0.9, 0.93, 0.5, 1], B640: [0.12] },
};
const ONE_1997: Has = { ...THREE_1997, B621: [5.55], B611: [229], B650: [0.93] };

const COMMON = { importWh: 1_234_560, exportWh: 20, reactivePowerVar: 120 };
const MORE_2007 = { neutralCurrentA: 4.2, frequencyHz: 49.98, temperatureC: -5.5, balanceYuan: 12.34 };

describe('the blocks of a meter', () => {
  it.each<[Standard, 1 | 3, Has, Reading]>([
    [
      ...(['2007', 3, THREE_2007] as const),
      {
        ...{ ...COMMON, ...MORE_2007, activePowerW: -1234.5, voltageV: [229.8, 230.1, 231.5] },
        ...{ currentA: [5.55, 1.25, 0.5], powerFactor: [-0.93, 0.5, 1], currentThd: [0.75, 0.075, 0] },
      },
    ],
    [
      ...(['2007', 1, ONE_2007] as const),
      {
        ...{ ...COMMON, ...MORE_2007, activePowerW: -1234.5, voltageV: [229.8], currentA: [5.55] },
        ...{ powerFactor: [-0.93], currentThd: [0.75] },
      },
    ],
    [
      ...(['1997', 3, THREE_1997] as const),
      {
        ...{ ...COMMON, activePowerW: 1234.5, voltageV: [229, 230, 231] },
        ...{ currentA: [5.55, 1.25, 0.5], powerFactor: [0.93, 0.5, 1] },
      },
    ],
    [
      ...(['1997', 1, ONE_1997] as const),
      { ...COMMON, activePowerW: 1234.5, voltageV: [229], currentA: [5.55], powerFactor: [0.93] },
    ],
  ])('of %s with %d phases fill the reading, each with the bytes that were planned for it', (standard, phases, has, whole) => {
    const reading: Reading = {};
    for (const block of dlt645Blocks(meter(standard, phases))) {
      if (block.name === 'harmonics') continue;
      const { move, asked } = ask(block, has);
      expect(move.do, `${block.name}: ${JSON.stringify(move)}`).toBe('done');
      if (move.do !== 'done') return;
      Object.assign(reading, move.value);
      expect(asked).toHaveLength(1);
      expect(move.wireBytes, block.name).toBe(block.wireBytes);
    }
    expect(reading).toEqual(whole);
  });

  it('come at their pace, what detectors wait for before the rest', () => {
    const plan = (standard: Standard, options = {}) =>
      Object.fromEntries(
        dlt645Blocks(meter(standard, 3), options).map(({ name, periodMs, priority }) => [name, [periodMs, priority]]),
      );
    expect(plan('2007')).toEqual({
      ...{ power: [20_000, 1], current: [30_000, 1], voltage: [60_000, 1], energy: [900_000, 1] },
      ...{ 'reverse-energy': [900_000, 0], 'power-factor': [900_000, 0], 'reactive-power': [900_000, 0] },
      ...{ 'neutral-current': [900_000, 0], frequency: [900_000, 0], distortion: [900_000, 0] },
      ...{ temperature: [900_000, 0], balance: [900_000, 0], harmonics: [null, 2] },
    });
    const asked = { powerMs: 1, currentMs: 2, voltageMs: 3, slowMs: 4, harmonicsMs: 5 };
    expect(plan('1997', asked)).toEqual({
      ...{ power: [1, 1], current: [2, 1], voltage: [3, 1], energy: [4, 1] },
      ...{ 'reverse-energy': [4, 0], 'power-factor': [4, 0], 'reactive-power': [4, 0] },
    });
    expect(plan('2007', asked).harmonics).toEqual([5, 0]);
  });

  it('cut off what the conversion to watts adds', () => {
    expect(said(ask(named('2007', 1, 'power'), { '02030000': [1.001] }).move)).toEqual({ activePowerW: 1001 });
  });

  it('take the phases that a meter has, and nothing where there is none or one is missing between', () => {
    const voltage = (...volts: (number | null)[]) => said(ask(named('2007', 3, 'voltage'), { '0201FF00': volts }).move);
    expect(voltage(229.8, 230.1, null)).toEqual({ voltageV: [229.8, 230.1] });
    expect(voltage(229.8, null, null)).toEqual({ voltageV: [229.8] });
    const none = { do: 'failed', failure: 'no-such-data', detail: 'voltage: the meter has no value' };
    expect([voltage(null, null, null), voltage(229.8, null, 231.5)]).toEqual([none, none]);
  });
});

describe('a meter without blocks', () => {
  const SINGLES: Has = { '02010100': [229.8], '02010200': [230.1], '02010300': [231.5] };

  it('is asked for the single items from then on, with their bytes', () => {
    const block = named('2007', 3, 'voltage');
    const first = ask(block, SINGLES);
    expect(said(first.move)).toEqual({ voltageV: [229.8, 230.1, 231.5] });
    expect(first.asked).toEqual(['0201FF00', '02010100', '02010200', '02010300']);
    const second = ask(block, SINGLES);
    expect(second.asked).toEqual(['02010100', '02010200', '02010300']);
    expect(second.move).toMatchObject({ wireBytes: block.wireBytes });
    // The blocks of another meter have learnt nothing of it.
    expect(ask(named('2007', 3, 'voltage'), SINGLES).asked[0]).toBe('0201FF00');
  });

  it('may have fewer phases than it was said to have, but not none', () => {
    const { '02010300': _, ...two } = SINGLES;
    expect(said(ask(named('2007', 3, 'voltage'), two).move)).toEqual({ voltageV: [229.8, 230.1] });
    const block = named('2007', 3, 'voltage');
    const none = ask(block, { '02010200': [230.1] });
    expect(none.move).toMatchObject({ do: 'failed', failure: 'no-such-data' });
    expect(none.asked).toEqual(['0201FF00', '02010100']);
    // Nothing was learnt by that: the block may be there the next time.
    expect(ask(block, THREE_2007).asked).toEqual(['0201FF00']);
  });

  it('gives its power factors behind the total, or the total where it has no more', () => {
    const all: Has = { '02060000': [0.9], '02060100': [0.93], '02060200': [0.5], '02060300': [1] };
    expect(said(ask(named('2007', 3, 'power-factor'), all).move)).toEqual({ powerFactor: [0.93, 0.5, 1] });
    expect(said(ask(named('2007', 3, 'power-factor'), { '02060000': [0.9] }).move)).toEqual({ powerFactor: [0.9] });
  });
});

describe('harmonics', () => {
  const orders = (...percent: number[]) => Array.from({ length: 21 }, (_, i) => percent[i] ?? 0);
  const ONE: Has = {
    ...{ '02030000': [0.5], '02010100': [230.1], '02020100': [-5] },
    // √(5² / (1 + 0.75²)) is 4: the fundamental, and three amperes of the third order.
    '020B01FF': orders(0, 0, 75),
  };
  const THREE: Has = {
    ...ONE,
    ...{ '02010200': [231], '02020200': [1], '020B02FF': orders(99.99), '02010300': [232], '02020300': [0] },
    '020B03FF': orders(99.99, 5),
  };

  it('are amperes of each order, with power, voltage and current beside them, in the bytes planned', () => {
    const one = ask(named('2007', 1, 'harmonics'), ONE);
    expect(said(one.move)).toEqual({
      ...{ activePowerW: 500, voltageV: [230.1], currentA: [5] },
      harmonicsA: [orders(4, 0, 3).map((amps) => expect.closeTo(amps, 9))],
    });
    expect(one.move).toMatchObject({ wireBytes: named('2007', 1, 'harmonics').wireBytes });
    const three = ask(named('2007', 3, 'harmonics'), THREE);
    expect(said(three.move)).toMatchObject({ voltageV: [230.1, 231, 232], currentA: [5, 1, 0] });
    expect((said(three.move) as Reading).harmonicsA?.slice(1)).toEqual([orders(1), orders(0)]);
    expect(three.move).toMatchObject({ wireBytes: named('2007', 3, 'harmonics').wireBytes });
  });

  it('are not told where one part of them is not', () => {
    for (const di of Object.keys(ONE)) {
      const { [di]: _, ...rest } = ONE;
      expect(ask(named('2007', 1, 'harmonics'), rest).move, di).toMatchObject({ failure: 'no-such-data' });
    }
    const hole = { ...ONE, '020B01FF': [0, null, ...orders().slice(2)] };
    const detail = '020B01FF: the meter has no value';
    expect(ask(named('2007', 1, 'harmonics'), hole).move).toEqual({ do: 'failed', failure: 'no-such-data', detail });
  });
});
