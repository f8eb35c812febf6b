/**
 * The bus: one owner per port, for every protocol on it. One request at a time; the next one leaves as soon as the
 * last answer is whole and the line was silent long enough; after a failure the line rests longer than the slowest
 * answer seen here, so that a late answer never meets a later request. What to ask next is `schedule.ts`, what a
 * failure leads to is `POLICY`.
 */
import type { Block, Exchange } from '../../protocols/exchange.ts';
import { type Failure, POLICY, type Policy } from '../../protocols/failure.ts';
import type { Reading } from '../../protocols/reading.ts';
import { type Clock, sleep } from '../clock.ts';
import type { LineSettings, OpenPort } from '../port.ts';
import { formatTarget } from '../port-address.ts';
import { type Answer, Asker, type How } from './asker.ts';
import { type Changes, Health, type MeterState } from './health.ts';
import { Line, type LineCounts, type PortState } from './line.ts';
import { type PlanLoad, planLoad } from './plan.ts';
import { type BusMeter, type MeterRecord, type MeterStatus, startRecord, statusOf } from './record.ts';
import { type Ending, Schedule, type Turn } from './schedule.ts';

/** A port's state; `silent`: it is open, but no meter on it answers, which is one fault and not one per meter. */
export type BusState = PortState | { state: 'silent'; reason: string };

/** What the bus needs of a pino logger. */
export interface BusLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
}

export interface BusOptions {
  settings: LineSettings;
  openPort: OpenPort;
  clock: Clock;
  meters: readonly BusMeter[];
  /** A block was read; `atMs` is wall time. */
  onReading(meter: string, block: string, reading: Reading, atMs: number): void;
  onMeterState(meter: string, state: MeterState): void;
  onPortState(state: BusState): void;
  log: BusLog;
  /** Ends the bus: open requests fail as `cancelled`, the port is closed. */
  signal: AbortSignal;
}

export interface RequestOptions {
  /** Higher goes first among requests; 1 where nothing is said. */
  priority?: number;
  /** Asks again as the failure's policy says. Only for what may be done twice: reads, never switching. */
  retry?: boolean;
  /** How long it may wait for its turn; 30 s where nothing is said. */
  waitMs?: number;
  /** False: no rest of the line after a failure. Only for questions to meters that nobody else asks (a scan). */
  quarantine?: boolean;
}

export interface Bus {
  settings: LineSettings;
  /**
   * Speaks with a meter out of turn: an on-demand read, a waveform, a command. It jumps the plan within a share of the bus.
   * @param meter an id of the plan, or any name for an exchange that concerns no meter of it (a broadcast, a scan)
   * @param exchange makes a fresh exchange for each try
   */
  request<T>(meter: string, exchange: () => Exchange<T>, options?: RequestOptions): Promise<Answer<T>>;
  /** Reads the meter's fastest blocks every `periodMs` for `forMs`, within the share that the others can spare. False: too many already. */
  attend(meter: string, periodMs: number, forMs: number): boolean;
  status(): BusStatus;
  /** Resolves when the signal ended the bus and the port is closed. */
  stopped: Promise<void>;
}

export interface BusStatus {
  port: string;
  state: BusState;
  meters: MeterStatus[];
  /** What the plan asks of the bus, by arithmetic. */
  plan: PlanLoad;
  /** Share of the last minutes in which bytes had to move or a meter thought about its answer. */
  utilisation: number;
  counts: LineCounts;
  failures: Partial<Record<Failure, number>>;
  echo: 'unknown' | 'yes' | 'no';
}

/** A meter that stays silent is in the log once, then this often. */
const LOG_AGAIN_MS = 600_000;
const REQUEST_WAIT_MS = 30_000;
/** How late an answer may be that was neither given up on nor seen: a Modbus meter's other blocks wait so long. */
const OWED_MS = 5_000;
/** The longest answer that an exchange may bring which no block describes. */
const ANSWER_BYTES_MAX = 256;
const REST_MAX_MS = 3_600_000;
/** The meter spoke, and the line spoilt it; of another's answer nothing follows for this meter. */
const SPOILT = new Set<Failure>(['garbage', 'checksum', 'incomplete']);

interface Pending {
  run(): Promise<void>;
  fail(failure: Failure, detail: string): void;
}

/** Starts reading; the first reads are due at once. */
export function startBus(options: BusOptions): Bus {
  const owner = new Owner(options);
  return {
    settings: options.settings,
    request: (meter, exchange, how) => owner.request(meter, exchange, how),
    attend: (meter, periodMs, forMs) => owner.attend(meter, periodMs, forMs),
    status: () => owner.status(),
    stopped: owner.run(),
  };
}

class Owner {
  readonly #options: BusOptions;
  readonly #clock: Clock;
  readonly #line: Line;
  readonly #meters: MeterRecord[];
  readonly #byId = new Map<string, MeterRecord>();
  readonly #schedule: Schedule;
  readonly #health: Health;
  readonly #asker: Asker;
  readonly #pending = new Map<number, Pending>();
  #requests = 0;
  #portState: PortState = { state: 'opening' };
  #told: BusState['state'] | undefined;
  #reopened = false;
  #wake: () => void = () => {};

