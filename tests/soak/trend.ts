/**
 * Whether anything grows while a gateway runs. What happens by the clock (a pulled adapter, a broker that is gone) lifts
 * a figure for minutes and lets it fall again, and a heap is a sawtooth: growth is judged on the lowest value of each
 * window, resident memory and descriptors on a straight line through all probes.
 */

export interface Probe {
  atMs: number;
  rssMb: number;
  heapMb: number;
  descriptors: number;
  loopP99Ms: number;
  busUtilisation: number;
  readings: number;
  /** Messages in the outbox without a receipt. */
  waiting: number;
}

export interface Findings {
  verdict: 'steady' | 'a trend' | 'too short to judge';
  /** How long the judged part is, without the warm-up. */
  judgedHours: number;
  /** Growth over the judged time, as a share of its beginning. */
  rssGrowth: number;
  heapGrowth: number;
  descriptorGrowth: number;
  loopP99Ms: number;
  /** Of the last quarter over the first. */
  loopRise: number;
  busUtilisation: number;
  busUtilisationRise: number;
  waitingRise: number;
  waitingMax: number;
  readings: number;
  problems: string[];
}

const HOUR_MS = 3_600_000;
const MEMORY_MAX = 0.05;
/** The live heap is some 30 MB: less than this is the order in which the collector came round. */
const HEAP_GRAIN_MB = 2;
/** A socket or two may be on their way at either end. */
const DESCRIPTORS_MAX = 4;
const LOOP_MAX_MS = 100;
/** Late against early: a loop that only gets slower, and by more than a timer's grain. */
const LOOP_RISE_MAX = 0.5;
const LOOP_GRAIN_MS = 5;
/** More bus time for the same readings means repeats; a bus without any room left means that the plan slips. */
const BUS_RISE_MAX = 0.1;
const BUS_FULL = 0.98;
/** What a window does not get rid of: a broker is gone for 45 s, a window is five minutes long. */
const WAITING_RISE_MAX = 10;
const WINDOW_PROBES = 30;
/** Faults come by the clock, so the last quarter of a run must read nearly as much as the first. */
const SLOWEST = 0.7;
/** Four windows: with less, late cannot be told from early. */
const PROBES_MIN = 4 * WINDOW_PROBES;
const PROBE_MS = 10_000;
/** A gateway that is too busy to say how it is has said it. */
const PROBES_SHARE_MIN = 0.8;

/** @param durationMs how long the run was meant to be; the warm-up is an hour of it, or a quarter of less than four */
export function judge(probes: readonly Probe[], durationMs: number): Findings {
  const beganMs = probes[0]?.atMs ?? 0;
  const judged = probes.filter(({ atMs }) => atMs >= beganMs + Math.min(HOUR_MS, durationMs / 4));
  const rss = line(judged.map((probe) => probe.rssMb));
  const fds = line(judged.map((probe) => probe.descriptors));
  const heap = line(floors(judged.map((probe) => probe.heapMb)));
  const loop = quarters(judged.map((probe) => probe.loopP99Ms));
  const bus = quarters(judged.map((probe) => probe.busUtilisation));
  const waiting = floors(judged.map((probe) => probe.waiting));
  const lastMs = judged.at(-1)?.atMs ?? 0;
  const findings: Findings = {
    verdict: 'steady',
    judgedHours: (lastMs - (judged[0]?.atMs ?? lastMs)) / HOUR_MS,
    rssGrowth: rss.end / rss.begin - 1,
    heapGrowth: heap.end / heap.begin - 1,
    descriptorGrowth: fds.end - fds.begin,
    loopP99Ms: median(judged.map((probe) => probe.loopP99Ms)),
    loopRise: loop.late / loop.early - 1,
    busUtilisation: mean(judged.map((probe) => probe.busUtilisation)),
    busUtilisationRise: bus.late - bus.early,
    waitingRise: (waiting.at(-1) ?? 0) - (waiting[0] ?? 0),
    waitingMax: Math.max(0, ...judged.map((probe) => probe.waiting)),
    readings: probes.at(-1)?.readings ?? 0,
    problems: [],
  };
  const { problems } = findings;
  if (findings.readings === 0) problems.push('nothing was read');
  if (judged.length < PROBES_MIN) {
    findings.verdict = 'too short to judge';
    problems.push(`too short to judge: ${judged.length} probes after the warm-up, a trend wants ${PROBES_MIN}`);
    return findings;
  }
  problems.push(...trends(findings, judged, heap, loop));
  const expected = durationMs / PROBE_MS;
  if (probes.length < PROBES_SHARE_MIN * expected) {
    problems.push(`only ${probes.length} of ${Math.round(expected)} probes came`);
  }
  if (problems.length > 0) findings.verdict = 'a trend';
  return findings;
}

