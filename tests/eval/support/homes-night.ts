/** Night residence, half synthetic: nights of real homes laid over closed premises, against timers, freezers, cleaners. */
import { nightResidence } from '../../../detectors/homes/night-residence.ts';
import { coarser, has, minuteHome, type Series, table } from './homes-data.ts';
import { auc, binomial } from './homes-figures.ts';
import { randoms, replay } from './homes-replay.ts';

const MINUTE = 60_000;
const QUARTER = 15 * MINUTE;
const DAY = 96 * QUARTER;
const PREMISES = ['LP_O_Buero_k', 'LP_G_MH', 'LP_O_Schule_k'].map((name) => `${name}.csv.gz`);
const SWISS = 'swiss269_15min_kwh.csv.gz';
const DAYS = 21;
const KINDS = ['home', 'plain', 'timer', 'freezer', 'cleaner'] as const;
type Kind = (typeof KINDS)[number];

export interface NightFigures {
  auc: number;
  aucOtherHomes: number;
  precision: number;
  recall: number;
  falseShare: Record<string, number>;
  perPremises: Record<string, number>;
}

export function nightTable(print: (line: string) => void, count = 300): NightFigures | undefined {
  print('night residence (half synthetic)');
  if (!PREMISES.every(has) || !has(SWISS)) {
    print(`  skipped (needs ../shared/data/households/{${PREMISES.join(',')},${SWISS}})`);
    return undefined;
  }
  const random = randoms(42);
  const shops = PREMISES.map((file) => [...table(file, QUARTER, 1).values()][0]).filter((one) => one !== undefined);
  const swiss = usable([...table(SWISS, QUARTER, 4000).values()]);
  const others = minuteHomes();
  const scores: Record<Kind, number[]> = { home: [], plain: [], timer: [], freezer: [], cleaner: [] };
  const byShop = shops.map(() => ({ home: [] as number[], none: [] as number[] }));
  const unseen: number[] = [];
  for (let i = 0; i < count; i++) {
    const shop = i % shops.length;
    for (const kind of KINDS) {
      const score = scoreOf(lay(shops[shop], kind, swiss, random));
      scores[kind].push(score);
      (kind === 'home' ? byShop[shop]?.home : byShop[shop]?.none)?.push(score);
    }
    if (others.length > 0) unseen.push(scoreOf(lay(shops[shop], 'home', others, random)));
  }
  return tell(print, scores, byShop, unseen);
}

function tell(
  print: (line: string) => void,
  scores: Record<Kind, number[]>,
  byShop: { home: number[]; none: number[] }[],
  unseen: number[],
): NightFigures {
  const negatives = [...scores.plain, ...scores.timer, ...scores.freezer, ...scores.cleaner];
  // Positives and negatives in equal numbers, so that precision does not hang on how many negatives were made.
  const weight = scores.home.length / negatives.length;
  const at = 0.5;
  const hits = scores.home.filter((s) => s >= at).length;
  const falls = negatives.filter((s) => s >= at).length * weight;
  const falseShare = Object.fromEntries(
    KINDS.slice(1).map((kind) => [kind, scores[kind].filter((s) => s >= at).length / scores[kind].length]),
  );
  const figures: NightFigures = {
    auc: auc(scores.home, negatives),
    aucOtherHomes: unseen.length === 0 ? Number.NaN : auc(unseen, negatives),
    precision: hits / Math.max(1, hits + falls),
    recall: hits / scores.home.length,
    falseShare,
    perPremises: Object.fromEntries(byShop.map((one, i) => [PREMISES[i] ?? '', auc(one.home, one.none)])),
  };
  const recall = binomial(hits, scores.home.length);
  print(
    `  AUC ${figures.auc.toFixed(3)} (nights of homes not fitted on: ${figures.aucOtherHomes.toFixed(3)}), at confidence ${at}: precision ${figures.precision.toFixed(2)}, recall ${figures.recall.toFixed(2)} [${recall.low.toFixed(2)}, ${recall.high.toFixed(2)}]`,
  );
  print(
    `  false: ${Object.entries(falseShare)
      .map(([kind, share]) => `${kind} ${(100 * share).toFixed(1)} %`)
      .join(', ')}`,
  );
  print(
    `  AUC by premises: ${Object.entries(figures.perPremises)
      .map(([name, value]) => `${name.slice(0, -7)} ${value.toFixed(3)}`)
      .join(', ')}`,
  );
  return figures;
}

