/**
 * Appliances as data: what each draws, when people use it, and the shape of its current (`currents/shapes.ts`).
 * Powers and habits are ordinary Chinese homes of today; a specimen draws its own values from the ranges. Which supplies
 * are corrected follows GB 17625.1 (IEC 61000-3-2): luminaires above 25 W, PCs and televisions above 75 W must be.
 */
import type { CurrentKind } from './currents/shapes.ts';

/** When an appliance runs. Hours are civil time; a use needs somebody awake at home unless it says otherwise. */
export type Habit =
  /** On and off by itself, for ever. */
  | { type: 'cycle'; periodMin: [number, number]; duty: [number, number] }
  | { type: 'always' }
  /** `perDay` uses around one of these hours. */
  | { type: 'use'; perDay: number; hours: readonly number[]; minutes: [number, number] }
  /** As long as somebody is awake, with a chance per quarter of an hour; `dark` only without daylight. */
  | { type: 'presence'; share: number; dark: boolean }
  /** By the clock, whether or not somebody is there. */
  | { type: 'timer'; fromH: number; toH: number }
  /** While somebody is there and it is hotter or colder than this. */
  | { type: 'climate'; aboveC?: number; belowC?: number; duty: number };

export interface Appliance {
  current: CurrentKind;
  powerW: [number, number];
  /** Of the fundamental; negative would lead. */
  powerFactor: number;
  habit: Habit;
}

export const APPLIANCES = {
  router: { current: 'small-supply', powerW: [6, 14], powerFactor: 0.6, habit: { type: 'always' } },
  standby: { current: 'small-supply', powerW: [8, 40], powerFactor: 0.5, habit: { type: 'always' } },
  fridge: {
    current: 'motor',
    powerW: [70, 130],
    powerFactor: 0.72,
    habit: { type: 'cycle', periodMin: [35, 70], duty: [0.25, 0.45] },
  },
  'inverter-fridge': {
    current: 'inverter-compressor',
    powerW: [30, 75],
    powerFactor: 0.65,
    habit: { type: 'cycle', periodMin: [90, 200], duty: [0.7, 0.9] },
  },
  freezer: {
    current: 'motor',
    powerW: [180, 420],
    powerFactor: 0.75,
    habit: { type: 'cycle', periodMin: [25, 55], duty: [0.4, 0.65] },
  },
  lights: {
    current: 'corrected',
    powerW: [24, 80],
    powerFactor: 0.92,
    habit: { type: 'presence', share: 0.85, dark: true },
  },
  lamp: {
    current: 'small-supply',
    powerW: [5, 18],
    powerFactor: 0.55,
    habit: { type: 'presence', share: 0.5, dark: true },
  },
  tv: {
    current: 'corrected',
    powerW: [70, 160],
    powerFactor: 0.95,
    habit: { type: 'presence', share: 0.4, dark: false },
  },
  pc: {
    current: 'corrected',
    powerW: [60, 280],
    powerFactor: 0.95,
    habit: { type: 'presence', share: 0.25, dark: false },
  },
  notebook: {
    current: 'small-supply',
    powerW: [35, 65],
    powerFactor: 0.6,
    habit: { type: 'presence', share: 0.3, dark: false },
  },
  phone: {
    current: 'small-supply',
    powerW: [8, 25],
    powerFactor: 0.55,
    habit: { type: 'use', perDay: 1.5, hours: [12, 21, 22], minutes: [60, 150] },
  },
  kettle: {
    current: 'resistive',
    powerW: [1500, 2000],
    powerFactor: 1,
    habit: { type: 'use', perDay: 2.5, hours: [7, 10, 15, 19, 20], minutes: [3, 7] },
  },
  'rice-cooker': {
    current: 'resistive',
    powerW: [550, 850],
    powerFactor: 1,
    habit: { type: 'use', perDay: 1.4, hours: [11, 17, 18], minutes: [22, 40] },
  },
  induction: {
    current: 'corrected',
    powerW: [1000, 2100],
    powerFactor: 0.98,
    habit: { type: 'use', perDay: 1.6, hours: [7, 11, 12, 18], minutes: [8, 35] },
  },
  hood: {
    current: 'motor',
    powerW: [120, 220],
    powerFactor: 0.8,
    habit: { type: 'use', perDay: 1.8, hours: [11, 12, 18], minutes: [12, 40] },
  },
  microwave: {
    current: 'half-wave',
    powerW: [1000, 1350],
    powerFactor: 0.9,
    habit: { type: 'use', perDay: 1.2, hours: [7, 12, 18, 21], minutes: [2, 6] },
  },
  washer: {
    current: 'motor',
    powerW: [180, 420],
    powerFactor: 0.7,
    habit: { type: 'use', perDay: 0.6, hours: [9, 19, 20], minutes: [40, 70] },
  },
  'water-heater': {
    current: 'resistive',
    powerW: [1500, 2500],
    powerFactor: 1,
    habit: { type: 'use', perDay: 1.3, hours: [6, 20, 21], minutes: [15, 45] },
  },
  'hair-dryer': {
    current: 'half-wave',
    powerW: [600, 1600],
    powerFactor: 0.95,
    habit: { type: 'use', perDay: 0.7, hours: [7, 21], minutes: [3, 9] },
  },
  dimmer: {
    current: 'phase-cut',
    powerW: [40, 90],
    powerFactor: 0.8,
    habit: { type: 'presence', share: 0.3, dark: true },
  },
  'air-conditioner': {
    current: 'corrected',
    powerW: [500, 1100],
    powerFactor: 0.97,
    habit: { type: 'climate', aboveC: 27, belowC: 5, duty: 0.7 },
  },
  heater: {
    current: 'resistive',
    powerW: [900, 1800],
    powerFactor: 1,
    habit: { type: 'climate', belowC: 3, duty: 0.5 },
  },
  'shop-lights': {
    current: 'corrected',
    powerW: [250, 700],
    powerFactor: 0.85,
    habit: { type: 'presence', share: 1, dark: false },
  },
  'sign-on-timer': {
    current: 'small-supply',
    powerW: [60, 220],
    powerFactor: 0.7,
    habit: { type: 'timer', fromH: 18, toH: 23 },
  },
  'corridor-lights': {
    current: 'corrected',
    powerW: [80, 200],
    powerFactor: 0.75,
    habit: { type: 'timer', fromH: 18.5, toH: 30 },
  },
  pumps: {
    current: 'motor',
    powerW: [900, 2600],
    powerFactor: 0.8,
    habit: { type: 'cycle', periodMin: [20, 60], duty: [0.15, 0.4] },
  },
  machines: {
    current: 'motor',
    powerW: [4000, 11000],
    powerFactor: 0.78,
    habit: { type: 'presence', share: 0.8, dark: false },
  },
} as const satisfies Record<string, Appliance>;

