/**
 * A scenario as data: a transformer area, who lives and works in it, what happens, and what goes wrong.
 * YAML, checked here; the shipped ones stand in `scenarios/`, each with a paragraph on why it exists.
 * Civil times only: day 0 is the day of `start`; a zone's summer time is not simulated.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import { METER_EVENTS, PREMISES } from '../protocols/reading.ts';
import { APPLIANCE_NAMES, type ApplianceName, RHYTHM_NAMES, type RhythmName } from './appliances.ts';

const share = z.number().min(0).max(1);
const positive = z.number().positive();
const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected HH:MM in quotes');

const lineFaults = z.strictObject({
  noise: share.optional(),
  flip: share.optional(),
  drop: share.optional(),
  truncate: share.optional(),
  extra: share.optional(),
  echo: share.optional(),
  late: share.optional(),
  lateMs: positive.optional(),
});

const meterFaults = z.strictObject({
  silent: share.optional(),
  slowMs: positive.optional(),
  late: share.optional(),
  lateMs: positive.optional(),
  busy: share.optional(),
  refuse: share.optional(),
  wrongAddress: share.optional(),
  wrongItem: share.optional(),
  checksum: share.optional(),
  half: share.optional(),
  clockOffMs: z.number().optional(),
  clockDriftPpm: z.number().optional(),
});

const wire = z.strictObject({
  protocol: z.enum(['dlt645', 'modbus']).default('dlt645'),
  standard: z.enum(['2007', '1997']).default('2007'),
  /** Modbus register map. */
  profile: z.string().default('sdm630'),
  baud: z.number().int().default(2400),
  parity: z.enum(['none', 'even', 'odd']).default('even'),
  stopBits: z.union([z.literal(1), z.literal(2)]).default(1),
  metersPerLine: z.number().int().min(1).max(64).default(32),
  turnaroundMs: z.number().min(0).max(2000).default(30),
  preamble: z.number().int().min(0).max(4).default(4),
  blocks: z.boolean().default(true),
  blockTail: z.boolean().default(false),
  echoesWildcard: z.boolean().default(false),
  frameBytes: z.number().int().min(8).max(190).default(190),
  /** The second meter of each line has the address of the first. */
  twins: z.boolean().default(false),
  faults: lineFaults.default({}),
});

const group = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+$/),
  count: z.number().int().min(1).max(2000).default(1),
  /** A ready-made kind of user; everything below overrides it. */
  like: z.string().optional(),
  premises: z.enum(PREMISES).optional(),
  rhythm: z.enum(RHYTHM_NAMES).optional(),
  appliances: z.array(z.enum(APPLIANCE_NAMES)).optional(),
  appetite: positive.optional(),
  phases: z.union([z.literal(1), z.literal(3)]).optional(),
  ratedCurrentA: positive.optional(),
  fuseA: positive.optional(),
  watch: z.array(z.enum(['elderly'])).optional(),
  charging: z.literal('allowed').optional(),
  grid: z.string().optional(),
  feeder: z.string().default('F1'),
  metersPerBox: z.number().int().min(1).default(12),
  /** Peak of a solar plant behind the meter. */
  pvKw: positive.optional(),
  /** Prepaid: what is left at the start; it falls by 0.5 yuan a kWh. */
  balanceYuan: z.number().optional(),
  tiersKwhPerMonth: z.array(positive).optional(),
  contract: z.string().optional(),
  wire: wire.prefault({}),
  faults: meterFaults.default({}),
});

