/**
 * What a DL/T 645 meter holds under each data identifier, made from its view at the moment it is asked.
 *
 * This is the meter's half, written from the standard's tables (2007 annex A, 1997 annex A) and on purpose not from
 * the catalogue that the master decodes with: two readings of one text find the mistakes of each other.
 */
import type { MeterEvent, Reading } from '../protocols/reading.ts';
import { ascii, bcd, digits, fixed, joined, signed, time } from './bcd.ts';
import type { MeterView } from './meter-view.ts';
import { WAVEFORM_ITEM, waveformItem } from './waveform-memory.ts';

export interface MeterPlate {
  address: string;
  ratedCurrentA: number;
  /** Impulses per kWh. */
  constant: number;
}

type Held = Uint8Array | undefined;

const ABSENT = Uint8Array.of(0xff, 0xff, 0xff, 0xff);
/** How the day's energy falls on the four tariffs; only their sum is measured. */
const TARIFF_SHARE = [0.15, 0.25, 0.35, 0.25];

/** The data under a 2007 identifier (hex, as printed), or undefined where the meter has none. */
export function held2007(item: string, view: MeterView, plate: MeterPlate): Held {
  const group = item.slice(0, 4);
  const middle = item.slice(4, 6);
  const last = item.slice(6, 8);
  const reading = view.reading();
  if (item.startsWith('00')) return energy(item, reading);
  if (item.startsWith('0280')) return last === '00' || middle !== '00' ? undefined : other(last, view, reading);
  if (/^020[1-9]/.test(item) && last === '00') return instant(group, middle, view, reading);
  if (/^020[AB]/.test(item)) return harmonics(group, middle, last, view, reading);
  if (item.startsWith('03')) return recordOf(item, view, reading);
  if (item.startsWith(WAVEFORM_ITEM)) return waveformItem(item, view);
  if (item.startsWith('04')) return parameter(item, view, plate);
  if (item === '1D000001') return bcd(view.count('relay-open'), 3);
  if (item === '1E000001') return bcd(view.count('relay-closed'), 3);
  return undefined;
}

function energy(item: string, reading: Reading): Held {
  const importWh = reading.importWh ?? 0;
  const exportWh = reading.exportWh ?? 0;
  if (item === '00900200') return reading.balanceYuan === undefined ? undefined : fixed(reading.balanceYuan, 4, 2);
  if (item === '00900201') return fixed(Math.max(0, -(reading.balanceYuan ?? 0)), 4, 2);
  const of = { '00': importWh - exportWh, '01': importWh, '02': exportWh, '03': 0, '04': 0 }[item.slice(2, 4)];
  const measured = item.startsWith('0002') ? reading.exportWh : reading.importWh;
  if (measured === undefined) return undefined;
  // Only the present month: settlement days are not kept.
  if (of === undefined || item.slice(6) !== '00') return undefined;
  const write = (wh: number) => (item.startsWith('0000') ? signed(wh / 1000, 4, 2) : fixed(wh / 1000, 4, 2));
  const tariff = Number.parseInt(item.slice(4, 6), 16);
  if (tariff === 0) return write(of);
  if (tariff <= TARIFF_SHARE.length) return write(of * TARIFF_SHARE[tariff - 1]!);
  return tariff === 0xff ? joined([write(of), ...TARIFF_SHARE.map((share) => write(of * share))]) : undefined;
}

/** What must be in the reading for a group to be there at all: nothing is made up for a recording that lacks it. */
const NEEDS: Record<string, keyof Reading> = {
  '0201': 'voltageV',
  '0202': 'currentA',
  '0203': 'activePowerW',
  '0204': 'reactivePowerVar',
  '0205': 'activePowerW',
  '0206': 'powerFactor',
  '0207': 'powerFactor',
};