export type ApplianceName = keyof typeof APPLIANCES;
export const APPLIANCE_NAMES = Object.keys(APPLIANCES) as [ApplianceName, ...ApplianceName[]];

/** How people's days go: minutes of the day awake and at home, each with how much it varies. */
export interface Rhythm {
  /** [from, to] in hours for working days and for days off; may run past 24. */
  work: readonly (readonly [number, number])[];
  off: readonly (readonly [number, number])[];
  /** Deviation of every edge, minutes. */
  variesMin: number;
}

export const RHYTHMS = {
  worker: {
    work: [
      [6.7, 8.1],
      [18.2, 22.8],
    ],
    off: [
      [8.5, 14],
      [17, 23.2],
    ],
    variesMin: 25,
  },
  home: {
    work: [
      [7, 9.5],
      [10.7, 22.3],
    ],
    off: [[7.5, 22.8]],
    variesMin: 25,
  },
  elderly: {
    work: [
      [5.8, 8.2],
      [9.5, 12.7],
      [14.2, 21],
    ],
    off: [
      [5.8, 8.2],
      [9.5, 12.7],
      [14.2, 21],
    ],
    variesMin: 20,
  },
  student: {
    work: [
      [7, 8],
      [12, 13.5],
      [18, 24.5],
    ],
    off: [[9.5, 25]],
    variesMin: 40,
  },
  'night-worker': { work: [[15, 20.5]], off: [[15, 26]], variesMin: 30 },
  shop: { work: [[8.5, 21.5]], off: [[8.5, 21.5]], variesMin: 15 },
  'shop-sleeper': { work: [[5.7, 24.2]], off: [[5.7, 24.2]], variesMin: 30 },
  office: { work: [[8.3, 18.3]], off: [], variesMin: 20 },
  factory: {
    work: [
      [7.8, 12],
      [13, 17.5],
    ],
    off: [],
    variesMin: 6,
  },
  nobody: { work: [], off: [], variesMin: 0 },
} as const satisfies Record<string, Rhythm>;

export type RhythmName = keyof typeof RHYTHMS;
export const RHYTHM_NAMES = Object.keys(RHYTHMS) as [RhythmName, ...RhythmName[]];
