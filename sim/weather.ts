/** Weather of a temperate Chinese city from a seed: good enough to make heating, cooling and solar power move. */
import { noiseAt } from './random.ts';

const DAY_MS = 86_400_000;

export interface Climate {
  /** Mean of the year and half the way from winter to summer, °C. */
  meanC: number;
  swingC: number;
  /** Added to every day: a heat wave, a cold spell. */
  shiftC: number;
  /** Largest solar power as a share of the plant's peak. */
  clearness: number;
}

export const TEMPERATE: Climate = { meanC: 14, swingC: 13, shiftC: 0, clearness: 0.85 };

/** °C in the shade at civil time; warmest in late July and at three in the afternoon. */
export function ambientC(climate: Climate, seed: number, localMs: number): number {
  const day = localMs / DAY_MS;
  const whole = Math.floor(day);
  const season = Math.sin(2 * Math.PI * (day / 365.25 - 0.31));
  const hour = Math.sin(2 * Math.PI * (day - whole - 0.375));
  const blend = day - whole;
  const spell = (1 - blend) * (noiseAt(seed, whole) - 0.5) + blend * (noiseAt(seed, whole + 1) - 0.5);
  return climate.meanC + climate.shiftC + climate.swingC * season + 4.5 * hour + 8 * spell;
}

/** 0 … 1 of a plant's peak power: sun above the horizon from about 6 to 18 h, clouds in ten-minute patches. */
export function sunshine(climate: Climate, seed: number, localMs: number): number {
  const day = localMs / DAY_MS;
  const height = Math.sin(2 * Math.PI * (day - Math.floor(day) - 0.25));
  if (height <= 0) return 0;
  const cloudy = 0.6 * noiseAt(seed + 1, Math.floor(day));
  const patch = noiseAt(seed + 2, Math.floor(localMs / 600_000));
  return climate.clearness * height ** 1.2 * (1 - cloudy * patch);
}
