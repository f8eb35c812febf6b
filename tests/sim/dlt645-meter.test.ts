import { describe, expect, it } from 'vitest';
import { encodeFrame, type Frame } from '../../protocols/dlt645/frame.ts';
import { Framer } from '../../protocols/dlt645/framer.ts';
import type { Reading } from '../../protocols/reading.ts';
import { Dlt645Meter, type Dlt645Options } from '../../sim/dlt645-meter.ts';
import type { MeterFaults, MeterView } from '../../sim/meter-view.ts';
import { createRandom } from '../../sim/random.ts';

const ADDRESS = '000000000161';
const now = Date.UTC(2024, 4, 6, 7, 8, 9);

function view(reading: Reading, phases: 1 | 3 = 1): MeterView {
  let localMs = now;
  return {
    phases,
    reading: () => reading,
    localMs: () => localMs,
    setLocalMs: (ms) => {
      localMs = ms;
    },
    waveform: () => undefined,
    record: () => [{ startMs: now - 60_000, endMs: now }],
    count: () => 7,
    relayOpen: false,
  };
}

const flat: Reading = {
  activePowerW: 123.4,
  voltageV: [229.8],
  currentA: [0.55],
  powerFactor: [0.93],
  importWh: 1_234_560,
  frequencyHz: 50,
  balanceYuan: 12.34,
};

function meter(options: Partial<Dlt645Options> = {}, faults: Partial<MeterFaults> = {}, reading = flat) {
  return new Dlt645Meter({ address: ADDRESS, ...options }, view(reading), createRandom('m'), faults);
}

/** Asks and gives the answers' frames. */
function ask(to: Dlt645Meter, control: number, data: number[], address = ADDRESS): Frame[] {
  const framer = new Framer();
  const request = encodeFrame({ address, control, data: Uint8Array.from(data) });
  return to.hear(request, 0).flatMap((talk) => framer.push(talk.bytes));
}

const item = (text: string) => [...Buffer.from(text, 'hex')].reverse();
const dataOf = (frames: Frame[]) => Buffer.from(frames[0]?.data ?? []).toString('hex');