/** Homes of 2 to 20 kWh a day without gaps worth naming. */
function usable(homes: Series[]): Series[] {
  return homes.filter(({ watts }) => {
    const seen = watts.filter((w) => !Number.isNaN(w));
    const kwh = (seen.reduce((sum, w) => sum + w, 0) / seen.length) * 0.024;
    return kwh > 2 && kwh < 20 && seen.length > 0.9 * watts.length;
  });
}

/** Homes that were not fitted on, by the quarter of an hour, from the first midnight on. */
function minuteHomes(): Series[] {
  return ['min1_REFIT_House2_to_2014-08.csv.gz', 'min1_UKDALE_House2.csv.gz'].filter(has).map((file) => {
    const series = minuteHome(file, file);
    const skip = ((DAY - (series.startMs % DAY)) % DAY) / MINUTE;
    return coarser({ ...series, watts: series.watts.subarray(skip) }, 15);
  });
}

/** Three weeks of one premises of 5, 10 or 20 MWh a year, with what the kind adds from 22:00 to 06:00. */
function lay(shop: Series | undefined, kind: Kind, homes: Series[], random: () => number): Series {
  const mwh = [5, 10, 20][Math.floor(random() * 3)] ?? 10;
  const day0 = Math.floor(random() * (365 - DAYS - 2));
  const home = homes[Math.floor(random() * homes.length)];
  const homeDay = recordedDay(home, random);
  const phase = random() * 60;
  const timer = { from: Math.floor(random() * 8), to: 12 + Math.floor(random() * 12), watts: 100 + 400 * random() };
  const cleanerW = 200 + 800 * random();
  const freezerW = 60 + 120 * random();
  let last = 0;
  const watts = Float64Array.from({ length: DAYS * 96 }, (_, i) => {
    const raw = (shop?.watts[day0 * 96 + i] ?? Number.NaN) * mwh;
    last = Number.isNaN(raw) ? last : raw;
    const night = ((i % 96) + 8) % 96;
    if (night >= 32) return last;
    const day = Math.floor(i / 96);
    switch (kind) {
      case 'home':
        return last + (home?.watts[(homeDay + day) * 96 + (i % 96)] || 0);
      case 'timer':
        return last + (night >= timer.from && night < timer.to ? timer.watts : 0);
      case 'freezer': {
        const minute = (i * 15 + phase) % 60;
        return last + freezerW * (0.8 + 0.4 * random()) * (minute < 25 ? 1 : minute < 35 ? 0.5 : 0);
      }
      case 'cleaner':
        return last + (day % 7 < 5 && night >= 29 ? cleanerW * (night === 29 ? 0.4 + 0.4 * random() : 1) : 0);
      case 'plain':
        return last;
      default:
        return kind satisfies never;
    }
  });
  return { name: 'shop', periodMs: QUARTER, startMs: Date.UTC(2026, 0, 5), watts };
}

/** A random day of this home from which three weeks were recorded nearly without a gap. */
function recordedDay(home: Series | undefined, random: () => number): number {
  const days = Math.floor((home?.watts.length ?? 0) / 96) - DAYS - 1;
  let best = 0;
  for (let tries = 0; tries < 200; tries++) {
    best = Math.floor(random() * days);
    const missing = home?.watts.subarray(best * 96, (best + DAYS) * 96).filter((w) => Number.isNaN(w)).length ?? 0;
    if (missing < 0.05 * DAYS * 96) break;
  }
  return best;
}

/** The confidence that stands at the end of the three weeks. */
function scoreOf(series: Series): number {
  const { alerts } = replay(series, { premises: 'shop' }, [nightResidence({ raiseAt: 0.02 })]);
  const last = alerts.at(-1);
  return last === undefined || last.state === 'cleared' ? 0 : last.confidence;
}
