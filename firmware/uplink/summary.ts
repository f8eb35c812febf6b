/**
 * What a grid cell uses, without any household in it: sums over at least ten meters and a quarter of an hour. Off unless
 * the site asks for it; nothing else of the readings leaves the gateway by itself. Pure; time comes with each reading.
 */
import type { Reading } from '../../protocols/reading.ts';
import type { Summary } from '../outbox.ts';

export interface CellSums {
  periodMs: number;
  /** Begin of the running period. */
  fromMs: number;
  cells: Record<string, { meters: Record<string, MeterSum>; maxPowerW: number }>;
}

interface MeterSum {
  /** Import at the first and the last reading of the period. */
  firstWh?: number;
  lastWh?: number;
  powerW: number;
}

/** In a smaller sum a single household would show. */
export const METERS_LEAST = 10;
const PERIOD_MS = 15 * 60_000;

export function startSums(periodMs = PERIOD_MS): CellSums {
  return { periodMs, fromMs: Number.NEGATIVE_INFINITY, cells: {} };
}

/** Takes a reading in; returns the summaries of the period that it ends, if it ends one. */
export function sumUp(sums: CellSums, atMs: number, cell: string, meter: string, reading: Reading): Summary[] {
  const fromMs = Math.floor(atMs / sums.periodMs) * sums.periodMs;
  const ended = fromMs > sums.fromMs ? close(sums) : [];
  sums.fromMs = Math.max(sums.fromMs, fromMs);
  sums.cells[cell] ??= { meters: {}, maxPowerW: 0 };
  const { meters } = sums.cells[cell];
  meters[meter] ??= { powerW: 0 };
  const sum = meters[meter];
  if (reading.importWh !== undefined) {
    sum.firstWh ??= reading.importWh;
    sum.lastWh = reading.importWh;
  }
  if (reading.activePowerW !== undefined) {
    sum.powerW = reading.activePowerW;
    const powerW = Object.values(meters).reduce((total, one) => total + one.powerW, 0);
    sums.cells[cell].maxPowerW = Math.max(sums.cells[cell].maxPowerW, powerW);
  }
  return ended;
}

function close(sums: CellSums): Summary[] {
  const summaries = Object.entries(sums.cells).flatMap(([cell, { meters, maxPowerW }]): Summary[] => {
    const all = Object.values(meters);
    if (all.length < METERS_LEAST) return [];
    const energyWh = all.reduce((total, { firstWh = 0, lastWh = 0 }) => total + Math.max(0, lastWh - firstWh), 0);
    const to = sums.fromMs + sums.periodMs;
    return [
      {
        cell,
        from: sums.fromMs,
        to,
        meters: all.length,
        energyWh: Math.round(energyWh),
        maxPowerW: Math.round(maxPowerW),
      },
    ];
  });
  sums.cells = {};
  return summaries;
}
