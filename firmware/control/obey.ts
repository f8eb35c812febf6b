/** Orders that come from the platform: only to a meter of the site file, and only what its `allow:` names. */
import { CivilTime } from '../../detectors/civil-time.ts';
import type { Bus } from '../bus/bus.ts';
import type { Clock } from '../clock.ts';
import { meterId } from '../config/meter-id.ts';
import type { Site } from '../config/site.ts';
import { readAuthority, readPassword } from './authority.ts';
import { ACTIONS, giveOrder, type Order, planOrder, type Secrets, UnknownOutcome } from './order.ts';

export interface ObeyParts {
  site: Site;
  clock: Clock;
  busOf(meter: string): Bus | undefined;
}

export type Obey = (order: Order & { meter: string }) => Promise<{ outcome: 'done' }>;

/** Below a command's own deadline: an order must not be carried out after it was answered `failed`. */
const WAIT_MS = 10_000;

/**
 * Carries out one order at a time. Rejects with the reason when it was not permitted, refused, or when nobody can say.
 * A meter that called a password wrong is not tried again until the gateway starts anew: three times lock it.
 */
export function obeyOrders({ site, clock, busOf }: ObeyParts): Obey {
  const civil = new CivilTime(site.gateway.timezone);
  const locked = new Set<string>();
  return async ({ meter: id, ...order }) => {
    const meter = site.buses.flatMap((bus) => bus.meters).find((one) => meterId(one) === id);
    const bus = busOf(id);
    if (meter === undefined || bus === undefined) throw new Error(`${id}: not in the site file`);
    if (meter.protocol !== 'dlt645') throw new Error(`${id}: only DL/T 645 meters take orders`);
    const { needs, password } = ACTIONS[order.action];
    if (needs !== null && meter.allow?.includes(needs) !== true) {
      throw new Error(`${id}: the site file does not allow ${needs}`);
    }
    if (password && locked.has(id)) throw new Error(`${id}: called its password wrong, not tried again`);
    const secrets: Secrets = {};
    if (password) {
      if (meter.authority === undefined) throw new Error(`${id}: the site file names no authority`);
      secrets.authority = await readAuthority(meter.authority);
      const { nextPasswordFile } = meter.authority;
      if (order.action === 'password' && nextPasswordFile !== undefined) {
        secrets.next = await readPassword(nextPasswordFile);
      }
    }
    const { address, standard, answerMs } = meter;
    const target = { address, standard, ...(answerMs === undefined ? {} : { answerMs }) };
    const planned = planOrder(target, order, secrets, () => civil.at(clock.nowMs()).localMs);
    if ('problem' in planned) throw new Error(planned.problem);
    const outcome = await giveOrder(bus, id, planned.exchange, WAIT_MS);
    if (outcome.outcome === 'done') return outcome;
    if (outcome.error === 'unauthorised') locked.add(id);
    const reason = `${outcome.outcome}: ${outcome.error}: ${outcome.detail}`;
    throw outcome.outcome === 'unknown' ? new UnknownOutcome(reason) : new Error(reason);
  };
}
