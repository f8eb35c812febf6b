/**
 * Somebody opened or bridged the meter: cover and terminal events, power that flows backwards where nothing feeds in,
 * current on a phase without voltage, and more current coming back on the neutral than went out (a bridged line).
 *
 * A fall in use was rejected as a sign: most falls are holidays. Feeding in by day is a roof, so reverse flow counts
 * only where the meter never counted export, and for half an hour.
 */
import type { Reading } from '../../protocols/reading.ts';
import { type MeterDetector, NOTHING, type Output } from '../detector.ts';
import { type Held, hold, notHeld, say } from './finding.ts';
import { DAY_MS, MINUTE_MS, sane } from './slots.ts';

const SIGNS = ['reverse-flow', 'voltage-missing', 'by-pass'] as const;
type Sign = (typeof SIGNS)[number];

export interface TamperState {
  opened: Record<'cover-open' | 'terminal-open', number>;
  exportWh: number;
  /** The meter has counted export: it feeds in by right. */
  feedsIn: boolean;
  /** Only those that are not idle. */
  signs: Partial<Record<Sign, Held>>;
}

export interface TamperSettings {
  holdMin: number;
}

export const TAMPER_DEFAULTS: TamperSettings = { holdMin: 30 };

/** Cover and terminal at once; the electrical signs after `holdMin` minutes without a break. */
export function tamper(settings: Partial<TamperSettings> = {}): MeterDetector<TamperState> {
  const limits = { ...TAMPER_DEFAULTS, ...settings };
  return {
    scope: 'meter',
    name: 'tamper',
    start: (meter) =>
      meter.premises === 'feeder' || meter.premises === 'transformer'
        ? undefined
        : {
            opened: { 'cover-open': 0, 'terminal-open': 0 },
            exportWh: -1,
            feedsIn: false,
            signs: {},
          },
    step(state, input, meter) {
      if (input.type === 'event') {
        if (input.event !== 'cover-open' && input.event !== 'terminal-open') return NOTHING;
        return opened(state, input.event, input.atMs, meter.id);
      }
      if (input.type === 'tick') return closed(state, input.atMs, meter.id);
      if (input.type !== 'reading') return NOTHING;
      const { reading, atMs } = input;
      const exportWh = sane(reading.exportWh) ?? -1;
      if (exportWh >= 0) {
        if (state.exportWh >= 0 && exportWh > state.exportWh) state.feedsIn = true;
        state.exportWh = exportWh;
      }
      let outputs: Output[] | undefined;
      for (const sign of SIGNS) {
        const seen = look(sign, reading, state);
        if (seen === undefined || (!seen && state.signs[sign] === undefined)) continue;
        const held = state.signs[sign] ?? notHeld();
        const change = hold(held, seen, atMs, limits.holdMin * MINUTE_MS, 6 * 60 * MINUTE_MS);
        if (held.phase === 'idle') delete state.signs[sign];
        else state.signs[sign] = held;
        if (change === undefined) continue;
        outputs ??= [];
        outputs.push(
          say({
            meter: meter.id,
            kind: 'tamper',
            key: sign,
            state: change,
            severity: 'warning',
            sinceMs: held.sinceMs,
            confidence: sign === 'reverse-flow' ? 0.6 : 0.75,
            evidence: { sign, ...figures(reading) },
            recipients: ['power'],
          }),
        );
      }
      return outputs ?? NOTHING;
    },
  };
}

/** Whether a sign stands in this reading; undefined where the meter does not say. */
function look(sign: Sign, reading: Reading, state: TamperState): boolean | undefined {
  const current = reading.currentA;
  switch (sign) {
    case 'reverse-flow':
      if (reading.activePowerW === undefined) return undefined;
      return !state.feedsIn && reading.activePowerW < -20;
    case 'voltage-missing': {
      const voltage = reading.voltageV;
      if (current === undefined || voltage === undefined || voltage.length !== current.length) return undefined;
      for (let i = 0; i < voltage.length; i++) if ((voltage[i] ?? 230) < 100 && (current[i] ?? 0) > 0.5) return true;
      return false;
    }
    case 'by-pass': {
      // Only one-phase meters: on three phases the neutral carries what the phases do not balance.
      const live = current?.[0];
      if (reading.neutralCurrentA === undefined || live === undefined || current?.length !== 1) return undefined;
      return reading.neutralCurrentA > 1.3 * Math.abs(live) + 1;
    }
    default:
      return sign satisfies never;
  }
}

function opened(
  state: TamperState,
  event: 'cover-open' | 'terminal-open',
  atMs: number,
  meter: string,
): readonly Output[] {
  if (state.opened[event] > 0) return NOTHING;
  state.opened[event] = atMs;
  return [cover(meter, event, 'raised', atMs, atMs)];
}

/** An opening is one alert; after a day it is closed, so that the next one is a new alert. */
function closed(state: TamperState, atMs: number, meter: string): readonly Output[] {
  if (state.opened['cover-open'] === 0 && state.opened['terminal-open'] === 0) return NOTHING;
  const outputs: Output[] = [];
  for (const event of ['cover-open', 'terminal-open'] as const) {
    const sinceMs = state.opened[event];
    if (sinceMs === 0 || atMs - sinceMs < DAY_MS) continue;
    state.opened[event] = 0;
    outputs.push(cover(meter, event, 'cleared', sinceMs, atMs));
  }
  return outputs;
}

function cover(meter: string, event: string, change: 'raised' | 'cleared', sinceMs: number, atMs: number): Output {
  return say({
    meter,
    kind: 'tamper',
    key: event,
    state: change,
    severity: 'warning',
    sinceMs,
    confidence: 0.9,
    evidence: { sign: event, openForH: (atMs - sinceMs) / 3_600_000 },
    recipients: ['power'],
  });
}

function figures(reading: Reading): Record<string, number> {
  return {
    ...(reading.activePowerW === undefined ? {} : { powerW: reading.activePowerW }),
    ...(reading.currentA?.[0] === undefined ? {} : { liveA: reading.currentA[0] }),
    ...(reading.neutralCurrentA === undefined ? {} : { neutralA: reading.neutralCurrentA }),
    ...(reading.voltageV === undefined ? {} : { lowestV: Math.min(...reading.voltageV) }),
  };
}
