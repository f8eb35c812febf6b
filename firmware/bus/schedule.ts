/**
 * Which read comes next on one bus. The unit is a read block (meter, span, period): two heaps of deadlines, and
 * `now` an argument, so that it is tested with integers.
 *
 * Four kinds of turn share the bus:
 * - the plan: every block at its period, in phase (a late read does not move the next one). Waiting is first come,
 *   first served, a step of priority being worth `PRIORITY_STEP_MS` of waiting: in an over-full plan every block
 *   still gets its turn;
 * - on demand: jumps the queue as long as its share lasts;
 * - attention: meters under suspicion, read more often within a share that stretches the others by less than 20 %;
 * - probes: a meter that does not answer is asked in the gaps of the plan, else within a small share, at growing
 *   distances. A single block that fails on a meter that answers others is only asked at growing distances itself.
 *
 * Rejected: a deadline per register (registers first met at different moments never merge into one read), and idle
 * time between scans instead of periods (a 5 s plan of 30 meters then takes 7.8 s).
 */
import { Heap } from './heap.ts';
import { Share } from './share.ts';

/** A read block of the plan; meters and blocks are numbered by the caller. */
export interface PlanEntry {
  meter: number;
  block: number;
  periodMs: number;
  priority: 0 | 1 | 2;
}

export type Turn =
  | { do: 'read'; why: 'plan' | 'attention' | 'probe'; meter: number; block: number }
  /** The request that `demand` was called with. */
  | { do: 'serve'; request: number }
  /** Nothing to do before `untilMs` unless something is asked for. */
  | { do: 'rest'; untilMs: number };

/**
 * How a read ended, as far as the schedule cares: `failed` cost a deadline or a quarantine, `spoilt` as well, but
 * somebody spoke; `untold` means nothing.
 */
export type Ending = 'answered' | 'failed' | 'spoilt' | 'untold';

/** One step of priority is worth this much waiting. */
const PRIORITY_STEP_MS = 1_000;
/** On-demand reads take at most this share of a full bus, after a burst. */
const DEMAND_SHARE = 0.2;
const DEMAND_BURST_MS = 10_000;
const DEMAND_QUEUE_MAX = 32;
/** 1 / (1 − 0.15) = 1.18: the slowest meter's period grows by less than 20 %. */
const ATTENTION_SHARE = 0.15;
const ATTENTION_BURST_MS = 500;
const ATTENTION_METERS_MAX = 16;
const PROBE_SHARE = 0.04;
const PROBE_BURST_MS = 10_000;
/** A probe that found no gap for so long takes its turn from the share. */
const PROBE_PATIENCE_MS = 30_000;
const PROBE_DISTANCE_MIN_MS = 5_000;
const PROBE_DISTANCE_MAX_MS = 600_000;
/** What a probe costs until one was measured: a timeout and the quarantine after it. */
const PROBE_COST_MS = 2_500;
/** Failed turns in a row after which a meter leaves the plan and is only probed. */
const PROBE_AFTER_MISSES = 2;
/**
 * A block that the meter said it does not have is asked again after so long, twice as long each time: what refuses while
 * it starts, or has no value while a phase is lost, must not be lost for good.
 */
const DROPPED_MIN_MS = 600_000;
const DROPPED_MAX_MS = 86_400_000;
/** A meter or a block that fails is still asked at every so-many-th of its turns. */
const BACK_OFF_MAX = 10;

interface Entry extends PlanEntry {
  /** Order among equals: who was served longest ago comes first. */
  rank: number;
  dueMs: number;
  /** In which heap it stands; parked entries stand in none. */
  where: 'waiting' | 'ready' | 'running' | 'parked';
  dropped: boolean;
  /** Times in a row that it was dropped. */
  drops: number;
  /** When a dropped one is asked again. */
  againMs: number;
  /** Turns in a row that failed. */
  fails: number;
}

interface Meter {
  rank: number;
  entries: Entry[];
  /** Turns in a row that failed, whatever the block. */
  misses: number;
  /** Probes take the blocks in turn: a meter may be silent to one of them only. */
  probes: number;
  probeAtMs: number;
  distanceMs: number;
  probeCostMs: number;
  /** Until then nothing but this block is asked. */
  held: { block: number | undefined; untilMs: number };
}

interface Attention {
  meter: Meter;
  periodMs: number;
  untilMs: number;
  dueMs: number;
  next: number;
}

