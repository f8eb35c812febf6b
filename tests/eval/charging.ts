/**
 * `npm run eval -- charging`: the figures of illegal charging on `../shared/data/charging`, as they are, and pictures
 * in `tests/artifacts/eval-charging`. Positives are modelled chargers and two measured sessions; negatives, homes and
 * notebooks are measured. The claim that follows: uncorrected-rectifier loads with a constant-current,
 * constant-voltage profile, validated on surrogate chargers over real backgrounds.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rectifierProbability } from '../../detectors/charging/model.ts';
import { cycleOf, difference, shapeOf } from '../../detectors/charging/shape.ts';
import { spectrumOf } from '../../detectors/signal/spectrum.ts';
import { seeded } from '../../sim/currents/seeded.ts';
import { haveChargingData } from './support/charging-data.ts';
import { eventFigures, hardNegatives, measuredShapes } from './support/charging-event-figures.ts';
import { compressorDays } from './support/charging-lookalikes.ts';
import { type EventPicture, eventPicture, page, sessionPicture } from './support/charging-pictures.ts';
import { playScene, robustness, SCENES, scenePower } from './support/charging-scenes.ts';
import { sessionFigures } from './support/charging-session-figures.ts';
import {
  type Device,
  FRONTS,
  homeLoads,
  measuredDevices,
  modelledChargers,
  type SwitchOn,
  switchOn,
} from './support/events.ts';

const ARTIFACTS = fileURLToPath(new URL('../artifacts/eval-charging/', import.meta.url));

/** @param options `every`: one house-month in so many, for a quick look */
export async function run(options: { json: boolean; every?: number }): Promise<void> {
  if (!haveChargingData) {
    console.error('eval charging: skipped, ../shared/data/charging is not here');
    if (options.json) console.log('{}');
    return;
  }
  const log = options.json ? () => {} : console.log;
  const { figures, calibration, scored, misses } = eventFigures();
  const report = {
    events: figures,
    calibration,
    hardNegatives: hardNegatives(FRONTS['6.4 kHz / 16 bit'], rectifierProbability),
    measuredShapes: { running: measuredShapes(false, scored), withInrush: measuredShapes(true, scored) },
    sessions: sessionFigures(options.every),
    /** The harder meter: it shows a snapshot with each step, and none when it is asked. */
    sessionsBySteps: sessionFigures(options.every, false),
    compressorDays: compressorDays(),
    robustness: robustness(),
  };
  draw();
  if (options.json) {
    console.log(JSON.stringify(report));
    return;
  }
  printEvents(report, misses.length, log);
  printSessions(report, log);
  log(`\nPictures: ${ARTIFACTS}index.html`);
}

type Report = {
  events: ReturnType<typeof eventFigures>['figures'];
  calibration: ReturnType<typeof eventFigures>['calibration'];
  hardNegatives: ReturnType<typeof hardNegatives>;
  measuredShapes: { running: ReturnType<typeof measuredShapes>; withInrush: ReturnType<typeof measuredShapes> };
  sessions: ReturnType<typeof sessionFigures>;
  sessionsBySteps: ReturnType<typeof sessionFigures>;
  compressorDays: ReturnType<typeof compressorDays>;
  robustness: ReturnType<typeof robustness>;
};

const share = (value: number) => value.toFixed(3);
const between = ([low, high]: readonly [number, number]) => `[${share(low)}, ${share(high)}]`;
const target = (value: number, wanted: number, least = true) =>
  (least ? value >= wanted : value <= wanted) ? 'met' : 'MISSED';

function printEvents(
  { events, calibration, hardNegatives: hard, measuredShapes: shapes }: Report,
  misses: number,
  log: typeof console.log,
) {
  log('EVENTS: a switch-on by its differential cycle; every device judged by a model that never saw it');
  for (const front of events) {
    log(
      `\n${front.front}: F1 ${share(front.f1)} ${between(front.f1Interval)}, target 0.985 ${target(front.f1, 0.985)}`,
    );
    log(`  recall  ${front.byBand.map(({ band, recall, n }) => `${band} ${share(recall)} (n ${n})`).join(', ')}`);
    log(`          ${front.byBackgrounds.map(({ loads, recall }) => `${loads} loads ${share(recall)}`).join(', ')}`);
    log(
      `  easy false alarms ${front.falseAlarms} of ${front.negatives}, 95 % ${between(front.falseAlarmInterval)}, target 5e-4`,
    );
    const { worst, p10, median } = front.rightPerLeftOutDevice;
    log(`  right per left-out device: worst ${share(worst)}, P10 ${share(p10)}, median ${share(median)}`);
  }
  log(`  wrong in all: ${misses}`);
  log(
    `\nCalibration (said → came): ${calibration.map(({ said, came, n }) => `${share(said)} → ${share(came)} (n ${n})`).join(', ')}`,
  );
  log(
    `Hard negatives, uncorrected and no charger: ${hard.map(({ bin, alarms, n }) => `${bin} ${share(alarms)} (n ${n})`).join(', ')}`,
  );
  for (const [name, { macroF1, interval, devices, cycles, wrong }] of Object.entries(shapes)) {
    log(
      `Measured devices by shape alone, ${name}: macro-F1 ${share(macroF1)} ${between(interval)}, ${devices} devices, ${cycles} cycles, target 0.95 ${target(macroF1, 0.95)}`,
    );
    log(`  wrong: ${wrong.map((row) => `${row.device} ${row.wrong}/${row.n}`).join(', ') || 'none'}`);
  }
}

