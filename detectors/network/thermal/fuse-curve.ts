/**
 * When a miniature circuit breaker trips, as a band: IEC 60898-1, table 7. The standard fixes a few points, makers
 * stay between them; straight lines in log–log join them, which is how the makers' own curves look.
 */

export type TripClass = 'B' | 'C' | 'D';

/** Multiples of rated current that may and that must trip at once. */
const MAGNETIC = {
  B: { may: 3, must: 5 },
  C: { may: 5, must: 10 },
  D: { may: 10, must: 20 },
} as const satisfies Record<TripClass, { may: number; must: number }>;

/** Seconds until it may trip and until it must have tripped; Infinity: not at all. */
export interface TripBand {
  soonestS: number;
  latestS: number;
}

/**
 * @param multiple current over rated current
 * @param ratedA decides the conventional time (1 h up to 63 A, 2 h above) and the upper end at 2.55 In (60 s up to 32 A, 120 s above)
 */
export function tripBand(multiple: number, tripClass: TripClass, ratedA: number): TripBand {
  const conventionalS = ratedA <= 63 ? 3600 : 7200;
  const { may, must } = MAGNETIC[tripClass];
  const soonestS = multiple < 1.13 ? Number.POSITIVE_INFINITY : between(multiple, 1.13, conventionalS, 2.55, 1);
  const slowestS = ratedA <= 32 ? 60 : 120;
  const latestS = multiple < 1.45 ? Number.POSITIVE_INFINITY : between(multiple, 1.45, conventionalS, 2.55, slowestS);
  return { soonestS: multiple >= may ? 0 : soonestS, latestS: multiple >= must ? 0.1 : latestS };
}

/** On the straight line in log–log through two points; beyond 2.55 In the energy I²t stays the same. */
function between(multiple: number, m1: number, s1: number, m2: number, s2: number): number {
  if (multiple > m2) return s2 * (m2 / multiple) ** 2;
  return s1 * (multiple / m1) ** (Math.log(s2 / s1) / Math.log(m2 / m1));
}