/** 0201…0209: per phase 01, 02, 03, all FF; power and power factor also in total 00. */
function instant(group: string, middle: string, view: MeterView, reading: Reading): Held {
  const needed = NEEDS[group];
  if (needed !== undefined && reading[needed] === undefined) return undefined;
  if (group === '0209' && harmonicsOf(view, reading, 1) === undefined) return undefined;
  const withTotal = ['0203', '0204', '0205', '0206'].includes(group);
  const bytes = { '0202': 3, '0203': 3, '0204': 3, '0205': 3 }[group] ?? 2;
  const one = (phase: number): Uint8Array =>
    phase > view.phases ? ABSENT.subarray(0, bytes) : phaseValue(group, phase, view, reading);
  if (middle === 'FF') return joined([...(withTotal ? [one(0)] : []), one(1), one(2), one(3)]);
  const phase = Number.parseInt(middle, 16);
  if (phase > 3 || (phase === 0 && !withTotal)) return undefined;
  return one(phase);
}

/** @param phase 0 is the total */
function phaseValue(group: string, phase: number, view: MeterView, reading: Reading): Uint8Array {
  const at = Math.max(0, phase - 1);
  const volts = reading.voltageV?.[at] ?? 0;
  const amps = reading.currentA?.[at] ?? 0;
  const factor = reading.powerFactor?.[at] ?? 1;
  const share = phase === 0 || view.phases === 1 ? 1 : shareOf(reading, at);
  const activeKw = ((reading.activePowerW ?? 0) * share) / 1000;
  const reactiveKvar = ((reading.reactivePowerVar ?? 0) * share) / 1000;
  switch (group) {
    case '0201':
      return fixed(volts, 2, 1);
    case '0202':
      return signed(amps, 3, 3);
    case '0203':
      return signed(activeKw, 3, 4);
    case '0204':
      return signed(reactiveKvar, 3, 4);
    case '0205':
      return signed(Math.hypot(activeKw, reactiveKvar), 3, 4);
    case '0206':
      return signed(phase === 0 ? totalFactor(reading) : factor, 2, 3);
    case '0207':
      return fixed((Math.acos(Math.min(1, Math.abs(factor))) * 180) / Math.PI, 2, 1);
    default:
      return fixed(100 * (group === '0209' ? distortion(harmonicsOf(view, reading, at + 1)) : 0.018), 2, 2);
  }
}

/** Three-phase power per phase by V·I·PF, which is what the phases' own sensors would say. */
function shareOf(reading: Reading, at: number): number {
  const of = (i: number) =>
    (reading.voltageV?.[i] ?? 0) * (reading.currentA?.[i] ?? 0) * Math.abs(reading.powerFactor?.[i] ?? 1);
  const sum = of(0) + of(1) + of(2);
  return sum === 0 ? 1 / 3 : of(at) / sum;
}

function totalFactor(reading: Reading): number {
  const active = reading.activePowerW ?? 0;
  if (reading.reactivePowerVar === undefined) return reading.powerFactor?.[0] ?? 1;
  const apparent = Math.hypot(active, reading.reactivePowerVar);
  return apparent === 0 ? 1 : active / apparent;
}

/** 0280: neutral current, frequency, means, temperature, battery. */
function other(last: string, view: MeterView, reading: Reading): Held {
  const meanKw = (reading.activePowerW ?? 0) / 1000;
  switch (last) {
    case '01':
      return reading.neutralCurrentA === undefined ? undefined : signed(reading.neutralCurrentA, 3, 3);
    case '02':
      return reading.frequencyHz === undefined ? undefined : fixed(reading.frequencyHz, 2, 2);
    case '03':
    case '04':
      return signed(meanKw, 3, 4);
    case '05':
    case '06':
      return signed(0, 3, 4);
    case '07':
      return reading.temperatureC === undefined ? undefined : signed(reading.temperatureC, 2, 1);
    case '08':
      return fixed(3.61, 2, 2);
    case '09':
      return fixed(5.98, 2, 2);
    case '0A':
      return bcd(view.count('power-off'), 4);
    default:
      return undefined;
  }
}