const when = { day: z.number().int().min(0), at: clockTime, hours: positive.default(1) };
/** `flat/302` is one meter, `flat` all of a group. */
const meter = { meter: z.string() };
const happening = z.discriminatedUnion('what', [
  z.strictObject({
    what: z.literal('charging'),
    ...meter,
    ...when,
    powerW: positive.default(190),
    every: positive.optional(),
  }),
  z.strictObject({ what: z.literal('overload'), ...meter, ...when, powerW: positive }),
  z.strictObject({ what: z.literal('stop'), ...meter, ...when, leftOn: z.boolean().default(false) }),
  z.strictObject({ what: z.literal('away'), ...meter, ...when }),
  z.strictObject({ what: z.literal('vacant'), ...meter, ...when }),
  z.strictObject({ what: z.literal('sleeper'), ...meter, ...when }),
  z.strictObject({ what: z.literal('leakage'), ...meter, ...when, milliamps: positive }),
  z.strictObject({ what: z.literal('bypass'), ...meter, ...when, factor: share }),
  z.strictObject({ what: z.literal('event'), ...meter, ...when, event: z.enum(METER_EVENTS) }),
  z.strictObject({ what: z.literal('stuck'), ...meter, ...when }),
  z.strictObject({ what: z.literal('exchanged'), ...meter, ...when }),
  z.strictObject({ what: z.literal('rolled-back'), ...meter, ...when, kwh: positive }),
  z.strictObject({ what: z.literal('clock-off'), ...meter, ...when, minutes: z.number() }),
  z.strictObject({ what: z.literal('silent'), ...meter, ...when }),
  z.strictObject({ what: z.literal('reboot'), ...meter, ...when }),
  z.strictObject({
    what: z.literal('outage'),
    ...when,
    feeder: z.string().optional(),
    box: z.string().optional(),
    phase: z.number().int().min(1).max(3).optional(),
  }),
  z.strictObject({
    what: z.literal('voltage'),
    ...when,
    feeder: z.string().optional(),
    factor: positive,
    phase: z.number().int().min(1).max(3).optional(),
  }),
  z.strictObject({
    what: z.literal('imbalance'),
    ...when,
    ...meter,
    powerW: positive,
    phase: z.number().int().min(1).max(3),
  }),
  z.strictObject({ what: z.literal('line'), ...when, line: z.string(), faults: lineFaults }),
  z.strictObject({ what: z.literal('unplugged'), ...when, line: z.string() }),
  /** What the world around the gateway does; `sim` cannot do it, the seeded world can. */
  z.strictObject({
    what: z.literal('gateway'),
    ...when,
    how: z.enum(['broker-down', 'broker-slow', 'broker-refuses', 'disk-full', 'clock-step', 'killed']),
  }),
]);

const scenario = z.strictObject({
  name: z.string(),
  why: z.string().min(80, 'expected a paragraph that says why this scenario exists'),
  timezone: z.string().default('Asia/Shanghai'),
  start: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/, 'expected civil time as 2025-01-13T18:00:00'),
  days: positive.max(400),
  seed: z.number().int().default(1),
  /** How often a meter is read where the scenario is made into a recording. */
  periodS: z.number().int().min(1).max(3600).default(60),
  climate: z
    .strictObject({ meanC: z.number(), swingC: z.number(), shiftC: z.number(), clearness: share })
    .partial()
    .default({}),
  /** Day numbers on which nobody works. */
  holidays: z.array(z.number().int().min(0)).default([]),
  transformer: z
    .strictObject({
      ratedKva: positive,
      meter: z.boolean().default(true),
      wire: wire.prefault({ protocol: 'modbus', baud: 9600, parity: 'none' }),
    })
    .optional(),
  groups: z.array(group).min(1),
  happenings: z.array(happening).default([]),
});

export type Scenario = z.infer<typeof scenario>;
export type Group = Scenario['groups'][number];
export type Wire = z.infer<typeof wire>;
export type Happening = z.infer<typeof happening>;

/** A kind of user, ready made. */
export interface Kind {
  premises: (typeof PREMISES)[number];
  rhythm: RhythmName;
  appliances: readonly ApplianceName[];
  phases: 1 | 3;
  ratedCurrentA: number;
  fuseA: number;
  watch?: 'elderly'[];
  charging?: 'allowed';
}

const KITCHEN = ['fridge', 'rice-cooker', 'kettle', 'induction', 'hood', 'microwave'] as const;
const HOME = [
  ...KITCHEN,
  'router',
  'standby',
  'lights',
  'tv',
  'washer',
  'water-heater',
  'hair-dryer',
  'phone',
] as const;
const flat = { premises: 'flat', phases: 1, ratedCurrentA: 60, fuseA: 40 } as const;

