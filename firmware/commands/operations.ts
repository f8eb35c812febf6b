/**
 * What a platform may ask of a gateway: for each operation who may ask it and with which arguments. There is no
 * operation that runs a program, and none will be added: the table is the whole of what a command can do.
 */
import { z } from 'zod';
import { ACTIONS, type Action } from '../control/order.ts';

export const ROLES = ['viewer', 'worker', 'operator', 'maintainer'] as const;
export type Role = (typeof ROLES)[number];

const name = z.string().min(1).max(64);
const note = z.string().max(256);
const alert = z.string().min(1).max(64);
const minutes = (most: number) => z.number().int().min(1).max(most);

interface Operation {
  roles: readonly Role[];
  args: z.ZodType;
  /** Not while the clock is not to be believed, because then an old command cannot be told from a new one. */
  needsClock?: true;
}

export const OPERATIONS = {
  /** The first to acknowledge owns the alert. */
  acknowledge: { roles: ['worker', 'operator'], args: z.strictObject({ alert, note: note.optional() }) },
  dispatch: {
    roles: ['worker', 'operator'],
    args: z.strictObject({ alert, to: z.array(name).min(1).max(8), note: note.optional() }),
  },
  result: {
    roles: ['worker', 'operator'],
    args: z.strictObject({
      alert,
      result: z.enum(['confirmed', 'false-alarm', 'away']),
      note: note.optional(),
      /** End of a declared absence, epoch milliseconds. */
      until: z.number().int().positive().optional(),
    }),
  },
  timeline: { roles: ['viewer', 'worker', 'operator'], args: z.strictObject({ alert }) },
  'read-now': {
    roles: ['viewer', 'worker', 'operator'],
    args: z.strictObject({ meter: name, items: z.array(z.string().min(1).max(64)).max(32).default([]) }),
  },
  capture: {
    roles: ['operator'],
    args: z.strictObject({ meter: name, phase: z.number().int().min(1).max(3).default(1) }),
  },
  /** What a meter is ordered to do: see `control/order.ts`. Passwords stand in files at the gateway, never in a command. */
  control: {
    roles: ['operator'],
    args: z.strictObject({
      meter: name,
      action: z.enum(Object.keys(ACTIONS) as [Action, ...Action[]]),
      values: z.array(z.string().max(64)).max(64).default([]),
      until: z
        .string()
        .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/, 'expected 2026-11-21T23:15:00')
        .optional(),
    }),
    needsClock: true,
  },
  'send-readings': {
    roles: ['worker', 'operator'],
    args: z.strictObject({ meter: name, minutes: minutes(1_440) }),
  },
  reload: { roles: ['operator', 'maintainer'], args: z.strictObject({}) },
  thresholds: {
    roles: ['operator'],
    args: z.strictObject({
      detector: name,
      settings: z.record(name, z.union([z.number(), z.string().max(64), z.boolean()])),
    }),
  },
  maintenance: {
    roles: ['operator', 'maintainer'],
    args: z.strictObject({ minutes: z.number().int().min(0).max(1_440), meters: z.array(name).max(64).default([]) }),
  },
  restart: { roles: ['maintainer'], args: z.strictObject({}), needsClock: true },
  update: {
    roles: ['maintainer'],
    args: z.strictObject({
      url: z
        .string()
        .max(512)
        .regex(/^https:\/\/\S+$/, 'expected https://'),
      version: z.string().max(32),
      sha256: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits'),
    }),
    needsClock: true,
  },
} as const satisfies Record<string, Operation>;

export type Op = keyof typeof OPERATIONS;
export type Args<O extends Op> = z.infer<(typeof OPERATIONS)[O]['args']>;

/** What the signature covers. Times are epoch milliseconds. */
export const bodySchema = z.strictObject({
  v: z.literal(1),
  id: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/),
  gateway: name,
  op: z.enum(Object.keys(OPERATIONS) as [Op, ...Op[]]),
  args: z.unknown(),
  /** Grows with every command of the same key. */
  counter: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  notBefore: z.number().int().min(0),
  notAfter: z.number().int().min(0),
});
export type CommandBody = z.infer<typeof bodySchema>;