/** 020A voltage, 020B current: content of orders 1 … 21 in percent of the fundamental. */
function harmonics(group: string, middle: string, last: string, view: MeterView, reading: Reading): Held {
  const phase = Number.parseInt(middle, 16);
  if (!(phase >= 1 && phase <= view.phases)) return undefined;
  const amps = group === '020B' ? harmonicsOf(view, reading, phase) : undefined;
  if (group === '020B' && amps === undefined) return undefined;
  const content = (order: number): Uint8Array => {
    if (amps === undefined) return fixed(order === 1 ? 99.99 : order % 2 === 1 ? 2 / order : 0, 2, 2);
    const first = amps[0] ?? 0;
    return fixed(first === 0 ? 0 : Math.min(99.99, (100 * (amps[order - 1] ?? 0)) / first), 2, 2);
  };
  if (last === 'FF') return joined(Array.from({ length: ORDERS }, (_, i) => content(i + 1)));
  const order = Number.parseInt(last, 16);
  return order >= 1 && order <= ORDERS ? content(order) : undefined;
}

const ORDERS = 21;

/** Amps of each order: as recorded, or analysed from a snapshot where the meter can take one. */
function harmonicsOf(view: MeterView, reading: Reading, phase: number): number[] | undefined {
  const recorded = reading.harmonicsA?.[phase - 1];
  if (recorded !== undefined) return recorded;
  const wave = view.waveform(phase);
  if (wave === undefined) return undefined;
  const { samples, scale } = wave.current;
  const cycles = Math.floor((samples.length * 50) / wave.rateHz);
  const length = Math.round((cycles * wave.rateHz) / 50);
  return Array.from({ length: ORDERS }, (_, i) => {
    const step = (2 * Math.PI * (i + 1) * 50) / wave.rateHz;
    let re = 0;
    let im = 0;
    for (let k = 0; k < length; k++) {
      re += samples[k]! * Math.cos(step * k);
      im += samples[k]! * Math.sin(step * k);
    }
    return (scale * Math.SQRT2 * Math.hypot(re, im)) / length;
  });
}

function distortion(amps: readonly number[] | undefined): number {
  const [first = 0, ...others] = amps ?? [];
  return first === 0 ? 0 : Math.min(0.9999, Math.hypot(...others) / first);
}

/** Event records: power off 0311, covers 03300D and 03300E, demand clear 033002 (longer than one frame). */
function recordOf(item: string, view: MeterView, reading: Reading): Held {
  const kinds: Record<string, MeterEvent> = {
    '031100': 'power-off',
    '03300D': 'cover-open',
    '03300E': 'terminal-open',
  };
  const nth = Number.parseInt(item.slice(6), 16);
  if (item.slice(0, 6) === '033002') return nth < 1 || nth > 10 ? undefined : demandClear(view, reading, nth);
  const kind = kinds[item.slice(0, 6)];
  if (kind === undefined || nth > 10) return undefined;
  if (nth === 0) return bcd(view.count(kind), 3);
  const record = view.record(kind)[nth - 1];
  const stamp = (ms: number | undefined) => (ms === undefined ? new Uint8Array(6) : time(ms, 'smhDMY'));
  const span = [stamp(record?.startMs), stamp(record?.endMs)];
  if (kind === 'power-off') return joined(span);
  const registers = [reading.importWh ?? 0, reading.exportWh ?? 0, 0, 0, 0, 0].map((wh) => fixed(wh / 1000, 4, 2));
  return joined([...span, ...registers, ...registers]);
}

/** 202 bytes: time, operator, then 24 maximum demands with their times. */
function demandClear(view: MeterView, reading: Reading, nth: number): Uint8Array {
  const atMs = view.localMs() - nth * 30 * 86_400_000;
  const demand = joined([fixed((reading.activePowerW ?? 0) / 1000, 3, 4), time(atMs, 'mhDMY')]);
  return joined([time(atMs, 'smhDMY'), bcd(1, 4), ...Array.from({ length: 24 }, () => demand)]);
}

function parameter(item: string, view: MeterView, plate: MeterPlate): Held {
  const now = view.localMs();
  switch (item) {
    case '04000101':
      return time(now, 'WDMY');
    case '04000102':
      return time(now, 'smh');
    case '04000204':
      return bcd(TARIFF_SHARE.length, 1);
    case '04000401':
    case '04000402':
      return digits(plate.address);
    case '04000403':
      return ascii(`GW${plate.address}`, 32);
    case '04000404':
      return ascii('220V', 6);
    case '04000405':
      return ascii('5A', 6);
    case '04000406':
      return ascii(`${plate.ratedCurrentA}A`, 6);
    case '04000409':
    case '0400040A':
      return bcd(plate.constant, 3);
  }
  if (item.startsWith('040005')) return statusWords(item.slice(6), view);
  return undefined;
}

