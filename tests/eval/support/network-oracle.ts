/** 重载/过载 against a brute-force oracle that looks at all samples so far, under random loss. */
import { Engine } from '../../../detectors/engine.ts';
import { overload } from '../../../detectors/network/overload.ts';
import { OVERLOAD_DEFAULTS } from '../../../detectors/network/overload-settings.ts';
import { atLeast, type Figure, seeded } from './network-data.ts';

const MINUTE = 60_000;
const RATED_KVA = 400;

interface Point {
  atMs: number;
  ratio: number;
}

/** Share of samples at which the detector's level is the oracle's, over several losses and periods. */
export function oracleFigures(): Figure[] {
  let same = 0;
  let all = 0;
  for (const [periodMin, loss] of [
    [1, 0],
    [5, 0.1],
    [15, 0.3],
    [15, 0.6],
    [7, 0.9],
  ] as const) {
    for (let seed = 1; seed <= 4; seed++) {
      const points = randomLoad(seed, periodMin, loss);
      const wanted = oracle(points);
      const seen = levels(points);
      all += points.length;
      same += points.filter((_, i) => wanted[i] === seen[i]).length;
    }
  }
  return [atLeast(`heavy and overload against brute force on ${all} samples, %`, (100 * same) / all, 100)];
}

/** A load that wanders around both levels for three weeks, with samples lost at random and in holes. */
function randomLoad(seed: number, periodMin: number, loss: number): Point[] {
  const random = seeded(seed);
  const points: Point[] = [];
  let ratio = 0.7;
  let holeUntil = 0;
  for (let minute = 0; minute < 21 * 1440; minute += periodMin) {
    ratio = Math.max(
      0.3,
      Math.min(1.3, ratio + 0.05 * Math.sqrt(periodMin / 15) * (random() - 0.5) + 0.004 * (0.88 - ratio)),
    );
    const held = Math.round(ratio * 50) / 50;
    if (random() < 0.002) holeUntil = minute + 300 * random();
    if (minute < holeUntil || random() < loss) continue;
    points.push({ atMs: minute * MINUTE, ratio: held });
  }
  return points;
}

/** By definition: is there, at this sample, an unbroken stretch of it that lasted long enough? */
function oracle(points: readonly Point[]): string[] {
  const { heavyRatio, overloadRatio, hysteresisRatio } = OVERLOAD_DEFAULTS;
  const heavy = states(points, heavyRatio, heavyRatio - hysteresisRatio);
  const over = states(points, overloadRatio, overloadRatio - hysteresisRatio);
  return points.map((_, i) => (over[i] ? 'overload' : heavy[i] ? 'heavy' : 'none'));
}

function states(points: readonly Point[], up: number, down: number): boolean[] {
  const { ratingHoldMs, ratingClearHoldMs } = OVERLOAD_DEFAULTS;
  const result: boolean[] = [];
  let active = false;
  let changed = -1;
  for (let i = 0; i < points.length; i++) {
    const test = active ? (ratio: number) => ratio < down : (ratio: number) => ratio > up;
    if (stretchMs(points, i, changed, test) >= (active ? ratingClearHoldMs : ratingHoldMs)) {
      active = !active;
      changed = i;
    }
    result.push(active);
  }
  return result;
}

/** How long, looking back from sample `i` to after the last change, the test held without a hole; −1: not at all. */
function stretchMs(points: readonly Point[], i: number, changed: number, test: (ratio: number) => boolean): number {
  if (!test(points[i]!.ratio)) return -1;
  let first = i;
  while (first - 1 > changed && test(points[first - 1]!.ratio)) {
    if (points[first]!.atMs - points[first - 1]!.atMs > OVERLOAD_DEFAULTS.gapMs) break;
    first--;
  }
  return points[i]!.atMs - points[first]!.atMs;
}

/** The level that the detector's alerts say after each sample. The thermal model is kept out: it may hasten. */
function levels(points: readonly Point[]): string[] {
  const area = { timezone: 'UTC', meters: [{ id: 't', premises: 'transformer', ratedKva: RATED_KVA } as const] };
  const engine = new Engine(area, [overload({ hotSpotLimitC: 999, topOilLimitC: 999 })]);
  let level = 'none';
  return points.map(({ atMs, ratio }) => {
    const { alerts } = engine.take({ atMs, meter: 't', reading: { activePowerW: ratio * RATED_KVA * 1000 } });
    for (const alert of alerts) level = alert.state === 'cleared' ? 'none' : String(alert.evidence.level);
    return level;
  });
}
