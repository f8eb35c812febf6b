/**
 * `outage` of one home whose meter's own relay is open, and `tamper` where power flows although it is.
 *
 * Intuition. An opened relay (arrears, an order, a protection in the meter) leaves a home as dark as a fault does, but
 * nobody need look for one: a notice with its cause, cleared when the relay lets current pass again. It is no
 * interruption of the network and is counted in no reliability figure, so it is kept out of `outage.ts`.
 * Power through an open relay is a bridged or welded contact.
 *
 * Thresholds. The relay is read once an hour, so it may have been closed by right for that long before it is heard:
 * power counts after 90 min. 20 W is above what a meter measures of nothing.
 */
import type { Evidence, Finding } from '../alert.ts';
import { type MeterDetector, NOTHING, type Output } from '../detector.ts';
import { MINUTE_MS, round } from './figures.ts';

export interface RelaySettings {
  flowsW: number;
  flowsMin: number;
}

export const RELAY_DEFAULTS: RelaySettings = { flowsW: 20, flowsMin: 90 };

export interface RelayState {
  /** When the relay was heard to be open; 0: it is not. */
  openMs: number;
  /** Since when power has flowed through it, and whether that was told. */
  flowsSinceMs: number;
  toldFlow: boolean;
}

/** Watches users' meters that tell of their relay. */
export function relay(settings: Partial<RelaySettings> = {}): MeterDetector<RelayState> {
  const rule = { ...RELAY_DEFAULTS, ...settings };
  return {
    scope: 'meter',
    name: 'relay',
    start: ({ premises }) =>
      premises === 'transformer' || premises === 'feeder' ? undefined : { openMs: 0, flowsSinceMs: 0, toldFlow: false },
    step(state, input, meter) {
      if (input.type === 'event') {
        if (input.event === 'relay-open') return opened(state, input.atMs, meter.id);
        return input.event === 'relay-closed' ? closed(state, input.atMs, meter.id) : NOTHING;
      }
      if (input.type !== 'reading' || state.openMs === 0) return NOTHING;
      const powerW = input.reading.activePowerW;
      return powerW === undefined ? NOTHING : flows(state, powerW, input.atMs, meter.id, rule);
    },
  };
}

function opened(state: RelayState, atMs: number, meter: string): readonly Output[] {
  if (state.openMs !== 0) return NOTHING;
  state.openMs = atMs;
  return [cut(meter, 'raised', atMs, atMs)];
}

function closed(state: RelayState, atMs: number, meter: string): readonly Output[] {
  if (state.openMs === 0) return NOTHING;
  const outputs = [cut(meter, 'cleared', state.openMs, atMs)];
  if (state.toldFlow) outputs.push(bridged(meter, 'cleared', state.flowsSinceMs, atMs, 0));
  state.openMs = state.flowsSinceMs = 0;
  state.toldFlow = false;
  return outputs;
}

function flows(state: RelayState, powerW: number, atMs: number, meter: string, rule: RelaySettings): readonly Output[] {
  if (powerW <= rule.flowsW) {
    // A bridge stays a bridge while nothing is switched on: once told, only the relay's closing ends it.
    if (!state.toldFlow) state.flowsSinceMs = 0;
    return NOTHING;
  }
  if (state.flowsSinceMs === 0) state.flowsSinceMs = atMs;
  if (state.toldFlow || atMs - state.flowsSinceMs < rule.flowsMin * MINUTE_MS) return NOTHING;
  state.toldFlow = true;
  return [bridged(meter, 'raised', state.flowsSinceMs, atMs, powerW)];
}

function cut(meter: string, change: Finding['state'], sinceMs: number, atMs: number): Output {
  const evidence: Evidence = {
    scope: 'meter',
    where: meter,
    meters: 1,
    repeats: 0,
    cause: 'relay-open',
    lastedMin: round((atMs - sinceMs) / MINUTE_MS, 1),
  };
  return told({ meter, kind: 'outage', state: change, severity: 'notice', sinceMs, confidence: 0.95, evidence });
}

function bridged(meter: string, change: Finding['state'], sinceMs: number, atMs: number, powerW: number): Output {
  const evidence: Evidence = {
    sign: 'relay-bridged',
    powerW: round(powerW, 1),
    flowsMin: round((atMs - sinceMs) / MINUTE_MS, 1),
  };
  return told({ meter, kind: 'tamper', state: change, severity: 'warning', sinceMs, confidence: 0.75, evidence });
}

const told = (finding: Omit<Finding, 'key' | 'recipients'>): Output => ({
  type: 'finding',
  finding: { ...finding, key: 'relay', recipients: ['power'] },
});
