/**
 * Every shipped scenario through every detector in virtual time, scored against its truth; prints the README's table.
 *
 *   node tests/sim/scenario-scores.ts [--only NAME…] [--json] [--html DIRECTORY] [--all]
 *
 * One frozen setting for all. Without `--all` the load scenarios (2,000 meters, a year) are left out.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Alert } from '../../detectors/alert.ts';
import { allDetectors } from '../../detectors/catalogue.ts';
import { Engine } from '../../detectors/engine.ts';
import { Accidents } from '../../sim/accidents.ts';
import { loadScenario, shippedScenarios } from '../../sim/scenario.ts';
import { type Score, score } from '../../sim/score.ts';
import { scoreHtml, scoreText } from '../../sim/score-report.ts';
import { makeStreet, simulateReadings } from '../../sim/simulate.ts';
import { optionsOf } from '../support/options.ts';

const LOAD = new Set(['whole-area', 'hundred-homes']);
/** The gateway's own troubles (a pulled adapter, a broker that is gone) need a gateway, and here only the detectors run. */
const NOT_PLAYED = new Set(['gateway']);

/** Plays a scenario through the detectors, waveforms on demand. */
export function playScenario(name: string): { score: Score; alerts: Alert[]; readings: number; seconds: number } {
  const began = performance.now();
  const { area, truth, truths } = makeStreet(loadScenario(name));
  const engine = new Engine(area, allDetectors(), undefined, (detector, meter, error) =>
    console.error(`${name}: ${detector} threw at ${meter}: ${error}`),
  );
  const accidents = new Accidents(area.meters, area.offsetMs);
  const wanted = new Map<string, number>();
  const asked = (meter: string): number | undefined => {
    const phase = wanted.get(meter);
    wanted.delete(meter);
    return phase;
  };
  const alerts: Alert[] = [];
  let readings = 0;
  for (const sample of simulateReadings(area, area.startMs, area.endMs, { everyMs: 0, asked })) {
    if ('reading' in sample) readings++;
    accidents.take(sample);
    const result = engine.take(sample);
    alerts.push(...result.alerts);
    for (const ask of result.asks) if (ask.type === 'capture') wanted.set(ask.meter, ask.phase);
  }
  return {
    score: score(
      accidents.truths(truths).filter(({ kind }) => !NOT_PLAYED.has(kind)),
      alerts,
      truth,
    ),
    alerts,
    readings,
    seconds: (performance.now() - began) / 1000,
  };
}

if (import.meta.main) {
  const values = optionsOf('scores', {
    only: { type: 'string', multiple: true },
    json: { type: 'boolean' },
    html: { type: 'string' },
    all: { type: 'boolean' },
  });
  const names = values.only ?? shippedScenarios().filter((name) => values.all === true || !LOAD.has(name));
  const scores: Score[] = [];
  for (const name of names) {
    const played = playScenario(name);
    scores.push(played.score);
    console.error(`${played.readings} readings in ${played.seconds.toFixed(1)} s\n${scoreText(played.score)}`);
    if (values.html !== undefined) {
      mkdirSync(values.html, { recursive: true });
      writeFileSync(join(values.html, `${name}.html`), scoreHtml(played.score));
    }
  }
  if (values.json === true)
    console.log(JSON.stringify(scores.map(({ scenario, meterMonths, kinds }) => ({ scenario, meterMonths, kinds }))));
  else console.log(markdown(scores));
}

/** One row per scenario and kind in which something happened or was alarmed. */
function markdown(scores: readonly Score[]): string {
  const share = (value: number | null): string => (value === null ? '–' : value.toFixed(2));
  const rows = scores.flatMap(({ scenario, kinds }) =>
    kinds.map((it) => {
      const delay = it.delayP50Min === null ? '–' : `${it.delayP50Min.toFixed(0)} min`;
      const cells = [
        scenario,
        it.kind,
        it.truths,
        it.found,
        it.alerts - it.right,
        share(it.precision),
        share(it.recall),
      ];
      return `| ${[...cells, share(it.f1), it.falsePerMeterMonth.toFixed(2), delay].join(' | ')} |`;
    }),
  );
  const head = [
    'scenario',
    'kind',
    'happened',
    'found',
    'false',
    'precision',
    'recall',
    'F1',
    'false / meter-month',
    'delay P50',
  ];
  return [`| ${head.join(' | ')} |`, `|${head.map(() => '---').join('|')}|`, ...rows].join('\n');
}
