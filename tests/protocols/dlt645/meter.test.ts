/** The master's exchanges against meters: the simulated one, which was written apart from this catalogue, and a built one. */
import { describe, expect, it } from 'vitest';
import {
  commandExchange,
  findMeterExchange,
  readItemExchange,
  readProfileExchange,
} from '../../../protocols/dlt645/exchange.ts';
import { encodeFrame } from '../../../protocols/dlt645/frame.ts';
import { Framer } from '../../../protocols/dlt645/framer.ts';
import { allItems } from '../../../protocols/dlt645/items/catalogue.ts';
import { decodeProfileRequest, encodeRecords } from '../../../protocols/dlt645/load-profile.ts';
import { readClockExchange, readLastEventExchange, readRelayExchange } from '../../../protocols/dlt645/on-demand.ts';
import { dlt645Blocks } from '../../../protocols/dlt645/poll.ts';
import { decodeRequest, encodeAnswer, type Request } from '../../../protocols/dlt645/requests.ts';
import type { Exchange, Move } from '../../../protocols/exchange.ts';
import type { Reading } from '../../../protocols/reading.ts';
import { Dlt645Meter, type Dlt645Options } from '../../../sim/dlt645-meter.ts';
import type { MeterView } from '../../../sim/meter-view.ts';
import { createRandom } from '../../../sim/random.ts';

const ADDRESS = '000000000161';
const NOW_MS = Date.UTC(2026, 10, 21, 23, 15, 7);
const READING: Reading = {
  activePowerW: -1234.5,
  reactivePowerVar: 120,
  voltageV: [229.8, 230.1, 231.5],
  currentA: [5.55, 1.25, 0.5],
  powerFactor: [-0.93, 0.5, 1],
  neutralCurrentA: 4.2,
  frequencyHz: 49.98,
  importWh: 1_234_560,
  exportWh: 20,
  balanceYuan: 12.34,
  temperatureC: -5.5,
  // What the harmonics above come to: √(5.55² − 4.44²) / 4.44.
  currentThd: [0.75, 0.75, 0.75],
  harmonicsA: [0, 1, 2].map(() => Array.from({ length: 21 }, (_, i) => (i === 0 ? 1 : i === 2 ? 0.75 : 0))),
};

function meter(options: Partial<Dlt645Options> = {}) {
  let localMs = NOW_MS;
  const view: MeterView = {
    phases: 3,
    reading: () => READING,
    localMs: () => localMs,
    setLocalMs: (ms) => {
      localMs = ms;
    },
    waveform: () => undefined,
    record: () => [{ startMs: NOW_MS - 60_000, endMs: NOW_MS }],
    count: () => 7,
    relayOpen: false,
  };
  return new Dlt645Meter({ address: ADDRESS, ...options }, view, createRandom('m'));
}

type Hears = (bytes: Uint8Array) => readonly Uint8Array[];
const heardBy =
  (meter: Dlt645Meter): Hears =>
  (bytes) =>
    meter.hear(bytes, 0).map((talk) => talk.bytes);

function run<T>(exchange: Exchange<T>, hears: Hears): Move<T> {
  let move = exchange.start();
  while (move.do === 'send') {
    const answers = hears(move.bytes);
    move = { do: 'wait' };
    for (const answer of answers) if (move.do === 'wait') move = exchange.received(answer);
    if (move.do === 'wait') move = exchange.timedOut();
  }
  return move;
}

function outcome<T>(move: Move<T>): T {
  if (move.do !== 'done') throw new Error(JSON.stringify(move));
  return move.value;
}

describe.each([
  ['2007', 190],
  ['2007', 5],
  ['1997', 190],
  ['1997', 3],
] as const)('the simulated meter of %s, %i bytes a frame', (standard, frameBytes) => {
  const target = { address: ADDRESS, standard };

  it('is understood in everything that it holds of the whole catalogue', () => {
    const hears = heardBy(meter({ standard, frameBytes, blockTail: standard === '2007' }));
    let read = 0;
    const faults: string[] = [];
    for (const item of allItems(standard)) {
      const move = run(readItemExchange(target, item.di), hears);
      if (move.do === 'done') read++;
      else if (move.do !== 'failed' || !['no-such-data', 'no-record'].includes(move.failure)) {
        faults.push(`${item.di} ${JSON.stringify(move)}`);
      }
    }
    expect(faults).toEqual([]);
    expect(read).toBeGreaterThan(standard === '2007' ? 100 : 20);
  });

  it('gives its readings through the read blocks', () => {
    for (const blocks of [true, false]) {
      const hears = heardBy(meter({ standard, frameBytes, blocks }));
      const reading: Reading = {};
      for (const block of dlt645Blocks({ protocol: 'dlt645', ...target, phases: 3 })) {
        const move = run(block.exchange(), hears);
        // Twenty-one single orders a phase are not asked for one by one.
        if (!blocks && block.name === 'harmonics') expect(move).toMatchObject({ failure: 'no-such-data' });
        else Object.assign(reading, outcome(move));
      }
      const { harmonicsA, ...rest } = READING;
      expect(reading).toMatchObject(standard === '2007' ? rest : { activePowerW: 1234.5, importWh: 1_234_560 });
      if (standard === '1997' || !blocks) continue;
      // The meter gives shares; 5.55 A in all are 4.44 A of fundamental and three quarters of it in the third.
      expect(reading.harmonicsA?.[0]?.[0]).toBeCloseTo(4.44, 3);
      expect(reading.harmonicsA?.[0]?.[2]).toBeCloseTo(3.33, 3);
      expect(reading.harmonicsA).toHaveLength(harmonicsA!.length);
    }
  });

  it('tells its address and its clock', () => {
    const hears = heardBy(meter({ standard, frameBytes }));
    expect(outcome(run(findMeterExchange({ address: 'AAAAAAAAAAAA', standard }), hears))).toEqual({
      address: ADDRESS,
      refused: false,
    });
    expect(outcome(run(readClockExchange(target), hears))).toBe('2026-11-21T23:15:07');
  });
});

