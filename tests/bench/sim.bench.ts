/**
 * How fast a simulated year passes, and how exactly many simulated meters answer at once.
 *
 * The year: a hundred homes at one reading a minute through every detector, with the waveforms the detectors ask for.
 * One week in autumn is run on one core, after a day of warming up, and multiplied by 365/7; the whole year can be
 * run with `SIM_YEAR=1`.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { allDetectors } from '../../detectors/catalogue.ts';
import { Engine } from '../../detectors/engine.ts';
import { Area } from '../../sim/area.ts';
import { loadScenario, parseScenario } from '../../sim/scenario.ts';
import { makeStreet, simulateReadings } from '../../sim/simulate.ts';
import { serveArea } from '../../sim/street.ts';

export const name = 'sim';

const DAY_MS = 86_400_000;
const METERS = 500;
const TURNAROUND_MS = 40;

export async function run(): Promise<Record<string, number>> {
  const year = simulatedYear();
  const answers = await answersAtOnce();
  return { ...year, ...answers };
}

export function simulatedYear(): Record<string, number> {
  const { area } = makeStreet(loadScenario('hundred-homes'));
  const engine = new Engine(area, allDetectors());
  const wanted = new Map<string, number>();
  const whole = process.env.SIM_YEAR === '1';
  const startMs = whole ? area.startMs : area.startMs + 280 * DAY_MS;
  const days = whole ? 365 : 7;
  // What stands before the first day is counted once for all homes, and belongs to no day.
  for (const { id } of area.meters) area.readingAt(id, startMs);
  let readings = 0;
  let waveforms = 0;
  const drive = (fromMs: number, toMs: number): void => {
    const captures = { everyMs: 0, asked: (meter: string) => take(wanted, meter) };
    for (const sample of simulateReadings(area, fromMs, toMs, captures)) {
      if ('reading' in sample) readings++;
      if ('waveform' in sample) waveforms++;
      for (const ask of engine.take(sample).asks) if (ask.type === 'capture') wanted.set(ask.meter, ask.phase);
    }
  };
  if (!whole) drive(startMs - DAY_MS, startMs);
  readings = 0;
  waveforms = 0;
  const began = performance.now();
  const cpu = process.cpuUsage();
  drive(startMs, startMs + days * DAY_MS);
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - began) / 1000;
  return {
    simYear100HomesSeconds: (seconds * 365) / days,
    // On a machine that does other things as well, this is the truer figure.
    simYear100HomesCpuSeconds: (((user + system) / 1e6) * 365) / days,
    simYearMeasuredDays: days,
    simReadingsPerSecond: readings / seconds,
    simWaveformsPerDay: waveforms / days,
  };
}

function take(wanted: Map<string, number>, meter: string): number | undefined {
  const phase = wanted.get(meter);
  wanted.delete(meter);
  return phase;
}

/** Five hundred lines with a meter each, every one asked once a second by another process, six rounds. */
export async function answersAtOnce(): Promise<Record<string, number>> {
  const scenario = parseScenario(
    `name: at-once
why: A line of its own for each of five hundred meters, every one asked once a second, and each answer has to come when it was told to.
start: 2024-11-11T18:00:00
days: 1
groups: [{ name: flat, count: ${METERS}, wire: { baud: 9600, metersPerLine: 1, turnaroundMs: ${TURNAROUND_MS} } }]`,
    'at-once',
  );
  const sim = await serveArea(new Area(scenario), { ports: 'tcp' });
  const child = fork(new URL('../support/sim-master.ts', import.meta.url), { stdio: 'inherit' });
  const line = sim.ports.map(({ port, meters }) => ({
    port,
    address: meters[0]?.protocol === 'dlt645' ? meters[0].address : '',
  }));
  // Request and answer on the wire at 9600 baud with parity, and the meter's own time.
  child.send({ line, expectedMs: ((20 + 22) * 11_000) / 9600 + TURNAROUND_MS });
  const [result] = (await once(child, 'message')) as [{ answered: number; errorsMs: number[] }];
  child.kill();
  await sim.stop();
  const errors = result.errorsMs.sort((a, b) => a - b);
  const quantile = (q: number) => errors[Math.floor((errors.length - 1) * q)] ?? Number.NaN;
  return {
    simMetersAtOnce: result.answered,
    simAnswerErrorP50Ms: quantile(0.5),
    simAnswerErrorP99Ms: quantile(0.99),
    simAnswersWithin2MsShare: errors.filter((error) => error <= 2).length / Math.max(1, errors.length),
  };
}
