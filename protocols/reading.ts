/**
 * What a meter says, in the words every layer shares: readings, waveforms and events, with SI units in the names.
 * The same shapes stand in a recording (`recording.ts`), reach the detectors, and are what the simulator serves.
 */

/** Any subset of what one meter can say at one moment. Arrays hold one number per phase, L1 first. */
export interface Reading {
  /** Import positive, export negative. */
  activePowerW?: number;
  reactivePowerVar?: number;
  voltageV?: number[];
  currentA?: number[];
  neutralCurrentA?: number;
  residualCurrentA?: number;
  /** −1 … 1, one per phase; the sign is the direction of active power. */
  powerFactor?: number[];
  frequencyHz?: number;
  importWh?: number;
  exportWh?: number;
  balanceYuan?: number;
  temperatureC?: number;
  ambientC?: number;
  /** Per phase, where the meter measures harmonics but sends no waveform (DL/T 645 020A/020B, Modbus THD). */
  harmonicsA?: number[][];
  currentThd?: number[];
}

/** One snapshot of voltage and current sampled together; volts and amps are `sample × scale`. */
export interface Waveform {
  rateHz: number;
  /** 1, 2 or 3. */
  phase: number;
  voltage: Samples;
  current: Samples;
}

export interface Samples {
  scale: number;
  samples: Int16Array;
}

export const METER_EVENTS = [
  'power-off',
  'power-on',
  'cover-open',
  'terminal-open',
  'relay-open',
  'relay-closed',
  'clock-fault',
  'no-answer',
] as const;
export type MeterEvent = (typeof METER_EVENTS)[number];

export const PREMISES = [
  'flat',
  'house',
  'corridor',
  'shop',
  'warehouse',
  'dormitory',
  'office',
  'industrial',
  'charging-point',
  'transformer',
  'feeder',
] as const;
export type Premises = (typeof PREMISES)[number];

/** IEC 60076-7's constants of one transformer. */
export interface ThermalConstants {
  topOilRiseK: number;
  hotSpotGradientK: number;
  hotSpotFactor: number;
  lossRatio: number;
  x: number;
  y: number;
  k11: number;
  k21: number;
  k22: number;
  tauOilMin: number;
  tauWindingMin: number;
  initialTopOilC: number;
}

/** What is known of a meter before it says anything: the site file's and the recording header's entry for it. */
export interface MeterInfo {
  id: string;
  premises?: Premises;
  phases?: 1 | 3;
  /** The phase a single-phase meter hangs on, where known. */
  phase?: 1 | 2 | 3;
  ratedCurrentA?: number;
  fuseA?: number;
  watch?: 'elderly'[];
  charging?: 'allowed';
  /** Grid cell (网格). */
  grid?: string;
  /** The feeder, and on it the box, that supplies the meter. */
  feeder?: string;
  box?: string;
  tariff?: { tiersKwhPerMonth: number[] };
  /** The kind of user that the contract names, for the portrait. */
  contract?: string;
  ratedKva?: number;
  thermal?: Partial<ThermalConstants>;
}

/** One thing a meter said, at epoch milliseconds UTC. */
export type Sample =
  | { atMs: number; meter: string; reading: Reading }
  | { atMs: number; meter: string; waveform: Waveform }
  | { atMs: number; meter: string; event: MeterEvent };
