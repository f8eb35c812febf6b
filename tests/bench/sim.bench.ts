/**
 * How fast a simulated year passes, and how exactly many simulated meters answer at once.
 *
 * The year: a hundred homes at one reading a minute through every detector, with the waveforms the detectors ask for,
 * on two cores with half of the meters each. One week in autumn is run, after a day of warming up, and multiplied by
 * 365/7; the whole year is run with `SIM_YEAR=1`.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Area } from '../../sim/area.ts';
import { type SimClock, systemSimClock } from '../../sim/clock.ts';
import { answerPromptly } from '../../sim/promptly.ts';
import { parseScenario } from '../../sim/scenario.ts';
import { serveArea } from '../../sim/street.ts';
import { playShared, type ShareResult } from '../support/sim-shard.ts';

export const name = 'sim';

const METERS = 500;
const TURNAROUND_MS = 40;
const ANSWERS = 'answers-at-once';

export async function run(): Promise<Record<string, number>> {
  const year = await simulatedYear();
  // In a process of its own, as a simulator at work: it collects its objects otherwise than one that plays a year.
  const child = fork(import.meta.filename, [ANSWERS], { stdio: 'inherit' });
  const [answers] = (await once(child, 'message')) as [Record<string, number>];
  return { ...year, ...answers };
}

export async function simulatedYear(): Promise<Record<string, number>> {
  const whole = process.env.SIM_YEAR === '1';
  const days = whole ? 365 : 7;
  const when = whole ? { fromDay: 0, days, warmDays: 0 } : { fromDay: 280, days, warmDays: 1 };
  const { shares } = await playShared({ scenario: 'hundred-homes', of: 2, ...when });
  const seconds = Math.max(...shares.map((share) => share.seconds));
  const sum = (of: (share: ShareResult) => number) => shares.reduce((total, share) => total + of(share), 0);
  return {
    simYear100HomesSeconds: (seconds * 365) / days,
    // Of both threads: on a machine that does other things as well, half of this is the truer figure.
    simYear100HomesCpuSeconds: (sum((share) => share.cpuSeconds) * 365) / days,
    simYearMeasuredDays: days,
    simReadingsPerSecond: sum((share) => share.readings) / seconds,
    simWaveformsPerDay: sum((share) => share.waveforms) / days,
  };
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
  const lateMs: number[] = [];
  answerPromptly();
  const sim = await serveArea(new Area(scenario), { ports: 'tcp', clock: watched(lateMs) });
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
  const quantile = (sorted: readonly number[], q: number) => sorted[Math.floor((sorted.length - 1) * q)] ?? Number.NaN;
  const within2Ms = (errors: readonly number[]) => errors.filter((ms) => ms <= 2).length / Math.max(1, errors.length);
  const errors = result.errorsMs.sort((a, b) => a - b);
  lateMs.sort((a, b) => a - b);
  return {
    simMetersAtOnce: result.answered,
    // The simulator alone: how late it did what was due. What the asker sees has both sockets and its own timers in it.
    simLateP50Ms: quantile(lateMs, 0.5),
    simLateP99Ms: quantile(lateMs, 0.99),
    simWithin2MsShare: within2Ms(lateMs),
    simAnswerErrorP50Ms: quantile(errors, 0.5),
    simAnswerErrorP99Ms: quantile(errors, 0.99),
    simAnswersWithin2MsShare: within2Ms(errors),
  };
}

/** The simulator's own clock, writing down how late each of its timers was. */
function watched(lateMs: number[]): SimClock {
  return {
    nowMs: () => systemSimClock.nowMs(),
    monotonicMs: () => systemSimClock.monotonicMs(),
    after(delayMs, callback) {
      const dueMs = systemSimClock.monotonicMs() + delayMs;
      return systemSimClock.after(delayMs, () => {
        lateMs.push(systemSimClock.monotonicMs() - dueMs);
        callback();
      });
    },
  };
}

if (process.argv[2] === ANSWERS) {
  process.send?.(await answersAtOnce());
  process.disconnect();
}
