/** What the gateway does for each command that the platform may give; who may give it is `commands/operations.ts`. */
import type { DetectorSettings } from '../detectors/catalogue.ts';
import { encodeInt16 } from '../protocols/base64.ts';
import type { Samples } from '../protocols/reading.ts';
import type { Bus } from './bus/bus.ts';
import type { Captures } from './capture.ts';
import type { Clock } from './clock.ts';
import type { Handlers } from './commands/commands.ts';
import type { Site } from './config/site.ts';
import { obeyOrders } from './control/obey.ts';
import type { Outbox } from './outbox.ts';
import type { Pipeline } from './pipeline.ts';
import { readOnDemand } from './read-item.ts';
import type { UpdateOrder } from './update-order.ts';

/** What lies outside of the gateway: its process, its site file, its curves. Each rejects with the reason why not. */
export interface Actions {
  /** Pairs of epoch ms and watts, oldest first. */
  curve(meter: string, sinceMs: number): [atMs: number, powerW: number][];
  /** Checks the site file and puts it in force. */
  reload(): Promise<unknown>;
  restart(): Promise<unknown>;
  update(order: UpdateOrder): Promise<unknown>;
}

export interface HandlerParts {
  site: Site;
  clock: Clock;
  outbox: Outbox;
  pipeline: Pipeline;
  busOf(meter: string): Bus | undefined;
  capturesOf(meter: string): Captures | undefined;
  actions: Actions;
}

const THRESHOLDS_KEY = 'thresholds';
/** How far a command may move a threshold from where the site file puts it. */
const FURTHEST = 2;

export function commandHandlers(parts: HandlerParts): Handlers {
  const { site, clock, pipeline, actions } = parts;
  const obey = obeyOrders(parts);
  return {
    answer: (meter, verdict) => pipeline.answer(meter, verdict),
    async 'read-now'({ meter, items }) {
      if (items.length === 0) return pipeline.latest(meter) ?? fail(`${meter}: nothing read yet`);
      const results = [];
      for (const item of items) results.push(await readOnDemand(site, parts.busOf(meter), meter, item, clock));
      return results;
    },
    async capture({ meter, phase }) {
      const captures = parts.capturesOf(meter) ?? fail(`${meter}: keeps no waveforms`);
      const answer = await captures.capture(phase === 2 || phase === 3 ? phase : 1);
      if ('failure' in answer) return fail(`${answer.failure}: ${answer.detail}`);
      const { value: waveform } = answer;
      await pipeline.take(meter, { waveform });
      const pack = ({ scale, samples }: Samples) => ({ scale, samples: encodeInt16(samples) });
      return { ...waveform, voltage: pack(waveform.voltage), current: pack(waveform.current) };
    },
    control: ({ until, ...order }) => obey(until === undefined ? order : { ...order, until }),
    'send-readings': async ({ meter, minutes }) => actions.curve(meter, clock.nowMs() - minutes * 60_000),
    reload: () => actions.reload(),
    async thresholds({ detector, settings }) {
      const changed = within(site.detectors[detector], detector, settings);
      const all = { ...(await readThresholds(parts.outbox)), [detector]: changed };
      await parts.outbox.put(THRESHOLDS_KEY, new TextEncoder().encode(JSON.stringify(all)));
      pipeline.set(overlay(site.detectors, all));
      return changed;
    },
    async maintenance({ minutes, meters }) {
      const untilMs = clock.nowMs() + minutes * 60_000;
      pipeline.rest(meters.length > 0 ? meters : undefined, untilMs);
      return { untilMs };
    },
    restart: () => actions.restart(),
    update: (order) => actions.update(order),
  };
}

/** The settings in force: the site file's with what commands have moved since. */
export async function settingsInForce(site: Site, outbox: Outbox): Promise<DetectorSettings> {
  return overlay(site.detectors, await readThresholds(outbox));
}

/** Only what the site file itself sets can be moved, numbers only, and not beyond twice or half of what it says. */
function within(
  written: DetectorSettings[string] | undefined,
  detector: string,
  wanted: DetectorSettings[string],
): DetectorSettings[string] {
  for (const [name, value] of Object.entries(wanted)) {
    const base = written?.[name];
    if (typeof base !== 'number')
      fail(`${detector}.${name}: the site file does not set it, so it cannot be changed from outside`);
    const good = typeof value === 'number' && value >= base / FURTHEST && value <= base * FURTHEST;
    if (!good) fail(`${detector}.${name}: expected ${base / FURTHEST} to ${base * FURTHEST}, got ${value}`);
  }
  return wanted;
}

function overlay(base: DetectorSettings, over: DetectorSettings): DetectorSettings {
  const changed = Object.entries(over).filter(([name]) => name in base);
  return { ...base, ...Object.fromEntries(changed.map(([name, settings]) => [name, { ...base[name], ...settings }])) };
}

async function readThresholds(outbox: Outbox): Promise<DetectorSettings> {
  const bytes = await outbox.get(THRESHOLDS_KEY);
  return bytes === undefined ? {} : (JSON.parse(new TextDecoder().decode(bytes)) as DetectorSettings);
}

function fail(reason: string): never {
  throw new Error(reason);
}