describe('commands to the simulated meter', () => {
  const target = { address: ADDRESS, standard: '2007' } as const;
  const authority = { level: 2, password: '123456', operator: '00000001' };
  const relay = (command: 'trip' | 'close', password = '123456') =>
    commandExchange(target, {
      standard: '2007',
      function: 'relay-control',
      authority: { ...authority, password },
      command,
      until: '2030-01-01T00:00:00',
    });

  it('opens and closes the relay with the password, and with no other', () => {
    const hears = heardBy(meter({ password: '123456' }));
    expect(run(relay('trip', '000000'), hears)).toMatchObject({ failure: 'unauthorised' });
    expect(outcome(run(readRelayExchange(target), hears))).toBe('closed');
    expect(run(relay('trip'), hears)).toMatchObject({ do: 'done' });
    expect(outcome(run(readRelayExchange(target), hears))).toBe('open');
    expect(run(relay('close'), hears)).toMatchObject({ do: 'done' });
    expect(outcome(run(readRelayExchange(target), hears))).toBe('closed');
  });

  it('sets the clock by broadcast and by writing', () => {
    const hears = heardBy(meter({ password: '123456' }));
    const time: Request = { standard: '2007', function: 'broadcast-time', time: '2026-11-21T23:16:00' };
    expect(run(commandExchange({ ...target, address: '999999999999' }, time), hears)).toMatchObject({ do: 'done' });
    expect(outcome(run(readClockExchange(target), hears))).toBe('2026-11-21T23:16:00');
    const write: Request = {
      standard: '2007',
      function: 'write-data',
      di: '04000102',
      authority,
      data: Uint8Array.of(0, 0, 9),
    };
    expect(run(commandExchange(target, write), hears)).toMatchObject({ do: 'done' });
    expect(outcome(run(readClockExchange(target), hears))).toBe('2026-11-21T09:00:00');
  });

  it('reads when it was last without power and opened', () => {
    const hears = heardBy(meter());
    const span = { began: '2026-11-21T23:14:07', ended: '2026-11-21T23:15:07' };
    expect(outcome(run(readLastEventExchange(target, 'power-off'), hears))).toEqual(span);
    expect(outcome(run(readLastEventExchange(target, 'cover-open'), hears))).toEqual(span);
  });
});

describe('a load profile', () => {
  const time = (i: number) => `2026-11-21T${String(i).padStart(2, '0')}:15`;

  /** Gives hourly records from the asked time on, `size` bytes a frame, so that records are cut anywhere. */
  function profileMeter(size: number): Hears {
    let whole: Uint8Array = new Uint8Array();
    let at = 0;
    return (bytes) => {
      const frame = new Framer().push(bytes)[0]!;
      const request = decodeRequest(frame);
      if ('problem' in request) throw new Error(request.problem);
      if (request.function === 'read-data') {
        const asked = decodeProfileRequest(request.extra!)!;
        const first = Number(asked.from!.slice(11, 13));
        const rows = Array.from({ length: asked.records }, (_, i) => [
          time(first + i),
          1.5 + i,
          -0.5,
          0,
          null,
          1,
          2,
          3,
          4,
        ]);
        const encoded = encodeRecords(request.di, rows.flat());
        if ('failure' in encoded) throw new Error(encoded.detail);
        whole = encoded.bytes;
        at = 0;
      }
      const common = {
        standard: '2007',
        di: '06020001',
        data: whole.slice(at, at + size),
        more: at + size < whole.length,
      } as const;
      at += size;
      const answer =
        request.function === 'read-next'
          ? encodeAnswer(ADDRESS, { ...common, function: 'read-next', sequence: request.sequence! })
          : encodeAnswer(ADDRESS, { ...common, function: 'read-data' });
      return [encodeFrame(answer, 1)];
    };
  }

  it.each([7, 33, 190])('is read with its records cut every %i bytes', (size) => {
    const target = { address: ADDRESS, standard: '2007' } as const;
    const values = outcome(run(readProfileExchange(target, '06020001', 12, time(3)), profileMeter(size)));
    expect(values.filter(({ name }) => name === 'at').map(({ value }) => value)).toEqual(
      Array.from({ length: 12 }, (_, i) => time(3 + i)),
    );
    const powers = values.filter(({ name }) => name === 'active power total').map(({ value }) => value);
    expect(powers).toEqual(Array.from({ length: 12 }, (_, i) => 1.5 + i));
    expect(values.find(({ name }) => name === 'active power L3')?.value).toBeNull();
  });
});