describe('DL/T 645 meter', () => {
  it.each([
    ['voltage of phase A', '02010100', '9822'],
    ['current of phase A', '02020100', '500500'],
    ['power in total', '02030000', '341200'],
    ['power factor', '02060000', '3009'],
    ['forward energy', '00010000', '56341200'],
    ['remaining amount', '00900200', '34120000'],
    ['frequency', '02800002', '0050'],
    ['date and weekday', '04000101', '01060524'],
    ['time', '04000102', '090807'],
    ['address', '04000401', '610100000000'],
    ['power-off count', '03110000', '070000'],
    ['voltage block, absent phases', '0201FF00', '9822ffffffff'],
  ])('holds %s', (_, di, expected) => {
    const frames = ask(meter(), 0x11, item(di));
    expect(frames[0]?.control).toBe(0x91);
    expect(dataOf(frames)).toBe(Buffer.from(item(di)).toString('hex') + expected);
  });

  it('writes export power as sign and magnitude', () => {
    const exporting = meter({}, {}, { ...flat, activePowerW: -1500 });
    expect(dataOf(ask(exporting, 0x11, item('02030000')))).toBe('00000302005081');
  });

  it('speaks 1997: two-byte identifiers and 81H', () => {
    const old = meter({ standard: '1997' });
    const frames = ask(old, 0x01, item('B611'));
    expect(frames[0]?.control).toBe(0x81);
    expect(dataOf(frames)).toBe('11b63002');
    expect(dataOf(ask(old, 0x01, item('9010'), 'AAAAAAAAA161'))).toBe('109056341200');
  });

  it('gives a record longer than a frame in two, the second with its number at the end', () => {
    const long = meter();
    const first = ask(long, 0x11, item('03300201'));
    expect(first[0]?.control).toBe(0xb1);
    const second = ask(long, 0x12, [...item('03300201'), 1]);
    expect(second[0]?.control).toBe(0x92);
    expect(second[0]?.data.at(-1)).toBe(1);
    expect((first[0]?.data.length ?? 0) - 4 + (second[0]?.data.length ?? 0) - 5).toBe(202);
    expect(ask(long, 0x12, [...item('03300201'), 2])[0]?.control).toBe(0xd2);
  });

  it('answers the wildcard with its address, a broadcast not at all, another address not at all', () => {
    expect(ask(meter(), 0x13, [], 'AAAAAAAAAAAA')[0]?.address).toBe(ADDRESS);
    expect(ask(meter(), 0x08, [0, 0, 8, 6, 5, 0x24], '999999999999')).toEqual([]);
    expect(ask(meter(), 0x11, item('02010100'), '000000000162')).toEqual([]);
  });

  it('takes the broadcast time within five minutes only', () => {
    const set = meter();
    ask(set, 0x08, [0x00, 0x10, 0x07, 0x06, 0x05, 0x24], '999999999999');
    expect(set.view.localMs()).toBe(Date.UTC(2024, 4, 6, 7, 10));
    ask(set, 0x08, [0x00, 0x30, 0x07, 0x06, 0x05, 0x24], '999999999999');
    expect(set.view.localMs()).toBe(Date.UTC(2024, 4, 6, 7, 10));
  });

  it('opens its relay for the right password only', () => {
    const relay = (password: number[]) => [2, ...password, 0, 0, 0, 0, 0x1a, 0, 0, 0, 0, 1, 1, 0x99];
    const one = meter({ password: '123456' });
    expect(ask(one, 0x1c, relay([0, 0, 0]))[0]?.control).toBe(0xdc);
    expect(one.view.relayOpen).toBe(false);
    expect(ask(one, 0x1c, relay([0x56, 0x34, 0x12]))[0]?.control).toBe(0x9c);
    expect(one.view.relayOpen).toBe(true);
    expect(dataOf(ask(one, 0x11, item('04000503')))).toBe('030500041000');
  });

  it('says what it does not have', () => {
    const frames = ask(meter(), 0x11, item('02990000'));
    expect(frames[0]?.control).toBe(0xd1);
    expect([...(frames[0]?.data ?? [])]).toEqual([2]);
    expect(ask(meter({ blocks: false }), 0x11, item('0201FF00'))[0]?.control).toBe(0xd1);
  });

  it('makes nothing up that a recording does not say', () => {
    const bare = meter({}, {}, { importWh: 5 });
    const silent = [
      '02010100',
      '0202FF00',
      '02030000',
      '02060000',
      '02800001',
      '02800002',
      '02800007',
      '020B01FF',
      '00020000',
    ];
    for (const di of silent) expect(ask(bare, 0x11, item(di))[0]?.control, di).toBe(0xd1);
    expect(ask(bare, 0x11, item('00010000'))[0]?.control).toBe(0x91);
  });

  it('misbehaves as it is told', () => {
    const read = item('02010100');
    expect(ask(meter({}, { silent: 1 }), 0x11, read)).toEqual([]);
    expect(ask(meter({}, { busy: 1 }), 0x11, read)[0]?.control).toBe(0xd1);
    expect(ask(meter({}, { wrongAddress: 1 }), 0x11, read)[0]?.address).not.toBe(ADDRESS);
    expect(dataOf(ask(meter({}, { wrongItem: 1 }), 0x11, read))).not.toContain('00010102');
    for (let i = 0; i < 10; i++) expect(ask(meter({}, { checksum: 1 }), 0x11, read)).toEqual([]);
    expect(ask(meter({}, { half: 1 }), 0x11, read)).toEqual([]);
    const slow = meter({ turnaroundMs: 20 }, { slowMs: 300 });
    expect(
      slow.hear(encodeFrame({ address: ADDRESS, control: 0x11, data: Uint8Array.from(read) }), 0)[0]?.delayMs,
    ).toBe(320);
  });
});
