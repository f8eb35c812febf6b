/**
 * Steps in the power that a meter reports, at any cadence from a second to a minute.
 *
 * A home's power is a staircase. One reading that leaves the landing opens a movement, two readings that agree close
 * it, and the step is what lies between the landings: a minute's mean that caught half of a switch-on, and a soft
 * start over several seconds, both come out as one step of the right height. The rejected alternative, differences of
 * neighbouring readings, halves every step that falls into the middle of a minute.
 */

export interface Level {
  atMs: number;
  lastW: number;
  /** The landing: where the power was before the present movement, following slow drift. */
  steadyW: number;
  /** When the power left the landing and the last reading on it; absent while it stands on one. */
  left?: { atMs: number; lastW: number };
}

export type Change =
  /** On the landing; `driftW` since the last reading on it. */
  | { type: 'steady'; driftW: number }
  /** Left the landing with this reading. */
  | { type: 'left'; byW: number }
  | { type: 'moving' }
  /** Arrived on another landing. */
  | { type: 'step'; sinceMs: number; deltaW: number }
  /** Nothing was heard for longer than a movement may take. */
  | { type: 'gap'; sinceMs: number; deltaW: number };

/** Noise of a quiet home and of a meter's last digit; a heater of kilowatts breathes by two percent. */
const QUIET_W = 10;
const QUIET_SHARE = 0.02;
/** A movement that has not ended by then is cut: some homes never stand still. */
const MOVING_MAX_MS = 10 * 60_000;
const GAP_MS = 10 * 60_000;
/** Of a reading, into the landing: a taper of several watts a minute stays on it. */
const FOLLOWING = 0.5;

export function startLevel(atMs: number, powerW: number): Level {
  return { atMs, lastW: powerW, steadyW: powerW };
}

/** Takes the next reading; writes `level`. */
export function follow(level: Level, atMs: number, powerW: number): Change {
  const quietW = Math.max(QUIET_W, QUIET_SHARE * Math.abs(powerW));
  const before = { atMs: level.atMs, lastW: level.lastW };
  const driftW = powerW - before.lastW;
  level.atMs = atMs;
  level.lastW = powerW;
  if (atMs - before.atMs > GAP_MS) return arrive(level, 'gap', before.atMs, powerW);
  if (level.left === undefined) {
    const byW = powerW - level.steadyW;
    if (Math.abs(driftW) <= quietW && Math.abs(byW) <= 2 * quietW) {
      level.steadyW += FOLLOWING * byW;
      return { type: 'steady', driftW };
    }
    level.left = { atMs, lastW: before.lastW };
    return { type: 'left', byW };
  }
  const { left } = level;
  if (Math.abs(driftW) > quietW && atMs - left.atMs <= MOVING_MAX_MS) return { type: 'moving' };
  const change = arrive(level, 'step', left.atMs, powerW);
  // A peak between two readings, or a slope a little too steep: nothing was switched.
  return Math.abs(powerW - left.lastW) <= 2 * quietW ? { type: 'steady', driftW: powerW - left.lastW } : change;
}

function arrive(level: Level, type: 'step' | 'gap', sinceMs: number, powerW: number): Change {
  const deltaW = powerW - level.steadyW;
  level.steadyW = powerW;
  delete level.left;
  return { type, sinceMs, deltaW };
}
