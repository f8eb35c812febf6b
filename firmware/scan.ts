/**
 * What hangs on a bus: which baud rate and parity it speaks, and every meter on it. A cheap round asks a few questions
 * at every setting; the long search follows only where somebody spoke, because on a silent line each question costs all
 * of the time that a meter is allowed. Reads only.
 */
import { POLICY } from '../protocols/failure.ts';
import type { Answer } from './bus/asker.ts';
import type { Bus } from './bus/bus.ts';
import { Line } from './bus/line.ts';
import { type Protocol, silenceMs } from './bus/plan.ts';
import { transact } from './bus/transaction.ts';
import { type Clock, sleep } from './clock.ts';
import {
  type AskedLine,
  DLT645_ANSWER_MS,
  type FoundMeter,
  type Search,
  searchDlt645,
  searchModbus,
} from './meter-search.ts';
import type { LineSettings, OpenPort } from './port.ts';

/** One meter, as the `scan` verb prints it. */
export type Found = Pick<LineSettings, 'baud' | 'parity'> & FoundMeter;

/** What is being asked, and how far that part of the scan is; told with each question. */
export interface ScanProgress {
  doing: string;
  asked: number;
  most: number;
}

export interface ScanOptions {
  /** The settings to try, likeliest first; a TCP port has only its converter's own. */
  lines: readonly LineSettings[];
  openPort: OpenPort;
  clock: Clock;
  protocols: readonly Protocol[];
  /** Searches the silent settings, too, and does not end with the first at which a meter answers. */
  thorough?: boolean;
  onProgress?(progress: ScanProgress): void;
  /** Somebody spoke at this setting, and no meter came of it. */
  onVoices?(settings: LineSettings, protocol: Protocol): void;
  signal: AbortSignal;
}

const NAMES = { dlt645: 'DL/T 645', modbus: 'Modbus' } as const satisfies Record<Protocol, string>;
/** What most Modbus meters come with; the order given is that of DL/T 645. */
const MODBUS_USUAL = { baud: 9600, parity: 'none' } as const satisfies Partial<LineSettings>;

/**
 * Scans a port that nobody else has open, over several settings. A bus has one of them, so the search ends with the
 * first at which a meter answers, unless it is to be thorough.
 * @throws Error when the port does not open
 */
export async function* scan(options: ScanOptions): AsyncGenerator<Found, void> {
  const { protocols, thorough = false, signal } = options;
  const told = new Set<string>();
  let { lines } = options;
  for (const protocol of protocols) {
    const spoken = yield* scanLines(protocol, lines, told, options);
    if (signal.aborted) return;
    // Meters of both kinds on one bus share its setting.
    if (spoken.length > 0) lines = thorough ? lines.filter((line) => !hasOtherParity(line, spoken)) : spoken;
  }
}

/** Scans a bus that is at work, at its own setting, in the share that requests have of it. */
export async function* scanBus(bus: Bus, signal: AbortSignal): AsyncGenerator<Found, void> {
  const line: AskedLine = {
    signal,
    ask: async (exchange) =>
      sound(signal, await bus.request('scan', () => exchange, { priority: 0, quarantine: false })),
  };
  for (const search of [searchDlt645(new Set(), true), searchModbus(isModbusTcp(bus.settings))]) {
    yield* stamped(bus.settings, search.first(line));
    yield* stamped(bus.settings, search.rest(line));
  }
}

/** Yields the meters of one protocol, and returns the settings at which they were found. */
async function* scanLines(
  protocol: Protocol,
  lines: readonly LineSettings[],
  told: Set<string>,
  options: ScanOptions,
): AsyncGenerator<Found, LineSettings[]> {
  const { thorough = false, signal } = options;
  const spoken: LineSettings[] = [];
  const later: { settings: LineSettings; search: Search; sign: string }[] = [];
  const ended = () => signal.aborted || (spoken.length > 0 && !thorough);
  const round = startStage(options);
  for (const settings of inOrder(protocol, lines)) {
    if (hasOtherParity(settings, spoken)) continue;
    const search = protocol === 'dlt645' ? searchDlt645(told, thorough) : searchModbus(isModbusTcp(settings));
    const line = await openLine(settings, protocol, options);
    try {
      const doing = `${NAMES[protocol]}, first round, ${settings.baud} ${settings.parity}`;
      const sign = yield* stamped(settings, search.first(round(line, doing, lines.length * search.questions().first)));
      if (sign === 'meters') spoken.push(settings);
      if (sign === 'meters') yield* rest(protocol, line, search, options);
      else if (sign === 'voices' || thorough) later.push({ settings, search, sign });
    } finally {
      await line.close();
    }
    if (ended()) return spoken;
  }
  for (const { settings, search, sign } of later) {
    if (hasOtherParity(settings, spoken)) continue;
    const line = await openLine(settings, protocol, options);
    let found = 0;
    try {
      for await (const meter of rest(protocol, line, search, options)) {
        found++;
        yield meter;
      }
    } finally {
      await line.close();
    }
    if (found > 0) spoken.push(settings);
    else if (sign === 'voices' && !signal.aborted) options.onVoices?.(settings, protocol);
    if (ended()) return spoken;
  }
  return spoken;
}