  constructor(options: BusOptions) {
    const { clock, settings } = options;
    this.#options = options;
    this.#clock = clock;
    this.#line = new Line(settings, options.openPort, clock, (state) => this.#onPort(state));
    this.#meters = options.meters.map(startRecord);
    for (const meter of this.#meters) this.#byId.set(meter.id, meter);
    const nowMs = clock.monotonicMs();
    this.#health = new Health(this.#meters.length, nowMs);
    this.#schedule = new Schedule(
      this.#meters.flatMap((meter) =>
        meter.blocks.flatMap(({ periodMs, priority }, block) =>
          periodMs === null ? [] : [{ meter: meter.index, block, periodMs, priority }],
        ),
      ),
      nowMs,
    );
    this.#asker = new Asker(this.#line, clock, options.signal);
    options.signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    const port = this.#line.keepOpen(signal);
    while (!signal.aborted) {
      if (!this.#line.isOpen) await this.#rest(Number.POSITIVE_INFINITY);
      else if (this.#reopened) await this.#settleLine();
      else await this.#turn();
    }
    this.#failAll('cancelled', 'the gateway is stopping');
    await port;
  }

  request<T>(meter: string, exchange: () => Exchange<T>, options: RequestOptions = {}): Promise<Answer<T>> {
    const { priority = 1, retry = false, waitMs = REQUEST_WAIT_MS, quarantine = true } = options;
    return new Promise((resolve) => {
      if (this.#options.signal.aborted) return resolve({ failure: 'cancelled', detail: 'the gateway is stopping' });
      if ('reason' in this.#portState) return resolve({ failure: 'port-lost', detail: this.#portState.reason });
      const number = this.#requests++;
      if (!this.#schedule.demand(number, priority)) {
        return resolve({ failure: 'busy', detail: 'too many requests wait for this bus' });
      }
      const settle = (answer: Answer<T>) => {
        cancel();
        this.#pending.delete(number);
        resolve(answer);
      };
      const cancel = this.#clock.after(waitMs, () => {
        this.#schedule.withdraw(number);
        settle({ failure: 'busy', detail: `the bus had no time within ${waitMs} ms` });
      });
      this.#pending.set(number, {
        run: async () => {
          cancel();
          settle(
            await this.#serve(this.#byId.get(meter), exchange, { retry, quarantine, answerBytes: ANSWER_BYTES_MAX }),
          );
        },
        fail: (failure, detail) => settle({ failure, detail }),
      });
      this.#wake();
    });
  }

  attend(id: string, periodMs: number, forMs: number): boolean {
    const meter = this.#byId.get(id);
    if (meter === undefined) return false;
    const granted = this.#schedule.attend(this.#clock.monotonicMs(), meter.index, periodMs, forMs);
    this.#wake();
    return granted;
  }

  status(): BusStatus {
    const { settings } = this.#options;
    return {
      port: formatTarget(settings.target),
      state: this.#state(),
      meters: this.#meters.map((meter) => statusOf(meter, this.#health.state(meter.index))),
      plan: planLoad(
        settings,
        this.#meters.flatMap(({ blocks }) => blocks),
        this.#meters.some(({ protocol }) => protocol === 'modbus') ? 'modbus' : 'dlt645',
      ),
      utilisation: this.#asker.utilisation.share(this.#clock.monotonicMs()),
      counts: { ...this.#line.counts },
      failures: { ...this.#asker.failures },
      echo: this.#line.echo.state,
    };
  }

  /** The answer to what was asked before the port went away may still be under way. */
  async #settleLine(): Promise<void> {
    this.#reopened = false;
    await this.#line.quarantine(this.#options.signal);
  }

  async #turn(): Promise<void> {
    const turn = this.#schedule.next(this.#clock.monotonicMs());
    switch (turn.do) {
      case 'rest':
        return this.#rest(turn.untilMs);
      case 'serve':
        return this.#pending.get(turn.request)?.run();
      case 'read':
        return this.#read(turn);
      default:
        turn satisfies never;
    }
  }

  async #rest(untilMs: number): Promise<void> {
    const resting = new AbortController();
    this.#wake = () => resting.abort();
    const delayMs = Math.min(REST_MAX_MS, untilMs - this.#clock.monotonicMs());
    await sleep(this.#clock, delayMs, resting.signal);
    this.#wake = () => {};
  }

  async #read(turn: Turn & { do: 'read' }): Promise<void> {
    const meter = this.#meters[turn.meter]!;
    const block = meter.blocks[turn.block]!;
    const startMs = this.#clock.monotonicMs();
    // What never answered, or failed last time, gets one try a turn: its retries are the next turns.
    const trusted = meter.reads > 0 && this.#schedule.trusts(turn.meter, turn.block);
    const how = { retry: trusted, quarantine: true, answerBytes: block.wireBytes };
    const { answer, owed } = await this.#asker.ask(meter, () => block.exchange(), how);
    const nowMs = this.#clock.monotonicMs();
    const failure = 'failure' in answer ? answer.failure : undefined;
    this.#schedule.finished(nowMs, turn, this.#judge(meter, block, failure, nowMs), nowMs - startMs);
    if (owed && meter.protocol === 'modbus') this.#schedule.hold(turn.meter, turn.block, nowMs + OWED_MS);
    if (!('value' in answer)) return;
    meter.lastReadMs = this.#clock.nowMs();
    meter.reads++;
    try {
      this.#options.onReading(meter.id, block.name, answer.value, meter.lastReadMs);
    } catch (error) {
      this.#options.log.warn({ meter: meter.id, block: block.name, error: String(error) }, 'a reading was not taken');
    }
  }

  async #serve<T>(meter: MeterRecord | undefined, exchange: () => Exchange<T>, how: How): Promise<Answer<T>> {
    const startMs = this.#clock.monotonicMs();
    const { answer, owed } = await this.#asker.ask(meter, exchange, how);
    const nowMs = this.#clock.monotonicMs();
    this.#schedule.served(nowMs, nowMs - startMs);
    if (meter === undefined) return answer;
    if ('value' in answer) this.#schedule.wake(nowMs, meter.index);
    if (owed && meter.protocol === 'modbus') this.#schedule.hold(meter.index, undefined, nowMs + OWED_MS);
    return answer;
  }

  /** The failure as the schedule and the meter's state see it. */
  #judge(meter: MeterRecord, block: Block<Reading>, failure: Failure | undefined, nowMs: number): Ending {
    if (failure === undefined) {
      meter.dropped.delete(block.name);
      this.#tell(this.#health.answered(meter.index, nowMs));
      return 'answered';
    }
    const policy: Policy = POLICY[failure];
    if (policy.next === 'reopen-port' || failure === 'cancelled') return 'untold';
    if (policy.countsAsSilence) {
      this.#tell(this.#health.missed(meter.index, failure, nowMs));
      this.#logSilence(meter, policy, nowMs);
      return SPOILT.has(failure) ? 'spoilt' : 'failed';
    }
    // A meter that says no is a meter that answers.
    if (policy.next === 'retry') this.#tell(this.#health.faulty(meter.index, failure, nowMs));
    else this.#tell(this.#health.answered(meter.index, nowMs));
    if (policy.next === 'drop-item') {
      if (!meter.dropped.has(block.name))
        this.#options.log.warn({ meter: meter.id, block: block.name }, policy.meaning);
      meter.dropped.add(block.name);
      this.#schedule.drop(nowMs, meter.index, meter.blocks.indexOf(block));
    }
    if (SPOILT.has(failure)) return 'spoilt';
    return policy.quarantine ? 'failed' : 'answered';
  }

  #tell(changes: Changes): void {
    for (const { meter: index, state } of changes.meters) {
      const meter = this.#meters[index]!;
      if (state.state === 'answering') meter.dropped.clear();
      meter.loggedMs = this.#clock.monotonicMs();
      this.#options.log.info({ meter: meter.id, state: state.state }, state.reason);
      this.#options.onMeterState(meter.id, state);
    }
    if (changes.busSilent === undefined) return;
    if (!changes.busSilent) {
      const nowMs = this.#clock.monotonicMs();
      for (const { index } of this.#meters) this.#schedule.wake(nowMs, index);
    }
    this.#tellPort();
  }

  #logSilence(meter: MeterRecord, policy: Policy, nowMs: number): void {
    if (this.#health.state(meter.index).state !== 'silent' || nowMs - meter.loggedMs < LOG_AGAIN_MS) return;
    meter.loggedMs = nowMs;
    this.#options.log.warn({ meter: meter.id, misses: this.#schedule.misses(meter.index) }, policy.meaning);
  }

  #state(): BusState {
    if ('reason' in this.#portState || !this.#health.busSilent) return this.#portState;
    return { state: 'silent', reason: 'no meter answers: check the converter, wiring A/B, baud and parity' };
  }

  #onPort(state: PortState): void {
    this.#portState = state;
    this.#reopened = this.#line.counts.reopened > 0;
    if (state.state === 'lost' || state.state === 'stuck') this.#failAll('port-lost', state.reason);
    this.#tellPort();
    this.#wake();
  }

  #tellPort(): void {
    const state = this.#state();
    if (state.state === this.#told) return;
    this.#told = state.state;
    this.#options.log.info({ port: formatTarget(this.#options.settings.target), ...state }, 'port');
    this.#options.onPortState(state);
  }

  #failAll(failure: Failure, detail: string): void {
    for (const [number, pending] of [...this.#pending]) {
      this.#schedule.withdraw(number);
      pending.fail(failure, detail);
    }
  }
}
