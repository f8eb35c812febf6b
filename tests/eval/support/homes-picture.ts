/** One SVG per home that a person can check by eye: the load by the hour, the score of silence, the alerts. */
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Alert } from '../../../detectors/alert.ts';
import type { Detector } from '../../../detectors/detector.ts';
import { Engine } from '../../../detectors/engine.ts';
import { abnormalUse } from '../../../detectors/homes/abnormal-use.ts';
import { type InactivityState, inactivity } from '../../../detectors/homes/inactivity/inactivity.ts';
import { occupancy } from '../../../detectors/homes/occupancy.ts';
import { coarser, type Series } from './homes-data.ts';
import { everyHome } from './homes-inactivity.ts';
import { sampleAt } from './homes-replay.ts';

const HOUR = 3_600_000;
const DAY_WIDTH = 72;
const ROW = 64;
const DAYS_PER_ROW = 28;
const FOLDER = new URL('../../artifacts/eval-homes/', import.meta.url);

/** Draws the last twenty weeks of every home that is there; gives how many. */
export function drawHomes(): number {
  const homes = everyHome();
  mkdirSync(FOLDER, { recursive: true });
  for (const series of homes) writeFileSync(new URL(`${series.name}.svg`, FOLDER), picture(series));
  return homes.length;
}

interface Trace {
  watts: Float64Array;
  score: Float64Array;
  alerts: Alert[];
}

function trace(series: Series): Trace {
  const meter = { id: series.name, premises: 'flat' as const, watch: ['elderly' as const] };
  // One instance of the state is watched from outside: `start` hands it to us as well as to the engine.
  let state: InactivityState | undefined;
  const watched = inactivity();
  const detectors = [
    {
      ...watched,
      start: (info: typeof meter, area: { timezone: string; meters: [] }) => {
        state = watched.start(info, area);
        return state;
      },
    },
    occupancy(),
    abnormalUse(),
  ] as unknown as Detector[];
  const engine = new Engine({ timezone: 'UTC', meters: [meter] }, detectors);
  const perHour = Math.round(HOUR / series.periodMs);
  const score = new Float64Array(Math.ceil(series.watts.length / perHour));
  const alerts: Alert[] = [];
  series.watts.forEach((watts, i) => {
    if (!Number.isNaN(watts)) {
      const sample = { atMs: sampleAt(series, i), meter: meter.id, reading: { activePowerW: watts } };
      alerts.push(...engine.take(sample).alerts);
    }
    score[Math.floor(i / perHour)] = state?.score ?? 0;
  });
  return { watts: coarser(series, perHour).watts, score, alerts };
}

function picture(series: Series): string {
  const { watts, score, alerts } = trace(series);
  const days = Math.min(140, Math.floor(watts.length / 24));
  const from = watts.length - days * 24;
  const rows = Math.ceil(days / DAYS_PER_ROW);
  const width = DAYS_PER_ROW * DAY_WIDTH + 20;
  const sorted = watts.filter((w) => !Number.isNaN(w)).sort();
  const most = Math.max(1, sorted[Math.floor(0.995 * sorted.length)] ?? 1);
  const at = (hour: number) => {
    const row = Math.floor(hour / 24 / DAYS_PER_ROW);
    return { x: 10 + ((hour - row * DAYS_PER_ROW * 24) / 24) * DAY_WIDTH, y: 40 + row * (ROW + 30) };
  };
  const parts: string[] = [];
  for (let row = 0; row < rows; row++) {
    const hours = Array.from({ length: DAYS_PER_ROW * 24 }, (_, k) => row * DAYS_PER_ROW * 24 + k).filter(
      (k) => k < days * 24,
    );
    const load = hours
      .filter((k) => !Number.isNaN(watts[from + k] ?? Number.NaN))
      .map((k) => point(at(k), ROW * Math.min(1, (watts[from + k] ?? 0) / most)));
    const silence = hours.map((k) => point(at(k), (ROW * (score[from + k] ?? 0)) / 20));
    parts.push(
      `<polyline class="load" points="${load.join(' ')}"/><polyline class="score" points="${silence.join(' ')}"/>`,
    );
    for (const k of hours)
      if (k % 24 === 0) parts.push(dayMark(at(k), series.startMs + (from + k) * HOUR, k % 168 === 0));
  }
  for (const alert of alerts) {
    const hour = (alert.at - series.startMs) / HOUR - from;
    if (hour < 0 || alert.state === 'cleared') continue;
    const { x, y } = at(hour);
    const word = String(alert.evidence.stage ?? alert.evidence.class ?? alert.evidence.sign ?? alert.kind);
    const title = escaped(
      `${alert.kind} ${new Date(alert.at).toISOString().slice(0, 16)} ${JSON.stringify(alert.evidence)}`,
    );
    parts.push(
      `<g class="${alert.severity}"><line x1="${x}" x2="${x}" y1="${y}" y2="${y + ROW}"/><text x="${x + 2}" y="${y + 8}">${word}</text><title>${title}</title></g>`,
    );
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${50 + rows * (ROW + 30)}" font-family="sans-serif" font-size="9">
<style>svg{background:#fff}.load{fill:none;stroke:#567}.score{fill:none;stroke:#c60}.day{stroke:#eee}.notice line{stroke:#28c}.warning line{stroke:#e80}.critical line{stroke:#c00;stroke-width:2}</style>
<text x="10" y="16" font-size="13">${series.name}: load (grey, up to ${Math.round(most)} W), score of silence (orange, up to 20), alerts (blue notice, red alarm)</text>
${parts.join('\n')}
</svg>
`;
}

const point = (place: { x: number; y: number }, height: number): string =>
  `${place.x.toFixed(1)},${(place.y + ROW - height).toFixed(1)}`;

function dayMark({ x, y }: { x: number; y: number }, atMs: number, week: boolean): string {
  const label = week ? `<text x="${x}" y="${y + ROW + 11}">${new Date(atMs).toISOString().slice(0, 10)}</text>` : '';
  return `<line class="day" x1="${x}" x2="${x}" y1="${y}" y2="${y + ROW}"/>${label}`;
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