async function* rest(
  protocol: Protocol,
  line: OpenLine,
  search: Search,
  options: ScanOptions,
): AsyncGenerator<Found, void> {
  const { baud, parity } = line.settings;
  const doing = `${NAMES[protocol]}, every ${protocol === 'dlt645' ? 'address' : 'unit'}, ${baud} ${parity}`;
  yield* stamped(line.settings, search.rest(startStage(options)(line, doing, search.questions().rest)));
}

const isModbusTcp = ({ target }: LineSettings) => target.kind === 'modbus-tcp';

/** Counts the questions of one part of the scan, over all the lines it has. */
function startStage({ onProgress }: ScanOptions) {
  let asked = 0;
  return (line: OpenLine, doing: string, most: number): OpenLine => ({
    ...line,
    ask: (exchange) => {
      asked++;
      onProgress?.({ doing, asked, most: Math.max(most, asked) });
      return line.ask(exchange);
    },
  });
}

/** A meter that does not look at the parity would be found a second time: a rate is searched at one parity only. */
function hasOtherParity({ baud, parity }: LineSettings, spoken: readonly LineSettings[]): boolean {
  return spoken.some((other) => other.baud === baud && other.parity !== parity);
}

function inOrder(protocol: Protocol, lines: readonly LineSettings[]): readonly LineSettings[] {
  if (protocol === 'dlt645') return lines;
  const rank = ({ baud, parity }: LineSettings) =>
    (baud === MODBUS_USUAL.baud ? 0 : 2) + (parity === MODBUS_USUAL.parity ? 0 : 1);
  return [...lines].sort((a, b) => rank(a) - rank(b));
}

async function* stamped<T>(
  { baud, parity }: LineSettings,
  meters: AsyncGenerator<FoundMeter, T>,
): AsyncGenerator<Found, T> {
  for (;;) {
    const next = await meters.next();
    if (next.done) return next.value;
    yield { ...next.value, baud, parity };
  }
}

interface OpenLine extends AskedLine {
  settings: LineSettings;
  close(): Promise<void>;
}

/** The line without the bus's quarantine: every question is to another meter, so a late answer fits none of them. */
async function openLine(settings: LineSettings, protocol: Protocol, options: ScanOptions): Promise<OpenLine> {
  const { clock, openPort, signal } = options;
  const stop = new AbortController();
  signal.addEventListener('abort', () => stop.abort(), { once: true });
  const opened = Promise.withResolvers<void>();
  const line = new Line(settings, openPort, clock, (state) => {
    if (state.state === 'open') opened.resolve();
    if ('reason' in state) opened.reject(new Error(state.reason));
  });
  const closed = line.keepOpen(stop.signal);
  const close = () => {
    stop.abort();
    return closed;
  };
  // A port that is stopped before it opened has said nothing at all.
  await Promise.race([opened.promise, closed]).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const timing = { silenceMs: silenceMs(settings, protocol), patienceMs: 0, answerBytes: 64 };
  const ask: OpenLine['ask'] = async (exchange) =>
    sound(signal, (await transact(line, clock, exchange, timing)).result);
  const overheard = async () => {
    const { strayBytes } = line.counts;
    await sleep(clock, DLT645_ANSWER_MS, signal);
    return line.counts.strayBytes > strayBytes;
  };
  return { settings, signal, ask, overheard, close };
}

/** A port that went away is no bus without meters, unless we closed it. @throws Error */
function sound<T>(signal: AbortSignal, answer: Answer<T>): Answer<T> {
  const lost = 'failure' in answer && POLICY[answer.failure].next === 'reopen-port';
  if (lost && !signal.aborted) throw new Error(answer.detail);
  return answer;
}
