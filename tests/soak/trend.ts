/** Whether anything grows: a straight line through the probes after the warm-up, and its ends compared. */

export interface Probe {
  atMs: number;
  rssMb: number;
  heapMb: number;
  descriptors: number;
  loopP99Ms: number;
  busUtilisation: number;
  readings: number;
  waiting: number;
}

export interface Findings {
  /** Growth over the judged time, as a share of its beginning. */
  rssGrowth: number;
  heapGrowth: number;
  descriptorGrowth: number;
  loopP99Ms: number;
  busUtilisation: number;
  readings: number;
  problems: string[];
}

const HOUR_MS = 3_600_000;
const MEMORY_MAX = 0.05;
/** A socket or two may be on their way at either end. */
const DESCRIPTORS_MAX = 4;
const LOOP_MAX_MS = 100;
/** Faults come by the clock, so the last quarter of a run must read nearly as much as the first. */
const SLOWEST = 0.7;
/** With fewer probes than ten minutes give, a line through them says nothing. */
const PROBES_MIN = 60;

/** @param durationMs how long the run was meant to be; the warm-up is an hour of it, or a quarter of less than four */
export function judge(probes: readonly Probe[], durationMs: number): Findings {
  const beganMs = probes[0]?.atMs ?? 0;
  const judged = probes.filter(({ atMs }) => atMs >= beganMs + Math.min(HOUR_MS, durationMs / 4));
  const rss = line(judged.map((probe) => probe.rssMb));
  const heap = line(judged.map((probe) => probe.heapMb));
  const fds = line(judged.map((probe) => probe.descriptors));
  const loops = judged.map((probe) => probe.loopP99Ms).sort((a, b) => a - b);
  const findings: Findings = {
    rssGrowth: rss.end / rss.begin - 1,
    heapGrowth: heap.end / heap.begin - 1,
    descriptorGrowth: fds.end - fds.begin,
    loopP99Ms: loops[Math.floor(loops.length / 2)] ?? 0,
    busUtilisation: judged.reduce((sum, probe) => sum + probe.busUtilisation, 0) / Math.max(1, judged.length),
    readings: probes.at(-1)?.readings ?? 0,
    problems: [],
  };
  const { problems } = findings;
  if (findings.readings === 0) problems.push('nothing was read');
  if (judged.length < PROBES_MIN) return findings;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  if (findings.rssGrowth > MEMORY_MAX) problems.push(`resident memory grew by ${percent(findings.rssGrowth)}`);
  if (findings.descriptorGrowth > DESCRIPTORS_MAX) {
    problems.push(`descriptors grew by ${findings.descriptorGrowth.toFixed(1)}`);
  }
  if (findings.loopP99Ms > LOOP_MAX_MS)
    problems.push(`the event loop's P99 delay is ${findings.loopP99Ms.toFixed(0)} ms`);
  const early = pace(judged.slice(0, Math.floor(judged.length / 4)));
  const late = pace(judged.slice(-Math.floor(judged.length / 4)));
  if (late < SLOWEST * early) problems.push(`reading slowed from ${early.toFixed(2)} to ${late.toFixed(2)} a second`);
  return findings;
}

/** Readings a second. */
function pace(probes: readonly Probe[]): number {
  const [first, last] = [probes[0], probes.at(-1)];
  if (first === undefined || last === undefined || last.atMs === first.atMs) return 0;
  return ((last.readings - first.readings) * 1000) / (last.atMs - first.atMs);
}

/** Least squares over equally spaced values: where the line begins and ends. */
function line(values: readonly number[]): { begin: number; end: number } {
  const n = values.length;
  if (n < 2) return { begin: values[0] ?? Number.NaN, end: values[0] ?? Number.NaN };
  const meanX = (n - 1) / 2;
  const meanY = values.reduce((sum, value) => sum + value, 0) / n;
  let xy = 0;
  let xx = 0;
  for (const [i, value] of values.entries()) {
    xy += (i - meanX) * (value - meanY);
    xx += (i - meanX) ** 2;
  }
  return { begin: meanY - (xy / xx) * meanX, end: meanY + (xy / xx) * meanX };
}