/** Words 1 … 7, two bytes each; only the bits that this meter can know are ever set. */
function statusWords(last: string, view: MeterView): Held {
  const relay = view.relayOpen ? 1 << 4 : 0;
  const reading = view.reading();
  const phaseWord = (at: number): number => {
    if (at >= view.phases) return 0;
    const volts = reading.voltageV?.[at] ?? 220;
    const reverse = (reading.powerFactor?.[at] ?? 1) < 0 ? 1 << 6 : 0;
    return (volts < 22 ? 1 : volts < 198 ? 2 : volts > 235.4 ? 4 : 0) | reverse;
  };
  const reverse = (reading.activePowerW ?? 0) < 0 ? 1 << 4 : 0;
  const words = [reverse, 0, relay, phaseWord(0), phaseWord(1), phaseWord(2), 0];
  const bytes = words.map((word) => Uint8Array.of(word & 0xff, word >> 8));
  if (last === 'FF') return joined(bytes);
  return bytes[Number.parseInt(last, 16) - 1];
}

const NEEDS_1997: Record<string, keyof Reading> = {
  '901': 'importWh',
  '902': 'exportWh',
  B61: 'voltageV',
  B62: 'currentA',
  B63: 'activePowerW',
  B64: 'reactivePowerVar',
  B65: 'powerFactor',
};

/** The data under a 1997 identifier, two bytes; a block ends in F and puts AA between its parts. */
export function held1997(item: string, view: MeterView, plate: MeterPlate): Held {
  if (item.endsWith('F')) {
    const parts: Uint8Array[] = [];
    for (let i = 0; i < 8; i++) {
      const part = held1997(item.slice(0, 3) + i, view, plate);
      if (part !== undefined) parts.push(...(parts.length === 0 ? [] : [Uint8Array.of(0xaa)]), part);
    }
    return parts.length === 0 ? undefined : joined(parts);
  }
  const reading = view.reading();
  const at = Number(item.slice(3)) - 1;
  const group = item.slice(0, 3);
  if (NEEDS_1997[group] !== undefined && reading[NEEDS_1997[group]] === undefined) return undefined;
  if (item === '9010') return fixed((reading.importWh ?? 0) / 1000, 4, 2);
  if (group === '901' && at >= 0 && at < 4) return fixed(((reading.importWh ?? 0) / 1000) * TARIFF_SHARE[at]!, 4, 2);
  if (item === '9020') return fixed((reading.exportWh ?? 0) / 1000, 4, 2);
  if (group === 'B63' && at < view.phases) return power1997(reading, view, at);
  if (group === 'B64' && at < 0) return fixed(Math.abs(reading.reactivePowerVar ?? 0) / 1000, 2, 2);
  if (group === 'B65' && at < view.phases) {
    return fixed(Math.abs(at < 0 ? totalFactor(reading) : (reading.powerFactor?.[at] ?? 1)), 2, 3);
  }
  if (at >= 0 && at < view.phases) {
    if (group === 'B61') return bcd(reading.voltageV?.[at] ?? 0, 2);
    if (group === 'B62') return fixed(reading.currentA?.[at] ?? 0, 2, 2);
  }
  if (item === 'C010') return time(view.localMs(), 'WDMY');
  if (item === 'C011') return time(view.localMs(), 'smh');
  if (item === 'C030') return bcd(plate.constant, 3);
  return item === 'C032' ? digits(plate.address) : undefined;
}

function power1997(reading: Reading, view: MeterView, at: number): Uint8Array {
  const share = at < 0 || view.phases === 1 ? 1 : shareOf(reading, at);
  return fixed((Math.abs(reading.activePowerW ?? 0) * share) / 1000, 3, 4);
}
