/**
 * The part of an ordered update that needs rights: takes the gateway's order, brings the bundle, installs it, and writes
 * down what came of it. A power cut at any moment leaves the order, so that the next start goes on.
 */
import { constants } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { z } from 'zod';
import { OPERATIONS } from '../../firmware/commands/operations.ts';
import type { UpdateOrder, UpdateOutcome } from '../../firmware/update-order.ts';
import { writeWhole } from '../../firmware/whole-file.ts';
import { type FetchOptions, fetchBundle } from './fetch.ts';

export interface Places {
  /** Where the gateway leaves its order; the directory is the gateway's. */
  inbox: string;
  /** The order taken, the bundle as it comes, what came of it: in a directory that only root writes. */
  order: string;
  bundle: string;
  outcome: string;
}

export interface ObeyOptions
  extends Pick<FetchOptions, 'caFile' | 'tries' | 'waitMs' | 'idleMs' | 'signal' | 'onProgress'> {
  places: Places;
  /** Installs the bundle. @throws with the reason why not */
  install(bundle: string, order: UpdateOrder): Promise<void>;
}

const orderSchema = OPERATIONS.update.args.extend({ id: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/) });
const takenSchema = orderSchema.extend({ tries: z.number().int().min(0) });
type Taken = z.infer<typeof takenSchema>;

const ORDER_MAX_BYTES = 4_096;
/** Power cuts and crashes that one order may take. */
const STARTS_MAX = 10;

/** @returns what came of it; undefined where there was no order */
export async function obeyOrder(options: ObeyOptions): Promise<UpdateOutcome | undefined> {
  const { places } = options;
  const order = await takeOrder(places);
  if (order === undefined) return undefined;
  const { id, version } = order;
  const say = async (outcome: Omit<UpdateOutcome, 'id' | 'version'>) => {
    const whole: UpdateOutcome = { id, version, ...outcome };
    // The gateway, which is not root, reads it.
    await writeWhole(places.outcome, JSON.stringify(whole), 0o644);
    return whole;
  };
  let outcome: UpdateOutcome;
  try {
    if (order.tries > STARTS_MAX) throw new Error(`given up: interrupted ${STARTS_MAX} times`);
    await say({ state: 'fetching' });
    await fetchBundle({ ...options, url: order.url, sha256: order.sha256, file: places.bundle });
    await say({ state: 'installing' });
    await options.install(places.bundle, order);
    outcome = await say({ state: 'installed' });
  } catch (error) {
    outcome = await say({ state: 'failed', reason: error instanceof Error ? error.message : String(error) });
  }
  await rm(places.bundle, { force: true });
  await rm(places.order, { force: true });
  return outcome;
}

/** The order in hand, counted; a new one in the inbox takes its place. */
async function takeOrder({ inbox, order, bundle }: Places): Promise<Taken | undefined> {
  const fresh = orderSchema.safeParse(await readBounded(inbox));
  const before = takenSchema.safeParse(await readBounded(order));
  if (fresh.success && fresh.data.id !== before.data?.id) await rm(bundle, { force: true });
  const taken: Taken | undefined = fresh.success ? { ...fresh.data, tries: 0 } : before.data;
  if (taken !== undefined) await writeWhole(order, JSON.stringify({ ...taken, tries: taken.tries + 1 }));
  else await rm(order, { force: true });
  // Only now: a power cut before this finds it in the inbox again.
  await rm(inbox, { force: true });
  return taken && { ...taken, tries: taken.tries + 1 };
}

/** The directory belongs to a user without rights: no link is followed, and no more is read than an order has. */
async function readBounded(file: string): Promise<unknown> {
  try {
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(ORDER_MAX_BYTES + 1));
      return bytesRead > ORDER_MAX_BYTES ? undefined : JSON.parse(buffer.toString('utf8', 0, bytesRead));
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}
