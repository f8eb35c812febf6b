/**
 * The shape of the catalogue: flat rows of data, one per family of identifiers. A row's identifier may hold axes, runs of
 * one letter after F, which stand for a range of its digits: `0001TTHH` is forward active energy of every tariff (TT)
 * and every settlement day (HH). FF in an axis that has a block is the block of all of them (annex A of the standard).
 */
import type { Format } from './format.ts';

export interface Field {
  en: string;
  zh: string;
  unit: string;
  format: Format;
  /** The top bit of the top byte is the sign, the rest the magnitude (annex A, notes): not two's complement. */
  signed?: true;
  /** What single bits or groups of bits of a status word say. */
  bits?: readonly Bits[];
}

export interface Bits {
  /** The lowest bit. */
  bit: number;
  width?: 2;
  en: string;
  zh: string;
  /** Words for 0, 1, …; without them the bit itself, 0 or 1. */
  states?: readonly string[];
}

interface Head {
  /** Digits and axes, as printed: `0201PP00`; 1997: `B61P`. */
  di: string;
  /** Names; `{TT}` stands for the axis's own. */
  en: string;
  zh: string;
  /** The unit is sent again and again, once for each of this axis, as many as the meter has. */
  repeat?: string;
}

/** One value, or several one after the other. */
export type Row = Head &
  (
    | Omit<Field, 'en' | 'zh'>
    | {
        fields: readonly Field[];
        /** The last field is first on the wire: what paper writes as one number (date and weekday). */
        lastFirst?: true;
      }
    /** A block of other items, with AAH between them where their lengths differ from meter to meter. */
    | { parts: readonly string[] }
  );

export interface Axis {
  from: number;
  to: number;
  /** Whether FF (1997: F) asks for all at once. */
  block?: true;
  en(index: number): string;
  zh(index: number): string;
}

/** The phases, and how far their DI2 lies behind that of the total (tables A.1 and A.2). */
export const PHASES = [
  { offset: 0x14, en: 'L1', zh: 'A相' },
  { offset: 0x28, en: 'L2', zh: 'B相' },
  { offset: 0x3c, en: 'L3', zh: 'C相' },
] as const;
export const TOTAL_AND_PHASES = [{ en: 'total', zh: '总' }, ...PHASES] as const;

const ago = (index: number) => (index === 0 ? '' : `, settlement ${index} back`);
const last = (index: number) => (index === 1 ? ', last' : `, ${index} back`);
const phaseEn = (index: number) => `L${index}`;
const phaseZh = (index: number) => `${'ABC'[index - 1]}相`;
const numbered = (from: number, to: number): Axis => ({ from, to, en: (i) => `${i}`, zh: (i) => `${i}` });
const times = (to: number): Axis => ({ from: 1, to, en: last, zh: (i) => `(上${i}次)` });

export const AXES = {
  TT: {
    from: 0,
    to: 63,
    block: true,
    en: (i) => (i === 0 ? 'total' : `tariff ${i}`),
    zh: (i) => (i === 0 ? '总' : `费率${i}`),
  },
  HH: { from: 0, to: 12, block: true, en: ago, zh: (i) => (i === 0 ? '' : `(上${i}结算日)`) },
  PP: { from: 1, to: 3, block: true, en: phaseEn, zh: phaseZh },
  QQ: {
    from: 0,
    to: 3,
    block: true,
    en: (i) => (i === 0 ? 'total' : phaseEn(i)),
    zh: (i) => (i === 0 ? '总' : phaseZh(i)),
  },
  OO: { from: 1, to: 21, block: true, en: (i) => `order ${i}`, zh: (i) => `${i}次谐波` },
  /** The last ten records of an event. */
  NN: times(10),
  /** Records of a freeze: on command and at set times, at once, on a change of table, hourly, daily. */
  GG: times(12),
  II: times(3),
  JJ: times(2),
  MM: times(254),
  RR: times(62),
  /** Months of voltage compliance, this one first. */
  LL: { from: 0, to: 12, en: (i) => (i === 0 ? '' : `, ${i} months back`), zh: (i) => (i === 0 ? '' : `(上${i}月)`) },
  SS: numbered(1, 254),
  UU: numbered(1, 8),
  VV: { ...numbered(1, 63), block: true },
  WW: { ...numbered(1, 14), block: true },
  YY: numbered(1, 3),
  /** Levels of passwords: 01 is level 0. */
  ZZ: { from: 1, to: 10, en: (i) => `${i - 1}`, zh: (i) => `${i - 1}` },
  /** 1997: one digit each. */
  T: {
    from: 0,
    to: 14,
    block: true,
    en: (i) => (i === 0 ? 'total' : `tariff ${i}`),
    zh: (i) => (i === 0 ? '总' : `费率${i}`),
  },
  P: { from: 1, to: 3, block: true, en: phaseEn, zh: phaseZh },
  Q: {
    from: 0,
    to: 3,
    block: true,
    en: (i) => (i === 0 ? 'total' : phaseEn(i)),
    zh: (i) => (i === 0 ? '总' : phaseZh(i)),
  },
  N: { ...numbered(1, 14), block: true },
} as const satisfies Record<string, Axis>;
