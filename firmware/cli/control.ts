/** `gridwarden control`: one order to one meter, over a port that nobody else has open, and one line about what came of it. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Target } from '../../protocols/dlt645/exchange.ts';
import { startBus } from '../bus/bus.ts';
import { systemClock } from '../clock.ts';
import { checkPassword, readPassword } from '../control/authority.ts';
import { parseCivil } from '../control/civil-text.ts';
import { ACTIONS, giveOrder, isAction, needsOf, type Order, planOrder, type Secrets } from '../control/order.ts';
import { openPort } from '../open-port.ts';
import { parsePortAddress } from '../port-address.ts';
import { isoLocal } from '../read-item.ts';
import { BadInput, Failed, print, say, untilStopped } from './io.ts';

export interface ControlOptions {
  port: string;
  meter: string;
  standard: string;
  passwordFile?: string;
  nextPasswordFile?: string;
  level: string;
  operator: string;
  until?: string;
  yesIMeanIt?: true;
}

const WAIT_MS = 10_000;

export async function control(action: string, values: string[], options: ControlOptions): Promise<void> {
  const settings = parsePortAddress(options.port);
  if ('problem' in settings) throw new BadInput(`--port ${settings.problem}`);
  const target = parseTarget(options);
  const order = parseOrder(action, values, options);
  const rule = needsOf(order.action, target.address);
  if (rule.needs !== null && options.yesIMeanIt !== true) {
    throw new BadInput(`${action}: changes what the meter counts, obeys or is called: expected --yes-i-mean-it`);
  }
  const secrets = rule.password ? await readSecrets(order, options) : {};
  const planned = planOrder(target, order, secrets, localMs);
  if ('problem' in planned) throw new BadInput(planned.problem);

  const stop = new AbortController();
  untilStopped().addEventListener('abort', () => stop.abort(), { once: true });
  let lost: string | undefined;
  const bus = startBus({
    settings,
    openPort,
    clock: systemClock,
    meters: [{ id: target.address, protocol: 'dlt645', blocks: [] }],
    onReading: () => {},
    onMeterState: () => {},
    onPortState: (state) => {
      lost = state.state === 'lost' || state.state === 'stuck' ? state.reason : undefined;
    },
    log: { info: () => {}, warn: () => {} },
    signal: stop.signal,
  });
  const outcome = await giveOrder(bus, target.address, planned.exchange, WAIT_MS);
  print({ meter: target.address, action, values, ...outcome, at: isoLocal(systemClock.nowMs()) });
  stop.abort();
  await bus.stopped;
  if (outcome.outcome === 'not-sent' && lost !== undefined) throw new Failed(`${options.port}: ${lost}`);
  if (outcome.outcome !== 'done') throw new Failed(EXPLANATIONS[outcome.outcome]);
}

const EXPLANATIONS = {
  refused: 'the meter refused; a wrong password is not to be repeated, after three the meter locks itself',
  'not-sent': 'nothing was sent: check the port and that nobody else has it open',
  unknown: 'nobody can say whether the meter obeyed: read it before ordering again',
} as const;

function parseTarget({ meter, standard }: ControlOptions): Target {
  if (standard !== '2007' && standard !== '1997') throw new BadInput(`--standard ${standard}: expected 2007 or 1997`);
  // Nothing is filled up here: what is ordered of the wrong meter is done.
  if (!/^\d{12}$/.test(meter)) throw new BadInput(`--meter ${meter}: expected all 12 digits as printed on the meter`);
  return { address: meter, standard };
}

function parseOrder(action: string, values: string[], { until }: ControlOptions): Order {
  if (!isAction(action)) {
    const all = Object.entries(ACTIONS).map(([name, rule]) => `${name} ${rule.values}`.trimEnd());
    throw new BadInput(`${action}: expected one of ${all.join(', ')}`);
  }
  if (until === undefined) return { action, values };
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(until) || Number.isNaN(parseCivil(until))) {
    throw new BadInput(`--until ${until}: expected 2026-11-21T23:15:00`);
  }
  return { action, values, until };
}

async function readSecrets(order: Order, options: ControlOptions): Promise<Secrets> {
  const { level, operator, passwordFile, nextPasswordFile } = options;
  if (!/^\d$/.test(level)) throw new BadInput(`--level ${level}: expected one digit`);
  if (!/^\d{8}$/.test(operator)) throw new BadInput(`--operator ${operator}: expected eight digits`);
  const lines = secretLines();
  const secret = async (file: string | undefined, what: string) => {
    try {
      return file === undefined ? checkPassword(await lines.ask(what), what) : await readPassword(file);
    } catch (error) {
      throw new BadInput((error as Error).message);
    }
  };
  try {
    const password = await secret(passwordFile, 'password');
    const authority = { level: Number(level), operator, password };
    return order.action === 'password'
      ? { authority, next: await secret(nextPasswordFile, 'next password') }
      : { authority };
  } finally {
    lines.close();
  }
}

/** Lines that a person types unseen, or that come from a pipe. Nothing is opened before the first is asked for. */
function secretLines(): { ask(what: string): Promise<string>; close(): void } {
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  let terminal: ReturnType<typeof createInterface> | undefined;
  let lines: AsyncIterator<string> | undefined;
  return {
    async ask(what) {
      const typed = process.stdin.isTTY === true;
      if (typed) say(`${what}:`);
      terminal ??= createInterface({ input: process.stdin, output: unseen, terminal: typed });
      lines ??= terminal[Symbol.asyncIterator]();
      const { value, done } = await lines.next();
      return done === true ? '' : value;
    },
    close: () => terminal?.close(),
  };
}

/** The civil time of this machine, as though it were UTC. */
function localMs(): number {
  const nowMs = systemClock.nowMs();
  return nowMs - new Date(nowMs).getTimezoneOffset() * 60_000;
}