export const KINDS = {
  flat: { ...flat, rhythm: 'worker', appliances: [...HOME, 'air-conditioner', 'notebook'] },
  family: { ...flat, rhythm: 'home', appliances: [...HOME, 'pc', 'air-conditioner', 'heater', 'lights', 'phone'] },
  'modern-flat': {
    ...flat,
    rhythm: 'worker',
    appliances: [
      'inverter-fridge',
      'router',
      'lights',
      'tv',
      'pc',
      'notebook',
      'kettle',
      'microwave',
      'air-conditioner',
      'dimmer',
    ],
  },
  elderly: {
    ...flat,
    rhythm: 'elderly',
    appliances: ['fridge', 'rice-cooker', 'kettle', 'induction', 'lights', 'tv', 'washer', 'phone', 'standby'],
    watch: ['elderly'],
  },
  'night-worker': { ...flat, rhythm: 'night-worker', appliances: [...HOME, 'air-conditioner'] },
  vacant: { ...flat, rhythm: 'nobody', appliances: ['fridge', 'router', 'standby'] },
  corridor: {
    premises: 'corridor',
    rhythm: 'nobody',
    appliances: ['corridor-lights'],
    phases: 1,
    ratedCurrentA: 20,
    fuseA: 16,
  },
  dormitory: {
    premises: 'dormitory',
    rhythm: 'student',
    appliances: ['lights', 'notebook', 'notebook', 'phone', 'phone', 'pc'],
    phases: 1,
    ratedCurrentA: 20,
    fuseA: 16,
  },
  shop: {
    premises: 'shop',
    rhythm: 'shop',
    appliances: ['shop-lights', 'sign-on-timer', 'freezer', 'fridge', 'pc', 'router', 'kettle', 'air-conditioner'],
    phases: 1,
    ratedCurrentA: 60,
    fuseA: 50,
  },
  'shop-sleeper': {
    premises: 'shop',
    rhythm: 'shop-sleeper',
    appliances: [
      'sign-on-timer',
      'freezer',
      'fridge',
      'router',
      'lights',
      'tv',
      'kettle',
      'rice-cooker',
      'water-heater',
      'phone',
    ],
    phases: 1,
    ratedCurrentA: 60,
    fuseA: 50,
  },
  warehouse: {
    premises: 'warehouse',
    rhythm: 'office',
    appliances: ['shop-lights', 'router', 'pc'],
    phases: 1,
    ratedCurrentA: 60,
    fuseA: 50,
  },
  office: {
    premises: 'office',
    rhythm: 'office',
    appliances: ['shop-lights', 'pc', 'pc', 'pc', 'router', 'kettle', 'air-conditioner', 'air-conditioner'],
    phases: 3,
    ratedCurrentA: 60,
    fuseA: 63,
  },
  workshop: {
    premises: 'industrial',
    rhythm: 'factory',
    appliances: ['machines', 'machines', 'machines', 'shop-lights', 'pumps'],
    phases: 3,
    ratedCurrentA: 100,
    fuseA: 100,
  },
  'charging-point': {
    premises: 'charging-point',
    rhythm: 'nobody',
    appliances: ['router'],
    phases: 1,
    ratedCurrentA: 40,
    fuseA: 40,
    charging: 'allowed',
  },
} as const satisfies Record<string, Kind>;

const FOLDER = fileURLToPath(new URL('./scenarios/', import.meta.url));

/** Names of the shipped scenarios. */
export function shippedScenarios(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -5))
    .sort();
}

/**
 * @param nameOrPath a shipped name (`street`) or a YAML file
 * @throws Error with the problem, and where it stands, when it cannot be read or is no scenario
 */
export function loadScenario(nameOrPath: string): Scenario {
  const path = /[./]/.test(nameOrPath) ? nameOrPath : `${FOLDER}${nameOrPath}.yaml`;
  if (!existsSync(path)) throw new Error(`no such scenario: expected a file, or ${shippedScenarios().join(', ')}`);
  return parseScenario(readFileSync(path, 'utf8'), path);
}

/** @throws Error naming `file`, where in it, and what was expected */
export function parseScenario(text: string, file: string): Scenario {
  const content = contentOf(text, file);
  const parsed = scenario.safeParse(content);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`${file}: ${issue?.path.join('.')}: ${issue?.message.replace(/^Invalid input: /, '')}`);
  }
  const unknown = parsed.data.groups.find((it) => it.like !== undefined && !Object.hasOwn(KINDS, it.like));
  if (unknown !== undefined) {
    throw new Error(`${file}: groups.${unknown.name}.like: expected one of ${Object.keys(KINDS).join(', ')}`);
  }
  return parsed.data;
}

/** Whatever has neither a name nor groups was never meant as a scenario: no need to go into details. */
function contentOf(text: string, file: string): unknown {
  let content: unknown;
  try {
    content = parse(text, { logLevel: 'error' });
  } catch (error) {
    // Where the YAML of any other text is wrong helps nobody.
    const [where] = (error as Error).message.split('\n');
    if (/^(name|groups):/m.test(text)) throw new Error(`${file}: ${where?.replace(/:$/, '')}: expected YAML`);
  }
  const known = typeof content === 'object' && content !== null && ('name' in content || 'groups' in content);
  if (!known) throw new Error(`${file}: not a scenario: expected YAML with name, why, start, days and groups`);
  return content;
}

/** What a group is after its kind: the kind of a plain flat where nothing is said. */
export function kindOf(it: Group): Kind {
  return KINDS[(it.like ?? 'flat') as keyof typeof KINDS];
}