/** The months of one kind of meter. */
function printMonths(meter: string, sessions: Report['sessions'], log: typeof console.log) {
  const { quiet } = sessions;
  log(
    `\nSESSIONS: ${sessions.sessions} chargers in ${sessions.months} house-months, a measured notebook in each, ${meter}`,
  );
  log(
    `  recall ${share(sessions.recall)} ${between(sessions.recallInterval)}, over months ${between(sessions.recallOverMonths)}, target 0.92 ${target(sessions.recall, 0.92)}; suspected ${share(sessions.suspectedRecall)}`,
  );
  log(
    `  precision ${share(sessions.precision)}, target 0.96 ${target(sessions.precision, 0.96)}; counting second alerts of one session as false ${share(sessions.precisionWithDuplicates)}`,
  );
  log(
    `  suspected after P50 ${sessions.suspectedDelayS.p50.toFixed(0)} s, P90 ${sessions.suspectedDelayS.p90.toFixed(0)} s, target 60 s ${target(sessions.suspectedDelayS.p90, 60, false)}`,
  );
  log(
    `  confirmed after P50 ${sessions.confirmedDelayMin.p50.toFixed(0)} min, P90 ${sessions.confirmedDelayMin.p90.toFixed(0)} min, target 30 min ${target(sessions.confirmedDelayMin.p90, 30, false)}`,
  );
  for (const { band, n, recall, confirmedP90Min } of sessions.byBand)
    log(`  ${band}: recall ${share(recall)} (n ${n}), confirmed P90 ${confirmedP90Min.toFixed(0)} min`);
  log(`  ${sessions.byKind.map(({ kind, n, recall }) => `${kind} ${share(recall)} (n ${n})`).join(', ')}`);
  log(
    `  confidence (said → came): ${sessions.calibration.map(({ stage, said, came }) => `${stage} ${share(said)} → ${share(came)}`).join(', ')}`,
  );
  log(
    `  months without sessions: ${quiet.falseAlarmsPerMonth.toFixed(2)} confirmed and ${quiet.suspectedPerMonth.toFixed(1)} suspected a meter-month (${quiet.months} months), target 0.1 ${target(quiet.falseAlarmsPerMonth, 0.1, false)}`,
  );
}

function printSessions(
  { sessions, sessionsBySteps, compressorDays: days, robustness: scenes }: Report,
  log: typeof console.log,
) {
  printMonths('snapshots with steps and when asked', sessions, log);
  printMonths('snapshots with steps only', sessionsBySteps, log);
  log(
    `\nLOOK-ALIKES: ${days.days} compressor days with a charger's waveform: ${days.confirmed} confirmed, target 0 ${target(days.confirmed, 0, false)}; ${days.suspectedPerDay.toFixed(1)} suspected a day, from a state that knows nothing`,
  );
  log('\nROBUSTNESS, share of homes with the alerts that are right:');
  for (const { name, expected, suspected, confirmed } of scenes)
    log(`  ${name.padEnd(42)} ${expected} expected: suspected ${share(suspected)}, confirmed ${share(confirmed)}`);
}

/** Differential cycles of chargers, look-alikes and others, and a session by its alerts. */
function draw(): void {
  const random = seeded(9);
  const measured = measuredDevices();
  const pool = homeLoads(measured);
  const events = (devices: readonly Device[], powerW?: number) =>
    devices
      .map((device) => pictureOf(switchOn(device, pool, 2, FRONTS['6.4 kHz / 16 bit'], random, powerW)))
      .map(eventPicture);
  const sessions = (['nothing wrong', 'two chargers at once', 'cut by a gap of an hour', 'solar roof'] as const).map(
    (name) => sessionPicture(name, scenePower(SCENES[name], 101), playScene(SCENES[name], 101), 0),
  );
  mkdirSync(ARTIFACTS, { recursive: true });
  const sections = [
    { heading: 'Chargers, modelled', figures: events(modelledChargers(6, 4)) },
    {
      heading: 'Other uncorrected loads: what time must tell',
      figures: events(
        measured.filter(({ uncorrected }) => uncorrected),
        80,
      ),
    },
    { heading: 'Other loads at a charger’s power', figures: events(pool, 150) },
    { heading: 'Sessions and decisions', figures: sessions },
  ];
  writeFileSync(`${ARTIFACTS}index.html`, page('Illegal charging', sections));
}

function pictureOf({ device, powerW, before, after }: SwitchOn): EventPicture {
  const then = spectrumOf(before)!;
  const now = spectrumOf(after)!;
  const current = difference(now, then);
  const shape = shapeOf(current, now.voltageV, Math.min(now.highestOrder, then.highestOrder));
  const probability = rectifierProbability(shape);
  const right = probability >= 0.5 === device.uncorrected ? 'hit' : 'MISS';
  return {
    title: `${device.name}, ${powerW.toFixed(0)} W: ${probability.toFixed(2)}, ${right}`,
    cycle: cycleOf(current),
    shape,
  };
}