export class Schedule {
  readonly #startMs: number;
  #served: number;
  readonly #meters: Meter[] = [];
  readonly #waiting = new Heap<Entry>((entry) => entry.dueMs);
  readonly #ready = new Heap<Entry>((entry) => entry.dueMs - entry.priority * PRIORITY_STEP_MS);
  readonly #demands: { request: number; priority: number }[] = [];
  readonly #attention = new Map<number, Attention>();
  readonly #demandShare: Share;
  readonly #attentionShare: Share;
  readonly #probeShare: Share;
  /** When the first of the dropped blocks is asked again. */
  #againMs = Number.POSITIVE_INFINITY;

  /** @param plan every block with a period; the first reads are due at `nowMs` */
  constructor(plan: readonly PlanEntry[], nowMs: number) {
    this.#startMs = nowMs;
    this.#served = plan.length;
    this.#demandShare = new Share(DEMAND_SHARE, DEMAND_BURST_MS, nowMs);
    this.#attentionShare = new Share(ATTENTION_SHARE, ATTENTION_BURST_MS, nowMs);
    this.#probeShare = new Share(PROBE_SHARE, PROBE_BURST_MS, nowMs);
    plan.forEach((planned, rank) => {
      const fresh = { where: 'waiting', dropped: false, drops: 0, againMs: 0, fails: 0 } as const;
      const entry: Entry = { ...planned, ...fresh, rank, dueMs: nowMs };
      this.#meter(planned.meter).entries.push(entry);
      this.#waiting.push(entry);
    });
  }

  /** The next turn; every turn but `rest` is answered with `finished` or `served`. */
  next(nowMs: number): Turn {
    this.#collectDue(nowMs);
    const idle = !this.#somethingReady(nowMs);
    const [demand] = this.#demands;
    if (demand !== undefined && (idle || this.#demandShare.has(nowMs))) {
      this.#demands.shift();
      return { do: 'serve', request: demand.request };
    }
    return this.#attend(nowMs, idle) ?? this.#probe(nowMs, idle) ?? this.#plan() ?? this.#rest(nowMs);
  }

  /** A read ended at `nowMs` after `tookMs` of bus time. */
  finished(nowMs: number, turn: Turn & { do: 'read' }, ending: Ending, tookMs: number): void {
    const meter = this.#meter(turn.meter);
    const entry = meter.entries.find(({ block }) => block === turn.block);
    if (entry === undefined) return;
    if (turn.why === 'attention') this.#attentionShare.spend(nowMs, tookMs);
    if (turn.why === 'probe') this.#probeShare.spend(nowMs, tookMs);
    switch (ending) {
      case 'answered':
        this.#heard(nowMs, meter, entry);
        break;
      case 'failed':
      case 'spoilt':
        this.#missed(nowMs, meter, entry, tookMs, ending === 'spoilt');
        break;
      case 'untold':
        break;
      default:
        ending satisfies never;
    }
    if (entry.where !== 'running') return;
    entry.rank = this.#served++;
    if (entry.dropped || meter.misses >= PROBE_AFTER_MISSES) entry.where = 'parked';
    // A port that went away owes the meter its read; anything else was its turn.
    else this.#wait(entry, ending === 'untold' ? entry.dueMs : this.#nextDue(entry, nowMs));
  }

  /** A request that was served ended after `tookMs` of bus time. */
  served(nowMs: number, tookMs: number): void {
    this.#demandShare.spend(nowMs, tookMs);
  }

  /** Queues a request; false when the queue is full. Higher priority first, else in the order of asking. */
  demand(request: number, priority: number): boolean {
    if (this.#demands.length >= DEMAND_QUEUE_MAX) return false;
    const before = this.#demands.findIndex((other) => other.priority < priority);
    this.#demands.splice(before < 0 ? this.#demands.length : before, 0, { request, priority });
    return true;
  }

  /** Takes a request back, for instance when its deadline passed. */
  withdraw(request: number): void {
    const at = this.#demands.findIndex((other) => other.request === request);
    if (at >= 0) this.#demands.splice(at, 1);
  }

  /** Reads the meter's fastest blocks every `periodMs` for `forMs`, as far as attention's share allows. False: too many already. */
  attend(nowMs: number, meter: number, periodMs: number, forMs: number): boolean {
    const current = this.#attention.get(meter);
    if (current === undefined && this.#attention.size >= ATTENTION_METERS_MAX) return false;
    const untilMs = Math.max(nowMs + forMs, current?.untilMs ?? 0);
    const dueMs = Math.min(nowMs, current?.dueMs ?? nowMs);
    this.#attention.set(meter, { meter: this.#meter(meter), periodMs, untilMs, dueMs, next: current?.next ?? 0 });
    return true;
  }

  /** The meter says that it does not have this block: it leaves the plan for a while, or until the meter comes back from the dead. */
  drop(nowMs: number, meter: number, block: number): void {
    const entry = this.#meter(meter).entries.find((other) => other.block === block);
    if (entry === undefined) return;
    entry.dropped = true;
    entry.againMs = nowMs + Math.min(DROPPED_MAX_MS, DROPPED_MIN_MS * 2 ** entry.drops++);
    this.#againMs = Math.min(this.#againMs, entry.againMs);
  }

  /** An answer to this block (or to a request) may still be under way and could pass for another's: those wait until then. */
  hold(meter: number, block: number | undefined, untilMs: number): void {
    this.#meter(meter).held = { block, untilMs };
  }

  /** There is a sign of life from a silent meter, or from a bus that was silent: its blocks are back in the plan, on probation. */
  wake(nowMs: number, number: number): void {
    const meter = this.#meter(number);
    if (meter.misses < PROBE_AFTER_MISSES) return;
    meter.misses = PROBE_AFTER_MISSES - 1;
    for (const entry of meter.entries) if (entry.where === 'parked' && !entry.dropped) this.#wait(entry, nowMs);
  }

  /** Turns in a row in which the meter did not answer. */
  misses(meter: number): number {
    return this.#meter(meter).misses;
  }

  /** Whether neither the meter nor this block failed last time: worth a second try in the same turn. */
  trusts(meter: number, block: number): boolean {
    const { misses, entries } = this.#meter(meter);
    return misses === 0 && (entries.find((entry) => entry.block === block)?.fails ?? 0) === 0;
  }

  #meter(number: number): Meter {
    for (let rank = this.#meters.length; rank <= number; rank++) {
      this.#meters.push({
        rank,
        entries: [],
        misses: 0,
        probes: 0,
        probeAtMs: 0,
        distanceMs: 0,
        probeCostMs: PROBE_COST_MS,
        held: { block: undefined, untilMs: Number.NEGATIVE_INFINITY },
      });
    }
    return this.#meters[number]!;
  }