function trends(findings: Findings, judged: readonly Probe[], heap: Ends, loop: Quarters): string[] {
  const problems: string[] = [];
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const { rssGrowth, heapGrowth, descriptorGrowth, loopP99Ms, loopRise } = findings;
  const { busUtilisation, busUtilisationRise, waitingRise } = findings;
  if (rssGrowth > MEMORY_MAX) problems.push(`resident memory grew by ${percent(rssGrowth)}`);
  if (heapGrowth > MEMORY_MAX && heap.end - heap.begin > HEAP_GRAIN_MB) {
    problems.push(`the heap grew by ${percent(heapGrowth)}`);
  }
  if (descriptorGrowth > DESCRIPTORS_MAX) problems.push(`descriptors grew by ${descriptorGrowth.toFixed(1)}`);
  if (loopP99Ms > LOOP_MAX_MS) problems.push(`the event loop's P99 delay is ${loopP99Ms.toFixed(0)} ms`);
  if (loopRise > LOOP_RISE_MAX && loop.late - loop.early > LOOP_GRAIN_MS) {
    problems.push(`the event loop's delay rose from ${loop.early.toFixed(0)} to ${loop.late.toFixed(0)} ms`);
  }
  if (busUtilisationRise > BUS_RISE_MAX) problems.push(`the bus is ${percent(busUtilisationRise)} busier than before`);
  if (busUtilisation > BUS_FULL) problems.push(`the bus is full: ${percent(busUtilisation)}`);
  if (waitingRise > WAITING_RISE_MAX) problems.push(`${waitingRise} more messages wait than before`);
  const early = pace(judged.slice(0, Math.floor(judged.length / 4)));
  const late = pace(judged.slice(-Math.floor(judged.length / 4)));
  if (late < SLOWEST * early) problems.push(`reading slowed from ${early.toFixed(2)} to ${late.toFixed(2)} a second`);
  return problems;
}

/** Readings a second. */
function pace(probes: readonly Probe[]): number {
  const [first, last] = [probes[0], probes.at(-1)];
  if (first === undefined || last === undefined || last.atMs === first.atMs) return 0;
  return ((last.readings - first.readings) * 1000) / (last.atMs - first.atMs);
}

interface Ends {
  begin: number;
  end: number;
}

/** Least squares over equally spaced values: where the line begins and ends. */
function line(values: readonly number[]): Ends {
  const n = values.length;
  if (n < 2) return { begin: values[0] ?? Number.NaN, end: values[0] ?? Number.NaN };
  const meanX = (n - 1) / 2;
  const meanY = mean(values);
  let xy = 0;
  let xx = 0;
  for (const [i, value] of values.entries()) {
    xy += (i - meanX) * (value - meanY);
    xx += (i - meanX) ** 2;
  }
  return { begin: meanY - (xy / xx) * meanX, end: meanY + (xy / xx) * meanX };
}

/** The lowest value of each whole window. */
function floors(values: readonly number[]): number[] {
  const windows = Math.floor(values.length / WINDOW_PROBES);
  return Array.from({ length: windows }, (_, i) =>
    Math.min(...values.slice(i * WINDOW_PROBES, (i + 1) * WINDOW_PROBES)),
  );
}

interface Quarters {
  early: number;
  late: number;
}

/** The medians of the first and the last quarter. */
function quarters(values: readonly number[]): Quarters {
  const size = Math.floor(values.length / 4);
  return { early: median(values.slice(0, size)), late: median(values.slice(-size)) };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