  #collectDue(nowMs: number): void {
    if (this.#againMs <= nowMs) this.#askAgain(nowMs);
    for (let next = this.#waiting.peek(); next !== undefined && next.dueMs <= nowMs; next = this.#waiting.peek()) {
      this.#waiting.pop();
      next.where = 'ready';
      this.#ready.push(next);
    }
  }

  #askAgain(nowMs: number): void {
    this.#againMs = Number.POSITIVE_INFINITY;
    for (const entry of this.#meters.flatMap(({ entries }) => entries)) {
      if (!entry.dropped) continue;
      if (entry.againMs <= nowMs) {
        entry.dropped = false;
        if (entry.where === 'parked') this.#wait(entry, nowMs);
      } else this.#againMs = Math.min(this.#againMs, entry.againMs);
    }
  }

  /** Parks what must not be asked now (dropped, or of a silent meter) until the next one may be. */
  #somethingReady(nowMs: number): boolean {
    for (let entry = this.#ready.peek(); entry !== undefined; entry = this.#ready.peek()) {
      const { misses, held } = this.#meter(entry.meter);
      const parked = entry.dropped || misses >= PROBE_AFTER_MISSES;
      const isHeld = held.untilMs > nowMs && held.block !== entry.block;
      if (!parked && !isHeld) return true;
      this.#ready.pop();
      if (parked) entry.where = 'parked';
      else this.#wait(entry, held.untilMs);
    }
    return false;
  }

  #plan(): Turn | undefined {
    const entry = this.#ready.pop();
    if (entry === undefined) return undefined;
    entry.where = 'running';
    return { do: 'read', why: 'plan', meter: entry.meter, block: entry.block };
  }

  #attend(nowMs: number, idle: boolean): Turn | undefined {
    if (this.#attention.size === 0 || !(idle || this.#attentionShare.has(nowMs))) return undefined;
    let longest: Attention | undefined;
    let fastest: readonly Entry[] = [];
    for (const [number, attention] of this.#attention) {
      const { meter, dueMs, untilMs } = attention;
      const blocks = fastestOf(meter.entries);
      if (untilMs <= nowMs || blocks.length === 0) this.#attention.delete(number);
      else if (
        meter.misses === 0 &&
        meter.held.untilMs <= nowMs &&
        dueMs <= nowMs &&
        dueMs < (longest?.dueMs ?? Number.POSITIVE_INFINITY)
      ) {
        longest = attention;
        fastest = blocks;
      }
    }
    if (longest === undefined) return undefined;
    const entry = fastest[longest.next % fastest.length]!;
    longest.next = (longest.next + 1) % fastest.length;
    // One round of its fastest blocks each period; overdue rounds are not made up for.
    longest.dueMs = Math.max(longest.dueMs, nowMs - longest.periodMs) + longest.periodMs / fastest.length;
    return { do: 'read', why: 'attention', meter: entry.meter, block: entry.block };
  }

  #probe(nowMs: number, idle: boolean): Turn | undefined {
    const gapMs = idle ? (this.#waiting.peek()?.dueMs ?? Number.POSITIVE_INFINITY) - nowMs : 0;
    let longest: Meter | undefined;
    for (const meter of this.#meters) {
      if (meter.misses < PROBE_AFTER_MISSES || meter.probeAtMs > nowMs || meter.entries.length === 0) continue;
      const fits = gapMs >= meter.probeCostMs;
      const paid = nowMs - meter.probeAtMs >= PROBE_PATIENCE_MS && this.#probeShare.has(nowMs);
      if (!fits && !paid) continue;
      if (longest === undefined || meter.probeAtMs < longest.probeAtMs) longest = meter;
    }
    if (longest === undefined) return undefined;
    const entry = longest.entries[longest.probes++ % longest.entries.length]!;
    return { do: 'read', why: 'probe', meter: entry.meter, block: entry.block };
  }

  #rest(nowMs: number): Turn {
    let untilMs = Math.min(this.#againMs, this.#waiting.peek()?.dueMs ?? Number.POSITIVE_INFINITY);
    for (const { meter, dueMs } of this.#attention.values()) {
      if (meter.misses === 0) untilMs = Math.min(untilMs, Math.max(dueMs, meter.held.untilMs));
    }
    for (const { misses, probeAtMs } of this.#meters) {
      // A probe that is due and found no gap waits for the next read to pass.
      if (misses >= PROBE_AFTER_MISSES && probeAtMs > nowMs) untilMs = Math.min(untilMs, probeAtMs);
    }
    return { do: 'rest', untilMs };
  }

  #heard(nowMs: number, meter: Meter, asked: Entry): void {
    const wasSilent = meter.misses >= PROBE_AFTER_MISSES;
    asked.fails = 0;
    if (!asked.dropped) asked.drops = 0;
    meter.misses = 0;
    meter.distanceMs = 0;
    if (!wasSilent) return;
    for (const entry of meter.entries) {
      // Back from the dead it may be another meter: what the old one never answered is asked again.
      entry.dropped = false;
      if (entry.where !== 'parked') continue;
      this.#wait(entry, entry === asked || entry.fails > 0 ? this.#nextDue(entry, nowMs) : nowMs);
    }
  }

  #missed(nowMs: number, meter: Meter, entry: Entry, tookMs: number, spoke: boolean): void {
    meter.misses++;
    entry.fails++;
    if (meter.misses < PROBE_AFTER_MISSES) return;
    meter.probeCostMs = tookMs;
    // By the meter's own pace, whichever block the probe happened to ask: a block read every ten minutes would keep a
    // meter that lives again waiting for hours.
    const nearestMs = Math.max(Math.min(...meter.entries.map(({ periodMs }) => periodMs)), PROBE_DISTANCE_MIN_MS);
    const farthestMs = Math.max(nearestMs, Math.min(BACK_OFF_MAX * nearestMs, PROBE_DISTANCE_MAX_MS));
    // A spoilt answer to a probe is a sign of life: on a noisy line it must not cost another long wait.
    const first = spoke || meter.distanceMs === 0;
    meter.distanceMs = first ? nearestMs : Math.min(farthestMs, meter.distanceMs * 2);
    meter.probeAtMs = nowMs + meter.distanceMs;
  }

  #wait(entry: Entry, dueMs: number): void {
    entry.dueMs = dueMs;
    entry.where = 'waiting';
    this.#waiting.push(entry);
  }

  /** The next multiple of the period that is still to come: a late read does not move the ones after it. */
  #nextDue(entry: Entry, nowMs: number): number {
    const passed = Math.floor((nowMs - this.#startMs) / entry.periodMs);
    const turns = entry.fails < 2 ? 1 : Math.min(BACK_OFF_MAX, 2 ** (entry.fails - 1));
    return this.#startMs + (passed + turns) * entry.periodMs;
  }
}

/** What a detector waits for is what the site reads most often. */
function fastestOf(entries: readonly Entry[]): Entry[] {
  const live = entries.filter(({ dropped }) => !dropped);
  const periodMs = Math.min(...live.map((entry) => entry.periodMs));
  return live.filter((entry) => entry.periodMs === periodMs);
}
